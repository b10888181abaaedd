//! Positions are dense, whoever is left out.

use std::sync::Arc;

use kernel::{Digest, Reason};

use super::acme;
use crate::{
    entry::{EntryKind, IDEM_AHEAD_MINUTES_MAX, IDEM_WINDOW_DAYS, IdemKey, Leaf},
    ports::{Committed, Drop, Dropped, Head},
    sequence::{Batch, Prepared, Settled, settle},
    tree::{Frontier, leaf_hash, root_of},
};

const VETO: Reason = Reason::of("LAW.VETOED");

fn item(n: u8) -> Arc<Prepared> {
    Arc::new(Prepared {
        slot: [n; 20],
        fingerprint: Digest::of(&[n]),
        leaf: Leaf::new(EntryKind::Decision, &leaf_hash(&[n])),
        sealed: vec![n],
        tokens: Vec::new(),
        facts: Vec::new(),
        companion: None,
    })
}

fn batch() -> Batch {
    let mut before = Frontier::default();
    (100..110).for_each(|it| before.push(item(it).leaf.hash()));
    Batch::prepare(acme(), 1, before, (0..5).map(item).collect())
}

fn dropped() -> Vec<Dropped> {
    let known = |index, fingerprint| Drop::Known { index, fingerprint };
    vec![
        Dropped { item: 0, why: known(3, Digest::of(&[0])) },
        Dropped { item: 2, why: Drop::Vetoed(VETO) },
        Dropped { item: 3, why: known(4, Digest::of(b"other")) },
    ]
}

#[test]
fn the_kept_move_up() {
    let kept = batch().without(&dropped());
    let slots: Vec<_> = kept.items.iter().map(|it| it.slot[0]).collect();
    assert_eq!(slots, [1, 4]);
    let leaves = (100..110).chain([1, 4]).map(|it| item(it).leaf.hash());
    assert_eq!(kept.after(), (12, root_of(leaves)));
    assert_eq!(batch().after().0, 15);
}

#[test]
fn every_item_is_settled_once_in_order() {
    let batch = batch();
    let origin = crate::note::Origin::new("audit.example.org/acme/2026h1").unwrap();
    let (size, root) = batch.without(&dropped()).after();
    let head = Head { origin, epoch: 1, size, root };
    let settled = settle(&batch, &Committed { head, dropped: dropped() });
    let expected = [
        Settled::Existing(3),
        Settled::New(10),
        Settled::Vetoed(VETO),
        Settled::Conflict,
        Settled::New(11),
    ];
    assert_eq!(settled, expected);
}

#[test]
fn a_key_is_current_inside_its_window_only() {
    let now = super::now();
    let minted = |span| IdemKey::new([1; 16], now.plus(span)).is_current(now);
    let micro = chrono::TimeDelta::microseconds(1);
    let oldest = -chrono::TimeDelta::days(IDEM_WINDOW_DAYS);
    let newest = chrono::TimeDelta::minutes(IDEM_AHEAD_MINUTES_MAX);
    assert!(minted(oldest) && minted(newest));
    assert!(!minted(oldest - micro) && !minted(newest + micro));
}

#[test]
fn a_slot_is_the_day_and_the_key() {
    let slot = |at: &str| IdemKey::new([7; 16], at.parse().unwrap()).slot();
    assert_eq!(slot("2026-01-05T00:00:00Z"), slot("2026-01-05T23:59:59Z"));
    assert!(slot("2026-01-05T23:59:59Z") < slot("2026-01-06T00:00:00Z"));
    assert_eq!(slot("2026-01-05T00:00:00Z")[4..], [7; 16]);
}

#[test]
fn a_uuid_of_version_7_says_when_it_was_minted() {
    let id = kernel::FactId::mint(super::now(), &kernel::SeededEntropy::new(1));
    let key = IdemKey::from_uuid_v7(id.uuid()).unwrap();
    assert_eq!(key.minted_at(), super::now());
    assert_eq!(IdemKey::from_uuid_v7(uuid::Uuid::nil()), None);
}
