//! The delivery desk on SQL, plain and traced.

#[path = "delivery/caps.rs"]
mod caps;

use std::sync::Arc;

use adapters::{
    channel::sandbox::SandboxSender,
    sql::delivery::{SqlContactLedger, SqlDeliveryStore, SqlInbox, SqlSendGate},
    sql::outbox::SqlFactFeed,
    traced::Traced,
};
use async_trait::async_trait;
use delivery::{
    contract::{DeskFixture, sample, sender::SenderFixture},
    ports::{ContactLedger, DeliveryStore, Inbox, SendGate, Sender},
};
use kernel::{Epoch, Epochs, Fact, FactFeed, Limit, ManualClock, PersonAt, TenantId};
use sea_orm::{ConnectionTrait, Statement, Value};

use super::{Fresh, fresh};

struct Fixture {
    fresh: Fresh,
    store: Arc<dyn DeliveryStore>,
    gate: Arc<dyn SendGate>,
    contacts: Arc<dyn ContactLedger>,
    inbox: Arc<dyn Inbox>,
}

/// Runs one statement outside of any port.
pub(crate) async fn execute(connection: &impl ConnectionTrait, sql: &str, values: Vec<Value>) {
    let backend = connection.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    connection.execute_raw(statement).await.unwrap();
}

#[async_trait]
impl DeskFixture for Fixture {
    fn store(&self) -> &dyn DeliveryStore {
        &*self.store
    }

    fn gate(&self) -> &dyn SendGate {
        &*self.gate
    }

    fn contacts(&self) -> &dyn ContactLedger {
        &*self.contacts
    }

    fn inbox(&self) -> &dyn Inbox {
        &*self.inbox
    }

    async fn set_heads(&self, tenant: &TenantId, person: &PersonAt, epochs: Epochs) {
        let write = self.fresh.database.begin("test").await.unwrap();
        set_identity(&*write, tenant, person, epochs.identity).await;
        for (i, node) in person.nodes.iter().enumerate() {
            let epoch = if i == 0 { epochs.person } else { Epoch(0) };
            set_choices(&*write, tenant, *node, epoch).await;
        }
        set_policy(&*write, tenant, epochs.policy).await;
        write.commit().await.unwrap();
    }

    async fn facts(&self) -> Vec<Fact> {
        let feed = SqlFactFeed::new(self.fresh.database.clone());
        let taken = feed.take("test", Limit::MAX).await.unwrap();
        taken.into_iter().map(|it| it.fact).collect()
    }
}

/// What identity keeps of a person's membership.
pub(crate) async fn set_identity(
    connection: &impl ConnectionTrait,
    tenant: &TenantId,
    person: &PersonAt,
    epoch: Epoch,
) {
    let sql = "insert into identity_person (tenant, subject, epoch, anchors, members) \
               values ($1, $2, $3, 1, 2) on conflict (tenant, subject) do update set epoch = excluded.epoch";
    let epoch = i64::try_from(epoch.0).unwrap();
    let values = vec![tenant.as_str().into(), person.subject.uuid().into(), epoch.into()];
    execute(connection, sql, values).await;
}

/// What consent keeps of a node's choices.
pub(crate) async fn set_choices(
    connection: &impl ConnectionTrait,
    tenant: &TenantId,
    node: kernel::NodeId,
    epoch: Epoch,
) {
    let sql = "insert into consent_head (tenant, node, epoch) values ($1, $2, $3) \
               on conflict (tenant, node) do update set epoch = excluded.epoch";
    let epoch = i64::try_from(epoch.0).unwrap();
    let values = vec![tenant.as_str().into(), node.uuid().into(), epoch.into()];
    execute(connection, sql, values).await;
}

/// What a release of consent artifacts raises.
pub(crate) async fn set_policy(connection: &impl ConnectionTrait, tenant: &TenantId, epoch: Epoch) {
    let sql = "insert into policy_head (tenant, epoch) values ($1, $2) \
               on conflict (tenant) do update set epoch = excluded.epoch";
    let epoch = i64::try_from(epoch.0).unwrap();
    execute(connection, sql, vec![tenant.as_str().into(), epoch.into()]).await;
}

async fn plain() -> Fixture {
    let fresh = fresh().await;
    let database = &fresh.database;
    Fixture {
        store: Arc::new(SqlDeliveryStore::new(database.clone())),
        gate: Arc::new(SqlSendGate::new(database.clone())),
        contacts: Arc::new(SqlContactLedger::new(database.clone())),
        inbox: Arc::new(SqlInbox::new(database.clone())),
        fresh,
    }
}

async fn traced() -> Fixture {
    let fresh = fresh().await;
    let database = &fresh.database;
    Fixture {
        store: Arc::new(Traced::new(SqlDeliveryStore::new(database.clone()))),
        gate: Arc::new(Traced::new(SqlSendGate::new(database.clone()))),
        contacts: Arc::new(Traced::new(SqlContactLedger::new(database.clone()))),
        inbox: Arc::new(Traced::new(SqlInbox::new(database.clone()))),
        fresh,
    }
}

delivery::delivery_store_suite!(store, super::plain());
delivery::send_gate_suite!(gate, super::plain());
delivery::contact_ledger_suite!(contacts, super::plain());
delivery::inbox_suite!(inbox, super::plain());
delivery::delivery_store_suite!(traced_store, super::traced());
delivery::send_gate_suite!(traced_gate, super::traced());
delivery::contact_ledger_suite!(traced_contacts, super::traced());
delivery::inbox_suite!(traced_inbox, super::traced());

/// The sandbox over the inbox, plain and traced.
struct Sandbox {
    desk: Fixture,
    sender: Arc<dyn Sender>,
}

async fn sandbox() -> Sandbox {
    let desk = plain().await;
    let clock = Arc::new(ManualClock::at(sample::noon()));
    let sender = Arc::new(SandboxSender::new(desk.inbox.clone(), clock));
    Sandbox { desk, sender }
}

async fn traced_sandbox() -> Sandbox {
    let desk = traced().await;
    let clock = Arc::new(ManualClock::at(sample::noon()));
    let sender = SandboxSender::new(desk.inbox.clone(), clock);
    Sandbox { desk, sender: Arc::new(Traced::new(sender)) }
}

#[async_trait]
impl SenderFixture for Sandbox {
    fn sender(&self) -> &dyn Sender {
        &*self.sender
    }

    async fn arrived(&self) -> Vec<String> {
        let tenant = sample::tenant();
        let mut page = self.desk.inbox.page(&tenant, None, None, Limit::MAX).await.unwrap();
        page.items.reverse();
        assert!(page.items.iter().all(|it| it.to == "a…@example.test"));
        page.items.into_iter().map(|it| it.message.text).collect()
    }
}

delivery::sender_suite!(sandbox_sender, super::sandbox());
delivery::sender_suite!(traced_sandbox_sender, super::traced_sandbox());
