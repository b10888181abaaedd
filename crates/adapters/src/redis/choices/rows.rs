//! A snapshot as it is kept: the codec's version is raised with any change of these.

use std::sync::Arc;

use consent::{
    ChannelSet, Choice, EventRef, Expression, FrequencyLimit, Jurisdiction, Label, Limb, Practice,
    PurposeScope, Quiet, RestrictionGround, Snapshot, SuppressionReason, SuppressionScope, Zone,
    snapshot::{
        Contact, Contract, Denial, Emergency, NoticeRef, Objection, OptOut, Restriction,
        StandingGrant, State, Suppression, TopicChoice, UnwantedChannel,
    },
};
use kernel::{Channel, Digest, Epoch, Instant, NodeId, PersonAt, PurposeKey, SubjectId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

type Place = (Uuid, Uuid, u64);
type Notice = Option<(Label, u32)>;
type Lifted = (PurposeScope, Vec<PurposeKey>, Place);
type Channels = Vec<Channel>;
type Terms = (u32, i64, Channels, Expression, [bool; 5], Notice, Option<i64>);

#[derive(Serialize, Deserialize)]
pub(super) struct Row {
    subject: Uuid,
    nodes: Vec<Uuid>,
    epochs: [u64; 2],
    read_at: i64,
    digest: [u8; 32],
    counts: [u32; 3],
    grants: Vec<(PurposeKey, Place, Terms)>,
    denials: Vec<(Lifted, Channels, bool)>,
    objections: Vec<(Lifted, Limb)>,
    opt_outs: Vec<(Practice, bool, Vec<PurposeKey>, Place)>,
    restrictions: Vec<(PurposeScope, RestrictionGround, Place)>,
    suppressions: Vec<(SuppressionScope, SuppressionReason, Place)>,
    contacts: Vec<(Channel, Uuid, bool)>,
    jurisdictions: Vec<Jurisdiction>,
    born: u16,
    contracts: Vec<(Label, bool, Option<i64>, bool, Place)>,
    emergencies: Vec<(i64, bool, Place)>,
    zones: Vec<Zone>,
    unwanted: Vec<(Channel, PurposeScope)>,
    topics: Vec<(Label, Choice)>,
    limits: Vec<FrequencyLimit>,
    quiet: Vec<Quiet>,
    snoozed_until: Option<i64>,
}

const fn kept(place: &EventRef) -> Place {
    (place.event, place.node.uuid(), place.seq)
}

const fn place((event, node, seq): Place) -> EventRef {
    EventRef { event, node: NodeId::from_uuid(node), seq }
}

fn map<A, B>(items: &[A], f: impl Fn(&A) -> B) -> Vec<B> {
    items.iter().map(f).collect()
}

fn back<A, B>(items: Vec<A>, f: impl Fn(A) -> B) -> Vec<B> {
    items.into_iter().map(f).collect()
}

fn micros(at: Option<Instant>) -> Option<i64> {
    at.map(Instant::micros)
}

fn instant(at: Option<i64>) -> Option<Instant> {
    at.map(Instant::from_micros)
}

impl Row {
    /// The snapshot of this person, as kept.
    pub(super) fn new(person: &PersonAt, snapshot: &Snapshot) -> Self {
        let state = &*snapshot.state;
        Self {
            subject: snapshot.subject.uuid(),
            nodes: map(&person.nodes, |it| it.uuid()),
            epochs: [snapshot.identity.0, snapshot.person.0],
            read_at: snapshot.read_at.micros(),
            digest: *snapshot.digest.as_bytes(),
            counts: [state.nodes, state.broken, state.ignored],
            grants: map(&state.grants, |it| (it.key.clone(), kept(&it.place), terms(it))),
            denials: map(&state.denials, |it| {
                let lifted = (it.scope.clone(), it.lifted_for.clone(), kept(&it.place));
                (lifted, it.channels.iter().collect(), it.withdrawn)
            }),
            objections: map(&state.objections, |it| {
                ((it.scope.clone(), it.lifted_for.clone(), kept(&it.place)), it.limb)
            }),
            opt_outs: map(&state.opt_outs, |it| {
                (it.practice, it.by_gpc, it.lifted_for.clone(), kept(&it.place))
            }),
            restrictions: map(&state.restrictions, |it| {
                (it.scope.clone(), it.ground, kept(&it.place))
            }),
            suppressions: map(&state.suppressions, |it| {
                (it.scope.clone(), it.reason, kept(&it.place))
            }),
            contacts: map(&state.contacts, |it| (it.channel, it.node.uuid(), it.verified)),
            jurisdictions: state.jurisdictions.clone(),
            born: state.born,
            contracts: map(&state.contracts, |it| {
                (it.of_type.clone(), it.active, micros(it.until), it.pending, kept(&it.place))
            }),
            emergencies: map(&state.emergencies, |it| {
                (it.until.micros(), it.last_resort, kept(&it.place))
            }),
            zones: state.zones.clone(),
            unwanted: map(&state.unwanted, |it| (it.channel, it.scope.clone())),
            topics: map(&state.topics, |it| (it.topic.clone(), it.choice)),
            limits: state.limits.to_vec(),
            quiet: state.quiet.clone(),
            snoozed_until: micros(state.snoozed_until),
        }
    }

    /// The snapshot, if it is of this person at this identity epoch with these nodes.
    pub(super) fn snapshot(self, person: &PersonAt) -> Option<Snapshot> {
        let [identity, epoch] = self.epochs.map(Epoch);
        let subject = SubjectId::from_uuid(self.subject);
        let nodes = back(self.nodes.clone(), NodeId::from_uuid);
        if (subject, identity) != (person.subject, person.identity) || nodes != person.nodes {
            return None;
        }
        let (read_at, digest) = (Instant::from_micros(self.read_at), self.digest);
        let digest = Digest::from_bytes(digest);
        let state = Arc::new(self.state());
        Some(Snapshot { subject, identity, person: epoch, read_at, state, digest })
    }

    fn state(self) -> State {
        let [nodes, broken, ignored] = self.counts;
        State {
            nodes,
            broken,
            ignored,
            grants: back(self.grants, grant),
            denials: back(self.denials, |((scope, lifted_for, at), channels, withdrawn)| Denial {
                scope,
                channels: ChannelSet::of(&channels),
                withdrawn,
                lifted_for,
                place: place(at),
            }),
            objections: back(self.objections, |((scope, lifted_for, at), limb)| Objection {
                scope,
                limb,
                lifted_for,
                place: place(at),
            }),
            opt_outs: back(self.opt_outs, |(practice, by_gpc, lifted_for, at)| OptOut {
                practice,
                by_gpc,
                lifted_for,
                place: place(at),
            }),
            restrictions: back(self.restrictions, |(scope, ground, at)| Restriction {
                scope,
                ground,
                place: place(at),
            }),
            suppressions: back(self.suppressions, |(scope, reason, at)| Suppression {
                scope,
                reason,
                place: place(at),
            }),
            contacts: back(self.contacts, |(channel, node, verified)| Contact {
                channel,
                node: NodeId::from_uuid(node),
                verified,
            }),
            jurisdictions: self.jurisdictions,
            born: self.born,
            contracts: back(self.contracts, |(of_type, active, until, pending, at)| Contract {
                of_type,
                active,
                until: instant(until),
                pending,
                place: place(at),
            }),
            emergencies: back(self.emergencies, |(until, last_resort, at)| Emergency {
                until: Instant::from_micros(until),
                last_resort,
                place: place(at),
            }),
            zones: self.zones,
            unwanted: back(self.unwanted, |(channel, scope)| UnwantedChannel { channel, scope }),
            topics: back(self.topics, |(topic, choice)| TopicChoice { topic, choice }),
            limits: self.limits.into(),
            quiet: self.quiet,
            snoozed_until: instant(self.snoozed_until),
        }
    }
}

fn terms(grant: &StandingGrant) -> Terms {
    let notice = match &grant.notice {
        NoticeRef::None => None,
        NoticeRef::Shown { name, version } => Some((name.clone(), *version)),
    };
    let flags =
        [grant.by_guardian, grant.proven, grant.confirmed, grant.conditional, grant.competent];
    let given_at = grant.given_at.micros();
    let (channels, expression) = (grant.channels.iter().collect(), grant.expression);
    (grant.version, given_at, channels, expression, flags, notice, micros(grant.expires_at))
}

fn grant((key, at, terms): (PurposeKey, Place, Terms)) -> StandingGrant {
    let (version, given_at, channels, expression, flags, notice, expires_at) = terms;
    let [by_guardian, proven, confirmed, conditional, competent] = flags;
    StandingGrant {
        key,
        version,
        given_at: Instant::from_micros(given_at),
        place: place(at),
        channels: ChannelSet::of(&channels),
        expression,
        by_guardian,
        proven,
        confirmed,
        conditional,
        competent,
        notice: notice
            .map_or(NoticeRef::None, |(name, version)| NoticeRef::Shown { name, version }),
        expires_at: instant(expires_at),
    }
}

#[cfg(test)]
mod tests {
    use kernel::TenantId;

    use super::{super::super::codec, *};
    use crate::redis::tag::Tag;

    fn place(seq: u64) -> EventRef {
        super::place((Uuid::from_u128(1), Uuid::from_u128(2), seq))
    }

    fn at(micros: i64) -> Instant {
        Instant::from_micros(micros)
    }

    fn purpose() -> PurposeKey {
        PurposeKey::new("marketing.newsletter").unwrap()
    }

    fn label() -> Label {
        Label::new("motor insurance").unwrap()
    }

    fn grant(seq: u64, notice: NoticeRef, expires_at: Option<Instant>) -> StandingGrant {
        StandingGrant {
            key: purpose(),
            version: 3,
            given_at: at(-7),
            place: place(seq),
            channels: ChannelSet::of(&[Channel::Email, Channel::HumanTask]),
            expression: Expression::Explicit,
            by_guardian: true,
            proven: false,
            confirmed: true,
            conditional: false,
            competent: true,
            notice,
            expires_at,
        }
    }

    /// A state with something, or everything, in each member.
    fn full() -> State {
        let under = || PurposeScope::Under(purpose());
        let (scope, lifted_for) = (under(), vec![purpose()]);
        State {
            nodes: 2,
            broken: 1,
            ignored: 3,
            grants: vec![
                grant(1, NoticeRef::None, None),
                grant(2, NoticeRef::Shown { name: label(), version: 9 }, Some(at(99))),
            ],
            denials: vec![Denial {
                scope: PurposeScope::All,
                channels: ChannelSet::ALL,
                withdrawn: true,
                lifted_for: lifted_for.clone(),
                place: place(4),
            }],
            objections: vec![Objection {
                scope: scope.clone(),
                limb: Limb::Art22,
                lifted_for: lifted_for.clone(),
                place: place(5),
            }],
            opt_outs: vec![OptOut {
                practice: Practice::SaleOrShare,
                by_gpc: true,
                lifted_for,
                place: place(10),
            }],
            restrictions: vec![Restriction {
                scope,
                ground: RestrictionGround::D,
                place: place(6),
            }],
            suppressions: vec![
                SuppressionScope::Person,
                SuppressionScope::Channel(Channel::Sms),
                SuppressionScope::List(purpose()),
            ]
            .into_iter()
            .map(|scope| Suppression { scope, reason: SuppressionReason::Dnc, place: place(7) })
            .collect(),
            contacts: vec![Contact {
                channel: Channel::Push,
                node: NodeId::from_uuid(Uuid::from_u128(9)),
                verified: true,
            }],
            jurisdictions: vec![Jurisdiction::new("US-CA").unwrap()],
            born: 1_985,
            contracts: vec![Contract {
                of_type: label(),
                active: true,
                until: Some(at(5)),
                pending: true,
                place: place(8),
            }],
            emergencies: vec![Emergency { until: at(6), last_resort: true, place: place(9) }],
            zones: serde_json::from_str(r#"["Europe/Berlin"]"#).unwrap(),
            unwanted: vec![UnwantedChannel { channel: Channel::Web, scope: PurposeScope::All }],
            topics: vec![TopicChoice { topic: label(), choice: Choice::Out }],
            limits: serde_json::from_str::<Vec<_>>(r#"[{"contacts_max":2,"window":"P7D"}]"#)
                .unwrap()
                .into(),
            quiet: vec![Quiet { from_minute: 1_200, to_minute: 480 }],
            snoozed_until: Some(at(11)),
        }
    }

    fn person() -> PersonAt {
        let uuid = Uuid::from_u128(2);
        let subject = SubjectId::from_uuid(uuid);
        PersonAt { subject, nodes: vec![NodeId::from_uuid(uuid)], identity: Epoch(4) }
    }

    #[test]
    fn a_snapshot_comes_back_as_it_was_sealed() {
        let person = person();
        let tag = Tag::of_subject(&TenantId::new("acme").unwrap(), person.subject);
        for state in [State::default(), full()] {
            let snapshot =
                Snapshot::seal(person.subject, person.identity, Epoch(7), at(1), state).unwrap();
            let bytes = codec::encode(&tag, "s", &Row::new(&person, &snapshot)).unwrap();
            let row: Row = codec::decode(&tag, "s", &bytes).unwrap();
            let back = row.snapshot(&person).unwrap();
            assert_eq!(back, snapshot);
            let again = Snapshot::seal(
                back.subject,
                back.identity,
                back.person,
                back.read_at,
                State::clone(&back.state),
            );
            assert_eq!(again.unwrap().digest, snapshot.digest);
        }
    }

    #[test]
    fn a_snapshot_of_another_person_or_epoch_is_a_miss() {
        let person = person();
        let snapshot =
            Snapshot::seal(person.subject, person.identity, Epoch(7), at(1), full()).unwrap();
        let moved = PersonAt { identity: Epoch(5), ..person.clone() };
        let mut larger = person.clone();
        larger.nodes.push(NodeId::from_uuid(Uuid::from_u128(3)));
        for other in [moved, larger] {
            assert!(Row::new(&person, &snapshot).snapshot(&other).is_none());
        }
    }
}
