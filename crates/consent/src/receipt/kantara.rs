//! The form of the Kantara Initiative's Consent Receipt 1.1. It has no words for a refusal, a
//! withdrawal or an objection.

use serde_json::{Value, json};

use super::Matter;
use crate::Expression;

const VERSION: &str = "KI-CR-v1.1.0";

/// None for what is no consent, and where the controller names no e-mail address or telephone: the
/// form demands both.
pub(super) fn told(matter: &Matter<'_>) -> Option<Value> {
    let grant = matter.grant?;
    let notice = &matter.notice.notice;
    let controller = &notice.controller;
    let (email, phone) = (controller.email.as_ref()?, controller.phone.as_ref()?);
    let explicit = grant.expression == Expression::Explicit;
    let third = notice.recipients.join(", ");
    let purposes: Vec<_> = matter
        .purposes
        .iter()
        .map(|it| {
            let mut purpose = json!({
                "purpose": it.text,
                "purposeCategory": [it.name],
                "consentType": if explicit { "EXPLICIT" } else { "IMPLICIT" },
                "piiCategory": matter.categories(),
                "primaryPurpose": false,
                "termination": notice.retention_period,
                "thirdPartyDisclosure": !notice.recipients.is_empty(),
            });
            if let Some(members) = purpose.as_object_mut().filter(|_| !third.is_empty()) {
                members.insert("thirdPartyName".into(), json!(third));
            }
            purpose
        })
        .collect();
    let jurisdictions: Vec<_> =
        matter.artifacts.jurisdictions().iter().map(ToString::to_string).collect();
    Some(json!({
        "version": VERSION,
        "jurisdiction": jurisdictions.join(", "),
        "consentTimestamp": matter.event.said.event_time.micros() / 1_000_000,
        "collectionMethod": matter.event.said.source.as_str(),
        "consentReceiptID": matter.event.said.id.to_string(),
        "language": notice.language.as_str(),
        "piiPrincipalId": matter.principal.to_string(),
        "piiControllers": [{
            "piiController": controller.name,
            "onBehalf": false,
            "contact": controller.contact,
            "address": { "streetAddress": controller.address },
            "email": email,
            "phone": phone,
        }],
        "policyUrl": format!("urn:assent:notice:{}:{}", notice.name, matter.notice_version()),
        "services": [{ "service": controller.name, "purposes": purposes }],
        "sensitive": matter.is_special(),
        "spiCat": if matter.is_special() { matter.categories() } else { Vec::new() },
    }))
}
