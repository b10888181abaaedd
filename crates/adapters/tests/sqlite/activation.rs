//! The activation layer: every decorator passes the suite of its port, and a late fill loses.

use std::sync::Arc;

use adapters::{
    activation::{
        CachedBoard, CachedContacts, CachedContext, CachedDirectory, CachedPolicyHead,
        CachedSnapshots, Generations, Histories, RaisingAssertionLog, RaisingEventLog, RaisingGate,
        RaisingLedger, RaisingReleaseLedger,
    },
    sql::{
        consent::{SqlLedger, SqlPolicyHead},
        context::SqlContext,
        delivery::{SqlContactLedger, SqlDeliveryStore, SqlInbox, SqlSendGate},
        identity::{SqlAssertionLog, SqlDirectory, SqlVault},
        outbox::SqlFactFeed,
        rollout::{SqlArtifactStore, SqlReleaseLedger},
    },
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

use crate::{
    Fresh,
    delivery::{set_choices, set_identity, set_policy},
    fresh,
};

mod answers;
mod paused;
mod races;

use paused::{Pause, Paused};

const KEY: [u8; 32] = [5; 32];

async fn facts(fresh: &Fresh) -> Vec<Fact> {
    let feed = SqlFactFeed::new(Arc::clone(&fresh.database));
    feed.take("test", Limit::MAX).await.unwrap().into_iter().map(|it| it.fact).collect()
}

/// Every decorator over one database, as one process has them.
struct Layer {
    fresh: Fresh,
    clock: Arc<ManualClock>,
    pause: Arc<Pause>,
    histories: Histories,
    log: RaisingAssertionLog,
    directory: CachedDirectory,
    vault: SqlVault,
    ledger: Arc<RaisingLedger>,
    people: Arc<MemoryPeople>,
    snapshots: CachedSnapshots,
    context: SqlContext,
    fields: CachedContext,
    events: RaisingEventLog,
    board: CachedBoard,
    store: SqlDeliveryStore,
    gate: RaisingGate,
    contacts: CachedContacts,
    inbox: SqlInbox,
    artifacts: SqlArtifactStore,
    releases: RaisingReleaseLedger,
    policy: CachedPolicyHead,
    feed: SqlFactFeed,
}

async fn layer() -> Layer {
    let fresh = fresh().await;
    let database = || Arc::clone(&fresh.database);
    let generations = Generations::default();
    let shared = || generations.clone();
    let histories = Histories::new(shared());
    let pause = Arc::new(Pause::default());
    let clock = Arc::new(ManualClock::at(Instant::from_micros(1_795_600_000_000_000)));
    let ledger = Arc::new(RaisingLedger::new(Arc::new(SqlLedger::new(database())), shared()));
    let people = Arc::new(MemoryPeople::default());
    let folded = LedgerSnapshots::new(ledger.clone(), people.clone(), clock.clone());
    let context = SqlContext::new(database());
    Layer {
        log: RaisingAssertionLog::new(Arc::new(SqlAssertionLog::new(database(), KEY)), shared()),
        directory: CachedDirectory::new(
            Paused::new(SqlDirectory::new(database()), &pause),
            shared(),
        ),
        vault: SqlVault::new(database(), KEY),
        ledger,
        people,
        snapshots: CachedSnapshots::new(Paused::new(folded, &pause), clock.clone(), shared()),
        fields: CachedContext::new(Paused::new(context.clone(), &pause), shared()),
        events: RaisingEventLog::new(Arc::new(context.clone()), shared()),
        board: CachedBoard::new(Paused::new(context.clone(), &pause), shared()),
        context,
        store: SqlDeliveryStore::new(database()),
        gate: RaisingGate::new(Arc::new(SqlSendGate::new(database())), histories.clone()),
        contacts: CachedContacts::new(
            Paused::new(SqlContactLedger::new(database()), &pause),
            histories.clone(),
        ),
        inbox: SqlInbox::new(database()),
        artifacts: SqlArtifactStore::new(database()),
        releases: RaisingReleaseLedger::new(Arc::new(SqlReleaseLedger::new(database())), shared()),
        policy: CachedPolicyHead::new(
            Paused::new(SqlPolicyHead::new(database()), &pause),
            shared(),
        ),
        feed: SqlFactFeed::new(database()),
        clock,
        pause,
        histories,
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
        let write = self.fresh.database.begin("test").await.unwrap();
        set_identity(&*write, tenant, person, epochs.identity).await;
        for (i, node) in person.nodes.iter().enumerate() {
            let epoch = if i == 0 { epochs.person } else { kernel::Epoch(0) };
            set_choices(&*write, tenant, *node, epoch).await;
        }
        set_policy(&*write, tenant, epochs.policy).await;
        write.commit().await.unwrap();
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
