//! What every purpose and notice must satisfy before it may go live.

use std::collections::BTreeMap;

use kernel::{ArtifactRef, Channel, Finding};

use super::REGIMES_MAX;
use crate::{
    Basis, BasisSpec, ChannelSet, Flag, Label, Notice, Overlay, Purpose, ReleasedNotice,
    SpecialCondition, signal::tcf::PURPOSES_MAX,
};

/// The rules a purpose can break on its own.
pub(super) fn purpose(source: &ArtifactRef<'_>, it: &Purpose, findings: &mut Vec<Finding>) {
    let mut say = |pointer: String, rule: &str, message: &str| {
        findings.push(Finding::at(source, pointer, rule, message));
    };
    let top = |name: &str| format!("/{name}");
    if it.key.as_str() != source.name {
        say(top("key"), "consent.purpose.name", "the file is not named after the purpose");
    }
    if it.version == 0 {
        say(top("version"), "consent.purpose.version", "versions count from 1");
    }
    if it.name.is_empty() || it.text.is_empty() {
        say(top("text"), "consent.purpose.text", "a purpose says what it is in plain words");
    }
    if it.review_on <= it.effective_from.utc().date_naive() {
        say(top("review_on"), "consent.purpose.review", "the review lies before the beginning");
    }
    if it.bases.is_empty() || it.bases.len() > REGIMES_MAX {
        say(top("bases"), "consent.purpose.bases", "a purpose has a basis in 1 to 8 jurisdictions");
    }
    if it.is(Flag::DirectMarketing) && it.is(Flag::ServiceMessage) {
        say(top("flags"), "consent.purpose.flags", "direct marketing is never a service message");
    }
    let framed = |it: &u8| (1..=PURPOSES_MAX).contains(it);
    if !it.tcf_purposes.iter().all(framed) {
        say(top("tcf_purposes"), "consent.purpose.tcf", "the framework has purposes 1 to 24");
    }
    for (jurisdiction, spec) in &it.bases {
        let place = format!("/bases/{jurisdiction}");
        for (rule, message) in broken_by_basis(it, spec).into_iter().chain(broken_by_data(it, spec))
        {
            say(place.clone(), rule, message);
        }
    }
}

/// The rules that tie a basis to the rest of its purpose.
fn broken_by_basis(it: &Purpose, spec: &BasisSpec) -> Vec<(&'static str, &'static str)> {
    let basis = spec.basis();
    let electronic = ChannelSet::of(&[Channel::Email, Channel::Sms, Channel::Push]);
    let rules = [
        (
            it.is(Flag::DirectMarketing)
                && !matches!(basis, Basis::Consent | Basis::LegitimateInterests),
            "consent.purpose.direct_marketing",
            "direct marketing rests on consent or legitimate interests only",
        ),
        (
            it.is(Flag::DirectMarketing)
                && basis == Basis::LegitimateInterests
                && !it.channels.intersection(electronic).is_empty(),
            "consent.purpose.eprivacy",
            "electronic direct marketing needs consent (ePrivacy Art. 13)",
        ),
        (
            it.is(Flag::ServiceMessage)
                && !matches!(basis, Basis::Contract | Basis::LegalObligation),
            "consent.purpose.service_message",
            "a service message is required by contract or law",
        ),
        (
            basis == Basis::Contract && !it.is(Flag::NecessaryForContract),
            "consent.purpose.necessary",
            "the contract is a basis only for what is necessary for it",
        ),
        (
            it.is(Flag::SolelyAutomatedSignificant)
                && !matches!(spec, BasisSpec::Consent(terms) if terms.explicit)
                && !matches!(basis, Basis::Contract | Basis::LegalObligation),
            "consent.purpose.automated",
            "solely automated significant decisions need explicit consent, contract or law",
        ),
        (
            matches!(spec, BasisSpec::LegitimateInterests(lia)
                if !lia.passed || lia.of_version != it.version),
            "consent.purpose.assessment",
            "legitimate interests need a passed assessment of this very version",
        ),
        (
            matches!(spec, BasisSpec::Consent(terms)
                if terms.version_min == 0 || terms.version_min > it.version),
            "consent.purpose.version_min",
            "the oldest version covered lies between 1 and the version",
        ),
        (
            matches!(spec, BasisSpec::Consent(terms) if terms.max_age.span() <= chrono::TimeDelta::zero()),
            "consent.purpose.max_age",
            "consent lasts for a positive time",
        ),
    ];
    rules.into_iter().filter(|it| it.0).map(|(_, rule, message)| (rule, message)).collect()
}

/// The rules that tie a basis to the kinds of data and the profiling it cannot carry.
fn broken_by_data(it: &Purpose, spec: &BasisSpec) -> Vec<(&'static str, &'static str)> {
    let basis = spec.basis();
    let rules = [
        (
            it.special == Some(SpecialCondition::ExplicitConsent)
                && !matches!(spec, BasisSpec::Consent(terms) if terms.explicit),
            "consent.purpose.special",
            "special categories on explicit consent need that consent as the basis",
        ),
        (
            it.special.is_some_and(needs_law) != it.special_law.is_some(),
            "consent.purpose.special_law",
            "a condition of Art. 9(2)(b) and (f) to (j) names its law, and no other does",
        ),
        (
            it.special.is_some() && basis == Basis::LegitimateInterests,
            "consent.purpose.special_interests",
            "interests alone do not carry special categories",
        ),
        (
            it.is(Flag::Profiling) && basis == Basis::VitalInterests,
            "consent.purpose.vital",
            "an emergency is no basis for profiling",
        ),
    ];
    rules.into_iter().filter(|it| it.0).map(|(_, rule, message)| (rule, message)).collect()
}

/// Whether a condition holds by a law.
const fn needs_law(condition: SpecialCondition) -> bool {
    !matches!(condition, SpecialCondition::ExplicitConsent | SpecialCondition::VitalInterests)
}

/// The rules a notice can break on its own.
pub(super) fn notice(source: &ArtifactRef<'_>, it: &Notice, findings: &mut Vec<Finding>) {
    if it.name.as_str() != source.name {
        let message = "the file is not named after the notice";
        findings.push(Finding::at(source, "/name", "consent.notice.name", message));
    }
    if it.version == 0 {
        findings.push(Finding::at(
            source,
            "/version",
            "consent.notice.version",
            "versions count from 1",
        ));
    }
    let words = [
        ("/title", &it.title),
        ("/text", &it.text),
        ("/retention_period", &it.retention_period),
        ("/withdrawal_method", &it.withdrawal_method),
        ("/controller/name", &it.controller.name),
        ("/controller/address", &it.controller.address),
        ("/controller/contact", &it.controller.contact),
    ];
    for (pointer, _) in words.iter().filter(|it| it.1.is_empty()) {
        let message = "a receipt needs these words";
        findings.push(Finding::at(source, *pointer, "consent.notice.words", message));
    }
}

/// The rules an overlay can break.
pub(super) fn overlay(source: &ArtifactRef<'_>, it: &Overlay, findings: &mut Vec<Finding>) {
    let hours = it.hours.is_none_or(|it| it.from_minute < it.to_minute && it.to_minute < 1_440);
    let rules = [
        (it.id.as_str() != source.name, "/id", "name", "the file is not named after the overlay"),
        (
            it.jurisdictions.is_empty(),
            "/jurisdictions",
            "jurisdictions",
            "an overlay applies somewhere",
        ),
        (
            it.require.is_empty() && it.hours.is_none(),
            "/require",
            "require",
            "an overlay requires something",
        ),
        (!hours, "/hours", "hours", "hours begin before they end, on one day"),
        (
            it.review_by <= it.in_force_from,
            "/review_by",
            "review",
            "the review lies before the beginning",
        ),
    ];
    for (_, pointer, rule, message) in rules.into_iter().filter(|it| it.0) {
        findings.push(Finding::at(source, pointer, &format!("consent.overlay.{rule}"), message));
    }
}

/// Every consent is asked for by a notice that names the purpose and is new enough.
pub(super) fn notices_asked(
    source: &ArtifactRef<'_>,
    it: &Purpose,
    notices: &BTreeMap<Label, ReleasedNotice>,
    findings: &mut Vec<Finding>,
) {
    for (jurisdiction, spec) in &it.bases {
        let BasisSpec::Consent(terms) = spec else { continue };
        let asked = notices.get(&terms.notice).is_some_and(|released| {
            released.notice.purposes.contains(&it.key)
                && released.notice.version >= terms.notice_version_min
        });
        if !asked {
            findings.push(Finding::at(
                source,
                format!("/bases/{jurisdiction}/notice"),
                "consent.purpose.notice",
                "no notice of that name and version asks for this purpose",
            ));
        }
    }
}
