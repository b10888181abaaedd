//! The suites of `consent` on SQL, plain and traced.

use std::sync::Arc;

use adapters::{
    sql::{
        consent::{SqlLedger, SqlPolicyHead},
        outbox::SqlFactFeed,
    },
    traced::Traced,
};
use async_trait::async_trait;
use consent::{
    ConsentEvent,
    contract::{LedgerFixture, PolicyFixture, SnapshotFixture},
    memory::MemoryPeople,
    ports::{Ledger, Member, PolicyHead, SnapshotSource, Transition},
    service::LedgerSnapshots,
};
use kernel::{Fact, FactFeed, Instant, Limit, ManualClock, TenantId};
use sea_orm::{ConnectionTrait, Statement};

use super::{Fresh, fresh};

struct LedgerOn<L> {
    fresh: Fresh,
    ledger: L,
}

#[async_trait]
impl<L: Ledger> LedgerFixture for LedgerOn<L> {
    fn ledger(&self) -> &dyn Ledger {
        &self.ledger
    }

    async fn facts(&self) -> Vec<Fact> {
        let feed = SqlFactFeed::new(Arc::clone(&self.fresh.database));
        let taken = feed.take("test", Limit::MAX).await.unwrap();
        taken.into_iter().map(|it| it.fact).collect()
    }
}

async fn ledger() -> LedgerOn<SqlLedger> {
    let fresh = fresh().await;
    let ledger = SqlLedger::new(Arc::clone(&fresh.database));
    LedgerOn { fresh, ledger }
}

async fn traced_ledger() -> LedgerOn<Traced<SqlLedger>> {
    let LedgerOn { fresh, ledger } = ledger().await;
    LedgerOn { fresh, ledger: Traced::new(ledger) }
}

struct SnapshotsOn {
    _fresh: Fresh,
    ledger: Arc<dyn Ledger>,
    people: Arc<MemoryPeople>,
    source: Traced<LedgerSnapshots>,
}

#[async_trait]
impl SnapshotFixture for SnapshotsOn {
    fn source(&self) -> &dyn SnapshotSource {
        &self.source
    }

    async fn append(&self, tenant: &TenantId, events: Vec<ConsentEvent>) {
        let transition = Transition { expected: Vec::new(), events, facts: Vec::new() };
        self.ledger.append(tenant, transition).await.unwrap();
    }

    async fn know(&self, tenant: &TenantId, member: Member) {
        self.people.put(tenant, member);
    }
}

async fn snapshots() -> SnapshotsOn {
    let fresh = fresh().await;
    let ledger: Arc<dyn Ledger> = Arc::new(SqlLedger::new(Arc::clone(&fresh.database)));
    let people = Arc::new(MemoryPeople::default());
    let clock = Arc::new(ManualClock::at(Instant::from_micros(1_795_600_000_000_000)));
    let source = LedgerSnapshots::new(Arc::clone(&ledger), people.clone(), clock);
    SnapshotsOn { _fresh: fresh, ledger, people, source: Traced::new(source) }
}

struct PolicyOn<P> {
    fresh: Fresh,
    head: P,
}

#[async_trait]
impl<P: PolicyHead> PolicyFixture for PolicyOn<P> {
    fn head(&self) -> &dyn PolicyHead {
        &self.head
    }

    async fn raise(&self, tenant: &TenantId) {
        let write = self.fresh.database.begin("test.policy.raise").await.unwrap();
        let statement = Statement::from_sql_and_values(
            write.get_database_backend(),
            "insert into policy_head (tenant, epoch) values ($1, 1) \
             on conflict (tenant) do update set epoch = policy_head.epoch + 1",
            [tenant.as_str().into()],
        );
        write.execute_raw(statement).await.unwrap();
        write.commit().await.unwrap();
    }
}

async fn policy() -> PolicyOn<SqlPolicyHead> {
    let fresh = fresh().await;
    let head = SqlPolicyHead::new(Arc::clone(&fresh.database));
    PolicyOn { fresh, head }
}

async fn traced_policy() -> PolicyOn<Traced<SqlPolicyHead>> {
    let PolicyOn { fresh, head } = policy().await;
    PolicyOn { fresh, head: Traced::new(head) }
}

consent::ledger_suite!(sql_ledger, super::ledger());
consent::ledger_suite!(sql_ledger_traced, super::traced_ledger());
consent::snapshot_suite!(sql_snapshots, super::snapshots());
consent::policy_suite!(sql_policy, super::policy());
consent::policy_suite!(sql_policy_traced, super::traced_policy());
