//! The laws of each port, for every implementation and every wrapper.
//!
//! A fixture gives each law its own port with the means the law needs.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken law panics")]

use kernel::{
    Channel, Entropy, Fact, FactId, Instant, NodeId, PersonAt, PurposeKey, PurposeRef,
    SeededEntropy, SubjectId, TenantId,
};
use uuid::Uuid;

use crate::{
    Actor, ChannelSet, ConsentEvent, EventKind, Expression, Grant, Label, Method, NewEvent,
    NoticeShown, Proof, PurposeScope,
    ports::{ContactPoint, Link, Member},
};

mod ledger;
mod source;

pub use ledger::*;
pub use source::*;

fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn other_tenant() -> TenantId {
    TenantId::new("other").unwrap()
}

const NOW: Instant = Instant::from_micros(1_780_000_000_000_000);

fn uuid(entropy: &dyn Entropy) -> Uuid {
    FactId::mint(NOW, entropy).uuid()
}

fn node(entropy: &dyn Entropy) -> NodeId {
    NodeId::mint(NOW, entropy)
}

fn person(nodes: &[NodeId]) -> PersonAt {
    PersonAt {
        subject: SubjectId::from_uuid(nodes[0].uuid()),
        nodes: nodes.to_vec(),
        identity: kernel::Epoch(1),
    }
}

fn member(node: NodeId) -> Member {
    let contacts = vec![ContactPoint { channel: Channel::Email, verified: true }];
    Member { node, link: Link::Hard, contacts }
}

fn grant() -> EventKind {
    EventKind::Given(Grant {
        purpose: PurposeRef { key: PurposeKey::new("marketing.renewal").unwrap(), version: 3 },
        channels: ChannelSet::of(&[Channel::Email]),
        expression: Expression::Explicit,
        expires_at: Some(NOW.plus(chrono::TimeDelta::days(30))),
        proof: Proof {
            notice: Some(NoticeShown {
                name: Label::new("renewal-offers").unwrap(),
                version: 2,
                rendered: Some(kernel::Digest::of(b"words")),
            }),
            method: Method::Save,
            prechecked: false,
            condition_of_service: false,
        },
    })
}

fn withdrawal() -> EventKind {
    let scope = PurposeScope::Under(PurposeKey::new("marketing").unwrap());
    EventKind::Withdrawn { scope, channels: ChannelSet::ALL }
}

fn said(entropy: &dyn Entropy, node: NodeId, kind: EventKind) -> NewEvent {
    NewEvent {
        id: uuid(entropy),
        source: Label::new("app").unwrap(),
        node,
        kind,
        event_time: NOW,
        actor: Actor::Subject,
        answers: vec![uuid(entropy)],
    }
}

fn sealed(tenant: &TenantId, said: NewEvent, after: Option<&ConsentEvent>) -> ConsentEvent {
    let seq = after.map_or(1, |it| it.seq + 1);
    let at = NOW.plus(chrono::TimeDelta::seconds(i64::try_from(seq).unwrap()));
    let widened = (seq == 2).then_some(PurposeScope::All);
    ConsentEvent::seal(tenant, seq, at, said, widened, after.map(|it| it.digest)).unwrap()
}

fn fact(entropy: &dyn Entropy, node: NodeId) -> Fact {
    Fact {
        id: FactId::mint(NOW, entropy),
        tenant: tenant(),
        name: "consent.recorded".to_owned(),
        at: NOW,
        subject: None,
        nodes: vec![node],
        cause: None,
        trace: None,
        body: serde_json::json!({ "kind": "given" }),
    }
}

fn chance() -> SeededEntropy {
    SeededEntropy::new(7)
}
