//! The laws of tags: a tag never widens.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};
use kernel::{Period, PurposeKey};
use proptest::{collection::btree_set, prelude::*, sample::select};

use crate::{
    DataAction, Region,
    name::CategoryKey,
    tag::{Classification, Question, RetentionClock, Tag},
};

const PURPOSES: [&str; 4] = ["marketing", "marketing.renewal", "service.recovery", "service"];

fn purposes() -> impl Strategy<Value = BTreeSet<PurposeKey>> {
    btree_set(select(&PURPOSES[..]).prop_map(|it| PurposeKey::new(it).unwrap()), 0..4)
}

fn region() -> impl Strategy<Value = Region> {
    select(&["EU", "GB", "US"][..]).prop_map(|it| Region::new(it).unwrap())
}

fn day() -> impl Strategy<Value = NaiveDate> {
    (1..28_u32).prop_map(|it| NaiveDate::from_ymd_opt(2026, 2, it).unwrap())
}

fn tag() -> impl Strategy<Value = Tag> {
    let class = [Classification::Public, Classification::Internal, Classification::Restricted];
    let clock = [RetentionClock::EventDate, RetentionClock::CollectedAt];
    let category = select(&["a", "b", "c"][..]).prop_map(|it| CategoryKey::new(it).unwrap());
    let retention = (select(clock.to_vec()), 1..400_u32).prop_map(|it| (it.0, Period::days(it.1)));
    (
        (btree_set(category, 0..3), select(class.to_vec())),
        (purposes(), purposes(), btree_set(select(&DataAction::ALL[..]), 0..7)),
        (btree_set(region(), 0..3), btree_set(retention, 1..3), 1..100_i64, day()),
    )
        .prop_map(|((categories, classification), (allowed, denied, actions), rest)| {
            let (regions, retention, max_age, review_by) = rest;
            Tag {
                categories,
                classification,
                purposes_allowed: allowed,
                purposes_denied: denied,
                actions,
                regions,
                retention,
                max_age: TimeDelta::days(max_age),
                review_by,
            }
        })
}

proptest! {
    #[test]
    fn joining_is_a_semilattice(a in tag(), b in tag(), c in tag()) {
        prop_assert_eq!(a.join(&b), b.join(&a));
        prop_assert_eq!(a.join(&b).join(&c), a.join(&b.join(&c)));
        prop_assert_eq!(a.join(&a), a);
    }

    #[test]
    fn a_join_permits_what_both_permit(
        a in tag(),
        b in tag(),
        purpose in select(&PURPOSES[..]),
        action in select(&DataAction::ALL[..]),
        region in region(),
        on in day(),
    ) {
        let purpose = PurposeKey::new(purpose).unwrap();
        let question = Question { purpose: &purpose, action, region: &region, on };
        let both = a.permits(question) && b.permits(question);
        prop_assert_eq!(a.join(&b).permits(question), both);
    }

    #[test]
    fn a_join_ends_with_the_first_of_both(a in tag(), b in tag(), lag in 0..1_000_000_i64) {
        let time = kernel::Instant::from_micros(1_700_000_000_000_000);
        let received_at = time.plus(TimeDelta::seconds(lag));
        let first = a.ends(time, received_at).min(b.ends(time, received_at));
        prop_assert_eq!(a.join(&b).ends(time, received_at), first);
    }
}

#[test]
fn a_denial_reaches_everything_under_it() {
    let mut tag = Tag {
        categories: BTreeSet::new(),
        classification: Classification::Public,
        purposes_allowed: [PurposeKey::new("marketing.renewal").unwrap()].into(),
        purposes_denied: BTreeSet::new(),
        actions: [DataAction::Read].into(),
        regions: BTreeSet::new(),
        retention: BTreeSet::new(),
        max_age: TimeDelta::days(1),
        review_by: NaiveDate::MAX,
    };
    let renewal = PurposeKey::new("marketing.renewal").unwrap();
    assert!(tag.serves(&renewal));
    assert!(!tag.serves(&PurposeKey::new("marketing").unwrap()));
    tag.purposes_denied.insert(PurposeKey::new("marketing").unwrap());
    assert!(!tag.serves(&renewal));
}
