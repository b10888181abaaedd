//! The activation layer on Redis: every decorator passes the suite of its port, and the laws of
//! races that the layer in process passes.

use std::{sync::Arc, time::Duration};

use adapters::{
    activation::{Generations, RaisingEventLog},
    redis::{
        FencedAssertionLog, FencedGate, FencedLedger, Layer as Redis, LeasedBoard,
        LeasedPolicyHead, LeasingReleaseLedger, Parts, RedisContacts, RedisContext, RedisDirectory,
        RedisSnapshots, Settings, Timing,
    },
    sql::{
        Database,
        activation::{SqlCharter, SqlMemberships},
        consent::{SqlLedger, SqlPolicyHead},
        context::SqlContext,
        delivery::{SqlContactLedger, SqlDeliveryStore, SqlInbox, SqlSendGate},
        identity::{SqlAssertionLog, SqlDirectory, SqlVault},
        outbox::SqlFactFeed,
        rollout::{SqlArtifactStore, SqlReleaseLedger},
    },
    system::SystemEntropy,
};
use async_trait::async_trait;
use consent::{
    ConsentEvent,
    contract::{LedgerFixture, PolicyFixture, SnapshotFixture},
    memory::MemoryPeople,
    ports::{Ledger, Member, PolicyHead, SnapshotSource},
    service::LedgerSnapshots,
};
use context::{
    contract::ContextFixture,
    ports::{ContextStore, DeadLetters, EventLog, FreshnessBoard},
};
use delivery::{
    contract::DeskFixture,
    ports::{ContactLedger, DeliveryStore, Inbox, SendGate},
};
use identity::{
    contract::IdentityFixture,
    ports::{AssertionLog, Directory, Vault},
};
use kernel::{
    Digest, Epochs, Fact, FactFeed, Instant, Limit, ManualClock, PersonAt, StaffId, TenantId,
};
use rollout::{
    ArtifactStore, DeploymentId, Move, MoveReason, Pointer, ReleaseLedger,
    contract::ReleaseFixture,
    ports::{PolicyEffect, Transition},
};
use tokio::task::JoinSet;

mod cluster;
mod faults;
mod heads;
mod hints;
#[path = "../sqlite/activation/paused.rs"]
mod paused;
mod race;
#[path = "../sqlite/activation/races.rs"]
mod races;
mod shared;
mod upkeep;
mod wire;

use paused::{Pause, Paused};

const KEY: [u8; 32] = [5; 32];

/// Long enough that nothing runs out on a busy machine: nothing in the suites waits for it.
pub(crate) const PATIENT: Timing = Timing {
    lease: Duration::from_mins(1),
    rest: Duration::from_mins(1),
    read: Duration::from_secs(5),
    change: Duration::from_secs(5),
    keep: Duration::from_mins(1),
    mark: Duration::from_mins(1),
};
/// Short enough to be waited for.
pub(crate) const SHORT: Timing =
    Timing { lease: Duration::from_millis(200), rest: Duration::ZERO, ..PATIENT };
/// The lease on the policy epoch, which every move of a pointer waits for.
const POLICY: Timing = Timing { lease: Duration::from_millis(500), ..PATIENT };

/// A layer that beats as a process has it beat.
pub(crate) struct Beating {
    pub(crate) layer: Redis,
    pub(crate) prefix: String,
    beats: JoinSet<()>,
}

impl Beating {
    pub(crate) fn new(database: &Arc<Database>, url: &str, prefix: &str, timing: Timing) -> Self {
        let settings = Settings { url: url.to_owned(), prefix: prefix.to_owned(), timing };
        let parts = Parts {
            charter: Arc::new(SqlCharter::new(database.clone(), "it")),
            memberships: Arc::new(SqlMemberships::new(database.clone())),
            entropy: Arc::new(SystemEntropy),
        };
        let layer = Redis::new(&settings, parts).unwrap();
        let mut beats = JoinSet::new();
        let beaten = layer.clone();
        beats.spawn(async move {
            let mut beat = tokio::time::interval(timing.lease / 8);
            loop {
                beat.tick().await;
                drop(beaten.beat().await);
            }
        });
        Self { layer, prefix: prefix.to_owned(), beats }
    }

    /// Beats no more.
    pub(crate) fn stop(&mut self) {
        self.beats.abort_all();
    }

    /// Until the layer serves.
    pub(crate) async fn serving(self) -> Self {
        self.until(Redis::is_serving).await;
        self
    }

    /// Until the layer is like this; a minute is for good.
    pub(crate) async fn until(&self, is: impl Fn(&Redis) -> bool + Send + Sync) {
        let mut look = tokio::time::interval(Duration::from_millis(5));
        let found = async {
            while !is(&self.layer) {
                look.tick().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), found).await.unwrap();
    }
}

/// A database of its own, removed with it.
pub(crate) struct Fresh {
    pub(crate) database: Arc<Database>,
    _directory: tempfile::TempDir,
}

pub(crate) async fn fresh() -> Fresh {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open(&directory.path().join("assent.db")).await.unwrap();
    Fresh { database, _directory: directory }
}

async fn facts(fresh: &Fresh) -> Vec<Fact> {
    let feed = SqlFactFeed::new(Arc::clone(&fresh.database));
    feed.take("test", Limit::MAX).await.unwrap().into_iter().map(|it| it.fact).collect()
}

/// Where the server of the run is.
pub(crate) async fn address() -> std::net::SocketAddr {
    let url = testkit::redis::server();
    let at = (url.host_str().unwrap(), url.port().unwrap_or(6_379));
    tokio::net::lookup_host(at).await.unwrap().next().unwrap()
}

/// Every decorator over one database and one prefix, as one process has them.
pub(crate) struct Layer {
    pub(crate) fresh: Fresh,
    pub(crate) redis: Beating,
    pub(crate) clock: Arc<ManualClock>,
    pause: Arc<Pause>,
    pub(crate) log: FencedAssertionLog,
    pub(crate) directory: RedisDirectory,
    vault: SqlVault,
    pub(crate) ledger: Arc<FencedLedger>,
    pub(crate) people: Arc<MemoryPeople>,
    pub(crate) folded: Arc<LedgerSnapshots>,
    pub(crate) snapshots: RedisSnapshots,
    context: SqlContext,
    events: RaisingEventLog,
    board: LeasedBoard,
    pub(crate) fields: RedisContext,
    store: SqlDeliveryStore,
    gate: FencedGate,
    pub(crate) contacts: RedisContacts,
    inbox: SqlInbox,
    artifacts: SqlArtifactStore,
    releases: LeasingReleaseLedger,
    policy: LeasedPolicyHead,
    feed: SqlFactFeed,
}

/// A layer that is open already: by one that beats fast, and is gone.
pub(crate) async fn opened(database: &Arc<Database>, url: &str, timing: Timing) -> Beating {
    let prefix = testkit::redis::prefix();
    let quick = Timing { lease: Duration::from_millis(50), rest: Duration::ZERO, ..timing };
    drop(Beating::new(database, url, &prefix, quick).serving().await);
    Beating::new(database, url, &prefix, timing).serving().await
}

async fn layer() -> Layer {
    let fresh = fresh().await;
    let redis = opened(&fresh.database, testkit::redis::server().as_str(), PATIENT).await;
    over(fresh, redis)
}

/// Every decorator of a layer.
pub(crate) fn over(fresh: Fresh, redis: Beating) -> Layer {
    let database = || Arc::clone(&fresh.database);
    let layer = || redis.layer.clone();
    let pause = Arc::new(Pause::default());
    let clock = Arc::new(ManualClock::at(Instant::from_micros(1_795_600_000_000_000)));
    let ledger = Arc::new(FencedLedger::new(Arc::new(SqlLedger::new(database())), layer()));
    let people = Arc::new(MemoryPeople::default());
    let folded = || LedgerSnapshots::new(ledger.clone(), people.clone(), clock.clone());
    let context = SqlContext::new(database());
    let generations = Generations::default();
    Layer {
        log: FencedAssertionLog::new(Arc::new(SqlAssertionLog::new(database(), KEY)), layer()),
        directory: RedisDirectory::new(Paused::new(SqlDirectory::new(database()), &pause), layer()),
        vault: SqlVault::new(database(), KEY),
        folded: Arc::new(folded()),
        snapshots: RedisSnapshots::new(Paused::new(folded(), &pause), clock.clone(), layer()),
        ledger,
        people,
        events: RaisingEventLog::new(Arc::new(context.clone()), generations.clone()),
        board: LeasedBoard::new(Paused::new(context.clone(), &pause), generations, PATIENT),
        fields: RedisContext::new(Paused::new(context.clone(), &pause), layer()),
        context,
        store: SqlDeliveryStore::new(database()),
        gate: FencedGate::new(Arc::new(SqlSendGate::new(database())), layer()),
        contacts: RedisContacts::new(
            Paused::new(SqlContactLedger::new(database()), &pause),
            layer(),
        ),
        inbox: SqlInbox::new(database()),
        artifacts: SqlArtifactStore::new(database()),
        releases: LeasingReleaseLedger::new(Arc::new(SqlReleaseLedger::new(database())), POLICY),
        policy: LeasedPolicyHead::new(Paused::new(SqlPolicyHead::new(database()), &pause), POLICY),
        feed: SqlFactFeed::new(database()),
        clock,
        pause,
        redis,
        fresh,
    }
}

#[async_trait]
impl IdentityFixture for Layer {
    fn log(&self) -> &dyn AssertionLog {
        &self.log
    }

    fn directory(&self) -> &dyn Directory {
        &self.directory
    }

    fn vault(&self) -> &dyn Vault {
        &self.vault
    }

    async fn facts(&self) -> Vec<Fact> {
        facts(&self.fresh).await
    }
}

#[async_trait]
impl LedgerFixture for Layer {
    fn ledger(&self) -> &dyn Ledger {
        &*self.ledger
    }

    async fn facts(&self) -> Vec<Fact> {
        facts(&self.fresh).await
    }
}

#[async_trait]
impl SnapshotFixture for Layer {
    fn source(&self) -> &dyn SnapshotSource {
        &self.snapshots
    }

    async fn append(&self, tenant: &TenantId, events: Vec<ConsentEvent>) {
        let transition =
            consent::ports::Transition { expected: Vec::new(), events, facts: Vec::new() };
        self.ledger.append(tenant, transition).await.unwrap();
    }

    async fn know(&self, tenant: &TenantId, member: Member) {
        self.people.put(tenant, member);
    }
}

#[async_trait]
impl ContextFixture for Layer {
    fn log(&self) -> &dyn EventLog {
        &self.events
    }

    fn store(&self) -> &dyn ContextStore {
        &self.fields
    }

    fn dead(&self) -> &dyn DeadLetters {
        &self.context
    }

    fn board(&self) -> &dyn FreshnessBoard {
        &self.board
    }

    async fn facts(&self) -> Vec<Fact> {
        facts(&self.fresh).await
    }
}

#[async_trait]
impl DeskFixture for Layer {
    fn store(&self) -> &dyn DeliveryStore {
        &self.store
    }

    fn gate(&self) -> &dyn SendGate {
        &self.gate
    }

    fn contacts(&self) -> &dyn ContactLedger {
        &self.contacts
    }

    fn inbox(&self) -> &dyn Inbox {
        &self.inbox
    }

    async fn set_heads(&self, tenant: &TenantId, person: &PersonAt, epochs: Epochs) {
        heads::set(&self.fresh.database, tenant, person, epochs).await;
    }

    async fn facts(&self) -> Vec<Fact> {
        facts(&self.fresh).await
    }
}

impl ReleaseFixture for Layer {
    fn store(&self) -> &dyn ArtifactStore {
        &self.artifacts
    }

    fn ledger(&self) -> &dyn ReleaseLedger {
        &self.releases
    }

    fn feed(&self) -> &dyn FactFeed {
        &self.feed
    }
}

#[async_trait]
impl PolicyFixture for Layer {
    fn head(&self) -> &dyn PolicyHead {
        &self.policy
    }

    async fn raise(&self, tenant: &TenantId) {
        let deployment = DeploymentId::new("main").unwrap();
        let prev = self.releases.head(tenant, &deployment).await.unwrap();
        let pointer = Pointer {
            tenant: tenant.clone(),
            deployment,
            seq: prev.as_ref().map_or(1, |it| it.seq + 1),
            prev: prev.as_ref().map(|it| it.digest().unwrap()),
            bundle: Digest::of(b"bundle"),
            back: prev.as_ref().map(|it| it.seq),
            moved: Move::Activated,
            by: StaffId::new("ana").unwrap(),
            reason: MoveReason::new("a law asks for it").unwrap(),
            at: Instant::EPOCH,
        };
        let transition = Transition { pointer, policy: PolicyEffect::Raise, facts: Vec::new() };
        self.releases.append(&transition).await.unwrap();
    }
}

identity::identity_suite!(people, super::layer());
consent::ledger_suite!(choices, super::layer());
consent::snapshot_suite!(snapshots, super::layer());
consent::policy_suite!(policy, super::layer());
context::context_suite!(events_fields_and_board, super::layer());
delivery::send_gate_suite!(gate, super::layer());
delivery::contact_ledger_suite!(contacts, super::layer());
rollout::release_suite!(releases, super::layer());
