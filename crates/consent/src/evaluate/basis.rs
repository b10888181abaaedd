//! The six lawful bases of Art. 6(1), special categories, and the rights to object.

use kernel::{Known, Reason};

use super::{Gates, MAJORITY_YEARS};
use crate::{
    Assessment, Basis, BasisSpec, ConsentTerms, EventRef, Expression, Flag, Jurisdiction, Label,
    Law, Limb, Purpose, SpecialCondition,
    fold::DOI_TTL,
    minor, reason,
    snapshot::{NoticeRef, StandingGrant},
};

/// What a basis that holds rests on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Footing {
    /// Something said or stated.
    Event(EventRef),
    /// The registry alone.
    Registry,
}

impl Footing {
    pub(super) const fn event(self) -> Option<EventRef> {
        match self {
            Self::Event(it) => Some(it),
            Self::Registry => None,
        }
    }
}

impl Gates<'_> {
    /// What the basis of Art. 6(1) rests on, if it holds, and with it a condition of Art. 9(2) where
    /// special categories are used.
    pub(super) fn basis(
        &mut self,
        purpose: &Purpose,
        jurisdiction: Jurisdiction,
        spec: &BasisSpec,
    ) -> Option<Footing> {
        let special = !self.is_special() || self.special_condition(purpose);
        let footing = match spec {
            BasisSpec::Consent(terms) => {
                self.consent(purpose, jurisdiction, terms).map(Footing::Event)
            }
            BasisSpec::Contract { contract } => {
                let necessary = purpose.is(Flag::NecessaryForContract);
                self.refuse_if(!necessary, reason::LB_CONTRACT_NOT_NECESSARY);
                self.contract(contract).filter(|_| necessary).map(Footing::Event)
            }
            BasisSpec::LegalObligation(law) => {
                let here = law.applies_in(jurisdiction);
                self.refuse_if(!here, reason::LB_LEGAL_JURISDICTION);
                self.law(law, reason::LB_LEGAL_NOT_IN_FORCE).filter(|_| here)
            }
            BasisSpec::VitalInterests {} => self.emergency().map(Footing::Event),
            BasisSpec::PublicTask(law) => self.law(law, reason::LB_PUBLIC_NOT_IN_FORCE),
            BasisSpec::LegitimateInterests(lia) => self.interests(purpose, lia),
        };
        footing.filter(|_| special)
    }

    /// Whether a condition of Art. 9(2) holds beside the basis, on evidence of its own; explicit
    /// consent is that of the grant itself.
    fn special_condition(&mut self, purpose: &Purpose) -> bool {
        let Some(condition) = purpose.special else {
            self.refuse(reason::SC_A9_NO_CONDITION);
            return false;
        };
        let holds = match condition {
            SpecialCondition::ExplicitConsent => true,
            SpecialCondition::VitalInterests => self.is_emergency(),
            _ => match &purpose.special_law {
                Some(law) => self.within(law.in_force_from, law.in_force_until),
                None => false,
            },
        };
        self.refuse_if(!holds, reason::SC_A9_EVIDENCE);
        holds
    }

    /// From which age a person consents alone there (Art. 8(1)); the highest where no law is known.
    fn consent_age(&mut self, jurisdiction: Jurisdiction) -> i32 {
        let mut years = minor::CONSENT_AGE_MAX;
        for it in minor::consent_ages(jurisdiction) {
            if self.within(it.in_force_from(), None) {
                years = it.years;
            }
        }
        years
    }

    fn is_special(&self) -> bool {
        matches!(&self.ask.bundle, Known::Is { value, .. } if value.special)
    }

    /// A grant nothing is wrong with (Art. 4(11), 6(1)(a), 7, 8); or else what is wrong with the
    /// newest.
    fn consent(
        &mut self,
        purpose: &Purpose,
        jurisdiction: Jurisdiction,
        terms: &ConsentTerms,
    ) -> Option<EventRef> {
        let state = self.state;
        let grants = state.grants_of(&purpose.key);
        for grant in grants {
            if !self.faults(purpose, jurisdiction, terms, grant).iter().any(|it| it.0) {
                return Some(grant.place);
            }
        }
        let Some(newest) = grants.first() else {
            self.without_grant(purpose, reason::LB_CONSENT_MISSING);
            return None;
        };
        for (wrong, reason) in self.faults(purpose, jurisdiction, terms, newest) {
            if wrong && reason == reason::LB_CONSENT_SCOPE {
                self.without_grant(purpose, reason);
            } else {
                self.refuse_if(wrong, reason);
            }
        }
        None
    }

    /// What could be wrong with a grant, and whether it is.
    fn faults(
        &mut self,
        purpose: &Purpose,
        jurisdiction: Jurisdiction,
        terms: &ConsentTerms,
        grant: &StandingGrant,
    ) -> [(bool, Reason); 11] {
        let aged_out = grant.given_at.plus(terms.max_age.span());
        let end = grant.expires_at.map_or(aged_out, |it| it.min(aged_out));
        let begun = self.within(grant.given_at, Some(end)) || self.as_of >= end;
        let unconfirmed = terms.double_opt_in && !grant.confirmed;
        let confirm_by = grant.given_at.plus(DOI_TTL);
        let lapsed = unconfirmed && self.as_of >= confirm_by;
        if unconfirmed {
            self.edge(confirm_by);
        }
        let old_notice = match &grant.notice {
            NoticeRef::None => false,
            NoticeRef::Shown { name, version } => {
                *name != terms.notice || *version < terms.notice_version_min
            }
        };
        let old_version = grant.version < terms.version_min || grant.version > purpose.version;
        let explicit = grant.expression == Expression::Explicit;
        let significant = purpose.is(Flag::SolelyAutomatedSignificant);
        let consent_age = self.consent_age(jurisdiction);
        let child = self.age_min().is_some_and(|it| it < consent_age);
        let by_consent =
            !matches!(purpose.special, Some(it) if it != SpecialCondition::ExplicitConsent);
        let channel = self.ask.channel;
        [
            (child && !grant.by_guardian, reason::AC_CHILD_NO_GUARDIAN),
            (!begun, reason::LB_CONSENT_MISSING),
            (self.as_of >= end || lapsed, reason::LB_CONSENT_EXPIRED),
            (unconfirmed && !lapsed, reason::LB_CONSENT_PENDING_DOI),
            (grant.conditional, reason::LB_CONSENT_BUNDLED),
            (!grant.competent, reason::LB_CONSENT_ACTOR),
            (old_notice || old_version, reason::LB_CONSENT_STALE_NOTICE),
            (channel.is_some_and(|it| !grant.channels.contains(it)), reason::LB_CONSENT_SCOPE),
            ((terms.explicit || significant) && !explicit, reason::LB_CONSENT_NOT_EXPLICIT),
            (!grant.proven || grant.notice == NoticeRef::None, reason::LB_CONSENT_PROOF),
            (self.is_special() && by_consent && !explicit, reason::SC_A9_NOT_EXPLICIT),
        ]
    }

    /// Why nothing was granted: taken away, or never given.
    fn without_grant(&mut self, purpose: &Purpose, otherwise: Reason) {
        let state = self.state;
        let mut denied = false;
        for it in state.denials.iter().filter(|it| it.reaches(&purpose.key, self.ask.channel)) {
            denied = true;
            self.refuse(if it.withdrawn {
                reason::LB_CONSENT_WITHDRAWN
            } else {
                reason::LB_CONSENT_REFUSED
            });
        }
        self.refuse_if(!denied, otherwise);
    }

    /// A contract of the type, in force (Art. 6(1)(b)).
    fn contract(&mut self, of_type: &Label) -> Option<EventRef> {
        let state = self.state;
        let mut same_type = false;
        let mut only_asked = true;
        for contract in state.contracts.iter().filter(|it| it.of_type == *of_type) {
            same_type = true;
            only_asked &= contract.pending;
            if let Some(until) = contract.until {
                self.edge(until);
            }
            if contract.active && contract.until.is_none_or(|it| self.as_of < it) {
                return Some(contract.place);
            }
        }
        self.refuse(if same_type && only_asked {
            reason::LB_CONTRACT_PRECONTRACT_EXPIRED
        } else if same_type {
            reason::LB_CONTRACT_ENDED
        } else if state.contracts.is_empty() {
            reason::LB_CONTRACT_NONE
        } else {
            reason::LB_CONTRACT_WRONG_TYPE
        });
        None
    }

    /// A law in force that obliges or empowers (Art. 6(1)(c), (e) and 6(3)).
    fn law(&mut self, law: &Law, otherwise: Reason) -> Option<Footing> {
        let in_force = self.within(law.in_force_from, law.in_force_until);
        self.refuse_if(!in_force, otherwise);
        in_force.then_some(Footing::Registry)
    }

    fn is_emergency(&mut self) -> bool {
        let state = self.state;
        let mut any = false;
        for it in &state.emergencies {
            self.edge(it.until);
            any |= self.as_of < it.until;
        }
        any
    }

    /// A documented danger to life that is not over (Art. 6(1)(d), recital 46).
    fn emergency(&mut self) -> Option<EventRef> {
        let state = self.state;
        for it in &state.emergencies {
            self.edge(it.until);
            if self.as_of < it.until && it.last_resort {
                return Some(it.place);
            }
        }
        let in_time = state.emergencies.iter().any(|it| self.as_of < it.until);
        self.refuse(if in_time {
            reason::LB_VITAL_NOT_LAST_RESORT
        } else if state.emergencies.is_empty() {
            reason::LB_VITAL_NO_EMERGENCY
        } else {
            reason::LB_VITAL_EXPIRED
        });
        None
    }

    /// A balancing that was passed for this version, is current, and is not about a child (Art.
    /// 6(1)(f)).
    fn interests(&mut self, purpose: &Purpose, lia: &Assessment) -> Option<Footing> {
        self.edge(lia.review_by);
        let faults = [
            (!lia.passed || lia.of_version != purpose.version, reason::LB_LI_LIA_FAILED),
            (self.as_of >= lia.review_by, reason::LB_LI_LIA_EXPIRED),
            (self.age_min().is_some_and(|it| it < MAJORITY_YEARS), reason::LB_LI_CHILD),
        ];
        let wrong = faults.iter().any(|it| it.0);
        for (wrong, reason) in faults {
            self.refuse_if(wrong, reason);
        }
        (!wrong).then_some(Footing::Registry)
    }

    /// Art. 21(2) whatever the basis; 21(1) and a withdrawal where the basis can be objected to;
    /// Art. 22 where a machine alone decides.
    pub(super) fn objections(&mut self, purpose: &Purpose) {
        let state = self.state;
        let marketing = purpose.is(Flag::DirectMarketing);
        let mut objectionable = false;
        self.each_regime(purpose, |_, _, spec| {
            objectionable |= spec.is_some_and(|it| {
                matches!(it.basis(), Basis::PublicTask | Basis::LegitimateInterests)
            });
        });
        for it in &state.objections {
            if !it.scope.covers(&purpose.key) || it.lifted_for.contains(&purpose.key) {
                continue;
            }
            match it.limb {
                Limb::Art21_1 => {
                    self.refuse_if(objectionable && !marketing, reason::OB_A21_1);
                    self.refuse_if(marketing, reason::OB_A21_2);
                }
                Limb::Art21_2 => self.refuse_if(marketing, reason::OB_A21_2),
                Limb::Art22 => {
                    let automated = purpose.is(Flag::SolelyAutomatedSignificant);
                    self.refuse_if(automated, reason::OB_A22);
                }
            }
        }
        let denied = state.denials.iter().any(|it| it.reaches(&purpose.key, self.ask.channel));
        let code = if marketing { reason::OB_A21_2 } else { reason::OB_A21_1 };
        self.refuse_if(objectionable && denied, code);
    }
}
