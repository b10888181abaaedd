//! The case with one fact otherwise: what is said is sealed into a copy of the logs and folded
//! like any other event.

use kernel::{CanonicalError, Channel, Known, NodeId, StaffId, SystemId};
use uuid::Uuid;

use super::{Case, Change, Who};
use crate::{
    Actor, Ask, BasisSpec, BundleFacts, Choice, ConsentEvent, EventKind, Expression, Grant, Label,
    Limb, Method, NewEvent, NodeLog, NoticeShown, Proof, PurposeScope, Statement,
    ports::{ContactPoint, Link, Member},
};

/// What is supposed is marked as such.
const SUPPOSED: &str = "explain";

/// The longest an assessment is supposed to hold.
const REVIEW: chrono::TimeDelta = chrono::TimeDelta::days(365);

/// Something said at a node, and what it answers.
type Said = (NodeId, EventKind, Vec<Uuid>);

impl Case {
    /// The case after a change; none where the change says nothing here.
    pub(super) fn after(&self, change: &Change) -> Result<Option<Self>, CanonicalError> {
        let mut case = self.clone();
        let said = match change {
            Change::Wait { until } => {
                if *until <= self.as_of {
                    return Ok(None);
                }
                case.as_of = *until;
                return Ok(Some(case));
            }
            Change::AskVersion { version } => {
                return Ok(Some(asked(case, |it| it.purpose.version = *version)));
            }
            Change::AskOver { channel } => {
                return Ok(Some(asked(case, |it| it.channel = *channel)));
            }
            Change::AskAgain { identity } => {
                return Ok(Some(asked(case, |it| it.identity = *identity)));
            }
            Change::LeaveOut { special, criminal } => {
                return Ok(Some(case.leaving_out(*special, *criminal)));
            }
            Change::PassAssessment { .. } => return Ok(Some(case.assessed())),
            Change::ConfirmAddress { channel } => {
                return Ok(case.confirmed(*channel).then_some(case));
            }
            Change::GiveAddress { channel } => return Ok(Some(case.reachable(*channel))),
            _ => self.said(change),
        };
        if said.is_empty() {
            return Ok(None);
        }
        for (node, kind, answers) in said {
            case.say(node, kind, answers, change.who())?;
        }
        Ok(Some(case))
    }

    /// What would be said, where, and what it would answer.
    fn said(&self, change: &Change) -> Vec<Said> {
        let mut said = self.answered(change);
        if let Change::Confirm { purpose } = change {
            said.extend(self.confirmed_grants(purpose));
        }
        let stated = match change {
            Change::Agree { expression, notice, .. } => self.agreed(change, *expression, notice),
            Change::GuardianAgree { notice, .. } => {
                self.agreed(change, Expression::Explicit, notice)
            }
            Change::ChooseTopic { topic } => {
                Some(EventKind::TopicPref { topic: topic.clone(), choice: Choice::In })
            }
            Change::Contract { of_type } => Some(EventKind::Stated(Statement::Contract {
                of_type: of_type.clone(),
                reference: supposed(),
                active: true,
                until: None,
            })),
            Change::Residence { jurisdiction } => {
                Some(EventKind::Stated(Statement::Jurisdiction { jurisdiction: *jurisdiction }))
            }
            Change::BornBy { year } => {
                Some(EventKind::Stated(Statement::BirthYear { year: *year }))
            }
            _ => None,
        };
        if let (Some(kind), Some(home)) = (stated, self.home()) {
            let answers =
                if matches!(kind, EventKind::Given(_)) { self.denials() } else { Vec::new() };
            said.push((home, kind, answers));
        }
        said
    }

    /// What would be said to each event that stands in the way, at its node.
    fn answered(&self, change: &Change) -> Vec<Said> {
        let events = self.logs.iter().flat_map(|it| &it.events);
        events
            .filter_map(|it| {
                let kind = self.answer(change, &it.said.kind)?;
                Some((it.said.node, kind, vec![it.said.id]))
            })
            .collect()
    }

    /// What a change says to one event, if it says anything to it.
    fn answer(&self, change: &Change, to: &EventKind) -> Option<EventKind> {
        let exactly = || PurposeScope::Under(self.ask.purpose.key.clone());
        match (change, to) {
            // A marketing objection by either limb, and a withdrawal from what rests on interests.
            (Change::LiftObjection { limb, .. }, EventKind::Objected { limb: of, .. })
                if of == limb || (*limb == Limb::Art21_2 && *of == Limb::Art21_1) =>
            {
                Some(EventKind::ObjectionLifted { scope: exactly(), limb: *of })
            }
            (
                Change::LiftObjection { limb, .. },
                EventKind::Refused { .. } | EventKind::Withdrawn { .. },
            ) if *limb != Limb::Art22 => {
                Some(EventKind::ObjectionLifted { scope: exactly(), limb: *limb })
            }
            (
                Change::WantChannel { channel },
                EventKind::ChannelPref { channel: of, scope, choice: Choice::Out },
            ) if of == channel => {
                let (channel, scope) = (*channel, scope.clone());
                Some(EventKind::ChannelPref { channel, scope, choice: Choice::In })
            }
            (
                Change::ChooseTopic { topic },
                EventKind::TopicPref { topic: of, choice: Choice::Out },
            ) if of == topic => {
                Some(EventKind::TopicPref { topic: topic.clone(), choice: Choice::In })
            }
            (Change::EndPause, EventKind::Snoozed { .. }) => {
                Some(EventKind::Snoozed { until: self.as_of })
            }
            (Change::LiftRestriction { ground }, EventKind::Restricted { scope, ground: of })
                if of == ground =>
            {
                let (scope, informed_at) = (scope.clone(), self.as_of);
                Some(EventKind::RestrictionLifted { scope, ground: *ground, informed_at })
            }
            (Change::LiftSuppression { reason }, EventKind::Suppressed { scope, reason: of })
                if of == reason =>
            {
                let (scope, authority) = (scope.clone(), StaffId::new(SUPPOSED).ok()?);
                Some(EventKind::SuppressionLifted { scope, reason: *reason, authority })
            }
            _ => None,
        }
    }

    /// Every grant of the purpose, asked about and confirmed where it was given.
    fn confirmed_grants(&self, purpose: &kernel::PurposeRef) -> Vec<Said> {
        let events = self.logs.iter().flat_map(|it| &it.events);
        let grants = events.filter(
            |it| matches!(&it.said.kind, EventKind::Given(grant) if grant.purpose.key == purpose.key),
        );
        grants
            .flat_map(|it| {
                let (node, grant) = (it.said.node, it.said.id);
                let token = kernel::Digest::of(SUPPOSED.as_bytes());
                [
                    (node, EventKind::ConfirmationSent { grant, token }, Vec::new()),
                    (node, EventKind::Confirmed { grant, token }, Vec::new()),
                ]
            })
            .collect()
    }

    /// Where the person would say it: the founding node, or else one that is surely theirs.
    fn home(&self) -> Option<NodeId> {
        let hard = || self.members.iter().filter(|it| it.link == Link::Hard);
        let founder = hard().find(|it| it.node.uuid() == self.person.subject.uuid());
        founder.or_else(|| hard().next()).map(|it| it.node)
    }

    fn agreed(&self, change: &Change, expression: Expression, notice: &Label) -> Option<EventKind> {
        let (Change::Agree { purpose, channels, .. }
        | Change::GuardianAgree { purpose, channels, .. }) = change
        else {
            return None;
        };
        let version = self.artifacts.notice(notice)?.notice.version;
        Some(EventKind::Given(Grant {
            purpose: purpose.clone(),
            channels: *channels,
            expression,
            expires_at: None,
            proof: Proof {
                notice: Some(NoticeShown { name: notice.clone(), version, rendered: None }),
                method: Method::Save,
                prechecked: false,
                condition_of_service: false,
            },
        }))
    }

    /// The refusals, withdrawals and opt-outs a notice would have to show.
    fn denials(&self) -> Vec<Uuid> {
        let events = self.logs.iter().flat_map(|it| &it.events);
        let denials = events.filter(|it| {
            matches!(
                it.said.kind,
                EventKind::Refused { .. }
                    | EventKind::Withdrawn { .. }
                    | EventKind::OptedOut { .. }
            )
        });
        denials.map(|it| it.said.id).collect()
    }
}

/// How the case is asked otherwise, kept, or stated.
impl Case {
    /// Seals what is said behind the log of its node.
    fn say(
        &mut self,
        node: NodeId,
        kind: EventKind,
        answers: Vec<Uuid>,
        who: Who,
    ) -> Result<(), CanonicalError> {
        let actor = match (who, supposed()) {
            (Who::Guardian, Some(proof)) => Actor::Guardian { proof },
            _ => Actor::Subject,
        };
        let Some(source) = supposed() else { return Ok(()) };
        // No id of a choice: those are minted, these count down from the highest.
        let n_said: u128 = self.logs.iter().map(|it| u128::from(it.epoch.0)).sum();
        let Some(log) = self.logs.iter_mut().find(|it| it.node == node) else { return Ok(()) };
        let id = Uuid::from_u128(u128::MAX - n_said);
        let event_time = self.as_of;
        let said = NewEvent { id, source, node, kind, event_time, actor, answers };
        let (seq, prev) = (log.epoch.0.saturating_add(1), log.last());
        log.events.push(ConsentEvent::seal(&self.tenant, seq, event_time, said, None, prev)?);
        log.epoch = log.epoch.next();
        Ok(())
    }

    fn leaving_out(mut self, special: bool, criminal: bool) -> Self {
        let facts = match &self.ask.bundle {
            Known::Is { value, .. } => *value,
            _ => BundleFacts { special: false, criminal: false },
        };
        self.ask.bundle = Known::Is {
            value: BundleFacts {
                special: facts.special && !special,
                criminal: facts.criminal && !criminal,
            },
            source: SystemId::new(SUPPOSED),
            as_of: self.as_of,
        };
        self
    }

    fn assessed(mut self) -> Self {
        let review_by = self.as_of.plus(REVIEW);
        let registry = self.artifacts.supposing(&self.ask.purpose.key, |purpose| {
            let version = purpose.version;
            for spec in purpose.bases.values_mut() {
                if let BasisSpec::LegitimateInterests(lia) = spec {
                    lia.passed = true;
                    lia.of_version = version;
                    lia.review_by = review_by.max(lia.review_by);
                }
            }
        });
        self.artifacts = registry.into();
        self
    }

    /// Whether an address the ask could use was on record and is now confirmed.
    fn confirmed(&mut self, channel: Channel) -> bool {
        let asked = self.ask.address;
        let members = self.members.iter_mut().filter(|it| asked.is_none_or(|at| at == it.node));
        let mut any = false;
        for it in members.flat_map(|it| &mut it.contacts).filter(|it| it.channel == channel) {
            it.verified = true;
            any = true;
        }
        any
    }

    fn reachable(mut self, channel: Channel) -> Self {
        let node = NodeId::from_uuid(Uuid::from_u128(u128::MAX));
        let contacts = vec![ContactPoint { channel, verified: true }];
        self.members.push(Member { node, link: Link::Hard, contacts });
        self.person.nodes.push(node);
        self.logs.push(NodeLog::empty(node));
        self.ask.address = self.ask.address.map(|_| node);
        self
    }
}

fn asked(mut case: Case, otherwise: impl FnOnce(&mut Ask)) -> Case {
    otherwise(&mut case.ask);
    case
}

fn supposed() -> Option<Label> {
    Label::new(SUPPOSED).ok()
}
