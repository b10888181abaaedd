//! The codes of consent's gates: permanent, never reused, in gate order, each with the provision
//! it enforces.
//!
//! A gate that guards the law rather than being one (a snapshot too old, a clock that disagrees)
//! cites the provision that would be broken if it were left out. Engineering, not legal advice:
//! counsel is to confirm every citation.

use kernel::Reason;

/// A code with what it says and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The code.
    pub reason: Reason,
    /// The plain sentence.
    pub sentence: &'static str,
    /// The provision the gate enforces (`GDPR Art. 7(3)`).
    pub cites: &'static str,
}

macro_rules! codes {
    ($($name:ident = $code:literal, $cites:literal: $doc:literal;)+) => {
        $(#[doc = concat!($doc, " Enforces ", $cites, ".")] pub const $name: Reason = Reason::of($code);)+

        /// Every code of the crate, in gate order.
        pub const ALL: &[Code] =
            &[$(Code { reason: $name, sentence: $doc, cites: $cites }),+];
    };
}

codes! {
    RQ_SCHEMA = "RQ.SCHEMA", "GDPR Art. 5(2)": "The request is not well formed.";
    RQ_FUTURE = "RQ.FUTURE", "GDPR Art. 5(1)(d)": "The event lies in the future.";
    RQ_TRANSITION = "RQ.TRANSITION", "GDPR Art. 7(1)": "There is nothing this event could follow.";
    RQ_TOO_MANY = "RQ.TOO_MANY", "GDPR Art. 32(1)(b)": "The log of this identifier is full.";
    FR_NO_SNAPSHOT = "FR.NO_SNAPSHOT", "GDPR Art. 7(1)": "The person's choices could not be read.";
    FR_MALFORMED = "FR.MALFORMED", "GDPR Art. 5(1)(f)": "The log of the person's choices has a gap or cannot be read.";
    FR_STALE_EPOCH = "FR.STALE_EPOCH", "GDPR Art. 7(3)": "The choices at hand are older than the asker demands.";
    FR_TOO_OLD = "FR.TOO_OLD", "GDPR Art. 7(3)": "The choices at hand were read more than a minute ago.";
    FR_CLOCK = "FR.CLOCK", "GDPR Art. 5(1)(d)": "The clocks disagree.";
    FR_IDENTITY_EPOCH = "FR.IDENTITY_EPOCH", "GDPR Art. 5(1)(d)": "Who the person is has changed since.";
    FR_UNKNOWN_JURISDICTION = "FR.UNKNOWN.JURISDICTION", "GDPR Art. 3": "It is not known which law applies, and not every candidate permits.";
    FR_UNKNOWN_BUNDLE = "FR.UNKNOWN.BUNDLE", "GDPR Art. 5(1)(c)": "It is not known which data would be used.";
    FR_UNKNOWN_SIGNALS = "FR.UNKNOWN.SIGNALS", "GDPR Art. 7(1)": "What the browser or app sends cannot be read, and the purpose depends on it.";
    SU_UNKNOWN = "SU.UNKNOWN", "GDPR Art. 5(2)": "The person is not known.";
    SP_LEGAL = "SP.LEGAL", "GDPR Art. 58(2)(f)": "An authority forbids contact.";
    SP_DECEASED = "SP.DECEASED", "GDPR recital 27": "The person has died.";
    SP_COMPLAINT = "SP.COMPLAINT", "GDPR Art. 21(3)": "The person complained.";
    SP_DNC = "SP.DNC", "ePrivacy Art. 13(3)": "The address is on a do-not-contact list.";
    SP_BOUNCE = "SP.BOUNCE", "GDPR Art. 5(1)(d)": "The address does not exist.";
    SP_VULNERABLE = "SP.VULNERABLE", "GDPR recital 75": "The person must be protected.";
    SP_UNSUBSCRIBED = "SP.UNSUBSCRIBED", "ePrivacy Art. 13(2)": "The person left the list.";
    RS_A18_A = "RS.A18.A", "GDPR Art. 18(1)(a)": "Processing is restricted: accuracy is contested.";
    RS_A18_B = "RS.A18.B", "GDPR Art. 18(1)(b)": "Processing is restricted: it was unlawful and the person prefers restriction.";
    RS_A18_C = "RS.A18.C", "GDPR Art. 18(1)(c)": "Processing is restricted: the person needs the data for a claim.";
    RS_A18_D = "RS.A18.D", "GDPR Art. 18(1)(d)": "Processing is restricted: an objection is being verified.";
    AC_CHILD_NO_GUARDIAN = "AC.CHILD.NO_GUARDIAN", "GDPR Art. 8(1)": "A child cannot consent alone.";
    AC_CHILD_PROFILING = "AC.CHILD.PROFILING", "DSA Art. 28(2)": "Minors are not profiled for marketing.";
    AC_AGE_UNKNOWN = "AC.AGE_UNKNOWN", "GDPR Art. 8(2)": "The age is not known, and the purpose is directed at children.";
    PU_UNKNOWN = "PU.UNKNOWN", "GDPR Art. 5(1)(b)": "The purpose is not registered.";
    PU_INACTIVE = "PU.INACTIVE", "GDPR Art. 5(1)(b)": "The purpose is not in force at this version.";
    PU_CHANNEL = "PU.CHANNEL", "GDPR Art. 25(2)": "The purpose does not allow this channel.";
    PU_JURISDICTION = "PU.JURISDICTION", "GDPR Art. 6(1)": "The purpose has no basis where the person lives.";
    LB_CONSENT_MISSING = "LB.CONSENT.MISSING", "GDPR Art. 6(1)(a)": "The person has not agreed.";
    LB_CONSENT_REFUSED = "LB.CONSENT.REFUSED", "GDPR Art. 4(11)": "The person refused.";
    LB_CONSENT_WITHDRAWN = "LB.CONSENT.WITHDRAWN", "GDPR Art. 7(3)": "The person withdrew.";
    LB_CONSENT_EXPIRED = "LB.CONSENT.EXPIRED", "GDPR Art. 5(1)(e)": "The agreement has expired.";
    LB_CONSENT_PENDING_DOI = "LB.CONSENT.PENDING_DOI", "GDPR Art. 7(1)": "The address has not confirmed the agreement.";
    LB_CONSENT_STALE_NOTICE = "LB.CONSENT.STALE_NOTICE", "GDPR Art. 4(11)": "The person agreed to an older notice or version.";
    LB_CONSENT_SCOPE = "LB.CONSENT.SCOPE", "GDPR Art. 6(1)(a)": "The person did not agree to this channel.";
    LB_CONSENT_NOT_EXPLICIT = "LB.CONSENT.NOT_EXPLICIT", "GDPR Art. 22(2)(c)": "The agreement is not explicit enough.";
    LB_CONSENT_PROOF = "LB.CONSENT.PROOF", "GDPR Art. 7(1)": "The proof of the agreement is incomplete.";
    LB_CONSENT_BUNDLED = "LB.CONSENT.BUNDLED", "GDPR Art. 7(4)": "A service was made to depend on the agreement.";
    LB_CONSENT_ACTOR = "LB.CONSENT.ACTOR", "GDPR Art. 4(11)": "Whoever agreed could not agree for the person.";
    LB_CONTRACT_NONE = "LB.CONTRACT.NONE", "GDPR Art. 6(1)(b)": "There is no contract.";
    LB_CONTRACT_ENDED = "LB.CONTRACT.ENDED", "GDPR Art. 6(1)(b)": "The contract has ended.";
    LB_CONTRACT_WRONG_TYPE = "LB.CONTRACT.WRONG_TYPE", "GDPR Art. 6(1)(b)": "The contract is of another type.";
    LB_CONTRACT_NOT_NECESSARY = "LB.CONTRACT.NOT_NECESSARY", "GDPR Art. 6(1)(b)": "The contract does not need it.";
    LB_CONTRACT_PRECONTRACT_EXPIRED = "LB.CONTRACT.PRECONTRACT_EXPIRED", "GDPR Art. 6(1)(b)": "The person asked for a contract, and too long ago.";
    LB_LEGAL_NOT_IN_FORCE = "LB.LEGAL.NOT_IN_FORCE", "GDPR Art. 6(1)(c)": "The law is not in force.";
    LB_LEGAL_JURISDICTION = "LB.LEGAL.JURISDICTION", "GDPR Art. 6(3)": "The law does not apply where the person lives.";
    LB_VITAL_NO_EMERGENCY = "LB.VITAL.NO_EMERGENCY", "GDPR Art. 6(1)(d)": "There is no emergency.";
    LB_VITAL_EXPIRED = "LB.VITAL.EXPIRED", "GDPR Art. 6(1)(d)": "The emergency is over.";
    LB_VITAL_NOT_LAST_RESORT = "LB.VITAL.NOT_LAST_RESORT", "GDPR recital 46": "Another basis would do in the emergency.";
    LB_PUBLIC_NOT_IN_FORCE = "LB.PUBLIC.NOT_IN_FORCE", "GDPR Art. 6(1)(e)": "The law behind the public task is not in force.";
    LB_LI_LIA_FAILED = "LB.LI.LIA_FAILED", "GDPR Art. 6(1)(f)": "The balancing assessment was not passed for this version.";
    LB_LI_LIA_EXPIRED = "LB.LI.LIA_EXPIRED", "GDPR Art. 6(1)(f)": "The balancing assessment is past its review.";
    LB_LI_CHILD = "LB.LI.CHILD", "GDPR Art. 6(1)(f)": "A minor's interests prevail.";
    SC_A9_NO_CONDITION = "SC.A9.NO_CONDITION", "GDPR Art. 9(1)": "Special categories have no condition under Article 9.";
    SC_A9_NOT_EXPLICIT = "SC.A9.NOT_EXPLICIT", "GDPR Art. 9(2)(a)": "Special categories need explicit consent.";
    SC_A9_EVIDENCE = "SC.A9.EVIDENCE", "GDPR Art. 9(2)": "The condition under Article 9 lacks its evidence.";
    SC_A10_NO_AUTHORITY = "SC.A10.NO_AUTHORITY", "GDPR Art. 10": "Criminal data needs an authority.";
    OB_A21_1 = "OB.A21_1", "GDPR Art. 21(1)": "The person objected.";
    OB_A21_2 = "OB.A21_2", "GDPR Art. 21(2)": "The person objected to direct marketing.";
    OB_A22 = "OB.A22", "GDPR Art. 22(1)": "The person objected to automated decisions.";
    JX_CCPA_OPTOUT = "JX.CCPA.OPTOUT", "Cal. Civ. Code 1798.120(a)": "The person opted out of the sale or sharing of their data, or of ads targeted by it.";
    JX_GPC = "JX.GPC", "11 CCR 7025(c)": "The person's browser asks that their data be neither sold nor shared.";
    JX_GLBA_OPTOUT = "JX.GLBA.OPTOUT", "15 USC 6802(b)": "The person opted out of sharing their financial data.";
    JX_CCPA_MINOR = "JX.CCPA.MINOR", "Cal. Civ. Code 1798.120(c)": "The person is under 16, and nobody who can opted in.";
    JX_EPRIV_NO_CONSENT = "JX.EPRIV.NO_CONSENT", "ePrivacy Art. 13(1)": "Electronic marketing needs the person's consent.";
    JX_CANSPAM_OPTED_OUT = "JX.CANSPAM.OPTED_OUT", "15 USC 7704(a)(4)": "The person asked for no more commercial mail.";
    JX_TCPA_NO_PEWC = "JX.TCPA.NO_PEWC", "47 CFR 64.1200(a)(2)": "Marketing by text or call needs the person's consent in writing.";
    JX_TCPA_REVOKED = "JX.TCPA.REVOKED", "47 CFR 64.1200(a)(10)": "The person asked us to stop texts and calls.";
    JX_TCPA_QUIET_HOURS = "JX.TCPA.QUIET_HOURS", "47 CFR 64.1200(c)(1)": "It is too early or too late where the person is.";
    JX_HIPAA_NO_AUTH = "JX.HIPAA.NO_AUTH", "45 CFR 164.508(a)(3)": "Marketing by health data needs the person's authorization.";
    JX_CASL_NO_CONSENT = "JX.CASL.NO_CONSENT", "CASL s. 6(1)(a)": "A commercial message needs the person's consent.";
    JX_REVIEW_DUE = "JX.REVIEW_DUE", "GDPR Art. 24(1)": "A rule of the jurisdiction is past its review.";
    CP_OPTED_OUT = "CP.OPTED_OUT", "GDPR Art. 5(1)(a)": "The person does not want this channel.";
    CP_NO_ADDRESS = "CP.NO_ADDRESS", "GDPR Art. 5(1)(d)": "There is no address for this channel.";
    CP_UNVERIFIED = "CP.UNVERIFIED", "GDPR Art. 5(1)(d)": "The address is not verified.";
    TP_OPTED_OUT = "TP.OPTED_OUT", "GDPR Art. 5(1)(a)": "The person did not choose this topic.";
    FQ_QUIET = "FQ.QUIET", "GDPR Art. 5(1)(a)": "The person wants quiet now.";
    FQ_SNOOZED = "FQ.SNOOZED", "GDPR Art. 5(1)(a)": "The person paused optional messages.";
}

/// Where a code stands in gate order.
pub fn rank(reason: &Reason) -> usize {
    ALL.iter().position(|it| it.reason == *reason).unwrap_or(usize::MAX)
}

/// The code of this crate that a reason is.
pub fn code(reason: &Reason) -> Option<&'static Code> {
    ALL.iter().find(|it| it.reason == *reason)
}
