//! The answer: pure and total; every gate runs and every reason is collected.

use std::sync::Arc;

use chrono::{Datelike, TimeDelta};
use kernel::{Epoch, Epochs, Instant, Known, Reason};

use crate::{
    Artifacts, Ask, ChannelSet, Flag, Ground, Grounds, Jurisdiction, Obligations, Outcome, Purpose,
    Quiet, RestrictionGround, Snapshot, State, Verdict, artifacts::REGIMES_MAX, fold::SKEW, minor,
    purpose::BasisSpec, reason,
};

mod basis;
mod contact;
mod overlay;
mod signal;

/// The longest a verdict is good for, and the oldest a snapshot may be.
pub const GOOD_FOR_MAX: TimeDelta = TimeDelta::seconds(60);

/// The age below which marketing does not profile a person (DSA Art. 28(2)) and interests do not
/// outweigh theirs (Art. 6(1)(f)).
pub(crate) const MAJORITY_YEARS: i32 = 18;

/// Answers an ask from a snapshot and the registry, for an instant.
///
/// The same epochs and any instant before `good_until` give the same outcome. The policy epoch is
/// the caller's to add: [`Verdict::under`].
pub fn evaluate(ask: &Ask, snapshot: &Snapshot, artifacts: &Artifacts, as_of: Instant) -> Verdict {
    let mut gates = Gates::new(ask, snapshot, as_of);
    gates.freshness(snapshot);
    let purpose = artifacts.purpose(&ask.purpose.key);
    gates.bundle(purpose);
    if let Some(purpose) = purpose {
        gates.purpose(purpose);
        gates.suppression(purpose);
        gates.restriction(purpose);
        gates.minors(purpose);
        gates.lawful_basis(purpose);
        gates.objections(purpose);
        gates.signals(purpose);
        gates.overlays(purpose, artifacts);
        if !purpose.is(Flag::ServiceMessage) {
            gates.preferences();
        }
    } else {
        gates.refuse(reason::PU_UNKNOWN);
    }
    gates.verdict(snapshot, artifacts, purpose)
}

/// When a pause, quiet hours or the hours of a law would next let the ask through, where they hold it back.
pub(crate) fn waits_until(
    ask: &Ask,
    snapshot: &Snapshot,
    artifacts: &Artifacts,
    as_of: Instant,
) -> Option<Instant> {
    let mut gates = Gates::new(ask, snapshot, as_of);
    if let Some(purpose) = artifacts.purpose(&ask.purpose.key) {
        gates.overlays(purpose, artifacts);
    }
    gates.preferences();
    gates.held_until
}

/// Collects reasons, grounds and edges of time while the gates run.
#[derive(Debug)]
struct Gates<'a> {
    ask: &'a Ask,
    state: &'a State,
    as_of: Instant,
    reasons: Vec<Reason>,
    grounds: Grounds,
    good_until: Instant,
    held_until: Option<Instant>,
    /// Hours in which a law wants quiet, and what it says.
    by_law: Vec<(Quiet, Reason)>,
}

impl<'a> Gates<'a> {
    fn new(ask: &'a Ask, snapshot: &'a Snapshot, as_of: Instant) -> Self {
        Self {
            ask,
            state: &snapshot.state,
            as_of,
            reasons: Vec::new(),
            grounds: Grounds::default(),
            good_until: as_of.plus(GOOD_FOR_MAX),
            held_until: None,
            by_law: Vec::new(),
        }
    }

    fn refuse(&mut self, reason: Reason) {
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    fn refuse_if(&mut self, wrong: bool, reason: Reason) {
        if wrong {
            self.refuse(reason);
        }
    }

    /// Notes that something read changes at this instant.
    fn edge(&mut self, at: Instant) {
        if at > self.as_of {
            self.good_until = self.good_until.min(at);
        }
    }

    /// Whether a stretch of time contains the instant; both its ends are edges.
    fn within(&mut self, from: Instant, until: Option<Instant>) -> bool {
        self.edge(from);
        if let Some(until) = until {
            self.edge(until);
        }
        from <= self.as_of && until.is_none_or(|it| self.as_of < it)
    }

    /// What cannot be demonstrated is not permitted (Art. 5(2), 7(1)): the choices at hand are whole,
    /// of this person, and young enough for a withdrawal to have reached them (Art. 7(3)).
    fn freshness(&mut self, snapshot: &Snapshot) {
        let too_old = snapshot.read_at.plus(GOOD_FOR_MAX);
        self.edge(too_old);
        self.edge(snapshot.read_at.minus(SKEW));
        self.refuse_if(self.ask.address.is_some() && self.ask.channel.is_none(), reason::RQ_SCHEMA);
        self.refuse_if(snapshot.state.broken > 0, reason::FR_MALFORMED);
        self.refuse_if(snapshot.person < self.ask.person_min, reason::FR_STALE_EPOCH);
        self.refuse_if(self.as_of >= too_old, reason::FR_TOO_OLD);
        self.refuse_if(self.as_of < snapshot.read_at.minus(SKEW), reason::FR_CLOCK);
        self.refuse_if(snapshot.identity != self.ask.identity, reason::FR_IDENTITY_EPOCH);
        self.refuse_if(self.state.nodes == 0, reason::SU_UNKNOWN);
    }

    /// Data on offences needs a law that authorises it, in force (Art. 10).
    fn bundle(&mut self, purpose: Option<&Purpose>) {
        match &self.ask.bundle {
            Known::Is { value, .. } if value.criminal => {
                let law = purpose.and_then(|it| it.offences.as_ref());
                let authorised =
                    law.is_some_and(|it| self.within(it.in_force_from, it.in_force_until));
                self.refuse_if(!authorised, reason::SC_A10_NO_AUTHORITY);
            }
            Known::Unknown(_) => self.refuse(reason::FR_UNKNOWN_BUNDLE),
            Known::Is { .. } | Known::NotApplicable(_) => {}
        }
    }

    /// Specified, explicit purposes (Art. 5(1)(b)), over the channels they name (Art. 25(2)).
    fn purpose(&mut self, purpose: &Purpose) {
        let in_force = self.within(purpose.effective_from, purpose.effective_until);
        let current = purpose.version == self.ask.purpose.version;
        self.refuse_if(!in_force || !current, reason::PU_INACTIVE);
        let allowed = self.ask.channel.is_none_or(|it| purpose.channels.contains(it));
        self.refuse_if(!allowed, reason::PU_CHANNEL);
    }

    /// Restricted data is stored and not otherwise used, but for the exceptions (Art. 18(1), (2)).
    fn restriction(&mut self, purpose: &Purpose) {
        let state = self.state;
        // Another person's vital interests are worth more than a restriction (Art. 18(2)).
        if purpose.bases.values().all(|it| matches!(it, BasisSpec::VitalInterests {})) {
            return;
        }
        // What claims, another's rights or a public interest need may be done (Art. 18(2)); the
        // verdict says so.
        if self.ask.exception.is_some() {
            return;
        }
        for it in state.restrictions.iter().filter(|it| it.scope.covers(&purpose.key)) {
            self.refuse(match it.ground {
                RestrictionGround::A => reason::RS_A18_A,
                RestrictionGround::B => reason::RS_A18_B,
                RestrictionGround::C => reason::RS_A18_C,
                RestrictionGround::D => reason::RS_A18_D,
            });
        }
    }

    /// No minor is profiled for marketing (DSA Art. 28(2)); where children are addressed, an unknown
    /// age is a child's (Art. 8(2)).
    fn minors(&mut self, purpose: &Purpose) {
        let profiled = purpose.is(Flag::DirectMarketing) && purpose.is(Flag::Profiling);
        let age = self.age_min();
        self.refuse_if(
            profiled && age.is_some_and(|it| it < MAJORITY_YEARS),
            reason::AC_CHILD_PROFILING,
        );
        self.refuse_if(purpose.is(Flag::ChildDirected) && age.is_none(), reason::AC_AGE_UNKNOWN);
    }

    /// The youngest the person can be, where a year of birth is known.
    fn age_min(&mut self) -> Option<i32> {
        if self.state.born == 0 {
            return None;
        }
        let year = self.as_of.utc().year();
        let next =
            chrono::NaiveDate::from_ymd_opt(year + 1, 1, 1)?.and_time(chrono::NaiveTime::MIN);
        self.edge(Instant::from(next.and_utc()));
        Some(year - i32::from(self.state.born) - 1)
    }

    /// Every candidate regime: where the person lives and where it is done; where the former is
    /// unknown, every regime the purpose lists.
    fn each_regime(
        &mut self,
        purpose: &Purpose,
        mut judge: impl FnMut(&mut Self, Jurisdiction, Option<&BasisSpec>),
    ) {
        let state = self.state;
        if state.jurisdictions.is_empty() {
            for (jurisdiction, spec) in &purpose.bases {
                judge(self, *jurisdiction, Some(spec));
            }
        }
        for jurisdiction in &state.jurisdictions {
            judge(self, *jurisdiction, spec_of(purpose, *jurisdiction));
        }
        let seen = |it: &Jurisdiction| {
            state.jurisdictions.contains(it)
                || (state.jurisdictions.is_empty() && purpose.bases.contains_key(it))
        };
        if let Some(it) = self.ask.jurisdiction.filter(|it| !seen(it)) {
            judge(self, it, spec_of(purpose, it));
        }
    }

    /// One basis of Art. 6(1) per regime, and every candidate regime's must hold (Art. 3).
    fn lawful_basis(&mut self, purpose: &Purpose) {
        let mut all_hold = true;
        self.each_regime(purpose, |gates, jurisdiction, spec| {
            let held = match spec {
                Some(spec) => gates.basis(purpose, jurisdiction, spec).is_some_and(|footing| {
                    let (basis, evidence) = (spec.basis(), footing.event());
                    gates.grounds.push(Ground { jurisdiction, basis, evidence })
                }),
                None => {
                    gates.refuse(reason::PU_JURISDICTION);
                    false
                }
            };
            all_hold &= held;
        });
        let nowhere = self.grounds.first().is_none() && all_hold;
        self.refuse_if(nowhere, reason::PU_JURISDICTION);
        // Where some candidates permit and some do not, knowing the law would decide.
        let split = self.state.jurisdictions.is_empty() && self.grounds.first().is_some();
        let too_many = self.state.jurisdictions.len() >= REGIMES_MAX;
        self.refuse_if(!all_hold && (split || too_many), reason::FR_UNKNOWN_JURISDICTION);
    }

    fn verdict(
        mut self,
        snapshot: &Snapshot,
        artifacts: &Artifacts,
        purpose: Option<&Purpose>,
    ) -> Verdict {
        let outcome = if self.reasons.is_empty() {
            Outcome::Permitted
        } else {
            self.reasons.sort_by_key(reason::rank);
            let waits = |it: &Reason| {
                [&reason::FQ_QUIET, &reason::FQ_SNOOZED].contains(&it)
                    || self.by_law.iter().any(|law| law.1 == *it)
            };
            let only_waits = self.reasons.iter().all(waits);
            match self.held_until {
                Some(until) if only_waits => Outcome::Held { until },
                _ => Outcome::Refused,
            }
        };
        let service = purpose.is_some_and(|it| it.is(Flag::ServiceMessage));
        Verdict {
            outcome,
            reasons: self.reasons,
            grounds: self.grounds,
            obligations: Obligations {
                one_click_unsubscribe: purpose
                    .is_some_and(|it| it.needs_one_click(self.ask.channel)),
                human_review: purpose.is_some_and(|it| it.is(Flag::SolelyAutomatedSignificant)),
                limits: if service { Arc::default() } else { self.state.limits.clone() },
            },
            epochs: Epochs {
                identity: snapshot.identity,
                person: snapshot.person,
                policy: Epoch(0),
            },
            exception: self.ask.exception.clone(),
            artifacts: artifacts.digest(),
            snapshot: snapshot.digest,
            as_of: self.as_of,
            good_until: self.good_until,
        }
    }
}

/// The basis where this law applies: its own, or else that of the regime it falls under.
fn spec_of(purpose: &Purpose, of: Jurisdiction) -> Option<&BasisSpec> {
    let regime = || purpose.bases.get(&minor::regime(of));
    let federation = || purpose.bases.iter().find(|it| of.is_in(*it.0)).map(|it| it.1);
    purpose.bases.get(&of).or_else(regime).or_else(federation)
}

/// The channels that reach a person at an address.
const ADDRESSED: [kernel::Channel; 3] =
    [kernel::Channel::Email, kernel::Channel::Sms, kernel::Channel::Push];

fn is_addressed(channel: kernel::Channel) -> bool {
    ADDRESSED.contains(&channel)
}

/// The channels on which a person is only met when looking.
fn is_pulled(channel: kernel::Channel) -> bool {
    ChannelSet::of(&[kernel::Channel::Web, kernel::Channel::App, kernel::Channel::Webhook])
        .contains(channel)
}
