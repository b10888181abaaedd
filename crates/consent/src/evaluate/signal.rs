//! What a person's browser, app or telephone said on their behalf.

use kernel::Known;

use super::Gates;
use crate::{Practice, Purpose, reason};

impl Gates<'_> {
    /// Opt-outs of sale, sharing and targeted ads (CCPA, GPC), of sharing financial data (GLBA), and
    /// what a framework's string refuses; in the Union the same is an objection to interests (Art.
    /// 21(1)), so it counts everywhere. A signal nobody can read refuses what depends on it.
    pub(super) fn signals(&mut self, purpose: &Purpose) {
        let ask = self.ask;
        let sent = match &ask.signals {
            Known::Is { value, .. } => Some(*value),
            Known::Unknown(_) => {
                self.refuse_if(purpose.depends_on_signals(), reason::FR_UNKNOWN_SIGNALS);
                None
            }
            Known::NotApplicable(_) => None,
        };
        let state = self.state;
        for practice in Practice::ALL.into_iter().filter(|it| purpose.is(it.flag())) {
            let recorded = || state.opt_outs.iter().filter(|it| it.practice == practice);
            let standing = || recorded().filter(|it| !it.lifted_for.contains(&purpose.key));
            // An explicit grant that answered the opt-out outweighs the signal it was about.
            let answered = recorded().next().is_some() && standing().next().is_none();
            let shown = sent.filter(|it| it.opts_out_of(practice) && !answered);
            let by_gpc = standing().any(|it| it.by_gpc) || shown.is_some_and(|it| it.gpc);
            let by_hand = standing().any(|it| !it.by_gpc) || shown.is_some_and(|it| !it.gpc);
            self.refuse_if(by_gpc, reason::JX_GPC);
            let code = match practice {
                Practice::SaleOrShare | Practice::TargetedAds => reason::JX_CCPA_OPTOUT,
                Practice::FinancialSharing => reason::JX_GLBA_OPTOUT,
            };
            self.refuse_if(by_hand, code);
        }
        let refused = sent.is_some_and(|it| it.refuses(purpose));
        self.refuse_if(refused, reason::LB_CONSENT_REFUSED);
    }
}
