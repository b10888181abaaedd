//! The laws of each candidate jurisdiction on top of the basis.

use kernel::Known;

use super::Gates;
use crate::{
    Artifacts, Basis, Expression, Flag, Jurisdiction, Overlay, Purpose, Quiet, overlay::Condition,
    reason,
};

/// From this age on nobody need opt in to sale or sharing (Cal. Civ. Code 1798.120(c)).
const CCPA_AGE: i32 = 16;
/// Below this age a guardian opts in.
const CCPA_GUARDIAN_AGE: i32 = 13;

impl Gates<'_> {
    /// Every overlay in force where the person may live, or where it is done, must hold; where the
    /// jurisdiction is unknown, every overlay of those the purpose lists. Past its review an overlay
    /// refuses.
    pub(super) fn overlays(&mut self, purpose: &Purpose, artifacts: &Artifacts) {
        for overlay in artifacts.overlays() {
            if !overlay.is_about(purpose, self.ask.channel) || !self.uses_its_data(overlay) {
                continue;
            }
            self.edge(overlay.in_force_from);
            if overlay.in_force_from > self.as_of {
                continue;
            }
            let mut regimes = [None; crate::artifacts::REGIMES_MAX + 1];
            self.each_regime(purpose, |_, jurisdiction, _| {
                if overlay.applies_in(jurisdiction)
                    && let Some(free) = regimes.iter_mut().find(|it| it.is_none())
                {
                    *free = Some(jurisdiction);
                }
            });
            for jurisdiction in regimes.into_iter().flatten() {
                self.overlay(overlay, purpose, jurisdiction);
            }
        }
    }

    /// Whether it speaks of the data: where that is unknown, it does.
    fn uses_its_data(&self, overlay: &Overlay) -> bool {
        !overlay.special_data
            || match &self.ask.bundle {
                Known::Is { value, .. } => value.special,
                Known::Unknown(_) => true,
                Known::NotApplicable(_) => false,
            }
    }

    fn overlay(&mut self, overlay: &Overlay, purpose: &Purpose, jurisdiction: Jurisdiction) {
        self.edge(overlay.review_by);
        self.refuse_if(overlay.review_by <= self.as_of, reason::JX_REVIEW_DUE);
        for condition in &overlay.require {
            let holds = match condition {
                Condition::Consent => self
                    .grounds
                    .iter()
                    .any(|it| it.jurisdiction == jurisdiction && it.basis == Basis::Consent),
                Condition::WrittenConsent => self.agreed_in_writing(purpose),
                Condition::NotRevoked => !self.revoked(purpose),
                Condition::SixteenOrOptedIn => self.is_sixteen_or_opted_in(purpose),
            };
            self.refuse_if(!holds, overlay.code.reason().clone());
        }
        if let Some(hours) = overlay.hours {
            let quiet = Quiet { from_minute: hours.to_minute, to_minute: hours.from_minute };
            self.by_law.push((quiet, overlay.code.reason().clone()));
        }
    }

    /// An explicit grant with its proof that stands over the channel.
    fn agreed_in_writing(&mut self, purpose: &Purpose) -> bool {
        let (state, as_of, channel) = (self.state, self.as_of, self.ask.channel);
        let mut any = false;
        for it in state.grants_of(&purpose.key) {
            if let Some(end) = it.expires_at {
                self.edge(end);
            }
            any |= it.expression == Expression::Explicit
                && it.proven
                && it.given_at <= as_of
                && it.expires_at.is_none_or(|end| as_of < end)
                && channel.is_none_or(|over| it.channels.contains(over));
        }
        any
    }

    /// Whether the person ended it: by a withdrawal, an objection or an opt-out that still stands.
    fn revoked(&self, purpose: &Purpose) -> bool {
        let state = self.state;
        let denied = state.denials.iter().any(|it| it.reaches(&purpose.key, self.ask.channel));
        let objected = state
            .objections
            .iter()
            .any(|it| it.scope.covers(&purpose.key) && !it.lifted_for.contains(&purpose.key));
        denied || objected
    }

    /// Known to be old enough, or opted in by whoever can.
    fn is_sixteen_or_opted_in(&mut self, purpose: &Purpose) -> bool {
        // Who is not known to be a child is none here, but where children are addressed.
        let Some(age) = self.age_min() else { return !purpose.is(Flag::ChildDirected) };
        let grants = self.state.grants_of(&purpose.key);
        age >= CCPA_AGE
            || grants.iter().any(|it| it.proven && (it.by_guardian || age >= CCPA_GUARDIAN_AGE))
    }
}
