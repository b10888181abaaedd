//! A small world: the shipped nodes, one person, and memory for everything else.

use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use kernel::{
    ArtifactRef, Channel, Digest, Epoch, EventId, Fact, FactId, Finding, Instant, JourneyNode,
    Known, ManualClock, NodeId, PersonAt, PurposeRef, SeededEntropy, SubjectId, SystemId, TenantId,
    Value, memory::MemoryFeed,
};
use uuid::Uuid;

use crate::{
    Artifacts, DecisionService, ReadingService, Sources, TriggerService,
    inputs::Permission,
    memory::{
        MemoryArms, MemoryContext, MemoryHistory, MemoryJournal, MemoryPermission, MemoryPersons,
        MemoryReleases, MemoryTimetable,
    },
    occurrence::ObjectRef,
    ports::{ArmSource, DrawAsk, EventData, Identifier, PermissionAsk},
};

const NODES: [&str; 4] = [
    include_str!("../../../../journeys/node/claim.status.toml"),
    include_str!("../../../../journeys/node/onboarding.stalled.toml"),
    include_str!("../../../../journeys/node/renewal.day90.toml"),
    include_str!("../../../../journeys/node/service.recovery.toml"),
];

pub(super) fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

pub(super) fn node_name(name: &str) -> JourneyNode {
    JourneyNode::new(name).unwrap()
}

/// The body of a shipped node.
pub(super) fn shipped(name: &str) -> serde_json::Value {
    let bodies = NODES.iter().map(|it| toml::from_str::<serde_json::Value>(it).unwrap());
    bodies.into_iter().find(|it| it["node"]["name"] == name).unwrap()
}

pub(super) fn all_shipped() -> Vec<serde_json::Value> {
    NODES.iter().map(|it| toml::from_str(it).unwrap()).collect()
}

/// Compiles nodes against a bundle that holds everything they name.
pub(super) fn compile(nodes: &[serde_json::Value]) -> Result<Artifacts, Vec<Finding>> {
    let mut owned: Vec<(String, String, serde_json::Value)> = Vec::new();
    for node in nodes {
        let name = node["node"]["name"].as_str().unwrap_or("nameless").to_owned();
        owned.push(("node".into(), name, node.clone()));
    }
    for name in [
        "renewal-90",
        "renewal-90-plain",
        "renewal-90-banner",
        "onboarding-next-push",
        "onboarding-next-card",
        "claim-status-dated",
        "claim-status",
        "claim-call-brief",
        "recovery-apology",
        "recovery-call-brief",
        "recovery-credit",
    ] {
        owned.push(("template".into(), name.into(), serde_json::json!({ "name": name })));
    }
    for name in ["marketing-24h", "marketing-7d", "service-24h"] {
        owned.push(("cap".into(), name.into(), serde_json::json!({ "name": name })));
    }
    for name in ["journey-renewal", "journey-onboarding", "journey-claims", "journey-care"] {
        owned.push(("boundary".into(), name.into(), serde_json::json!({ "name": name })));
    }
    for (key, version, basis) in [
        ("marketing.renewal", 3, "A6-1-a"),
        ("service.onboarding_help", 2, "A6-1-f"),
        ("contract.claim_status", 4, "A6-1-b"),
        ("service.recovery", 1, "A6-1-f"),
    ] {
        let bases = serde_json::json!({ "EU": { "basis": basis }, "GB": { "basis": basis } });
        let body = serde_json::json!({ "key": key, "version": version, "bases": bases });
        owned.push(("purpose".into(), key.into(), body));
    }
    let sources: Vec<ArtifactRef<'_>> = owned
        .iter()
        .map(|(kind, name, body)| ArtifactRef {
            kind,
            name,
            digest: Digest::of_canonical(body).unwrap(),
            body,
        })
        .collect();
    Artifacts::compile(&sources)
}

pub(super) fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

pub(super) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Everybody is treated, unless the switch says otherwise.
#[derive(Debug)]
pub(super) struct Arms {
    pub(super) held: std::sync::atomic::AtomicBool,
}

impl ArmSource for Arms {
    fn draw(&self, tenant: &TenantId, ask: DrawAsk<'_>) -> crate::inputs::Draw {
        let held = self.held.load(std::sync::atomic::Ordering::SeqCst);
        crate::inputs::Draw {
            arm: if held { "holdout" } else { "treated" }.into(),
            holdout: held,
            ..MemoryArms.draw(tenant, ask)
        }
    }
}

pub(super) struct World {
    pub(super) clock: Arc<ManualClock>,
    pub(super) feed: Arc<MemoryFeed>,
    pub(super) releases: Arc<MemoryReleases>,
    pub(super) persons: Arc<MemoryPersons>,
    pub(super) context: Arc<MemoryContext>,
    pub(super) permission: Arc<MemoryPermission>,
    pub(super) history: Arc<MemoryHistory>,
    pub(super) arms: Arc<Arms>,
    pub(super) timetable: Arc<MemoryTimetable>,
    pub(super) journal: Arc<MemoryJournal>,
    pub(super) decisions: DecisionService,
    pub(super) triggers: TriggerService,
    pub(super) reading: ReadingService,
    pub(super) entropy: Arc<SeededEntropy>,
}

pub(super) const SUBJECT: u128 = 0xA11CE;

pub(super) fn subject() -> SubjectId {
    SubjectId::from_uuid(Uuid::from_u128(SUBJECT))
}

pub(super) fn person(n: u128) -> PersonAt {
    PersonAt {
        subject: SubjectId::from_uuid(Uuid::from_u128(n)),
        nodes: vec![NodeId::from_uuid(Uuid::from_u128(n))],
        identity: Epoch(1),
    }
}

impl World {
    /// The shipped nodes are live, one person is known and permits everything.
    pub(super) fn at(now: &str) -> Self {
        let clock = Arc::new(ManualClock::at(at(now)));
        let feed = Arc::new(MemoryFeed::default());
        let releases = Arc::new(MemoryReleases::default());
        let persons = Arc::new(MemoryPersons::default());
        let context = Arc::new(MemoryContext::default());
        let permission = Arc::new(MemoryPermission::default());
        let history = Arc::new(MemoryHistory::default());
        let arms = Arc::new(Arms { held: false.into() });
        let timetable = Arc::new(MemoryTimetable::new(Arc::clone(&feed)));
        let journal = Arc::new(MemoryJournal::new(Arc::clone(&timetable), Arc::clone(&feed)));
        let entropy = Arc::new(SeededEntropy::new(42));
        let sources = Sources {
            releases: releases.clone(),
            persons: persons.clone(),
            context: context.clone(),
            permission: permission.clone(),
            history: history.clone(),
            arms: arms.clone(),
            journal: journal.clone(),
            timetable: timetable.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
        };
        let world = Self {
            decisions: DecisionService::new(sources.clone()),
            triggers: TriggerService::new(sources.clone()),
            reading: ReadingService::new(sources),
            clock,
            feed,
            releases,
            persons,
            context,
            permission,
            history,
            arms,
            timetable,
            journal,
            entropy,
        };
        let artifacts = Arc::new(compile(&all_shipped()).unwrap());
        world.releases.activate(&acme(), Digest::of(b"bundle"), artifacts);
        let identifier = Identifier { namespace: "user_id".into(), value: "U1".into() };
        world.persons.put(&acme(), person(SUBJECT), &[identifier]);
        world.permit_all(Permission::Permitted);
        world
    }

    /// From now on every ask of every shipped node has this answer.
    pub(super) fn permit_all(&self, permission: Permission) {
        let artifacts = compile(&all_shipped()).unwrap();
        for node in artifacts.nodes() {
            for channel in &node.channels {
                self.permit(&node.purpose, *channel, node.class, permission);
            }
        }
    }

    pub(super) fn permit(
        &self,
        purpose: &PurposeRef,
        channel: Channel,
        class: kernel::Class,
        permission: Permission,
    ) {
        let ask = PermissionAsk { purpose: purpose.clone(), channel, class };
        self.permission.answer(&acme(), subject(), ask, permission);
    }

    pub(super) fn now(&self) -> Instant {
        kernel::Clock::now(&*self.clock)
    }

    /// Sets a field as known now.
    pub(super) fn set(&self, object: Option<ObjectRef>, name: &str, value: Value) {
        let known = Known::Is { value, source: SystemId::new("crm"), as_of: self.now() };
        self.context.set(&acme(), subject(), object, name, known);
    }

    pub(super) fn policy(&self, renewal_on: &str) -> ObjectRef {
        let object = ObjectRef::new("policy", "P-1");
        let it = Some(object.clone());
        self.set(it.clone(), "policy.renewal_on", Value::Date(date(renewal_on)));
        self.set(it.clone(), "policy.status", Value::Text("active".into()));
        self.set(it, "policy.autorenew", Value::Bool(false));
        self.set(None, "service.open_complaint", Value::Bool(false));
        self.set(None, "person.first_name", Value::Text("Ada".into()));
        self.set(None, "person.time_zone", Value::Text("Europe/Paris".into()));
        object
    }

    /// An event happens now; the fact that context tells of it.
    pub(super) fn happens(
        &self,
        event_type: &str,
        objects: &[ObjectRef],
        fields: &[&str],
        data: serde_json::Value,
    ) -> Fact {
        let now = self.now();
        let event = EventData {
            id: EventId::mint(now, &*self.entropy),
            event_type: event_type.into(),
            at: now,
            objects: objects.to_vec(),
            data,
        };
        let body = serde_json::json!({
            "event_id": event.id, "type": event_type, "fields": fields,
        });
        self.context.put(&acme(), event);
        self.fact("context.event.applied", body)
    }

    pub(super) fn fact(&self, name: &str, body: serde_json::Value) -> Fact {
        let now = self.now();
        Fact {
            id: FactId::mint(now, &*self.entropy),
            tenant: acme(),
            name: name.to_owned(),
            at: now,
            subject: Some(subject()),
            nodes: person(SUBJECT).nodes,
            cause: None,
            trace: None,
            body,
        }
    }

    /// Lets time pass until an instant, deciding whatever falls due.
    pub(super) async fn pass_until(&self, end: Instant) {
        loop {
            match self.triggers.next_due().await.unwrap() {
                Some(due) if due <= end => {
                    if due > self.now() {
                        self.clock.set(due);
                    }
                    if self.triggers.run_once(100).await.unwrap() == 0 {
                        self.clock.advance(TimeDelta::seconds(1));
                    }
                }
                _ => break,
            }
        }
        self.clock.set(end);
    }

    pub(super) fn facts(&self, name: &str) -> Vec<Fact> {
        self.feed.facts().into_iter().filter(|it| it.name == name).collect()
    }
}
