//! The contract suites on the reference implementation.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Epochs, Fact, PersonAt, TenantId, memory::MemoryFeed};

use crate::{
    contract::DeskFixture,
    memory::MemoryDesk,
    ports::{ContactLedger, DeliveryStore, Inbox, SendGate},
};

struct Memory {
    desk: MemoryDesk,
    feed: Arc<MemoryFeed>,
}

async fn memory() -> Memory {
    let feed = Arc::new(MemoryFeed::default());
    Memory { desk: MemoryDesk::new(Arc::clone(&feed)), feed }
}

#[async_trait]
impl DeskFixture for Memory {
    fn store(&self) -> &dyn DeliveryStore {
        &self.desk
    }

    fn gate(&self) -> &dyn SendGate {
        &self.desk
    }

    fn contacts(&self) -> &dyn ContactLedger {
        &self.desk
    }

    fn inbox(&self) -> &dyn Inbox {
        &self.desk
    }

    async fn set_heads(&self, tenant: &TenantId, person: &PersonAt, epochs: Epochs) {
        self.desk.set_heads(tenant, person, epochs);
    }

    async fn facts(&self) -> Vec<Fact> {
        self.feed.facts()
    }
}

crate::delivery_store_suite!(store, super::memory());
crate::send_gate_suite!(gate, super::memory());
crate::contact_ledger_suite!(contacts, super::memory());
crate::inbox_suite!(inbox, super::memory());
