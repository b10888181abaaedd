//! Events, contributions and facts to write laws with.

use kernel::{
    Digest, Entropy, EventId, Fact, FactId, Instant, NodeId, PurposeKey, SeededEntropy, SystemId,
    TenantId, Value,
};
use serde_json::json;

use crate::{
    Code, Event, EventType, FieldKey, Identifier, ObjectKind, ObjectRef, Position,
    freshness::{Arrivals, Freshness},
    ports::{Admission, Application, DeadLetter, Status, Tally},
    view::Contribution,
};

pub(super) fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

pub(super) fn at(seconds: i64) -> Instant {
    Instant::from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
}

pub(super) fn node(seed: u64) -> NodeId {
    NodeId::mint(at(0), &SeededEntropy::new(seed))
}

pub(super) fn object(id: &str) -> ObjectRef {
    ObjectRef { kind: ObjectKind::new("policy").unwrap(), id: id.to_owned() }
}

pub(super) fn event(ce_id: &str, seconds: i64) -> Event {
    let entropy = SeededEntropy::new(u64::from_str_radix(ce_id, 36).unwrap());
    Event {
        id: EventId::mint(at(seconds), &entropy as &dyn Entropy),
        tenant: tenant(),
        source: SystemId::new("policy_admin"),
        ce_id: ce_id.to_owned(),
        kind: EventType::new("policy.issued.v1").unwrap(),
        schema: Digest::of(b"schema"),
        identifiers: vec![
            Identifier { namespace: "crm_id".into(), value: "C1".into(), verified: true },
            Identifier { namespace: "email".into(), value: "x@y.example".into(), verified: false },
        ],
        object: Some(object("P1")),
        time: at(seconds),
        received_at: at(seconds + 2),
        expires_at: Some(at(seconds + 100)),
        late: true,
        collected_under: PurposeKey::new("contract.claim_status").unwrap(),
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        content: Digest::of(ce_id.as_bytes()),
        data: json!({ "policy_no": "P1", "n": 1, "ok": true }),
    }
}

pub(super) fn fact(seed: u64) -> Fact {
    Fact {
        id: FactId::mint(at(0), &SeededEntropy::new(seed)),
        tenant: tenant(),
        name: "context.event.admitted".into(),
        at: at(0),
        subject: None,
        nodes: Vec::new(),
        cause: None,
        trace: None,
        body: json!({ "n": seed }),
    }
}

pub(super) fn dead(seed: u64, seconds: i64, code: Code) -> DeadLetter {
    DeadLetter {
        id: EventId::mint(at(seconds), &SeededEntropy::new(seed)),
        source: Some(SystemId::new("policy_admin")),
        kind: Some(EventType::new("policy.issued.v1").unwrap()),
        ce_id: Some("x".into()),
        code,
        pointer: "/data/policy_no".into(),
        received_at: at(seconds),
        raw: Some("{}".into()),
    }
}

pub(super) fn tally(status: Status, code: Option<Code>, n: u64) -> Tally {
    Tally { source: "policy_admin".into(), kind: "policy.issued.v1".into(), status, code, n }
}

pub(super) fn arrivals(seconds: i64) -> Arrivals {
    Arrivals {
        source: SystemId::new("policy_admin"),
        kind: EventType::new("policy.issued.v1").unwrap(),
        received_at: at(seconds),
        lag_micros: seconds,
        announced: Freshness::Fresh,
    }
}

pub(super) fn admission(events: Vec<Event>) -> Admission {
    Admission {
        tenant: tenant(),
        events,
        dead: Vec::new(),
        tallies: Vec::new(),
        arrivals: Vec::new(),
        facts: Vec::new(),
    }
}

pub(super) fn contribution(event: &Event, of: NodeId, field: &str, value: Value) -> Contribution {
    Contribution {
        node: of,
        object: None,
        field: FieldKey::new(field).unwrap(),
        value,
        time: event.time,
        received_at: event.received_at,
        source: event.source.clone(),
        kind: event.kind.clone(),
        ce_id: event.ce_id.clone(),
        event: event.id,
        collected_under: event.collected_under.clone(),
    }
}

pub(super) fn application(
    after: Position,
    through: Position,
    values: Vec<Contribution>,
) -> Application {
    Application {
        after,
        through,
        values: vec![(tenant(), values)],
        dead: Vec::new(),
        facts: Vec::new(),
    }
}
