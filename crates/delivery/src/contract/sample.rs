//! People, deliveries and requests for laws and tests.

use chrono::TimeDelta;
use kernel::{
    Channel, Class, DecisionId, DeliveryId, Digest, Epoch, Epochs, Fact, FactId, Instant,
    JourneyNode, NodeId, OccurrenceKey, PersonAt, PurposeKey, PurposeRef, SeededEntropy, SubjectId,
    TenantId, Zones,
};

use crate::{
    attempt::{AttemptId, Stamp},
    fact,
    gate::GateRequest,
    message::{Delivery, OnHold, ReleaseRef, TemplateRef, WindowClass},
    permission::{Outcome, Verdict},
    ports::{AttemptOutcome, Conclusion, ContactMove, Planned},
    sender::Rendered,
    state::State,
};

/// Monday, 2 March 2026, 10:00 UTC.
pub fn noon() -> Instant {
    "2026-03-02T10:00:00Z".parse().unwrap()
}

/// The tenant of the laws.
pub fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

/// The epochs of a permission nothing has moved since.
pub const EPOCHS: Epochs = Epochs { identity: Epoch(3), person: Epoch(5), policy: Epoch(7) };

/// The `i`th person, with two nodes.
pub fn person(i: u64) -> PersonAt {
    let entropy = SeededEntropy::new(1_000 + i);
    let first = NodeId::mint(noon(), &entropy);
    let mut nodes = vec![first, NodeId::mint(noon(), &entropy)];
    nodes.sort_unstable();
    PersonAt { subject: SubjectId::from_uuid(first.uuid()), nodes, identity: EPOCHS.identity }
}

/// The `i`th delivery, to a person.
pub fn delivery(i: u64, person: &PersonAt) -> Delivery {
    let entropy = SeededEntropy::new(50_000 + i);
    let planned_at = noon().plus(TimeDelta::milliseconds(i64::try_from(i).unwrap()));
    let number = u8::try_from(i % 251).unwrap();
    Delivery {
        id: DeliveryId::mint(planned_at, &entropy),
        tenant: tenant(),
        subject: person.subject,
        nodes: person.nodes.clone(),
        node: JourneyNode::new("renewal.day90").unwrap(),
        decision: DecisionId::mint(planned_at, &entropy),
        action: "remind".to_owned(),
        treatment: "email".to_owned(),
        occurrence: OccurrenceKey(*Digest::of(&i.to_le_bytes()).as_bytes()),
        purpose: PurposeRef { key: PurposeKey::new("marketing.renewal").unwrap(), version: 3 },
        class: Class::Marketing,
        priority: number % 10,
        channel: Channel::Email,
        template: TemplateRef { name: "renewal-90".to_owned(), digest: Digest::of(b"template") },
        release: ReleaseRef { digest: Digest::of(b"release"), sequence: 9 },
        caps: vec!["marketing-24h".to_owned(), "marketing-7d".to_owned()],
        window: WindowClass::Standard,
        on_hold: OnHold::Wait,
        not_before: noon(),
        not_after: noon().plus(TimeDelta::days(2)),
        planned_at,
        state: State::Ready,
        attempts: 0,
        version: 0,
        cause: FactId::mint(planned_at, &entropy),
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    }
}

/// A delivery as planning keeps it, with its fact.
pub fn planned(i: u64, person: &PersonAt) -> Planned {
    let delivery = delivery(i, person);
    let facts = vec![note(&delivery, "delivery.planned", i)];
    Planned { delivery, facts }
}

/// A fact about a delivery.
pub fn note(delivery: &Delivery, name: &str, seed: u64) -> Fact {
    let id = FactId::mint(noon(), &SeededEntropy::new(70_000 + seed));
    fact::named(delivery, name, &[], noon(), id)
}

/// A verdict that permits at these epochs.
pub fn verdict(epochs: Epochs) -> Verdict {
    Verdict {
        outcome: Outcome::Permitted,
        reasons: Vec::new(),
        epochs,
        good_until: noon().plus(TimeDelta::seconds(60)),
        obligations: Vec::new(),
        digest: Digest::of(b"verdict"),
    }
}

/// A request for a delivery, permitted at [`EPOCHS`], without caps or windows.
pub fn request(delivery: &Delivery, person: &PersonAt) -> GateRequest {
    let id = delivery.id.uuid().as_u128();
    GateRequest {
        delivery: delivery.clone(),
        person: person.clone(),
        contact: person.nodes[1],
        stamp: Stamp::of(&verdict(EPOCHS)).unwrap(),
        caps: Vec::new(),
        windows: None,
        zones: Zones::known(chrono_tz::Tz::UTC),
        message: Rendered {
            subject: Some("Hello".to_owned()),
            text: "Good day.".to_owned(),
            html: Some("<p>Good day.</p>".to_owned()),
            headers: vec![("Auto-Submitted".to_owned(), "auto-generated".to_owned())],
            why: "https://example.test/w/1".to_owned(),
            digest: Digest::of(&id.to_le_bytes()),
        },
        budget: TimeDelta::seconds(5),
        fact: FactId::mint(noon(), &SeededEntropy::new(u64::try_from(id >> 64).unwrap())),
    }
}

/// The end of an attempt of a delivery as it was before the gate.
pub fn conclusion(
    delivery: &Delivery,
    n: u8,
    (outcome, state, contact): (AttemptOutcome, State, ContactMove),
) -> Conclusion {
    Conclusion {
        tenant: delivery.tenant.clone(),
        attempt: AttemptId { delivery: delivery.id, n },
        expected: delivery.version + 1,
        at: noon().plus(TimeDelta::seconds(1)),
        outcome,
        reference: Some("ref-1".to_owned()),
        state,
        contact,
        facts: vec![note(delivery, "delivery.accepted", 900_000)],
    }
}
