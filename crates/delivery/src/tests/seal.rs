//! A send without a permission is not expressible: there is no value to write it with.

use crate::{
    attempt::{Attempt, Grant, Stamp},
    contract::sample::{EPOCHS, noon, verdict},
    permission::{Outcome, Verdict},
};

/// Compiles only while the type lacks the trait: were it there, the answer would be ambiguous.
macro_rules! lacks {
    ($type:ty: $($trait:path),+) => {
        $({
            trait Ambiguous<A> { fn absent() {} }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Present;
            impl<T: ?Sized + $trait> Ambiguous<Present> for T {}
            let _: fn() = <$type as Ambiguous<_>>::absent;
        })+
    };
}

#[test]
fn an_attempt_can_be_neither_copied_nor_made_from_nothing_nor_read_from_text() {
    lacks!(Attempt: Clone, Default, serde::de::DeserializeOwned, From<Grant>);
    lacks!(Grant: Clone, Default, serde::de::DeserializeOwned);
    lacks!(Stamp: Default, serde::de::DeserializeOwned);
}

#[test]
fn a_stamp_comes_only_from_a_verdict_that_permits() {
    assert!(Stamp::of(&verdict(EPOCHS)).is_some());
    for outcome in [Outcome::Refused, Outcome::Held { until: noon() }] {
        assert!(Stamp::of(&Verdict { outcome, ..verdict(EPOCHS) }).is_none());
    }
}

/// The source of every file outside of tests, reference implementations and laws.
const SOURCES: &[(&str, &str)] = &[
    ("attempt.rs", include_str!("../attempt.rs")),
    ("gate.rs", include_str!("../gate.rs")),
    ("ports.rs", include_str!("../ports.rs")),
    ("service/contacts.rs", include_str!("../service/contacts.rs")),
    ("service/deliveries.rs", include_str!("../service/deliveries.rs")),
    ("service/dispatch.rs", include_str!("../service/dispatch.rs")),
    ("service/feedback.rs", include_str!("../service/feedback.rs")),
    ("service/in_flight.rs", include_str!("../service/in_flight.rs")),
    ("service/plan.rs", include_str!("../service/plan.rs")),
    ("service/prepare.rs", include_str!("../service/prepare.rs")),
];

#[test]
fn one_place_makes_a_grant_one_an_attempt_and_one_hands_off() {
    let places = |needle: &str| {
        let count = |(name, text): &(&'static str, &str)| (*name, text.matches(needle).count());
        SOURCES.iter().map(count).filter(|(_, n)| *n > 0).collect::<Vec<_>>()
    };
    assert_eq!(places("= Grant {"), [("gate.rs", 1)]);
    assert_eq!(places("Attempt::committed("), [("service/dispatch.rs", 1)]);
    assert_eq!(places(".hand_off("), [("service/dispatch.rs", 2)]);
    assert_eq!(places("sender.hand_off("), [("service/dispatch.rs", 1)]);
}
