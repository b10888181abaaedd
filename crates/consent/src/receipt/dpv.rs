//! The form of the W3C Data Privacy Vocabulary 2, as JSON-LD.

use serde_json::{Value, json};

use super::Matter;
use crate::{Basis, Expression, Purpose};

pub(super) fn told(matter: &Matter<'_>) -> Value {
    let (event, notice) = (matter.event, &matter.notice.notice);
    let person = format!("urn:assent:principal:{}", matter.principal);
    let mut receipt = json!({
        "@context": {
            "dct": "http://purl.org/dc/terms/",
            "dpv": "https://w3id.org/dpv#",
            "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@id": format!("urn:uuid:{}", event.said.id),
        "@type": if matter.grant.is_some() { "dpv:ConsentReceipt" } else { "dpv:ConsentRecord" },
        "dct:conformsTo": { "@id": "https://w3id.org/dpv" },
        "dct:identifier": event.digest.to_string(),
        "dct:language": notice.language.as_str(),
        "dct:date": { "@type": "xsd:dateTime", "@value": event.said.event_time },
        "dpv:hasDataSubject": { "@id": person, "@type": "dpv:DataSubject" },
        "dpv:hasDataController": {
            "@id": format!("urn:assent:controller:{}", notice.controller.id),
            "@type": "dpv:DataController",
            "dpv:hasName": notice.controller.name,
            "dpv:hasAddress": notice.controller.address,
            "dpv:hasContact": notice.controller.contact,
        },
        "dpv:hasNotice": {
            "@id": format!("urn:assent:notice:{}:{}", notice.name, matter.notice_version()),
            "@type": "dpv:ConsentNotice",
        },
        "dpv:hasPurpose": matter.purposes.iter().map(|it| purpose(it)).collect::<Vec<_>>(),
        "dpv:hasPersonalData": matter.categories(),
        "dpv:hasDataSource": event.said.source.as_str(),
        "dpv:hasRecipient": notice.recipients,
        "dpv:hasStorageCondition": {
            "dpv:hasLocation": notice.storage_locations,
            "dpv:hasDuration": notice.retention_period,
        },
        "dpv:hasJurisdiction": matter.artifacts.jurisdictions(),
        "dpv:hasConsentStatus": { "@id": format!("dpv:{}", matter.state()) },
        "dpv:hasConsentControl": {
            "@type": "dpv:WithdrawConsent",
            "dct:description": notice.withdrawal_method,
        },
        "dpv:isIndicatedBy": { "@id": person },
    });
    if let (Some(grant), Some(members)) = (matter.grant, receipt.as_object_mut()) {
        let expressed = match grant.expression {
            Expression::Explicit => "dpv:ExplicitlyExpressedConsent",
            Expression::Expressed => "dpv:ExpressedConsent",
        };
        members.insert("dpv:hasConsentType".into(), json!({ "@id": expressed }));
        if let Some(until) = matter.ends_at() {
            let value = json!({ "@type": "xsd:dateTime", "@value": until });
            members.insert("dct:valid".into(), value);
        }
    }
    receipt
}

fn purpose(purpose: &Purpose) -> Value {
    let mut bases: Vec<Basis> = purpose.bases.values().map(crate::BasisSpec::basis).collect();
    bases.sort_unstable();
    bases.dedup();
    let (mut grounds, mut rights) = (Vec::new(), Vec::new());
    for basis in bases {
        grounds.push(json!({ "@id": format!("eu-gdpr:{}", basis.as_str()) }));
        rights.extend(
            rights_under(basis).iter().map(|it| json!({ "@id": format!("eu-gdpr:A{it}") })),
        );
    }
    rights.dedup();
    json!({
        "@id": format!("urn:assent:purpose:{}:{}", purpose.key, purpose.version),
        "@type": "dpv:Purpose",
        "dct:title": purpose.name,
        "dct:description": purpose.text,
        "dpv:hasLegalBasis": grounds,
        "dpv:hasRight": rights,
    })
}

/// The articles of the rights a person has where this basis is used, after DPV 2's matrix.
const fn rights_under(basis: Basis) -> &'static [&'static str] {
    match basis {
        Basis::Consent => &["7-3", "13", "14", "15", "16", "17", "18", "20", "22"],
        Basis::Contract => &["13", "14", "15", "16", "17", "18", "20", "22"],
        Basis::LegalObligation => &["13", "14", "15", "16", "18"],
        Basis::VitalInterests => &["13", "14", "15", "16", "17", "18", "22"],
        Basis::PublicTask => &["13", "14", "15", "16", "18", "21", "22"],
        Basis::LegitimateInterests => &["13", "14", "15", "16", "17", "18", "21", "22"],
    }
}
