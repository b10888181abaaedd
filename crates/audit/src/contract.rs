//! The laws of every port, for every implementation and every wrapper.
//!
//! A fixture gives each law its own store and the means to look behind it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken law panics")]

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Digest, Fact, FactId, Instant, Limit, Reason, SeededEntropy, TenantId};

use crate::{
    entry::{Companion, Custody, EntryKind, Group, IdemKey, Leaf, RecordId, RetentionClass},
    key::Key,
    note::Origin,
    ports::{CommitError, Drop, Dropped, Head, Journal, Records},
    seal::{self, Keys, RecordHead},
    sequence::{Batch, Prepared, Token},
    tree::{self, Frontier},
};

pub mod keys;
pub mod witness;

/// The companion kind every fixture's handler knows: [`VETOED`] refuses, other bodies apply.
pub const COMPANION: &str = "law";
/// The body a fixture's handler vetoes.
pub const VETOED: &[u8] = b"veto";
/// The reason it gives.
pub const VETO: Reason = Reason::of("LAW.VETOED");

/// A log under test, its records, and what came with its batches.
#[async_trait]
pub trait LogFixture: Send + Sync {
    /// The log.
    fn journal(&self) -> &dyn Journal;
    /// Its records.
    fn records(&self) -> &dyn Records;
    /// The facts committed so far, in order.
    async fn facts(&self) -> Vec<Fact>;
    /// The bodies of the companions applied so far, in order.
    async fn companions(&self) -> Vec<Vec<u8>>;
}

/// The rule of [`COMPANION`], for handlers of fixtures.
pub fn judged(companion: &Companion) -> Option<Reason> {
    (companion.body == VETOED).then_some(VETO)
}

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn zenith() -> TenantId {
    TenantId::new("zenith").unwrap()
}

fn origin() -> Origin {
    Origin::new("audit.example/acme/2026h1").unwrap()
}

fn at() -> Instant {
    Instant::from_micros(1_767_225_600_000_000)
}

fn subject_token() -> Token {
    Token::from_bytes([0xee; 16])
}

/// An item as the sequencer would prepare it; `n` makes it differ from others.
fn item(n: u8, kind: EntryKind) -> Prepared {
    let entropy = SeededEntropy::new(u64::from(n));
    let record = RecordId::from_uuid(uuid::Uuid::from_bytes([n; 16]));
    let keys = Keys { subject: Some(Key::mint(&entropy)), period: Some(Key::mint(&entropy)) };
    let group = |name, custody| Group { name, custody, json: format!("{{\"n\":{n}}}").into() };
    let groups = vec![
        group("core", Custody::Period),
        group("subject", Custody::Subject),
        group("note", Custody::Plain),
    ];
    let class = RetentionClass::of("law");
    let sealed =
        seal::seal(RecordHead { record, kind, class, at: at() }, groups, &keys, &entropy).unwrap();
    Prepared {
        slot: IdemKey::new([n; 16], at()).slot(),
        fingerprint: Digest::of(&[n]),
        leaf: sealed.leaf(),
        sealed: seal::encode(&sealed),
        tokens: vec![Token::of_record(record), subject_token()],
        facts: Vec::new(),
        companion: None,
    }
}

fn decision(n: u8) -> Prepared {
    item(n, EntryKind::Decision)
}

fn fact(n: u64) -> Fact {
    Fact {
        id: FactId::mint(at(), &SeededEntropy::new(n)),
        tenant: acme(),
        name: "decision.made".to_owned(),
        at: at(),
        subject: None,
        nodes: Vec::new(),
        cause: None,
        trace: None,
        body: serde_json::json!({ "n": n }),
    }
}

fn companion(body: &[u8]) -> Companion {
    Companion { kind: COMPANION, body: body.to_vec() }
}

fn batch(head: &Head, before: &[Leaf], items: Vec<Prepared>) -> Batch {
    let mut frontier = Frontier::default();
    frontier.extend(before.iter().map(Leaf::hash));
    Batch::prepare(acme(), head.epoch, frontier, items.into_iter().map(Arc::new).collect())
}

/// Opens the log and commits these items; returns the head before and the items' leaves.
async fn commit(fixture: &dyn LogFixture, items: Vec<Prepared>) -> (Head, Vec<Leaf>) {
    let head = fixture.journal().take_over(&acme(), &origin()).await.unwrap();
    let leaves: Vec<_> = items.iter().map(|it| it.leaf).collect();
    let committed = fixture.journal().commit(&batch(&head, &[], items)).await.unwrap();
    assert_eq!(committed.dropped, []);
    (committed.head, leaves)
}

/// A log opens once; every take-over raises the epoch and keeps origin, size and root.
pub async fn a_take_over_raises_the_epoch_and_nothing_else(fixture: &dyn LogFixture) {
    let first = fixture.journal().take_over(&acme(), &origin()).await.unwrap();
    assert_eq!((first.size, first.root), (0, tree::empty_root()));
    assert_eq!(first.origin, origin());
    let other = Origin::new("audit.example/acme/2026h2").unwrap();
    let second = fixture.journal().take_over(&acme(), &other).await.unwrap();
    assert!(second.epoch > first.epoch);
    assert_eq!(second, Head { epoch: second.epoch, ..first });
    assert_eq!(fixture.journal().head(&acme()).await.unwrap(), Some(second));
}

/// What is not there is absent, not a fault.
pub async fn absence_is_an_answer(fixture: &dyn LogFixture) {
    assert_eq!(fixture.journal().head(&acme()).await.unwrap(), None);
    assert_eq!(fixture.journal().leaves(&acme(), 0, 9).await.unwrap(), []);
    let records = fixture.records();
    assert_eq!(records.stored(&acme(), &[0, 1]).await.unwrap(), []);
    let limit = Limit::default();
    let found = records.locate(&acme(), &subject_token(), None, limit).await.unwrap();
    assert_eq!(found, [0_u64; 0]);
    assert_eq!(records.page(&acme(), None, None, limit).await.unwrap(), []);
}

/// Leaves, records and tokens come back as they were committed, densely from zero.
pub async fn a_batch_is_kept_whole(fixture: &dyn LogFixture) {
    let items: Vec<_> = (0..5).map(decision).collect();
    let sealed: Vec<_> = items.iter().map(|it| seal::decode(&it.sealed).unwrap()).collect();
    let tokens: Vec<_> = items.iter().map(|it| it.tokens[0]).collect();
    let (head, leaves) = commit(fixture, items).await;
    assert_eq!(head.size, 5);
    assert_eq!(head.root, tree::root_of(leaves.iter().map(Leaf::hash)));
    assert_eq!(fixture.journal().head(&acme()).await.unwrap(), Some(head.clone()));
    assert_eq!(fixture.journal().leaves(&acme(), 0, 9).await.unwrap(), leaves);
    assert_eq!(fixture.journal().leaves(&acme(), 2, 2).await.unwrap(), leaves[2..4]);
    let stored = fixture.records().stored(&acme(), &[4, 1, 9]).await.unwrap();
    assert_eq!(stored.iter().map(|it| it.index).collect::<Vec<_>>(), [1, 4]);
    assert_eq!((&stored[0].sealed, &stored[1].sealed), (&sealed[1], &sealed[4]));
    let limit = Limit::default();
    for (index, token) in (0..).zip(&tokens) {
        let found = fixture.records().locate(&acme(), token, None, limit).await.unwrap();
        assert_eq!(found, [index]);
    }
    let more = batch(&head, &leaves, vec![decision(9)]);
    assert_eq!(fixture.journal().commit(&more).await.unwrap().head.size, 6);
    let all = fixture.records().page(&acme(), None, None, limit).await.unwrap();
    assert_eq!(all.iter().map(|it| it.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
}

/// A batch of another epoch or another size commits nothing.
pub async fn a_fenced_batch_commits_nothing(fixture: &dyn LogFixture) {
    let (head, leaves) = commit(fixture, vec![decision(0)]).await;
    let stale = batch(&head, &[], vec![decision(1)]);
    let refused = fixture.journal().commit(&stale).await;
    assert!(matches!(refused, Err(CommitError::Fenced)));
    let newer = fixture.journal().take_over(&acme(), &origin()).await.unwrap();
    let fenced = batch(&head, &leaves, vec![decision(1)]);
    assert!(matches!(fixture.journal().commit(&fenced).await, Err(CommitError::Fenced)));
    assert_eq!(fixture.journal().head(&acme()).await.unwrap(), Some(newer));
    assert_eq!(fixture.journal().leaves(&acme(), 0, 9).await.unwrap(), leaves);
}

/// A known key is left out and answered with the first entry; the others move up.
pub async fn a_known_key_is_left_out(fixture: &dyn LogFixture) {
    let (head, leaves) = commit(fixture, vec![decision(0), decision(1)]).await;
    let again = Prepared { fingerprint: Digest::of(b"other"), ..decision(1) };
    let next = batch(&head, &leaves, vec![decision(2), again, decision(3)]);
    let committed = fixture.journal().commit(&next).await.unwrap();
    let why = Drop::Known { index: 1, fingerprint: Digest::of(&[1]) };
    assert_eq!(committed.dropped, [Dropped { item: 1, why }]);
    let expected: Vec<_> = (0..4).map(|it| decision(it).leaf).collect();
    assert_eq!(committed.head.size, 4);
    assert_eq!(committed.head.root, tree::root_of(expected.iter().map(Leaf::hash)));
    assert_eq!(fixture.journal().leaves(&acme(), 0, 9).await.unwrap(), expected);
    let limit = Limit::default();
    let found = fixture.records().locate(&acme(), &subject_token(), None, limit).await.unwrap();
    assert_eq!(found, [0, 1, 2, 3]);
}

/// A batch of known keys only changes nothing.
pub async fn a_batch_of_repeats_changes_nothing(fixture: &dyn LogFixture) {
    let (head, leaves) = commit(fixture, vec![decision(0)]).await;
    let again = batch(&head, &leaves, vec![decision(0)]);
    let committed = fixture.journal().commit(&again).await.unwrap();
    assert_eq!(committed.head, head);
    assert_eq!(committed.dropped.len(), 1);
    assert_eq!(fixture.journal().leaves(&acme(), 0, 9).await.unwrap(), leaves);
}

/// A vetoed item leaves no trace: its key is free, its facts and companion are gone.
pub async fn a_vetoed_item_leaves_no_trace(fixture: &dyn LogFixture) {
    let vetoed =
        Prepared { companion: Some(companion(VETOED)), facts: vec![fact(1)], ..decision(0) };
    let kept =
        Prepared { companion: Some(companion(b"kept")), facts: vec![fact(2)], ..decision(1) };
    let head = fixture.journal().take_over(&acme(), &origin()).await.unwrap();
    let both = batch(&head, &[], vec![vetoed, kept.clone()]);
    let committed = fixture.journal().commit(&both).await.unwrap();
    assert_eq!(committed.dropped, [Dropped { item: 0, why: Drop::Vetoed(VETO) }]);
    assert_eq!(fixture.facts().await, [fact(2)]);
    assert_eq!(fixture.companions().await, [b"kept"]);
    let retry = batch(&committed.head, &[kept.leaf], vec![decision(0)]);
    assert_eq!(fixture.journal().commit(&retry).await.unwrap().dropped, []);
}

/// Facts and companions come with their batch, in order, or not at all.
pub async fn facts_and_companions_come_with_their_batch(fixture: &dyn LogFixture) {
    let one = Prepared {
        companion: Some(companion(b"one")),
        facts: vec![fact(1), fact(2)],
        ..decision(0)
    };
    let two = Prepared { companion: Some(companion(b"two")), facts: vec![fact(3)], ..decision(1) };
    let (head, _) = commit(fixture, vec![one, two]).await;
    assert_eq!(fixture.facts().await, [fact(1), fact(2), fact(3)]);
    assert_eq!(fixture.companions().await, [b"one", b"two"]);
    let three =
        Prepared { companion: Some(companion(b"three")), facts: vec![fact(4)], ..decision(2) };
    let fenced = batch(&head, &[], vec![three]);
    assert!(fixture.journal().commit(&fenced).await.is_err());
    assert_eq!(fixture.facts().await.len(), 3);
    assert_eq!(fixture.companions().await.len(), 2);
}

/// Pages follow the index, keep to the kind, the mark and the limit.
pub async fn pages_keep_kind_mark_and_limit(fixture: &dyn LogFixture) {
    let kind = |n| if n % 3 == 0 { EntryKind::Consent } else { EntryKind::Decision };
    let (head, leaves) = commit(fixture, (0..6).map(|it| item(it, kind(it))).collect()).await;
    let rest = batch(&head, &leaves, (6..12).map(|it| item(it, kind(it))).collect());
    fixture.journal().commit(&rest).await.unwrap();
    let page = async |kind, after, limit| -> Vec<u64> {
        let limit = Limit::new(limit).unwrap();
        let page = fixture.records().page(&acme(), kind, after, limit).await.unwrap();
        page.into_iter().map(|it| it.index).collect()
    };
    assert_eq!(page(None, None, 4).await, [0, 1, 2, 3]);
    assert_eq!(page(None, Some(4), 3).await, [5, 6, 7]);
    assert_eq!(page(Some(EntryKind::Consent), None, 9).await, [0, 3, 6, 9]);
    assert_eq!(page(Some(EntryKind::Consent), Some(3), 1).await, [6]);
    assert_eq!(page(Some(EntryKind::IdentityLink), None, 9).await, [0_u64; 0]);
    let limit = Limit::new(3).unwrap();
    let found = fixture.records().locate(&acme(), &subject_token(), Some(7), limit).await.unwrap();
    assert_eq!(found, [8, 9, 10]);
}

/// One tenant's log is not there for another.
pub async fn tenants_do_not_see_each_other(fixture: &dyn LogFixture) {
    commit(fixture, vec![decision(0)]).await;
    let other = zenith();
    assert_eq!(fixture.journal().head(&other).await.unwrap(), None);
    assert_eq!(fixture.journal().leaves(&other, 0, 9).await.unwrap(), []);
    assert_eq!(fixture.records().stored(&other, &[0]).await.unwrap(), []);
    let limit = Limit::default();
    let found = fixture.records().locate(&other, &subject_token(), None, limit).await.unwrap();
    assert_eq!(found, [0_u64; 0]);
    let head = fixture.journal().take_over(&other, &origin()).await.unwrap();
    let theirs = Batch { tenant: other, ..batch(&head, &[], vec![decision(0)]) };
    assert_eq!(fixture.journal().commit(&theirs).await.unwrap().dropped, []);
}

/// The suite of [`Journal`] and [`Records`]: `log_suite!(module, async fixture expression)`.
#[macro_export]
macro_rules! log_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::log_suite!(@law $fixture;
                a_take_over_raises_the_epoch_and_nothing_else
                absence_is_an_answer
                a_batch_is_kept_whole
                a_fenced_batch_commits_nothing
                a_known_key_is_left_out
                a_batch_of_repeats_changes_nothing
                a_vetoed_item_leaves_no_trace
                facts_and_companions_come_with_their_batch
                pages_keep_kind_mark_and_limit
                tenants_do_not_see_each_other
            );
        }
    };
    (@law $fixture:expr; $($law:ident)+) => {
        $(
            #[tokio::test]
            async fn $law() {
                let fixture = $fixture.await;
                $crate::contract::$law(&fixture).await;
            }
        )+
    };
}
