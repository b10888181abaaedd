//! The permanent reason codes of this domain.

use kernel::Reason;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal),+ $(,)?) => {
        $($(#[$doc])* pub const $name: Reason = Reason::of($code);)+

        /// Every code of this domain.
        pub const ALL: &[Reason] = &[$($name),+];
    };
}

reasons! {
    /// The event is older than the node accepts.
    TRG_TOO_LATE = "TRG.TOO_LATE",
    /// The instant passed too long ago.
    TRG_MISSED = "TRG.MISSED",
    /// The journey was entered too often or too recently.
    TRG_REENTRY = "TRG.REENTRY",
    /// An earlier step of the journey is not in the state this one needs.
    TRG_SEQUENCE = "TRG.SEQUENCE",
    /// The node's own end has passed, or it left the release.
    TRG_NODE_EXPIRED = "TRG.NODE_EXPIRED",
    /// It was put off too often.
    TRG_EXHAUSTED = "TRG.EXHAUSTED",
    /// Context refused the cut.
    CTX_REFUSED = "CTX.REFUSED",
    /// A required field is lacking.
    CTX_LACKING = "CTX.LACKING",
    /// Context could not be asked.
    CTX_UNREACHABLE = "CTX.UNREACHABLE",
    /// No channel is permitted.
    PRM_REFUSED = "PRM.REFUSED",
    /// Permission holds the action until later.
    PRM_HELD = "PRM.HELD",
    /// Permission could not be asked.
    PRM_UNREACHABLE = "PRM.UNREACHABLE",
    /// Permission moved between the verdict and the hand-off.
    PRM_MOVED = "PRM.MOVED",
    /// A rule said no.
    RUL_FAILED = "RUL.FAILED",
    /// A rule could not be answered.
    RUL_UNKNOWN = "RUL.UNKNOWN",
    /// A guardrail forbids it.
    GRD_FORBIDDEN = "GRD.FORBIDDEN",
    /// A guardrail could not be answered.
    GRD_UNKNOWN = "GRD.UNKNOWN",
    /// The contact caps are full.
    HIS_CAPPED = "HIS.CAPPED",
    /// Contact history could not be asked.
    HIS_UNREACHABLE = "HIS.UNREACHABLE",
    /// It costs more than it is worth.
    ARB_NOT_WORTH = "ARB.NOT_WORTH",
    /// Another action won.
    ARB_OUTRANKED = "ARB.OUTRANKED",
    /// No treatment fits.
    ARB_NO_TREATMENT = "ARB.NO_TREATMENT",
    /// The person is in the holdout.
    EXP_HOLDOUT = "EXP.HOLDOUT",
    /// Nothing competes for this placement.
    REL_NONE = "REL.NONE",
    /// The lease on an occurrence was lost before its decision was appended.
    JRN_FENCED = "JRN.FENCED",
    /// An internal law was broken; the decision is no.
    ENG_INVARIANT = "ENG.INVARIANT",
}
