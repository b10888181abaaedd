//! The form of ISO/IEC TS 27560:2023.

use serde_json::{Value, json};

use super::Matter;
use crate::{Basis, Expression, Purpose};

/// The schema it follows.
const SCHEMA_VERSION: &str = "assent.consent-receipt/1 (ISO/IEC TS 27560:2023)";

pub(super) fn told(matter: &Matter<'_>) -> Value {
    let (event, notice) = (matter.event, &matter.notice.notice);
    let principal = matter.principal.to_string();
    let mut record = json!({
        "schema_version": SCHEMA_VERSION,
        "record_id": event.said.id.to_string(),
        "receipt_id": event.digest.to_string(),
        "pii_principal_id": principal,
        "privacy_notice": privacy_notice(matter),
        "language": notice.language.as_str(),
        "purposes": matter.purposes.iter().map(|it| purpose(it)).collect::<Vec<_>>(),
        "pii_information": pii(matter),
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
        "jurisdiction": matter.artifacts.jurisdictions(),
        "recipient_third_parties": notice.recipients,
        "withdrawal_method": notice.withdrawal_method,
        "event_time": event.said.event_time,
        "recorded_at": event.recorded_at,
        "entity_id": principal,
        "event_type": event.said.kind.name(),
        "event_state": matter.state(),
        "chain": { "seq": event.seq, "digest": event.digest },
    });
    if let (Some(grant), Some(members)) = (matter.grant, record.as_object_mut()) {
        let explicit = grant.expression == Expression::Explicit;
        members
            .insert("consent_type".into(), if explicit { "explicit" } else { "expressed" }.into());
        members.insert("channels".into(), json!(grant.channels));
        if let Some(until) = matter.ends_at() {
            members.insert("validity_until".into(), json!(until));
        }
    }
    record
}

fn privacy_notice(matter: &Matter<'_>) -> Value {
    let shown = matter.grant.and_then(|it| it.proof.notice.as_ref());
    let released = matter.notice;
    let version = matter.notice_version();
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

fn purpose(purpose: &Purpose) -> Value {
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

fn pii(matter: &Matter<'_>) -> Value {
    let mut bases = matter.purposes.iter().flat_map(|it| it.bases.values());
    let optional = bases.all(|it| it.basis() == Basis::Consent);
    let categories = matter.categories().into_iter();
    categories.map(|it| json!({ "pii_type": it, "pii_optional": optional })).collect()
}
