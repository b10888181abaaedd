//! A whole delivery in memory: every port set by hand, the clock standing still.

use std::{collections::BTreeMap, sync::Arc};

use chrono::TimeDelta;
use kernel::{
    ArtifactRef, Channel, Digest, Fact, Known, ManualClock, PersonAt, SeededEntropy, SystemId,
    Value, memory::MemoryFeed,
};
use serde_json::json;

use crate::{
    content::Artifacts,
    contract::sample::{self, EPOCHS, noon, tenant},
    memory::{MemoryDesk, MemorySender, MemorySources},
    message::{Delivery, TemplateRef},
    permission::Verdict,
    ports::{DeliveryStore, Planned, Sender, Trail},
    render::Imprint,
    sender::{Capabilities, Route, Routes},
    service::{
        ContactService, DeliveryService, DispatchService, FeedbackService, InFlightService,
        PlanService, Preparer, Sources,
    },
    zone::ZoneEvidence,
};

/// Everything a test needs to send, and to see what was sent.
pub(super) struct World {
    pub(super) feed: Arc<MemoryFeed>,
    pub(super) desk: Arc<MemoryDesk>,
    pub(super) sources: Arc<MemorySources>,
    pub(super) sender: Arc<MemorySender>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) template: TemplateRef,
    pub(super) dispatch: DispatchService,
    pub(super) plans: PlanService,
    pub(super) feedback: FeedbackService,
    pub(super) contacts: ContactService,
    pub(super) deliveries: DeliveryService,
    pub(super) in_flight: InFlightService,
}

pub(super) fn template() -> serde_json::Value {
    json!({
        "schema": "template/1",
        "channel": "email",
        "purpose": "marketing.renewal",
        "class": "marketing",
        "fields": {
            "required": ["policy.renewal_on"],
            "optional": { "person.first_name": "there" },
        },
        "body": {
            "subject": "Your policy ends on {{ policy.renewal_on }}",
            "text": "Hello {{ person.first_name }}, {{ links.why }} {{ links.preferences }} \
                     {{ links.unsubscribe }} {{ sender.name }}, {{ sender.address }}",
        },
    })
}

pub(super) fn imprint() -> Imprint {
    Imprint {
        name: "Acme Insurance".to_owned(),
        address: "1 Road, Dublin".to_owned(),
        domain: "acme.example".to_owned(),
    }
}

pub(super) fn known(value: Value) -> Known<Value> {
    Known::Is { value, source: SystemId::new("crm"), as_of: noon() }
}

/// A world whose provider deduplicates, or does not.
pub(super) fn world(deduplicates: bool) -> World {
    let capabilities = Capabilities { deduplicates, budget: TimeDelta::seconds(5) };
    world_of(capabilities, |it| it)
}

/// A world with a provider of these capabilities, some of its sources exchanged.
pub(super) fn world_of(
    capabilities: Capabilities,
    exchange: impl FnOnce(Sources) -> Sources,
) -> World {
    build(capabilities, exchange, |_| None)
}

/// A world whose provider is this one, given the clock.
pub(super) fn world_through(sender: impl FnOnce(Arc<ManualClock>) -> Arc<dyn Sender>) -> World {
    let capabilities = Capabilities { deduplicates: true, budget: TimeDelta::seconds(5) };
    build(capabilities, |it| it, |clock| Some(sender(clock)))
}

fn build(
    capabilities: Capabilities,
    exchange: impl FnOnce(Sources) -> Sources,
    through: impl FnOnce(Arc<ManualClock>) -> Option<Arc<dyn Sender>>,
) -> World {
    let feed = Arc::new(MemoryFeed::default());
    let desk = Arc::new(MemoryDesk::new(Arc::clone(&feed)));
    let sources = Arc::new(MemorySources::default());
    let sender = Arc::new(MemorySender::default());
    let clock = Arc::new(ManualClock::at(noon()));
    let entropy = Arc::new(SeededEntropy::new(42));
    let body = template();
    let digest = Digest::of_canonical(&body).unwrap();
    sources.set_live(Arc::new(artifacts(&body, digest)));
    let provider = through(clock.clone()).unwrap_or_else(|| Arc::clone(&sender) as _);
    let route = Route { provider: "memory", capabilities, sender: provider };
    let routes = Arc::new(Routes::from([(Channel::Email, route)]));
    let preparer = Preparer::new(exchange(sources.ports()), routes, imprint(), entropy.clone());
    let dispatch = DispatchService::new(
        desk.clone(),
        desk.clone(),
        preparer.clone(),
        clock.clone(),
        entropy.clone(),
    );
    let plans =
        PlanService::new(desk.clone(), desk.clone(), preparer, clock.clone(), entropy.clone());
    let feedback = FeedbackService::new(desk.clone(), clock.clone(), entropy.clone());
    let contacts =
        ContactService::new(desk.clone(), sources.clone(), sources.clone(), clock.clone(), entropy);
    let deliveries = DeliveryService::new(desk.clone());
    let in_flight = InFlightService::new(desk.clone(), clock.clone());
    let template = TemplateRef { name: "renewal-90".to_owned(), digest };
    World {
        feed,
        desk,
        sources,
        sender,
        clock,
        template,
        dispatch,
        plans,
        feedback,
        contacts,
        deliveries,
        in_flight,
    }
}

fn artifacts(template: &serde_json::Value, digest: Digest) -> Artifacts {
    let cap = |limit: u32, window: &str| {
        json!({
            "schema": "cap/1",
            "counts": { "class": ["marketing"], "channel": "all" },
            "limit": limit,
            "window": { "rolling": window },
        })
    };
    let (day, week) = (cap(1, "PT24H"), cap(3, "P7D"));
    let everyday = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let window = json!({
        "schema": "window/1",
        "always": ["sms", "push", "web", "app", "human_task", "webhook"],
        "open": { "email": [{ "days": everyday, "from": "08:00", "to": "20:00" }] },
    });
    let source = |kind, name, digest, body| ArtifactRef { kind, name, digest, body };
    Artifacts::compile(&[
        source("template", "renewal-90", digest, template),
        source("cap", "marketing-24h", Digest::of(b"24h"), &day),
        source("cap", "marketing-7d", Digest::of(b"7d"), &week),
        source("window", "standard", Digest::of(b"window"), &window),
    ])
    .unwrap()
}

impl World {
    /// The `i`th person, reachable, permitted and in Berlin.
    pub(super) fn person(&self, i: u64) -> PersonAt {
        let person = sample::person(i);
        self.sources.set_person(&[person.subject], &person);
        self.sources.set_verdict(person.subject, sample::verdict(EPOCHS));
        let address = format!("person{i}@example.test");
        self.sources.set_address(person.subject, Channel::Email, person.nodes[1], &address);
        let zone = ZoneEvidence::Zone("Europe/Berlin".to_owned());
        self.sources.set_zone(person.subject, zone);
        self.desk.set_heads(&tenant(), &person, EPOCHS);
        person
    }

    /// The `i`th delivery to a person, as the test wants it.
    pub(super) async fn plan(
        &self,
        i: u64,
        person: &PersonAt,
        wanted: impl FnOnce(Delivery) -> Delivery,
    ) -> Delivery {
        let template = self.template.clone();
        let delivery = wanted(Delivery { template, ..sample::delivery(i, person) });
        self.bundle(&delivery);
        let planned = Planned { delivery: delivery.clone(), facts: Vec::new() };
        self.desk.plan(vec![planned], Vec::new()).await.unwrap();
        delivery
    }

    /// The bundle the delivery's decision was made from.
    pub(super) fn bundle(&self, delivery: &Delivery) {
        let renewal = Value::Date("2026-05-31".parse().unwrap());
        let values = BTreeMap::from([("policy.renewal_on".to_owned(), known(renewal))]);
        self.sources.set_values(delivery.decision, values);
    }

    /// A permit that is good at this moment.
    pub(super) fn permit(&self, person: &PersonAt) {
        let good_until = kernel::Clock::now(&*self.clock).plus(TimeDelta::seconds(60));
        let verdict = Verdict { good_until, ..sample::verdict(EPOCHS) };
        self.sources.set_verdict(person.subject, verdict);
    }

    pub(super) async fn trail(&self, delivery: &Delivery) -> Trail {
        DeliveryStore::get(&*self.desk, &tenant(), delivery.id).await.unwrap().unwrap()
    }

    pub(super) fn facts(&self) -> Vec<(String, Fact)> {
        self.feed.facts().into_iter().map(|it| (it.name.clone(), it)).collect()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.feed.facts().into_iter().map(|it| it.name).collect()
    }
}
