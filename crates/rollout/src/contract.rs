//! The laws of rollout's ports, for every implementation and every wrapper.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken law panics"
)]

use std::sync::Arc;

use kernel::{
    Digest, Entropy, Epoch, Fact, FactFeed, FactId, Instant, Limit, SeededEntropy, StaffId,
    TenantId,
};
use serde_json::json;

use crate::{
    artifact::{Artifact, Kind},
    bundle::{Bundle, Entry},
    pointer::{DeploymentId, Move, MoveReason, Pointer},
    ports::{AppendError, ArtifactStore, PolicyEffect, ReleaseLedger, Submission, Transition},
};

/// Ports under test and the feed their statements reach.
pub trait ReleaseFixture: Send + Sync {
    /// The store.
    fn store(&self) -> &dyn ArtifactStore;
    /// The ledger.
    fn ledger(&self) -> &dyn ReleaseLedger;
    /// The feed of what both committed.
    fn feed(&self) -> &dyn FactFeed;
}

const AT: Instant = Instant::from_micros(1_764_000_000_000_000);

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn main_deployment() -> DeploymentId {
    DeploymentId::new("main").unwrap()
}

fn fact(entropy: &dyn Entropy, tenant: &TenantId, name: &str) -> Fact {
    Fact {
        id: FactId::mint(AT, entropy),
        tenant: tenant.clone(),
        name: name.to_owned(),
        at: AT,
        subject: None,
        nodes: Vec::new(),
        cause: None,
        trace: None,
        body: json!({ "n": 1 }),
    }
}

fn submission(entropy: &dyn Entropy, tenant: &TenantId, caps: &[i64]) -> Submission {
    let cap = Kind::new("cap").unwrap();
    let artifacts: Vec<_> = caps
        .iter()
        .map(|it| Artifact::new(cap, Arc::new(json!({ "limit": it, "per": "P1D" }))).unwrap())
        .collect();
    let entry = |it: &Artifact| Entry {
        kind: cap,
        name: format!("cap-{}", it.body()["limit"]),
        digest: it.digest(),
    };
    let bundle = Bundle::new(artifacts.iter().map(entry).collect()).unwrap();
    let state = |it| (it, fact(entropy, tenant, "artifact.stored"));
    Submission {
        tenant: tenant.clone(),
        bundle,
        artifacts: artifacts.into_iter().map(state).collect(),
    }
}

fn pointer(tenant: &TenantId, prev: Option<&Pointer>, bundle: Digest) -> Pointer {
    Pointer {
        tenant: tenant.clone(),
        deployment: main_deployment(),
        seq: prev.map_or(1, |it| it.seq + 1),
        prev: prev.map(|it| it.digest().unwrap()),
        bundle,
        back: prev.map(|it| it.seq),
        moved: Move::Activated,
        by: StaffId::new("ana").unwrap(),
        reason: MoveReason::new("a law asks for it").unwrap(),
        at: AT,
    }
}

fn transition(entropy: &dyn Entropy, pointer: &Pointer, policy: PolicyEffect) -> Transition {
    let facts = vec![fact(entropy, &pointer.tenant, "pointer.moved")];
    Transition { pointer: pointer.clone(), policy, facts }
}

async fn names(fixture: &dyn ReleaseFixture) -> Vec<String> {
    let taken = fixture.feed().take("law", Limit::MAX).await.unwrap();
    taken.into_iter().map(|it| it.fact.name).collect()
}

/// A bundle and its artifacts come back whole, and what was never stored is absent.
pub async fn a_bundle_comes_back_whole(fixture: &dyn ReleaseFixture) {
    let entropy = SeededEntropy::new(1);
    let submission = submission(&entropy, &acme(), &[1, 2, 3]);
    let digest = submission.bundle.digest();
    assert_eq!(fixture.store().bundle(&acme(), digest).await.unwrap(), None);
    assert_eq!(fixture.store().put(&submission).await.unwrap(), 3);
    let loaded = fixture.store().bundle(&acme(), digest).await.unwrap().unwrap();
    assert_eq!(loaded.digest(), digest);
    assert_eq!(loaded.entries().len(), 3);
    for (entry, loaded) in submission.bundle.entries().iter().zip(loaded.entries()) {
        assert_eq!(
            (entry.kind, &entry.name, entry.digest),
            (loaded.kind, &loaded.name, loaded.digest)
        );
        let artifact = fixture.store().artifact(&acme(), entry.digest).await.unwrap().unwrap();
        assert_eq!(artifact.body(), &loaded.body);
        assert!(submission.artifacts.iter().any(|it| it.0 == artifact));
    }
    assert_eq!(fixture.store().artifact(&acme(), Digest::of(b"none")).await.unwrap(), None);
}

/// The empty bundle is a bundle.
pub async fn an_empty_bundle_comes_back_empty(fixture: &dyn ReleaseFixture) {
    let entropy = SeededEntropy::new(2);
    let submission = submission(&entropy, &acme(), &[]);
    assert_eq!(fixture.store().put(&submission).await.unwrap(), 0);
    let loaded = fixture.store().bundle(&acme(), submission.bundle.digest()).await.unwrap();
    assert!(loaded.unwrap().entries().is_empty());
}

/// What is stored already is not stored, counted or stated again.
pub async fn an_artifact_is_stated_once(fixture: &dyn ReleaseFixture) {
    let entropy = SeededEntropy::new(3);
    assert_eq!(fixture.store().put(&submission(&entropy, &acme(), &[1, 2])).await.unwrap(), 2);
    assert_eq!(fixture.store().put(&submission(&entropy, &acme(), &[1, 2])).await.unwrap(), 0);
    assert_eq!(fixture.store().put(&submission(&entropy, &acme(), &[2, 3])).await.unwrap(), 1);
    assert_eq!(names(fixture).await, ["artifact.stored"; 3]);
}

/// One tenant's artifacts and moves are invisible to another.
pub async fn tenants_see_only_their_own(fixture: &dyn ReleaseFixture) {
    let entropy = SeededEntropy::new(4);
    let other = TenantId::new("other").unwrap();
    let submission = submission(&entropy, &acme(), &[1]);
    let (bundle, artifact) = (submission.bundle.digest(), submission.artifacts[0].0.digest());
    fixture.store().put(&submission).await.unwrap();
    let first = pointer(&acme(), None, bundle);
    fixture.ledger().append(&transition(&entropy, &first, PolicyEffect::Raise)).await.unwrap();
    assert_eq!(fixture.store().bundle(&other, bundle).await.unwrap(), None);
    assert_eq!(fixture.store().artifact(&other, artifact).await.unwrap(), None);
    let main = main_deployment();
    assert_eq!(fixture.ledger().head(&other, &main).await.unwrap(), None);
    assert_eq!(fixture.ledger().at(&other, &main, 1).await.unwrap(), None);
    assert_eq!(fixture.ledger().policy(&other).await.unwrap(), Epoch(0));
    let page = fixture.ledger().history(&other, &main, None, Limit::MAX).await.unwrap();
    assert!(page.items.is_empty());
    let elsewhere = DeploymentId::new("elsewhere").unwrap();
    assert_eq!(fixture.ledger().head(&acme(), &elsewhere).await.unwrap(), None);
}

/// The head is the last move, and every move stays readable with every member intact.
pub async fn every_move_stays(fixture: &dyn ReleaseFixture) {
    let entropy = SeededEntropy::new(5);
    let main = main_deployment();
    assert_eq!(fixture.ledger().head(&acme(), &main).await.unwrap(), None);
    let first = pointer(&acme(), None, Digest::of(b"one"));
    let mut second = pointer(&acme(), Some(&first), Digest::of(b"two"));
    second.moved = Move::RolledBack;
    for it in [&first, &second] {
        fixture.ledger().append(&transition(&entropy, it, PolicyEffect::Keep)).await.unwrap();
        assert_eq!(fixture.ledger().head(&acme(), &main).await.unwrap().as_ref(), Some(it));
    }
    assert_eq!(fixture.ledger().at(&acme(), &main, 1).await.unwrap(), Some(first.clone()));
    assert_eq!(fixture.ledger().at(&acme(), &main, 3).await.unwrap(), None);
    let all = fixture.ledger().history(&acme(), &main, None, Limit::MAX).await.unwrap();
    assert_eq!((all.items, all.next), (vec![second.clone(), first.clone()], None));
    let one = Limit::new(1).unwrap();
    let page = fixture.ledger().history(&acme(), &main, None, one).await.unwrap();
    assert_eq!(page.items, [second]);
    let before = page.next.unwrap().0.parse().unwrap();
    let page = fixture.ledger().history(&acme(), &main, Some(before), one).await.unwrap();
    assert_eq!((page.items, page.next), (vec![first], None));
}

/// A move that is not the very next one leaves nothing behind: lower, equal with other content, a
/// gap, a wrong predecessor.
pub async fn only_the_next_move_is_kept(fixture: &dyn ReleaseFixture) {
    let entropy = SeededEntropy::new(6);
    let first = pointer(&acme(), None, Digest::of(b"one"));
    let second = pointer(&acme(), Some(&first), Digest::of(b"two"));
    for it in [&first, &second] {
        fixture.ledger().append(&transition(&entropy, it, PolicyEffect::Keep)).await.unwrap();
    }
    let mut gap = pointer(&acme(), Some(&second), Digest::of(b"three"));
    gap.seq = 4;
    let mut unchained = pointer(&acme(), Some(&second), Digest::of(b"three"));
    unchained.prev = Some(Digest::of(b"another"));
    let lower = pointer(&acme(), None, Digest::of(b"three"));
    let equal = pointer(&acme(), Some(&first), Digest::of(b"three"));
    for it in [gap, unchained, lower, equal] {
        let answer = fixture.ledger().append(&transition(&entropy, &it, PolicyEffect::Raise)).await;
        let Err(AppendError::Conflict) = answer else { panic!("{it:?} was kept: {answer:?}") };
    }
    let head = fixture.ledger().head(&acme(), &main_deployment()).await.unwrap();
    assert_eq!(head, Some(second));
    assert_eq!(fixture.ledger().policy(&acme()).await.unwrap(), Epoch(0));
    assert_eq!(names(fixture).await.len(), 2);
}

/// The policy epoch rises with a move that changes what permission rests on, and only with it.
pub async fn the_policy_epoch_rises_with_the_move(fixture: &dyn ReleaseFixture) {
    let entropy = SeededEntropy::new(7);
    assert_eq!(fixture.ledger().policy(&acme()).await.unwrap(), Epoch(0));
    let mut last = None;
    let effects = [
        (PolicyEffect::Raise, Epoch(1)),
        (PolicyEffect::Keep, Epoch(1)),
        (PolicyEffect::Raise, Epoch(2)),
    ];
    for (effect, epoch) in effects {
        let next = pointer(&acme(), last.as_ref(), Digest::of(b"one"));
        fixture.ledger().append(&transition(&entropy, &next, effect)).await.unwrap();
        assert_eq!(fixture.ledger().policy(&acme()).await.unwrap(), epoch);
        last = Some(next);
    }
    assert_eq!(names(fixture).await, ["pointer.moved"; 3]);
}

/// The suite of both ports: `release_suite!(module, async expression giving a fixture)`.
#[macro_export]
macro_rules! release_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::release_suite!(@law $fixture;
                a_bundle_comes_back_whole
                an_empty_bundle_comes_back_empty
                an_artifact_is_stated_once
                tenants_see_only_their_own
                every_move_stays
                only_the_next_move_is_kept
                the_policy_epoch_rises_with_the_move
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
