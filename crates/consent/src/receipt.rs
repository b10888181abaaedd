//! A receipt of a choice as JSON, in the words of ISO/IEC TS 27560:2023.
//!
//! It binds the notice shown to the choice made and is derivable from the log and the registry at
//! any time. It names the person by a digest only this controller can recognise.

use kernel::{Digest, Fault};
use serde_json::{Value, json};

use crate::{
    Artifacts, Basis, BasisSpec, ConsentEvent, EventKind, Expression, Grant, Purpose,
    ReleasedNotice,
};

/// The schema the receipt follows.
pub const SCHEMA_VERSION: &str = "assent.consent-receipt/1 (ISO/IEC TS 27560:2023)";

/// The receipt of a grant, refusal, withdrawal or objection; none for other events, and none where
/// a mandatory name would lack its value.
pub fn receipt(event: &ConsentEvent, artifacts: &Artifacts) -> Result<Option<Value>, Fault> {
    let Some((purposes, grant)) = subject_matter(event, artifacts) else { return Ok(None) };
    let Some(released) = notice_of(&purposes, grant, artifacts) else { return Ok(None) };
    let notice = &released.notice;
    let principal = Digest::of_canonical(&(
        "assent.principal/1",
        event.tenant.as_str(),
        notice.controller.id.as_str(),
        event.said.node,
    ))
    .map_err(|it| Fault::escalate("naming the person in a receipt").because(it))?;
    let mut record = json!({
        "schema_version": SCHEMA_VERSION,
        "record_id": event.said.id.to_string(),
        "receipt_id": event.digest.to_string(),
        "pii_principal_id": principal.to_string(),
        "privacy_notice": notice_json(released, grant),
        "language": notice.language.as_str(),
        "purposes": purposes.iter().map(|it| purpose_json(it)).collect::<Vec<_>>(),
        "pii_information": pii_json(&purposes),
        "pii_controllers": [{
            "party_id": notice.controller.id.as_str(),
            "party_name": notice.controller.name,
            "party_address": notice.controller.address,
            "party_contact": notice.controller.contact,
            "party_type": "controller",
        }],
        "collection_method": event.said.source.as_str(),
        "storage_locations": notice.storage_locations,
        "retention_period": notice.retention_period,
        "jurisdiction": artifacts.jurisdictions(),
        "recipient_third_parties": notice.recipients,
        "withdrawal_method": notice.withdrawal_method,
        "event_time": event.said.event_time,
        "recorded_at": event.recorded_at,
        "entity_id": principal.to_string(),
        "event_type": event.said.kind.name(),
        "event_state": state_of(&event.said.kind),
        "chain": { "seq": event.seq, "digest": event.digest },
    });
    if let (Some(grant), Some(members)) = (grant, record.as_object_mut()) {
        let explicit = grant.expression == Expression::Explicit;
        members
            .insert("consent_type".into(), if explicit { "explicit" } else { "expressed" }.into());
        members.insert("channels".into(), json!(grant.channels));
        if let Some(until) = validity(grant, &purposes, event) {
            members.insert("validity_until".into(), json!(until));
        }
    }
    Ok(Some(record))
}

/// The purposes an event is about, with its grant if it is one.
fn subject_matter<'a>(
    event: &'a ConsentEvent,
    artifacts: &'a Artifacts,
) -> Option<(Vec<&'a Purpose>, Option<&'a Grant>)> {
    let grant = match &event.said.kind {
        EventKind::Given(grant) | EventKind::Renewed(grant) => Some(grant),
        EventKind::Refused { .. } | EventKind::Withdrawn { .. } | EventKind::Objected { .. } => {
            None
        }
        _ => return None,
    };
    if let Some(grant) = grant {
        return Some((vec![artifacts.purpose(&grant.purpose.key)?], Some(grant)));
    }
    let scope = event.widened.clone().or_else(|| event.said.kind.scope())?;
    let covered: Vec<_> = artifacts.purposes().iter().filter(|it| scope.covers(&it.key)).collect();
    (!covered.is_empty()).then_some((covered, None))
}

/// The notice that was shown, or else the one that asks for the first of the purposes.
fn notice_of<'a>(
    purposes: &[&Purpose],
    grant: Option<&Grant>,
    artifacts: &'a Artifacts,
) -> Option<&'a ReleasedNotice> {
    if let Some(shown) = grant.and_then(|it| it.proof.notice.as_ref()) {
        return artifacts.notice(&shown.name);
    }
    purposes
        .iter()
        .find_map(|purpose| {
            artifacts.notices().find(|it| it.notice.purposes.contains(&purpose.key))
        })
        .or_else(|| artifacts.notices().next())
}

fn notice_json(released: &ReleasedNotice, grant: Option<&Grant>) -> Value {
    let shown = grant.and_then(|it| it.proof.notice.as_ref());
    let version = shown.map_or(released.notice.version, |it| it.version);
    let mut notice = json!({ "name": released.notice.name, "version": version });
    if let Some(members) = notice.as_object_mut() {
        if version == released.notice.version {
            members.insert("digest".into(), json!(released.digest));
        }
        if let Some(rendered) = shown.and_then(|it| it.rendered) {
            members.insert("rendered".into(), json!(rendered));
        }
    }
    notice
}

fn purpose_json(purpose: &Purpose) -> Value {
    let bases: serde_json::Map<_, _> = purpose
        .bases
        .iter()
        .map(|(jurisdiction, spec)| (jurisdiction.to_string(), spec.basis().as_str().into()))
        .collect();
    json!({
        "purpose": purpose.key,
        "version": purpose.version,
        "purpose_type": purpose.name,
        "description": purpose.text,
        "lawful_basis": bases,
    })
}

fn pii_json(purposes: &[&Purpose]) -> Value {
    let mut categories: Vec<_> = purposes.iter().flat_map(|it| &it.categories).collect();
    categories.sort_unstable();
    categories.dedup();
    let optional =
        purposes.iter().all(|it| it.bases.values().all(|spec| spec.basis() == Basis::Consent));
    categories.into_iter().map(|it| json!({ "pii_type": it, "pii_optional": optional })).collect()
}

/// The state in DPV's words.
const fn state_of(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Given(_) => "ConsentGiven",
        EventKind::Renewed(_) => "RenewedConsentGiven",
        EventKind::Refused { .. } => "ConsentRefused",
        EventKind::Withdrawn { .. } => "ConsentWithdrawn",
        _ => "ObjectionMade",
    }
}

fn validity(grant: &Grant, purposes: &[&Purpose], event: &ConsentEvent) -> Option<kernel::Instant> {
    let by_terms = purposes
        .iter()
        .flat_map(|it| it.bases.values())
        .filter_map(|it| match it {
            BasisSpec::Consent(terms) => Some(event.effective().plus(terms.max_age.span())),
            _ => None,
        })
        .min();
    match (grant.expires_at, by_terms) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
