//! What decisions ask: of context what is known, of delivery whom we contacted.

use std::sync::Arc;

use adapters::sql::{Database, context::SqlContext, delivery::SqlContactLedger};
use async_trait::async_trait;
use context::service::ApplyService;
use decision::ports::EventData;
use delivery::service::ContactService;
use kernel::{Clock as _, PersonAt};
use serde_json::{Value, json};
use service::bridge::{
    history::DeliveryHistory, intake::IdentityResolver, knowledge::ContextKnowledge,
    people::IdentityAddresses,
};

use super::{ASKED, house, sighted};
use crate::world::House;

/// What is known, as context keeps it.
struct Known {
    house: House,
    bridge: ContextKnowledge,
}

async fn known() -> Known {
    let house = house(ASKED).await;
    let app = &house.assent.app;
    let database = Database::open(&house.data.database()).await.unwrap();
    let store = Arc::new(SqlContext::new(database));
    let events = ApplyService::new(
        store.clone(),
        store,
        Arc::new(IdentityResolver::new(app.people.clone())),
        Arc::new(app.live.clone()),
        house.clock.clone(),
        house.entropy.clone(),
    );
    let bridge = ContextKnowledge::new(app.bundles.clone(), Arc::new(events));
    Known { house, bridge }
}

#[async_trait]
impl decision::contract::sources::ContextFixture for Known {
    fn source(&self) -> &dyn decision::ports::ContextSource {
        &self.bridge
    }

    async fn person(&self) -> PersonAt {
        sighted(&self.house, "user_id", "U000001").await
    }

    async fn event(&self, person: &PersonAt) -> EventData {
        let (at, data) = (self.house.clock.now(), json!({ "device_id": "D1" }));
        let event = json!({
            "specversion": "1.0",
            "id": "1",
            "source": "app",
            "type": "product.login.v1",
            "time": at.to_string(),
            "subject": "user_id:U000001",
            "datacontenttype": "application/json",
            "data": data,
        });
        let headers = [("content-type", "application/cloudevents+json")];
        let body = event.to_string().into_bytes();
        let answer = self.house.client.post("/v1/events", &headers, body).await;
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        self.house.settle().await;
        let now = self.house.person("user_id:U000001").await;
        assert_eq!(now.subject, person.subject);
        let id = answer["event_id"].as_str().unwrap().parse().unwrap();
        EventData { id, event_type: "product.login.v1".into(), at, objects: Vec::new(), data }
    }
}

decision::context_source_suite!(context_tells_decisions_what_is_known, super::known());

/// Contacts, as delivery keeps them.
struct Contacts {
    house: House,
    bridge: DeliveryHistory,
}

async fn contacts() -> Contacts {
    let house = house(ASKED).await;
    let app = &house.assent.app;
    let database = Database::open(&house.data.database()).await.unwrap();
    let contacts = ContactService::new(
        Arc::new(SqlContactLedger::new(database)),
        Arc::new(app.live.clone()),
        Arc::new(IdentityAddresses::new(app.people.clone(), app.verdicts.clone())),
        house.clock.clone(),
        house.entropy.clone(),
    );
    let bridge = DeliveryHistory::new(contacts, app.deliveries.clone());
    Contacts { house, bridge }
}

#[async_trait]
impl decision::contract::sources::HistoryFixture for Contacts {
    fn history(&self) -> &dyn decision::ports::ContactHistory {
        &self.bridge
    }

    async fn person(&self) -> PersonAt {
        sighted(&self.house, "user_id", "U000001").await
    }
}

decision::contact_history_suite!(delivery_tells_decisions_whom_we_contacted, super::contacts());
