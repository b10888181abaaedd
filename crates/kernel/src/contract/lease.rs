//! The laws of leases.

use async_trait::async_trait;
use chrono::TimeDelta;
use uuid::Uuid;

use crate::{LeaseBook, Taken};

/// A book under test.
#[async_trait]
pub trait LeaseFixture: Send + Sync {
    /// The book.
    fn book(&self) -> &dyn LeaseBook;
}

const ONE: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);
const LONG: TimeDelta = TimeDelta::hours(1);

/// Who holds a lease keeps it; nobody else gets it meanwhile, and is told for how long not.
pub async fn a_lease_is_held_by_one(fixture: &dyn LeaseFixture) {
    let book = fixture.book();
    for _ in 0..2 {
        assert_eq!(book.take("job", ONE, LONG).await.unwrap(), Taken::Mine);
    }
    let Taken::Others(left) = book.take("job", OTHER, LONG).await.unwrap() else {
        panic!("held by two")
    };
    assert!(TimeDelta::zero() < left && left <= LONG, "{left}");
    assert_eq!(book.take("job", ONE, LONG).await.unwrap(), Taken::Mine);
}

/// A lease that has run out is the next one's, and no longer whose it was.
pub async fn a_lease_that_ran_out_changes_hands(fixture: &dyn LeaseFixture) {
    let book = fixture.book();
    assert_eq!(book.take("job", ONE, TimeDelta::zero()).await.unwrap(), Taken::Mine);
    assert_eq!(book.take("job", OTHER, LONG).await.unwrap(), Taken::Mine);
    assert!(matches!(book.take("job", ONE, LONG).await.unwrap(), Taken::Others(_)));
}

/// A lease given back is free; giving back another's changes nothing.
pub async fn only_its_holder_gives_a_lease_back(fixture: &dyn LeaseFixture) {
    let book = fixture.book();
    book.give_back("job", ONE).await.unwrap();
    assert_eq!(book.take("job", ONE, LONG).await.unwrap(), Taken::Mine);
    book.give_back("job", OTHER).await.unwrap();
    assert!(matches!(book.take("job", OTHER, LONG).await.unwrap(), Taken::Others(_)));
    book.give_back("job", ONE).await.unwrap();
    assert_eq!(book.take("job", OTHER, LONG).await.unwrap(), Taken::Mine);
}

/// Leases of other names are other leases.
pub async fn leases_of_two_names_have_nothing_in_common(fixture: &dyn LeaseFixture) {
    let book = fixture.book();
    assert_eq!(book.take("job", ONE, LONG).await.unwrap(), Taken::Mine);
    assert_eq!(book.take("jobs", OTHER, LONG).await.unwrap(), Taken::Mine);
    book.give_back("jobs", OTHER).await.unwrap();
    assert!(matches!(book.take("job", OTHER, LONG).await.unwrap(), Taken::Others(_)));
}

/// The suite of [`LeaseBook`]: `lease_suite!(module, async expression giving a fixture)`.
#[macro_export]
macro_rules! lease_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::lease_suite!(@law $fixture;
                a_lease_is_held_by_one
                a_lease_that_ran_out_changes_hands
                only_its_holder_gives_a_lease_back
                leases_of_two_names_have_nothing_in_common
            );
        }
    };
    (@law $fixture:expr; $($law:ident)+) => {
        $(
            #[tokio::test]
            async fn $law() {
                let fixture = $fixture.await;
                $crate::contract::lease::$law(&fixture).await;
            }
        )+
    };
}
