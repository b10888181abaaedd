//! One fact that would have to be otherwise, and which facts could stand against which reason.

use chrono::{Datelike as _, NaiveDate, NaiveTime};
use kernel::{CanonicalError, Channel, Epoch, Instant, PurposeRef, Reason};
use serde::Serialize;

use super::Case;
use crate::{
    BasisSpec, ChannelSet, Expression, Jurisdiction, Label, Limb, Purpose, RestrictionGround,
    SuppressionReason, evaluate, reason, snapshot::Snapshot,
};

/// Who could bring a change about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The person.
    Subject,
    /// A holder of parental responsibility.
    Guardian,
    /// The controller, by a fact on record, by its registry, or by asking otherwise.
    Controller,
    /// Nobody: it comes by itself.
    Time,
}

/// One fact that would have to be otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "members are named by their types")]
pub enum Change {
    /// The person agrees, having seen what stood against it.
    Agree { purpose: PurposeRef, channels: ChannelSet, expression: Expression, notice: Label },
    /// A holder of parental responsibility agrees for the child (Art. 8(1)).
    GuardianAgree { purpose: PurposeRef, channels: ChannelSet, notice: Label },
    /// The address that was asked confirms the agreement.
    Confirm { purpose: PurposeRef },
    /// The person takes objections back, for exactly this purpose.
    LiftObjection { purpose: PurposeRef, limb: Limb },
    /// The person wants the channel after all.
    WantChannel { channel: Channel },
    /// The person chooses the topic.
    ChooseTopic { topic: Label },
    /// The person ends the pause.
    EndPause,
    /// The person gives an address for the channel and confirms it.
    GiveAddress { channel: Channel },
    /// The person confirms an address on record.
    ConfirmAddress { channel: Channel },
    /// The person has a contract of this type.
    Contract { of_type: Label },
    /// The controller lifts a restriction after telling the person (Art. 18(3)).
    LiftRestriction { ground: RestrictionGround },
    /// Staff with the authority to do so lift a suppression.
    LiftSuppression { reason: SuppressionReason },
    /// Where the person lives comes on record.
    Residence { jurisdiction: Jurisdiction },
    /// A year of birth comes on record: this one, or an earlier one.
    BornBy { year: u16 },
    /// The balancing of interests is done again and passed, for this version.
    PassAssessment { assessment: Label },
    /// The controller asks about the version in force.
    AskVersion { version: u32 },
    /// The controller asks over a channel the purpose allows; none where it allows none.
    AskOver { channel: Option<Channel> },
    /// The controller asks about the person as resolved now.
    AskAgain { identity: Epoch },
    /// The controller says which kinds of data are used, and leaves these out.
    LeaveOut { special: bool, criminal: bool },
    /// It is asked later.
    Wait { until: Instant },
}

impl Change {
    /// Who could bring it about.
    pub const fn who(&self) -> Who {
        match self {
            Self::Agree { .. }
            | Self::Confirm { .. }
            | Self::LiftObjection { .. }
            | Self::WantChannel { .. }
            | Self::ChooseTopic { .. }
            | Self::EndPause
            | Self::GiveAddress { .. }
            | Self::ConfirmAddress { .. }
            | Self::Contract { .. } => Who::Subject,
            Self::GuardianAgree { .. } => Who::Guardian,
            Self::LiftRestriction { .. }
            | Self::LiftSuppression { .. }
            | Self::Residence { .. }
            | Self::BornBy { .. }
            | Self::PassAssessment { .. }
            | Self::AskVersion { .. }
            | Self::AskOver { .. }
            | Self::AskAgain { .. }
            | Self::LeaveOut { .. } => Who::Controller,
            Self::Wait { .. } => Who::Time,
        }
    }
}

impl Case {
    /// The changes that might do away with a reason, the smallest first: waiting, then one act of
    /// the person, then the controller's. Nothing for what only an act nobody may wish for changes
    /// (an emergency, a death recorded in error), nor for what would have to be made up (a purpose,
    /// a law, the missing part of a log).
    pub(super) fn candidates(&self, reason: &Reason) -> Result<Vec<Change>, CanonicalError> {
        let Some(purpose) = self.artifacts.purpose(&self.ask.purpose.key) else {
            return Ok(self.of_ask(reason));
        };
        let snapshot = self.snapshot()?;
        let mut all = self.of_ask(reason);
        all.extend(of_registry(reason, purpose));
        all.extend(self.of_consent(reason, purpose));
        all.extend(self.of_person(reason, purpose, &snapshot));
        all.extend(self.of_state(reason));
        Ok(all)
    }

    /// What the asker could ask otherwise.
    fn of_ask(&self, reason: &Reason) -> Vec<Change> {
        match reason.code() {
            "FR.IDENTITY_EPOCH" => vec![Change::AskAgain { identity: self.person.identity }],
            "FR.UNKNOWN.BUNDLE" => vec![Change::LeaveOut { special: true, criminal: true }],
            "SC.A9.NO_CONDITION" | "SC.A9.EVIDENCE" | "SC.A9.NOT_EXPLICIT" => {
                vec![Change::LeaveOut { special: true, criminal: false }]
            }
            "SC.A10.NO_AUTHORITY" => vec![Change::LeaveOut { special: false, criminal: true }],
            "RQ.SCHEMA" => {
                let at = self.members.iter().find(|it| Some(it.node) == self.ask.address);
                let channels = at.into_iter().flat_map(|it| &it.contacts);
                channels.map(|it| Change::AskOver { channel: Some(it.channel) }).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A grant on the notice that asks for it: by a clear act, by an explicit statement, or by a
    /// holder of parental responsibility.
    fn of_consent(&self, reason: &Reason, purpose: &Purpose) -> Vec<Change> {
        let code = reason.code();
        if !code.starts_with("LB.CONSENT.")
            && *reason != reason::SC_A9_NOT_EXPLICIT
            && *reason != reason::AC_CHILD_NO_GUARDIAN
            && !yields_to_a_yes(reason)
        {
            return Vec::new();
        }
        let channels = match self.ask.channel {
            Some(it) => ChannelSet::of(&[it]),
            None if purpose.channels.is_empty() => ChannelSet::ALL,
            None => purpose.channels,
        };
        let terms = purpose.bases.values().filter_map(|it| match it {
            BasisSpec::Consent(terms) => Some(terms),
            _ => None,
        });
        let by_person = |notice: &Label, expression| Change::Agree {
            purpose: purpose.reference(),
            channels,
            expression,
            notice: notice.clone(),
        };
        terms
            .flat_map(|it| {
                [
                    by_person(&it.notice, Expression::Expressed),
                    by_person(&it.notice, Expression::Explicit),
                    Change::GuardianAgree {
                        purpose: purpose.reference(),
                        channels,
                        notice: it.notice.clone(),
                    },
                ]
            })
            .collect()
    }

    /// What the person could say or show, and what comes with time.
    fn of_person(&self, reason: &Reason, purpose: &Purpose, snapshot: &Snapshot) -> Vec<Change> {
        let wait = || {
            let until = evaluate::waits_until(&self.ask, snapshot, &self.artifacts, self.as_of);
            until.map(|until| Change::Wait { until })
        };
        let lift = |limb| Change::LiftObjection { purpose: purpose.reference(), limb };
        let channel = self.ask.channel;
        match reason.code() {
            "LB.CONSENT.PENDING_DOI" => vec![Change::Confirm { purpose: purpose.reference() }],
            "OB.A21_1" => vec![lift(Limb::Art21_1)],
            "OB.A21_2" => vec![lift(Limb::Art21_2)],
            "OB.A22" => vec![lift(Limb::Art22)],
            "CP.OPTED_OUT" => {
                channel.map(|channel| Change::WantChannel { channel }).into_iter().collect()
            }
            "CP.UNVERIFIED" | "CP.NO_ADDRESS" => channel
                .map(|it| {
                    [Change::ConfirmAddress { channel: it }, Change::GiveAddress { channel: it }]
                })
                .into_iter()
                .flatten()
                .collect(),
            "TP.OPTED_OUT" => {
                let topic = self.ask.topic.clone();
                topic.map(|topic| Change::ChooseTopic { topic }).into_iter().collect()
            }
            "FQ.QUIET" | "JX.TCPA.QUIET_HOURS" => wait().into_iter().collect(),
            "FQ.SNOOZED" => {
                let until = snapshot.state.snoozed_until;
                let wait = until.map(|until| Change::Wait { until });
                wait.into_iter().chain([Change::EndPause]).collect()
            }
            "AC.CHILD.PROFILING" | "LB.LI.CHILD" => majority(snapshot.state.born)
                .map(|until| Change::Wait { until })
                .into_iter()
                .collect(),
            _ => Vec::new(),
        }
    }

    /// What the controller could lift or state.
    fn of_state(&self, reason: &Reason) -> Vec<Change> {
        let restriction = |ground| vec![Change::LiftRestriction { ground }];
        let suppression = |reason| vec![Change::LiftSuppression { reason }];
        match reason.code() {
            "RS.A18.A" => restriction(RestrictionGround::A),
            "RS.A18.B" => restriction(RestrictionGround::B),
            "RS.A18.C" => restriction(RestrictionGround::C),
            "RS.A18.D" => restriction(RestrictionGround::D),
            "SP.LEGAL" => suppression(SuppressionReason::Legal),
            "SP.COMPLAINT" => suppression(SuppressionReason::Complaint),
            "SP.DNC" => suppression(SuppressionReason::Dnc),
            "SP.BOUNCE" => suppression(SuppressionReason::Bounce),
            "SP.VULNERABLE" => suppression(SuppressionReason::Vulnerable),
            "SP.UNSUBSCRIBED" => suppression(SuppressionReason::Unsubscribe),
            "AC.AGE_UNKNOWN" => {
                let year = self.as_of.utc().year() - evaluate::MAJORITY_YEARS - 1;
                u16::try_from(year).map(|year| Change::BornBy { year }).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Whether a yes on a notice that shows what stands against it outweighs it.
fn yields_to_a_yes(reason: &Reason) -> bool {
    [
        &reason::JX_GPC,
        &reason::JX_CCPA_OPTOUT,
        &reason::JX_GLBA_OPTOUT,
        &reason::JX_CCPA_MINOR,
        &reason::JX_EPRIV_NO_CONSENT,
        &reason::JX_CASL_NO_CONSENT,
        &reason::JX_TCPA_NO_PEWC,
        &reason::JX_HIPAA_NO_AUTH,
    ]
    .contains(&reason)
}

/// What the registry has on offer, and what of it the controller could renew.
fn of_registry(reason: &Reason, purpose: &Purpose) -> Vec<Change> {
    let specs = purpose.bases.values();
    match reason.code() {
        "PU.INACTIVE" => vec![
            Change::AskVersion { version: purpose.version },
            Change::Wait { until: purpose.effective_from },
        ],
        "PU.CHANNEL" if purpose.channels.is_empty() => vec![Change::AskOver { channel: None }],
        "PU.CHANNEL" => {
            purpose.channels.iter().map(|it| Change::AskOver { channel: Some(it) }).collect()
        }
        "FR.UNKNOWN.JURISDICTION" => {
            purpose.bases.keys().map(|it| Change::Residence { jurisdiction: *it }).collect()
        }
        "LB.LEGAL.NOT_IN_FORCE" | "LB.PUBLIC.NOT_IN_FORCE" => specs
            .filter_map(|it| match it {
                BasisSpec::LegalObligation(law) | BasisSpec::PublicTask(law) => {
                    Some(Change::Wait { until: law.in_force_from })
                }
                _ => None,
            })
            .collect(),
        "LB.LI.LIA_FAILED" | "LB.LI.LIA_EXPIRED" => specs
            .filter_map(|it| match it {
                BasisSpec::LegitimateInterests(lia) => {
                    Some(Change::PassAssessment { assessment: lia.assessment.clone() })
                }
                _ => None,
            })
            .collect(),
        "LB.CONTRACT.NONE"
        | "LB.CONTRACT.ENDED"
        | "LB.CONTRACT.WRONG_TYPE"
        | "LB.CONTRACT.PRECONTRACT_EXPIRED" => specs
            .filter_map(|it| match it {
                BasisSpec::Contract { contract } => {
                    Some(Change::Contract { of_type: contract.clone() })
                }
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// When somebody born in this year is of age for certain.
fn majority(born: u16) -> Option<Instant> {
    let year = i32::from(born) + evaluate::MAJORITY_YEARS + 1;
    let day = NaiveDate::from_ymd_opt(year, 1, 1).filter(|_| born > 0)?;
    Some(Instant::from(day.and_time(NaiveTime::MIN).and_utc()))
}
