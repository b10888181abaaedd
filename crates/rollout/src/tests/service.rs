//! Releases from files to live and back.

use std::sync::Arc;

use chrono::TimeDelta;
use kernel::{
    Digest, Epoch, Finding, Instant, Limit, ManualClock, Recovery, SeededEntropy, StaffId,
    TenantId, memory::MemoryFeed,
};

use super::file;
use crate::{
    DeploymentId, Move, MoveReason, Pointer, ReleaseService, SourceFile, Validators,
    memory::MemoryReleases,
    ports::ReleaseLedger,
    service::{FRESH_SECONDS, MoveError, SubmitError},
};

struct World {
    feed: Arc<MemoryFeed>,
    releases: Arc<MemoryReleases>,
    clock: Arc<ManualClock>,
    service: ReleaseService,
}

fn world() -> World {
    let feed = Arc::new(MemoryFeed::default());
    let releases = Arc::new(MemoryReleases::new(Arc::clone(&feed)));
    let clock = Arc::new(ManualClock::at(Instant::from_micros(1_764_000_000_000_000)));
    let service = second(&releases, &clock, 1);
    World { feed, releases, clock, service }
}

/// A node of the same deployment.
fn second(releases: &Arc<MemoryReleases>, clock: &Arc<ManualClock>, seed: u64) -> ReleaseService {
    let refused = |sources: &[kernel::ArtifactRef<'_>]| {
        let bad = sources.iter().filter(|it| it.body.get("bad").is_some());
        bad.map(|it| Finding::at(it, "/bad", "test.bad", "it is bad")).collect()
    };
    ReleaseService::new(
        DeploymentId::new("main").unwrap(),
        Arc::<MemoryReleases>::clone(releases),
        Arc::<MemoryReleases>::clone(releases),
        Validators::new(vec![Box::new(refused)]),
        Arc::<ManualClock>::clone(clock),
        Arc::new(SeededEntropy::new(seed)),
    )
}

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn ana() -> StaffId {
    StaffId::new("ana").unwrap()
}

fn reason() -> MoveReason {
    MoveReason::new("because").unwrap()
}

fn cap(limit: u32) -> Vec<SourceFile> {
    vec![file("cap/a.toml", &format!("limit = {limit}"))]
}

impl World {
    async fn submit(&self, files: &[SourceFile]) -> Digest {
        self.service.submit(&acme(), files, &ana()).await.unwrap().bundle
    }

    async fn activate(&self, bundle: Digest) -> Pointer {
        self.service.activate(&acme(), bundle, &ana(), reason()).await.unwrap()
    }

    async fn live(&self) -> Option<(u64, Digest)> {
        let live = self.service.live(&acme()).await.unwrap();
        live.map(|it| {
            assert_eq!(it.pointer.bundle, it.bundle.digest());
            (it.pointer.seq, it.pointer.bundle)
        })
    }

    fn told(&self) -> Vec<String> {
        self.feed.facts().into_iter().map(|it| it.name).collect()
    }
}

#[tokio::test]
async fn nothing_is_live_before_the_first_activation() {
    let world = world();
    let bundle = world.submit(&cap(1)).await;
    assert_eq!(world.live().await, None);
    assert_eq!(world.activate(bundle).await.seq, 1);
    assert_eq!(world.live().await, Some((1, bundle)));
    let other = TenantId::new("other").unwrap();
    assert!(world.service.live(&other).await.unwrap().is_none());
}

#[tokio::test]
async fn the_same_files_are_the_same_bundle_and_stored_once() {
    let world = world();
    let first = world.service.submit(&acme(), &cap(1), &ana()).await.unwrap();
    let again = world.service.submit(&acme(), &cap(1), &ana()).await.unwrap();
    assert_eq!((first.bundle, first.new), (again.bundle, 1));
    assert_eq!((again.new, again.entries.len()), (0, 1));
    assert_eq!(world.told(), ["artifact.stored"]);
}

#[tokio::test]
async fn an_invalid_bundle_is_not_kept() {
    let world = world();
    let answer = world.service.submit(&acme(), &[file("cap/a.toml", "bad = 1")], &ana()).await;
    let Err(SubmitError::Invalid(findings)) = answer else { panic!("{answer:?}") };
    assert_eq!(findings[0].rule, "test.bad");
    let answer = world.service.submit(&acme(), &[file("cap/a.toml", "x")], &ana()).await;
    assert!(matches!(answer, Err(SubmitError::Invalid(_))));
    assert!(world.told().is_empty());
}

/// A later build of the platform may refuse what an earlier one took in.
#[tokio::test]
async fn a_bundle_that_no_longer_passes_does_not_go_live() {
    let world = world();
    let lax = ReleaseService::new(
        DeploymentId::new("main").unwrap(),
        Arc::<MemoryReleases>::clone(&world.releases),
        Arc::<MemoryReleases>::clone(&world.releases),
        Validators::default(),
        Arc::<ManualClock>::clone(&world.clock),
        Arc::new(SeededEntropy::new(9)),
    );
    let bad = lax.submit(&acme(), &[file("cap/a.toml", "bad = 1")], &ana()).await.unwrap().bundle;
    let answer = world.service.activate(&acme(), bad, &ana(), reason()).await;
    assert!(matches!(answer, Err(MoveError::Invalid(_))), "{answer:?}");
    assert_eq!(world.live().await, None);
    // Going back to it is another matter: it was live once.
    lax.activate(&acme(), bad, &ana(), reason()).await.unwrap();
    let good = world.submit(&cap(1)).await;
    world.activate(good).await;
    let back = world.service.roll_back(&acme(), &ana(), reason()).await.unwrap();
    assert_eq!((back.seq, back.bundle), (3, bad));
}

#[tokio::test]
async fn an_unknown_bundle_does_not_go_live() {
    let world = world();
    let unknown = Digest::of(b"unknown");
    let answer = world.service.activate(&acme(), unknown, &ana(), reason()).await;
    assert!(matches!(answer, Err(MoveError::UnknownBundle(it)) if it == unknown));
    assert!(world.service.bundle(&acme(), unknown).await.unwrap().is_none());
}

#[tokio::test]
async fn activating_what_is_live_moves_nothing() {
    let world = world();
    let bundle = world.submit(&cap(1)).await;
    let first = world.activate(bundle).await;
    assert_eq!(world.activate(bundle).await, first);
    assert_eq!(world.told(), ["artifact.stored", "release.activated", "pointer.moved"]);
}

/// A rollback is a new sequence that points to an old digest, and never lands on what was rolled
/// back before.
#[tokio::test]
async fn rolling_back_steps_down_to_the_bundle_before() {
    let world = world();
    let answer = world.service.roll_back(&acme(), &ana(), reason()).await;
    assert!(matches!(answer, Err(MoveError::NothingBefore)));
    let mut bundles = Vec::new();
    for limit in 1..=3 {
        let bundle = world.submit(&cap(limit)).await;
        world.activate(bundle).await;
        bundles.push(bundle);
    }
    for (seq, bundle) in [(4, bundles[1]), (5, bundles[0])] {
        let back = world.service.roll_back(&acme(), &ana(), reason()).await.unwrap();
        assert_eq!((back.seq, back.bundle, back.moved), (seq, bundle, Move::RolledBack));
        assert_eq!(world.live().await, Some((seq, bundle)));
    }
    let answer = world.service.roll_back(&acme(), &ana(), reason()).await;
    assert!(matches!(answer, Err(MoveError::NothingBefore)));
    world.activate(bundles[2]).await;
    let back = world.service.roll_back(&acme(), &ana(), reason()).await.unwrap();
    assert_eq!((back.seq, back.bundle), (7, bundles[0]));
    let history = world.service.history(&acme(), None, Limit::MAX).await.unwrap();
    let seqs: Vec<_> = history.items.iter().map(|it| it.seq).collect();
    assert_eq!(seqs, [7, 6, 5, 4, 3, 2, 1]);
    for pair in history.items.windows(2) {
        assert_eq!(pair[0].prev, Some(pair[1].digest().unwrap()));
    }
    assert!(world.told().ends_with(&["release.rolled_back".into(), "pointer.moved".into()]));
}

/// The policy epoch rises exactly with moves that change a purpose, a notice or an overlay, and a
/// rollback of such a change is such a change.
#[tokio::test]
async fn the_policy_epoch_rises_with_what_permission_rests_on() {
    let world = world();
    let with = |text: &str, limit| {
        let mut files = cap(limit);
        files.push(file("purpose/p.toml", text));
        files
    };
    let steps = [
        (cap(1), 0),
        (with("version = 1", 1), 1),
        (with("version = 1", 2), 1),
        (with("version = 2", 2), 2),
        (cap(2), 3),
    ];
    for (files, epoch) in steps {
        let bundle = world.submit(&files).await;
        world.activate(bundle).await;
        assert_eq!(world.releases.policy(&acme()).await.unwrap(), Epoch(epoch));
    }
    world.service.roll_back(&acme(), &ana(), reason()).await.unwrap();
    assert_eq!(world.releases.policy(&acme()).await.unwrap(), Epoch(4));
}

#[tokio::test]
async fn another_node_sees_a_move_when_its_view_is_no_longer_fresh() {
    let world = world();
    let other = second(&world.releases, &world.clock, 2);
    let (one, two) = (world.submit(&cap(1)).await, world.submit(&cap(2)).await);
    world.activate(one).await;
    let seen = async || other.live(&acme()).await.unwrap().unwrap().pointer.bundle;
    assert_eq!(seen().await, one);
    world.activate(two).await;
    assert_eq!(world.live().await, Some((2, two)));
    assert_eq!(seen().await, one);
    world.clock.advance(TimeDelta::seconds(FRESH_SECONDS));
    assert_eq!(seen().await, two);
}

/// A ledger restored from an older copy must not quietly bring old behaviour back.
#[tokio::test]
async fn a_pointer_that_went_back_is_an_alarm() {
    let world = world();
    let other_feed = Arc::new(MemoryFeed::default());
    let older = Arc::new(MemoryReleases::new(other_feed));
    let (one, two) = (world.submit(&cap(1)).await, world.submit(&cap(2)).await);
    world.activate(one).await;
    world.activate(two).await;
    let stale = second(&older, &world.clock, 3);
    stale.submit(&acme(), &cap(1), &ana()).await.unwrap();
    stale.activate(&acme(), one, &ana(), reason()).await.unwrap();
    let swapped = ReleaseService::new(
        DeploymentId::new("main").unwrap(),
        older.clone(),
        Arc::new(Swapping { first: Arc::clone(&world.releases), then: older, calls: 0.into() }),
        Validators::default(),
        Arc::<ManualClock>::clone(&world.clock),
        Arc::new(SeededEntropy::new(4)),
    );
    stale.submit(&acme(), &cap(2), &ana()).await.unwrap();
    assert_eq!(swapped.live(&acme()).await.unwrap().unwrap().pointer.seq, 2);
    world.clock.advance(TimeDelta::seconds(FRESH_SECONDS));
    let fault = swapped.live(&acme()).await.unwrap_err();
    assert_eq!(fault.recovery(), Recovery::Escalate);
}

#[tokio::test]
async fn an_outage_moves_nothing_and_says_so() {
    let world = world();
    let (one, two) = (world.submit(&cap(1)).await, world.submit(&cap(2)).await);
    world.activate(one).await;
    world.releases.set_outage(true);
    let answer = world.service.activate(&acme(), two, &ana(), reason()).await;
    assert!(matches!(answer, Err(MoveError::Fault(_))));
    let answer = world.service.roll_back(&acme(), &ana(), reason()).await;
    assert!(matches!(answer, Err(MoveError::Fault(_))));
    let answer = world.service.submit(&acme(), &cap(3), &ana()).await;
    assert!(matches!(answer, Err(SubmitError::Fault(_))));
    world.clock.advance(TimeDelta::seconds(FRESH_SECONDS));
    assert!(world.service.live(&acme()).await.is_err());
    world.releases.set_outage(false);
    assert_eq!(world.live().await, Some((1, one)));
}

#[tokio::test]
async fn a_difference_is_against_what_is_live() {
    let world = world();
    let (one, two) = (world.submit(&cap(1)).await, world.submit(&cap(2)).await);
    assert_eq!(world.service.diff(&acme(), None, one).await.unwrap().added.len(), 1);
    world.activate(one).await;
    let live = world.service.diff(&acme(), None, two).await.unwrap();
    assert_eq!(live.changed[0].places, ["/limit"]);
    assert_eq!(world.service.diff(&acme(), Some(one), two).await.unwrap(), live);
    let unknown = world.service.diff(&acme(), None, Digest::of(b"unknown")).await;
    assert!(matches!(unknown, Err(MoveError::UnknownBundle(_))));
    let entry = live.changed[0].to;
    assert_eq!(world.service.artifact(&acme(), entry).await.unwrap().unwrap().digest(), entry);
}

/// A ledger that answers from one copy first and from another afterwards.
#[derive(Debug)]
struct Swapping {
    first: Arc<MemoryReleases>,
    then: Arc<MemoryReleases>,
    calls: std::sync::atomic::AtomicU32,
}

impl Swapping {
    fn current(&self) -> &MemoryReleases {
        let n = self.calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if n == 0 { &self.first } else { &self.then }
    }
}

#[async_trait::async_trait]
impl ReleaseLedger for Swapping {
    async fn head(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
    ) -> Result<Option<Pointer>, kernel::Fault> {
        self.current().head(tenant, deployment).await
    }

    async fn at(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
        seq: u64,
    ) -> Result<Option<Pointer>, kernel::Fault> {
        self.current().at(tenant, deployment, seq).await
    }

    async fn append(
        &self,
        transition: &crate::ports::Transition,
    ) -> Result<(), crate::ports::AppendError> {
        self.current().append(transition).await
    }

    async fn history(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<kernel::Page<Pointer>, kernel::Fault> {
        self.current().history(tenant, deployment, before, limit).await
    }

    async fn policy(&self, tenant: &TenantId) -> Result<Epoch, kernel::Fault> {
        self.current().policy(tenant).await
    }
}
