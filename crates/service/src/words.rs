//! Plain words: one fixed sentence per reason code, from the record alone, with no free text.

use kernel::{Channel, Instant, Known, Reason, Value, Why};

/// The sentence of a reason; a detail falls back to its area and name.
pub fn sentence(reason: &Reason) -> &'static str {
    let mut code = reason.code();
    loop {
        if let Ok(at) = SENTENCES.binary_search_by(|(it, _)| (*it).cmp(code)) {
            return SENTENCES.get(at).map_or(UNKNOWN, |it| it.1);
        }
        match code.rsplit_once('.') {
            Some((shorter, _)) if shorter.contains('.') => code = shorter,
            _ => return UNKNOWN,
        }
    }
}

/// A sentence as said to the person it is about.
pub fn to_you(sentence: &str) -> String {
    let said = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
    SECOND_PERSON.iter().fold(sentence.to_owned(), said)
}

/// How the sentences speak about a person, and how they speak to one; the longer first.
const SECOND_PERSON: &[(&str, &str)] = &[
    ("The person's", "Your"),
    ("the person's", "your"),
    ("The person is", "You are"),
    ("The person has", "You have"),
    ("The person does", "You do"),
    ("The person was", "You were"),
    ("The person", "You"),
    ("the person is", "you are"),
    ("the person", "you"),
];

const UNKNOWN: &str = "A rule without a sentence refused this.";

/// Sorted by code.
const SENTENCES: &[(&str, &str)] = &[
    ("AC.AGE_UNKNOWN", "We do not know the person's age, so the rules for children apply."),
    ("AC.CHILD.NO_GUARDIAN", "The person is a child and no guardian agreed."),
    ("AC.CHILD.PROFILING", "Children are not profiled for marketing."),
    ("AD.NO_PERSON", "The person is no longer known to us."),
    ("AD.UNRESOLVED", "There is no address we can read for this channel."),
    ("ARB.NOT_WORTH", "The expected benefit does not cover the cost."),
    ("ARB.NO_TREATMENT", "No allowed channel and wording fits this moment."),
    ("ARB.OUTRANKED", "Another message was more useful at this moment."),
    ("BN.BEHIND", "The data had not caught up with the event yet."),
    ("BN.NO_BOUNDARY", "No boundary allows this reader to read anything."),
    ("BN.PURPOSE_UNKNOWN", "The purpose is not known to the field catalogue."),
    ("BN.REQUIRED", "A field this message needs could not be used."),
    ("BN.STANDING_UNKNOWN", "We could not tell which purposes stand."),
    ("BN.TOO_LARGE", "More data was asked for than the boundary allows."),
    ("CP.NO_ADDRESS", "There is no contact point for this channel."),
    ("CP.OPTED_OUT", "The person does not want this channel."),
    ("CP.UNVERIFIED", "The contact point is not confirmed."),
    ("CTX.LACKING", "A fact this message needs is not known."),
    ("CTX.REFUSED", "The facts this message needs may not be used."),
    ("CTX.UNREACHABLE", "The facts could not be read in time."),
    ("DL.CANCELLED", "It was cancelled."),
    ("DL.DUPLICATE", "This occasion was already served."),
    ("DL.EXPIRED", "It would have come too late to be useful."),
    ("DL.HORIZON", "Nobody learned in time whether it arrived."),
    ("DL.MALFORMED", "The planned message could not be read."),
    ("DL.NOT_BEFORE", "It is waiting for its time."),
    ("ENG.INVARIANT", "An internal check failed, so nothing was done."),
    ("ENG.LIMIT", "A limit of the engine was reached, so nothing was done."),
    ("EXP.HOLDOUT", "The person is in the group we compare with, which gets no message."),
    ("FD.ACTION", "It may not be used in this way."),
    ("FD.BOUNDARY", "It is outside what may be read here."),
    ("FD.CATEGORY", "Its category is not among the purpose's."),
    ("FD.INCOMPATIBLE_6_4", "It was collected for another purpose."),
    ("FD.LINEAGE", "The permission it was collected under no longer stands."),
    ("FD.MALFORMED", "It could not be read."),
    ("FD.MISSING", "It is not known."),
    ("FD.OVERFLOW", "It is past a limit."),
    ("FD.PURPOSE", "It may not be used for this purpose."),
    ("FD.RESIDENCY", "It may not leave its region."),
    ("FD.RETENTION", "It is past the date until which it may be kept."),
    ("FD.SOURCE_DOWN", "Its source could not be asked."),
    ("FD.SPECIAL", "It is of a special kind and nothing allows its use."),
    ("FD.STALE", "It is too old."),
    ("FD.TRANSFER", "Nothing allows moving it there."),
    ("FD.UNTAGGED", "Nobody has said what it may be used for."),
    ("FQ.CAP", "The person was contacted often enough lately."),
    ("FQ.CAP.UNKNOWN", "A limit on contacts could not be read, so nothing was sent."),
    ("FQ.GAP", "The last contact was too short a time ago."),
    ("FQ.QUIET", "It is quiet time for the person."),
    ("FQ.SNOOZED", "The person paused messages."),
    ("FQ.WINDOW", "It is outside the hours in which this may be sent."),
    ("FQ.WINDOW.NEVER", "The hours in which this may be sent do not come in time."),
    ("FR.CLOCK", "The clocks disagree, so nothing was permitted."),
    ("FR.IDENTITY_EPOCH", "Who the person is changed in between."),
    ("FR.MALFORMED", "The person's choices could not be read whole."),
    ("FR.NO_SNAPSHOT", "The person's choices could not be read."),
    ("FR.STALE_EPOCH", "Newer choices exist than were read."),
    ("FR.TOO_OLD", "The choices were read too long ago."),
    ("FR.UNKNOWN.BUNDLE", "It is not known which kinds of data would be used."),
    ("FR.UNKNOWN.JURISDICTION", "It is not known which law applies."),
    ("FR.UNKNOWN.SIGNALS", "What the browser or app sent cannot be read."),
    ("GRD.FORBIDDEN", "A guardrail forbids it."),
    ("GRD.UNKNOWN", "A guardrail could not be checked, so it forbids."),
    ("HIS.CAPPED", "The person was contacted often enough lately."),
    ("HIS.UNREACHABLE", "Earlier contacts could not be read."),
    ("JRN.ANSWER_LATE", "The answer was ready too late to be used."),
    ("JRN.CAPPED", "The last free contact was used in between."),
    ("JRN.FENCED", "Another process took it over while it was decided."),
    ("JX.CANSPAM.OPTED_OUT", "The person asked for no more commercial mail."),
    ("JX.CASL.NO_CONSENT", "The law there wants the person's agreement, and there is none."),
    ("JX.CCPA.MINOR", "The person is under 16, and nobody who can opted in."),
    ("JX.CCPA.OPTOUT", "The person opted out of selling, sharing or targeting by their data."),
    ("JX.EPRIV.NO_CONSENT", "Electronic marketing needs the person's agreement."),
    ("JX.GLBA.OPTOUT", "The person opted out of sharing their financial data."),
    ("JX.GPC", "The person's browser asks that their data be neither sold nor shared."),
    ("JX.HIPAA.NO_AUTH", "Marketing by health data needs the person's authorization in writing."),
    ("JX.REVIEW_DUE", "A rule of the law there is past its review."),
    ("JX.TCPA.NO_PEWC", "Marketing texts need the person's agreement in writing."),
    ("JX.TCPA.QUIET_HOURS", "It is too early or too late where the person is."),
    ("JX.TCPA.REVOKED", "The person asked us to stop texts and calls."),
    ("LB.CONSENT.ACTOR", "Whoever agreed could not agree for the person."),
    ("LB.CONSENT.BUNDLED", "A service was made to depend on the agreement."),
    ("LB.CONSENT.EXPIRED", "The person's agreement has expired."),
    ("LB.CONSENT.MISSING", "The person has not agreed."),
    ("LB.CONSENT.NOT_EXPLICIT", "The person's agreement is not explicit enough."),
    ("LB.CONSENT.PENDING_DOI", "The address has not confirmed the agreement."),
    ("LB.CONSENT.PROOF", "The proof of the agreement is not complete."),
    ("LB.CONSENT.REFUSED", "The person said no."),
    ("LB.CONSENT.SCOPE", "The person's agreement does not cover this."),
    ("LB.CONSENT.STALE_NOTICE", "The person agreed to an older notice."),
    ("LB.CONSENT.WITHDRAWN", "The person withdrew the agreement."),
    ("LB.CONTRACT.ENDED", "The contract has ended."),
    ("LB.CONTRACT.NONE", "There is no contract that needs this."),
    ("LB.CONTRACT.NOT_NECESSARY", "The contract does not need it."),
    ("LB.CONTRACT.PRECONTRACT_EXPIRED", "The person asked for a contract too long ago."),
    ("LB.CONTRACT.WRONG_TYPE", "The contract is of another kind."),
    ("LB.LEGAL.JURISDICTION", "The law does not apply where the person lives."),
    ("LB.LEGAL.NOT_IN_FORCE", "The law it rests on is not in force."),
    ("LB.LI.CHILD", "A child's interests come first."),
    ("LB.LI.LIA_EXPIRED", "The balancing of interests is past its review date."),
    ("LB.LI.LIA_FAILED", "The balancing of interests came out against it."),
    ("LB.LI.NO_LIA", "Nobody balanced the interests."),
    ("LB.PUBLIC.NOT_IN_FORCE", "The public task it rests on is not in force."),
    ("LB.VITAL.EXPIRED", "The emergency is over."),
    ("LB.VITAL.NOT_LAST_RESORT", "Something less would do in the emergency."),
    ("LB.VITAL.NO_EMERGENCY", "There is no emergency."),
    ("ME.CELL_SMALL", "Too few people to show a number."),
    ("ME.COMPARISON_NOT_RANDOMIZED", "Nobody is held out, so there is nothing to compare with."),
    ("ME.CONTAMINATED", "Some people were seen in both groups and are left out."),
    ("ME.IMMATURE", "Some people may still act; the number is not final."),
    ("ME.PLAN_MISSING", "The node has no plan of measurement."),
    ("ME.PROPENSITY_MISSING", "A draw without its probability is left out."),
    ("ME.SRM", "The groups have not the sizes they should have, so no effect is shown."),
    ("ME.UNIT_MISMATCH", "A draw of another unit is left out."),
    ("ME.UNKNOWN", "Nothing was measured yet."),
    ("MS.NO_REVIEW", "A person must look at it first, and nobody did."),
    ("MS.NO_SENDER", "The message does not say who sends it."),
    ("MS.NO_UNSUB", "The message has no way to unsubscribe."),
    ("OB.A21_1", "The person objected to this processing."),
    ("OB.A21_2", "The person objected to direct marketing."),
    ("OB.A22", "The person objected to automated decisions."),
    ("PB.UNKNOWN", "The rules in force could not be read."),
    ("PRM.HELD", "It may be sent later, not now."),
    ("PRM.JURISDICTION", "It is not known which law applies."),
    ("PRM.MOVED", "Permission changed while we decided."),
    ("PRM.REFUSED", "It is not allowed."),
    ("PRM.UNREACHABLE", "Permission could not be asked in time."),
    ("PU.ACTION", "The purpose does not cover this action."),
    ("PU.CHANNEL", "The purpose does not cover this channel."),
    ("PU.INACTIVE", "The purpose is not in force."),
    ("PU.JURISDICTION", "The purpose has no ground under the law that applies."),
    ("PU.UNKNOWN", "The purpose is not registered."),
    ("PV.AMBIGUOUS", "Nobody knows whether the provider took it."),
    ("PV.BREAKER", "The provider is failing and is left alone."),
    ("PV.EXHAUSTED", "Every try failed."),
    ("PV.LOST", "The hand-off was cut off."),
    ("PV.NOT_STARTED", "The hand-off did not start."),
    ("PV.NO_ROUTE", "No provider serves this channel."),
    ("PV.PERMANENT", "The provider refused it for good."),
    ("PV.RETRYABLE", "The provider could not take it for now."),
    ("PV.SSRF", "The destination is not one we send to."),
    ("REL.KILLED", "It was switched off."),
    ("REL.LEASE_EXPIRED", "The rules in force may be out of date."),
    ("REL.NONE", "No rules are live."),
    ("RN.FIELD", "A field the message shows has no value."),
    ("RN.FUEL", "The message took too long to write."),
    ("RN.LOCALE", "The message is not available in the person's language."),
    ("RN.SIZE", "The message is too long."),
    ("RN.TEMPLATE", "The message's template is missing."),
    ("RQ.FUTURE", "The event lies in the future."),
    ("RQ.SCHEMA", "The question was not well formed."),
    ("RQ.TOO_MANY", "Too many choices are on record for this identifier."),
    ("RQ.TRANSITION", "There is nothing this choice could follow."),
    ("RS.A18.A", "Processing is restricted while accuracy is checked."),
    ("RS.A18.B", "Processing is restricted because it was unlawful."),
    ("RS.A18.C", "Processing is restricted because of a claim."),
    ("RS.A18.D", "Processing is restricted while an objection is checked."),
    ("RUL.ERROR", "A rule could not be computed."),
    ("RUL.FAILED", "A rule of the journey is not met."),
    ("RUL.NO_ROW", "No row of a table fits."),
    ("RUL.UNKNOWN", "A rule needs a fact that is not known."),
    ("SC.A10.NO_AUTHORITY", "Nothing allows using data on offences."),
    ("SC.A9.EVIDENCE", "The ground for using special data is not documented."),
    ("SC.A9.NOT_EXPLICIT", "The agreement is not explicit for special data."),
    ("SC.A9.NO_CONDITION", "Nothing allows using special data."),
    ("SG.BLOCKED", "Permission was gone when it was about to be sent."),
    ("SG.EPOCH_CHANGED", "Choices kept changing while it was about to be sent."),
    ("SG.GATE_DOWN", "The send gate could not be reached, so it waits."),
    ("SG.KILLED", "It was switched off before it was sent."),
    ("SG.RECALLED", "It was recalled before it was sent."),
    ("SP.BOUNCE", "The address does not take mail."),
    ("SP.COMPLAINT", "The person complained about a message."),
    ("SP.DECEASED", "The person is recorded as deceased."),
    ("SP.DNC", "The address is on a do-not-contact list."),
    ("SP.LEGAL", "Contact is barred for a legal reason."),
    ("SP.UNSUBSCRIBED", "The address unsubscribed."),
    ("SP.VULNERABLE", "Contact is barred to protect the person."),
    ("SU.UNKNOWN", "The person is not known."),
    ("TP.OPTED_OUT", "The person does not want this topic."),
    ("TRG.EXHAUSTED", "It was tried as often as is sensible."),
    ("TRG.MISSED", "Its moment had passed."),
    ("TRG.NODE_EXPIRED", "The journey node is past its end date."),
    ("TRG.REENTRY", "The person went through this journey too recently."),
    ("TRG.SEQUENCE", "An earlier step must come first."),
    ("TRG.TOO_LATE", "The event is too old to act on."),
];

/// A lawful basis in words (GDPR Art. 6(1)).
pub fn basis(code: &str) -> &'static str {
    match code {
        "A6-1-a" => "You agreed to it (GDPR Article 6(1)(a)).",
        "A6-1-b" => "Your contract with us needs it (GDPR Article 6(1)(b)).",
        "A6-1-c" => "The law requires it (GDPR Article 6(1)(c)).",
        "A6-1-d" => "It protects somebody's life (GDPR Article 6(1)(d)).",
        "A6-1-e" => "It serves a public task (GDPR Article 6(1)(e)).",
        "A6-1-f" => {
            "We have a fair interest in it that does not outweigh yours (GDPR Article 6(1)(f))."
        }
        _ => "Its ground is not recorded.",
    }
}

/// How something comes over a channel.
pub const fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "by e-mail",
        Channel::Sms => "by text message",
        Channel::Push => "by a notification in the app",
        Channel::Web => "on our website",
        Channel::App => "in the app",
        Channel::HumanTask => "through a colleague",
        Channel::Webhook => "through a partner",
    }
}

/// Whose law a code of a jurisdiction names.
pub fn jurisdiction(code: &str) -> &str {
    match code {
        "EU" => "the European Union",
        "GB" => "the United Kingdom",
        other => other,
    }
}

/// A value as people read it.
pub fn value(value: &Value) -> String {
    match value {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Int(it) => it.to_string(),
        Value::Text(it) => it.clone(),
        Value::At(it) => instant(*it),
        Value::Date(it) => it.format("%-d %B %Y").to_string(),
        Value::Money(it) => {
            let minor = it.minor.unsigned_abs();
            let sign = if it.minor < 0 { "\u{2212}" } else { "" };
            format!("{sign}{}.{:02} {}", minor / 100, minor % 100, it.currency)
        }
        Value::List(items) => items.iter().map(self::value).collect::<Vec<_>>().join(", "),
    }
}

/// A value that may be unknown, as people read it.
pub fn known(it: &Known<Value>) -> String {
    match it {
        Known::Is { value, .. } => self::value(value),
        Known::Unknown(why) => unknown(*why).to_owned(),
        Known::NotApplicable(_) => "does not apply".to_owned(),
    }
}

/// Why a value is unknown, in words.
pub const fn unknown(why: Why) -> &'static str {
    match why {
        Why::Missing => "not known",
        Why::Stale => "too old to use",
        Why::Malformed => "not readable",
        Why::Withheld => "withheld",
        Why::SourceDown => "source out of reach",
        Why::Overflow => "past a limit",
    }
}

/// A field's state as a record names it: why it has no value.
pub fn state(name: &str) -> &'static str {
    match name {
        "not_applicable" => "does not apply",
        "missing" => unknown(Why::Missing),
        "stale" => unknown(Why::Stale),
        "malformed" => unknown(Why::Malformed),
        "withheld" => unknown(Why::Withheld),
        "source_down" => unknown(Why::SourceDown),
        "overflow" => unknown(Why::Overflow),
        _ => "unknown",
    }
}

/// An instant as people read it, in UTC.
pub fn instant(at: Instant) -> String {
    at.utc().format("%-d %B %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_sorted_and_plain() {
        assert!(SENTENCES.windows(2).all(|it| it[0].0 < it[1].0));
        for (code, text) in SENTENCES {
            assert!(Reason::parse(code).is_ok(), "{code}");
            assert!(text.ends_with('.') && text.len() <= 90, "{code}");
            assert_ne!(*text, UNKNOWN, "{code}");
        }
    }

    /// Each code itself, not the code it details: a detail that reads as its area says too little.
    fn each_has_a_sentence<'a>(codes: impl IntoIterator<Item = &'a Reason>) {
        let lacking: Vec<_> = codes
            .into_iter()
            .filter(|code| !SENTENCES.iter().any(|it| it.0 == code.code()))
            .collect();
        assert_eq!(lacking, Vec::<&Reason>::new());
    }

    #[test]
    fn every_reason_of_consent_has_a_sentence() {
        each_has_a_sentence(consent::reason::ALL.iter().map(|it| &it.reason));
    }

    #[test]
    fn every_reason_of_delivery_has_a_sentence() {
        each_has_a_sentence(delivery::reason::ALL);
    }

    #[test]
    fn every_reason_of_a_decision_has_a_sentence() {
        each_has_a_sentence(decision::reasons::ALL);
    }

    #[test]
    fn every_reason_of_a_withheld_field_has_a_sentence() {
        each_has_a_sentence(context::select::ALL);
    }

    #[test]
    fn a_detail_nobody_wrote_a_sentence_for_reads_as_the_code_it_details() {
        let read = |code: &str| sentence(&Reason::parse(code).unwrap());
        assert_eq!(read("FQ.CAP.OTHER"), "The person was contacted often enough lately.");
        assert_eq!(read("XX.NOTHING"), UNKNOWN);
    }

    #[test]
    fn a_sentence_can_be_said_to_the_person_it_is_about() {
        for (code, text) in SENTENCES {
            assert!(!to_you(text).to_lowercase().contains("the person"), "{code}");
        }
        let said = |code: &str| to_you(sentence(&Reason::parse(code).unwrap()));
        assert_eq!(said("LB.CONSENT.MISSING"), "You have not agreed.");
        assert_eq!(said("LB.CONSENT.WITHDRAWN"), "You withdrew the agreement.");
        assert_eq!(said("CP.OPTED_OUT"), "You do not want this channel.");
        assert_eq!(said("FR.IDENTITY_EPOCH"), "Who you are changed in between.");
    }

    #[test]
    fn money_is_read_in_major_units() {
        let amount = kernel::Money { currency: "EUR".parse().unwrap(), minor: -1_205 };
        assert_eq!(value(&Value::Money(amount)), "\u{2212}12.05 EUR");
    }
}
