//! A person, a log and the shipped registry, for every test.

use std::sync::OnceLock;

use chrono::TimeDelta;
use kernel::{
    ArtifactRef, Channel, Digest, Epoch, Instant, Known, NodeId, PersonAt, PurposeKey, PurposeRef,
    SubjectId, SystemId, TenantId,
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Actor, Artifacts, Ask, BundleFacts, ChannelSet, ConsentEvent, EventKind, Expression, Grant,
    Jurisdiction, Label, Method, NewEvent, NodeLog, NoticeShown, Proof, PurposeScope, Snapshot,
    Statement, Verdict, evaluate, fold,
    ports::{ContactPoint, Link, Member},
};

pub(super) const NOW: Instant = Instant::from_micros(1_795_600_000_000_000);

const FILES: [(&str, &str, &str); 6] = [
    (
        "purpose",
        "marketing.renewal",
        include_str!("../../../../journeys/purpose/marketing.renewal.toml"),
    ),
    (
        "purpose",
        "service.onboarding_help",
        include_str!("../../../../journeys/purpose/service.onboarding_help.toml"),
    ),
    (
        "purpose",
        "contract.claim_status",
        include_str!("../../../../journeys/purpose/contract.claim_status.toml"),
    ),
    (
        "purpose",
        "service.recovery",
        include_str!("../../../../journeys/purpose/service.recovery.toml"),
    ),
    (
        "purpose",
        "measurement.effect",
        include_str!("../../../../journeys/purpose/measurement.effect.toml"),
    ),
    ("notice", "renewal-offers", include_str!("../../../../journeys/notice/renewal-offers.toml")),
];

/// The shipped artifacts as bodies, to be changed before they are compiled.
pub(super) fn bodies() -> Vec<(String, String, Value)> {
    FILES
        .iter()
        .map(|(kind, name, text)| {
            ((*kind).to_owned(), (*name).to_owned(), toml::from_str(text).unwrap())
        })
        .collect()
}

pub(super) fn compile(
    bodies: &[(String, String, Value)],
) -> Result<Artifacts, Vec<kernel::Finding>> {
    let sources: Vec<_> = bodies
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

pub(super) fn artifacts() -> Artifacts {
    static SHIPPED: OnceLock<Artifacts> = OnceLock::new();
    SHIPPED.get_or_init(|| compile(&bodies()).unwrap()).clone()
}

/// The registry with one purpose changed.
pub(super) fn with(name: &str, change: impl FnOnce(&mut Value)) -> Artifacts {
    let mut bodies = bodies();
    change(&mut bodies.iter_mut().find(|it| it.1 == name).unwrap().2);
    compile(&bodies).unwrap()
}

pub(super) fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

pub(super) fn key(text: &str) -> PurposeKey {
    PurposeKey::new(text).unwrap()
}

pub(super) fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

pub(super) fn under(text: &str) -> PurposeScope {
    PurposeScope::Under(key(text))
}

pub(super) fn days(n: i64) -> TimeDelta {
    TimeDelta::days(n)
}

pub(super) fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub(super) fn node(n: u128) -> NodeId {
    NodeId::from_uuid(uuid(n))
}

pub(super) fn purpose(text: &str) -> PurposeRef {
    let version = artifacts().purpose(&key(text)).map_or(1, |it| it.version);
    PurposeRef { key: key(text), version }
}

pub(super) fn grant() -> Grant {
    Grant {
        purpose: purpose("marketing.renewal"),
        channels: ChannelSet::ALL,
        expression: Expression::Expressed,
        expires_at: None,
        proof: Proof {
            notice: Some(NoticeShown { name: label("renewal-offers"), version: 7, rendered: None }),
            method: Method::Save,
            prechecked: false,
            condition_of_service: false,
        },
    }
}

pub(super) fn withdrawn(scope: PurposeScope) -> EventKind {
    EventKind::Withdrawn { scope, channels: ChannelSet::ALL }
}

pub(super) fn lives_in(code: &str) -> EventKind {
    EventKind::Stated(Statement::Jurisdiction { jurisdiction: Jurisdiction::new(code).unwrap() })
}

pub(super) fn contract(active: bool) -> EventKind {
    EventKind::Stated(Statement::Contract {
        of_type: label("policy"),
        reference: None,
        active,
        until: None,
    })
}

/// A person of some nodes and what was said at each.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) members: Vec<Member>,
    pub(super) logs: Vec<NodeLog>,
    pub(super) artifacts: Artifacts,
    pub(super) n_events: u128,
}

impl World {
    /// A person of three hard nodes in the EU: an account, an e-mail address, a device.
    pub(super) fn new() -> Self {
        let contacts = |channel| vec![ContactPoint { channel, verified: true }];
        let member = |n, contacts| Member { node: node(n), link: Link::Hard, contacts };
        let mut world = Self {
            members: vec![
                member(1, Vec::new()),
                member(2, contacts(Channel::Email)),
                member(3, contacts(Channel::Push)),
            ],
            logs: [1, 2, 3].map(|it| NodeLog::empty(node(it))).to_vec(),
            artifacts: artifacts(),
            n_events: 0,
        };
        world.say(1, days(-400), lives_in("EU"));
        world
    }

    pub(super) fn person(&self) -> PersonAt {
        PersonAt {
            subject: SubjectId::from_uuid(uuid(1)),
            nodes: self.members.iter().map(|it| it.node).collect(),
            identity: Epoch(4),
        }
    }

    /// Something is said at a node, some time from now.
    pub(super) fn say(&mut self, at: u128, when: TimeDelta, kind: EventKind) -> Uuid {
        self.answer(at, when, kind, Vec::new())
    }

    pub(super) fn answer(
        &mut self,
        at: u128,
        when: TimeDelta,
        kind: EventKind,
        answers: Vec<Uuid>,
    ) -> Uuid {
        self.n_events += 1;
        let id = uuid(1_000 + self.n_events);
        self.keep(NewEvent {
            id,
            source: label("app"),
            node: node(at),
            kind,
            event_time: NOW.plus(when),
            actor: Actor::Subject,
            answers,
        });
        id
    }

    pub(super) fn keep(&mut self, said: NewEvent) {
        let log = self.logs.iter_mut().find(|it| it.node == said.node).unwrap();
        let recorded_at = said.event_time;
        let event =
            ConsentEvent::seal(&tenant(), log.epoch.0 + 1, recorded_at, said, None, log.last())
                .unwrap();
        log.epoch = log.epoch.next();
        log.events.push(event);
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        fold(&self.person(), &self.members, &self.logs, NOW).unwrap()
    }

    pub(super) fn ask(&self, text: &str, channel: Option<Channel>) -> Ask {
        Ask {
            channel,
            signals: Known::NotApplicable(kernel::RuleId::new("test.no_browser")),
            bundle: Known::Is {
                value: BundleFacts { special: false, criminal: false },
                source: SystemId::new("context"),
                as_of: NOW,
            },
            ..Ask::about(purpose(text), &self.person())
        }
    }

    pub(super) fn judge(&self, ask: &Ask) -> Verdict {
        evaluate(ask, &self.snapshot(), &self.artifacts, NOW)
    }

    pub(super) fn verdict(&self, text: &str, channel: Channel) -> Verdict {
        self.judge(&self.ask(text, Some(channel)))
    }

    /// The codes against it, in gate order.
    pub(super) fn reasons(&self, text: &str, channel: Channel) -> Vec<String> {
        codes(&self.verdict(text, channel))
    }
}

pub(super) fn codes(verdict: &Verdict) -> Vec<String> {
    verdict.reasons.iter().map(ToString::to_string).collect()
}
