//! The laws of hints.

use async_trait::async_trait;

use crate::HintBus;

/// A bus under test: as two processes have it.
#[async_trait]
pub trait HintFixture: Send + Sync {
    /// As one process has it.
    fn one(&self) -> &dyn HintBus;
    /// As another has it.
    fn other(&self) -> &dyn HintBus;
}

/// Everybody who listens hears a hint, whoever tells it.
pub async fn everybody_who_listens_hears_a_hint(fixture: &dyn HintFixture) {
    let (one, other) = (fixture.one(), fixture.other());
    let (first, second) = (one.mark().await.unwrap(), other.mark().await.unwrap());
    one.tell().await.unwrap();
    assert!(one.hear(&first).await.unwrap().is_some());
    assert!(other.hear(&second).await.unwrap().is_some());
}

/// What was told while nobody waited is heard once, however often it was told.
pub async fn hints_nobody_waited_for_are_heard_as_one(fixture: &dyn HintFixture) {
    let (one, other) = (fixture.one(), fixture.other());
    let mark = one.mark().await.unwrap();
    for _ in 0..3 {
        other.tell().await.unwrap();
    }
    let heard = one.hear(&mark).await.unwrap().unwrap();
    assert_eq!(one.hear(&heard).await.unwrap(), None);
}

/// Without a hint the wait ends by itself; what was told before the mark is over.
pub async fn a_wait_without_a_hint_ends(fixture: &dyn HintFixture) {
    let (one, other) = (fixture.one(), fixture.other());
    other.tell().await.unwrap();
    let mark = one.mark().await.unwrap();
    assert_eq!(one.hear(&mark).await.unwrap(), None);
}

/// The suite of [`HintBus`]: `hint_suite!(module, async expression giving a fixture)`.
#[macro_export]
macro_rules! hint_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::hint_suite!(@law $fixture;
                everybody_who_listens_hears_a_hint
                hints_nobody_waited_for_are_heard_as_one
                a_wait_without_a_hint_ends
            );
        }
    };
    (@law $fixture:expr; $($law:ident)+) => {
        $(
            #[tokio::test]
            async fn $law() {
                let fixture = $fixture.await;
                $crate::contract::hint::$law(&fixture).await;
            }
        )+
    };
}
