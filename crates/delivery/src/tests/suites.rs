//! The contract suites on the reference implementation.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{
    Channel, DecisionId, Epochs, Fact, PersonAt, PurposeRef, SubjectId, TenantId, Value,
    memory::MemoryFeed,
};

use super::world::known;
use crate::{
    contract::{DeskFixture, sample, sender::SenderFixture, sources::SourcesFixture},
    memory::{MemoryDesk, MemorySender, MemorySources},
    permission::{Outcome, Verdict},
    ports::{ContactLedger, DeliveryStore, Inbox, SendGate, Sender},
    reason,
    service::Sources,
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

struct Arranged {
    sources: Sources,
}

/// Ada may be sent to and has an address; Bob has neither.
async fn arranged() -> Arranged {
    let sources = Arc::new(MemorySources::default());
    let (ada, bob) = (sample::person(1), sample::person(2));
    sources.set_person(&[ada.subject], &ada);
    sources.set_person(&[bob.subject], &bob);
    sources.set_address(ada.subject, Channel::Email, ada.nodes[0], "ada@example.test");
    let refused = Verdict {
        outcome: Outcome::Refused,
        reasons: vec![reason::BLOCKED],
        ..sample::verdict(sample::EPOCHS)
    };
    sources.set_verdict(bob.subject, refused);
    let decision = sample::delivery(1, &ada).decision;
    let known = known(Value::Bool(true));
    sources.set_values(decision, [("app.push_enabled".to_owned(), known)].into());
    Arranged { sources: sources.ports() }
}

impl SourcesFixture for Arranged {
    fn sources(&self) -> &Sources {
        &self.sources
    }

    fn tenant(&self) -> TenantId {
        sample::tenant()
    }

    fn permitted(&self) -> SubjectId {
        sample::person(1).subject
    }

    fn refused(&self) -> SubjectId {
        sample::person(2).subject
    }

    fn purpose(&self) -> PurposeRef {
        sample::delivery(1, &sample::person(1)).purpose
    }

    fn decision(&self) -> (DecisionId, String) {
        (sample::delivery(1, &sample::person(1)).decision, "app.push_enabled".to_owned())
    }
}

struct Post(MemorySender);

async fn post() -> Post {
    Post(MemorySender::default())
}

#[async_trait]
impl SenderFixture for Post {
    fn sender(&self) -> &dyn Sender {
        &self.0
    }

    async fn arrived(&self) -> Vec<String> {
        self.0.sent().into_iter().map(|it| it.message.text).collect()
    }
}

crate::sources_suite!(sources, super::arranged());
crate::sender_suite!(sender, super::post());
crate::delivery_store_suite!(store, super::memory());
crate::send_gate_suite!(gate, super::memory());
crate::contact_ledger_suite!(contacts, super::memory());
crate::inbox_suite!(inbox, super::memory());
