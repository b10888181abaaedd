//! The codes of consent's gates: permanent, never reused, in gate order.

use kernel::Reason;

macro_rules! codes {
    ($($name:ident = $code:literal: $doc:literal;)+) => {
        $(#[doc = $doc] pub const $name: Reason = Reason::of($code);)+

        /// Every code of the crate, in gate order, with its plain sentence.
        pub const ALL: &[(Reason, &str)] = &[$(($name, $doc)),+];
    };
}

codes! {
    RQ_SCHEMA = "RQ.SCHEMA": "The request is not well formed.";
    RQ_FUTURE = "RQ.FUTURE": "The event lies in the future.";
    RQ_TRANSITION = "RQ.TRANSITION": "There is nothing this event could follow.";
    RQ_TOO_MANY = "RQ.TOO_MANY": "The log of this identifier is full.";
    FR_NO_SNAPSHOT = "FR.NO_SNAPSHOT": "The person's choices could not be read.";
    FR_MALFORMED = "FR.MALFORMED": "The log of the person's choices has a gap or cannot be read.";
    FR_STALE_EPOCH = "FR.STALE_EPOCH": "The choices at hand are older than the asker demands.";
    FR_TOO_OLD = "FR.TOO_OLD": "The choices at hand were read more than a minute ago.";
    FR_CLOCK = "FR.CLOCK": "The clocks disagree.";
    FR_IDENTITY_EPOCH = "FR.IDENTITY_EPOCH": "Who the person is has changed since.";
    FR_UNKNOWN_JURISDICTION = "FR.UNKNOWN.JURISDICTION": "It is not known which law applies, and not every candidate permits.";
    FR_UNKNOWN_BUNDLE = "FR.UNKNOWN.BUNDLE": "It is not known which data would be used.";
    SU_UNKNOWN = "SU.UNKNOWN": "The person is not known.";
    SP_LEGAL = "SP.LEGAL": "An authority forbids contact.";
    SP_DECEASED = "SP.DECEASED": "The person has died.";
    SP_COMPLAINT = "SP.COMPLAINT": "The person complained.";
    SP_DNC = "SP.DNC": "The address is on a do-not-contact list.";
    SP_BOUNCE = "SP.BOUNCE": "The address does not exist.";
    SP_VULNERABLE = "SP.VULNERABLE": "The person must be protected.";
    SP_UNSUBSCRIBED = "SP.UNSUBSCRIBED": "The person left the list.";
    RS_A18_A = "RS.A18.A": "Processing is restricted: accuracy is contested.";
    RS_A18_B = "RS.A18.B": "Processing is restricted: it was unlawful and the person prefers restriction.";
    RS_A18_C = "RS.A18.C": "Processing is restricted: the person needs the data for a claim.";
    RS_A18_D = "RS.A18.D": "Processing is restricted: an objection is being verified.";
    AC_CHILD_NO_GUARDIAN = "AC.CHILD.NO_GUARDIAN": "A child cannot consent alone.";
    AC_CHILD_PROFILING = "AC.CHILD.PROFILING": "Minors are not profiled for marketing.";
    AC_AGE_UNKNOWN = "AC.AGE_UNKNOWN": "The age is not known, and the purpose is directed at children.";
    PU_UNKNOWN = "PU.UNKNOWN": "The purpose is not registered.";
    PU_INACTIVE = "PU.INACTIVE": "The purpose is not in force at this version.";
    PU_CHANNEL = "PU.CHANNEL": "The purpose does not allow this channel.";
    PU_JURISDICTION = "PU.JURISDICTION": "The purpose has no basis where the person lives.";
    LB_CONSENT_MISSING = "LB.CONSENT.MISSING": "The person has not agreed.";
    LB_CONSENT_REFUSED = "LB.CONSENT.REFUSED": "The person refused.";
    LB_CONSENT_WITHDRAWN = "LB.CONSENT.WITHDRAWN": "The person withdrew.";
    LB_CONSENT_EXPIRED = "LB.CONSENT.EXPIRED": "The agreement has expired.";
    LB_CONSENT_STALE_NOTICE = "LB.CONSENT.STALE_NOTICE": "The person agreed to an older notice or version.";
    LB_CONSENT_SCOPE = "LB.CONSENT.SCOPE": "The person did not agree to this channel.";
    LB_CONSENT_NOT_EXPLICIT = "LB.CONSENT.NOT_EXPLICIT": "The agreement is not explicit enough.";
    LB_CONSENT_PROOF = "LB.CONSENT.PROOF": "The proof of the agreement is incomplete.";
    LB_CONTRACT_NONE = "LB.CONTRACT.NONE": "There is no contract.";
    LB_CONTRACT_ENDED = "LB.CONTRACT.ENDED": "The contract has ended.";
    LB_CONTRACT_WRONG_TYPE = "LB.CONTRACT.WRONG_TYPE": "The contract is of another type.";
    LB_LEGAL_NOT_IN_FORCE = "LB.LEGAL.NOT_IN_FORCE": "The law is not in force.";
    LB_VITAL_NO_EMERGENCY = "LB.VITAL.NO_EMERGENCY": "There is no emergency.";
    LB_VITAL_EXPIRED = "LB.VITAL.EXPIRED": "The emergency is over.";
    LB_PUBLIC_NOT_IN_FORCE = "LB.PUBLIC.NOT_IN_FORCE": "The law behind the public task is not in force.";
    LB_LI_LIA_FAILED = "LB.LI.LIA_FAILED": "The balancing assessment was not passed for this version.";
    LB_LI_LIA_EXPIRED = "LB.LI.LIA_EXPIRED": "The balancing assessment is past its review.";
    LB_LI_CHILD = "LB.LI.CHILD": "A minor's interests prevail.";
    SC_A9_NO_CONDITION = "SC.A9.NO_CONDITION": "Special categories have no condition under Article 9.";
    SC_A9_NOT_EXPLICIT = "SC.A9.NOT_EXPLICIT": "Special categories need explicit consent.";
    SC_A10_NO_AUTHORITY = "SC.A10.NO_AUTHORITY": "Criminal data needs an authority.";
    OB_A21_1 = "OB.A21_1": "The person objected.";
    OB_A21_2 = "OB.A21_2": "The person objected to direct marketing.";
    OB_A22 = "OB.A22": "The person objected to automated decisions.";
    CP_OPTED_OUT = "CP.OPTED_OUT": "The person does not want this channel.";
    CP_NO_ADDRESS = "CP.NO_ADDRESS": "There is no address for this channel.";
    CP_UNVERIFIED = "CP.UNVERIFIED": "The address is not verified.";
    TP_OPTED_OUT = "TP.OPTED_OUT": "The person did not choose this topic.";
    FQ_QUIET = "FQ.QUIET": "The person wants quiet now.";
    FQ_SNOOZED = "FQ.SNOOZED": "The person paused optional messages.";
}

/// Where a code stands in gate order.
pub fn rank(reason: &Reason) -> usize {
    ALL.iter().position(|it| it.0 == *reason).unwrap_or(usize::MAX)
}

/// The plain sentence of a code of this crate.
pub fn sentence(reason: &Reason) -> Option<&'static str> {
    ALL.iter().find(|it| it.0 == *reason).map(|it| it.1)
}
