//! Receipts in three forms: each keeps its schema, names nobody, and verifies offline or not at all.

use kernel::canonical;
use serde_json::{Value, json};

use super::world::{NOW, World, bodies, compile, days, grant, under, withdrawn};
use crate::{
    Artifacts, ConsentEvent, EventKind, Expression, Limb, PurposeScope,
    document::{DocumentKey, PublicKey, Trust, is_signed, verify},
    receipt::{Profile, signed},
};

fn key() -> DocumentKey {
    DocumentKey::new(&[7; 32])
}

fn events() -> Vec<ConsentEvent> {
    let mut world = World::new();
    world.say(1, days(-9), EventKind::Given(grant()));
    let mut explicit = grant();
    explicit.expression = Expression::Explicit;
    explicit.expires_at = Some(NOW);
    world.say(1, days(-8), EventKind::Renewed(explicit));
    world.say(1, days(-7), withdrawn(under("marketing")));
    let objected = EventKind::Objected { scope: PurposeScope::All, limb: Limb::Art21_2 };
    world.say(1, days(-6), objected);
    world.logs[0].events.clone()
}

fn told(event: &ConsentEvent, profile: Profile) -> Option<Value> {
    signed(event, &super::world::artifacts(), profile, &key()).unwrap()
}

#[test]
fn every_form_of_every_choice_keeps_its_schema() {
    for profile in Profile::ALL {
        let schema: Value = serde_json::from_str(profile.schema()).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        for event in &events()[1..] {
            let Some(receipt) = told(event, profile) else {
                // Kantara's form has no word for a no.
                assert_eq!(profile, Profile::Kantara);
                assert!(event.said.kind.is_restrictive());
                continue;
            };
            let errors: Vec<_> = schema.iter_errors(&receipt).map(|it| it.to_string()).collect();
            assert!(errors.is_empty(), "{profile:?}: {errors:?}");
            // The schema bites: without any member that it requires it holds no more.
            for name in receipt.as_object().unwrap().keys() {
                let mut poorer = receipt.clone();
                poorer.as_object_mut().unwrap().remove(name);
                let optional = [
                    "validity_until",
                    "consent_type",
                    "channels",
                    "chain",
                    "recorded_at",
                    "dct:valid",
                    "dpv:hasConsentType",
                    "dpv:hasDataSource",
                    "dpv:hasRecipient",
                ];
                assert_eq!(schema.is_valid(&poorer), optional.contains(&name.as_str()), "{name}");
            }
        }
        assert_eq!(profile.as_str().parse(), Ok(profile));
    }
    assert!("pdf".parse::<Profile>().is_err());
    // What states a fact is no choice.
    assert_eq!(told(&events()[0], Profile::Iso27560), None);
}

#[test]
fn the_three_forms_tell_the_same_of_one_choice() {
    let event = &events()[2];
    let [iso, kantara, dpv] = Profile::ALL.map(|it| told(event, it).unwrap());
    assert_eq!(iso["record_id"], kantara["consentReceiptID"]);
    assert_eq!(dpv["@id"], format!("urn:uuid:{}", iso["record_id"].as_str().unwrap()));
    assert_eq!(iso["pii_principal_id"], kantara["piiPrincipalId"]);
    assert_eq!(iso["receipt_id"], dpv["dct:identifier"]);
    assert_eq!(
        (&iso["consent_type"], &iso["event_state"]),
        (&json!("explicit"), &json!("RenewedConsentGiven"))
    );
    assert_eq!(kantara["services"][0]["purposes"][0]["consentType"], "EXPLICIT");
    assert_eq!(dpv["dpv:hasConsentType"]["@id"], "dpv:ExplicitlyExpressedConsent");
    assert_eq!(dpv["dpv:hasConsentStatus"]["@id"], "dpv:RenewedConsentGiven");
    assert_eq!(dpv["dpv:hasPurpose"][0]["dpv:hasLegalBasis"][0]["@id"], "eu-gdpr:A6-1-a");
    assert_eq!(iso["validity_until"], dpv["dct:valid"]["@value"]);
    let node = event.said.node.to_string();
    for it in [iso, kantara, dpv] {
        let text = it.to_string();
        assert!(!text.contains(&node) && !text.contains(&node.replace('-', "")), "{text}");
        assert!(canonical(&it).is_ok());
    }
}

#[test]
fn a_form_that_demands_what_the_notice_lacks_is_not_issued() {
    let lacking = |name: &str| -> Artifacts {
        let mut all = bodies();
        let notice = all.iter_mut().find(|it| it.0 == "notice").unwrap();
        notice.2["controller"].as_object_mut().unwrap().remove(name);
        compile(&all).unwrap()
    };
    for name in ["email", "phone"] {
        let artifacts = lacking(name);
        let issued = |profile| signed(&events()[1], &artifacts, profile, &key()).unwrap().is_some();
        assert_eq!(Profile::ALL.map(issued), [true, false, true], "{name}");
    }
}

/// Every place in a document, by pointer.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, it)| {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(it, &format!("{at}/{name}"), out);
            });
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, it)| places(it, &format!("{at}/{i}"), out));
        }
        _ => out.push(at.to_owned()),
    }
}

#[test]
fn a_document_changed_anywhere_no_longer_verifies() {
    let public = key().public();
    let other = DocumentKey::new(&[8; 32]);
    for profile in Profile::ALL {
        let document = told(&events()[1], profile).unwrap();
        assert!(is_signed(&document));
        assert_eq!(verify(&document, Some(&public)), Trust::Trusted);
        assert_eq!(verify(&document, None), Trust::UnknownKey);
        assert_eq!(verify(&document, Some(&other.public())), Trust::Broken);
        let mut all = Vec::new();
        places(&document, "", &mut all);
        for pointer in all {
            let mut changed = document.clone();
            let place = changed.pointer_mut(&pointer).unwrap();
            *place = match place {
                Value::String(text) => json!(format!("{text}0")),
                Value::Bool(it) => json!(!*it),
                Value::Number(it) => json!(it.as_i64().unwrap() + 1),
                _ => json!("0"),
            };
            assert!(
                matches!(verify(&changed, Some(&public)), Trust::Broken | Trust::NotOne),
                "{pointer}"
            );
        }
        let mut longer = document.clone();
        longer["more"] = json!(1);
        assert_eq!(verify(&longer, Some(&public)), Trust::Broken);
        // Signed anew by somebody else, it is theirs.
        let theirs = other.sign(document).unwrap();
        assert_eq!(verify(&theirs, Some(&public)), Trust::Broken);
    }
    assert_eq!(verify(&json!({ "a": 1 }), None), Trust::NotOne);
    assert_eq!(verify(&json!(7), None), Trust::NotOne);
}

#[test]
fn a_public_key_is_read_as_it_is_written() {
    let public = key().public();
    assert_eq!(format!("{public}\n").parse(), Ok(public));
    for text in
        ["", "assent-documents+", "assent-documents+00", &public.to_string().replace('+', "-")]
    {
        assert!(text.parse::<PublicKey>().is_err(), "{text}");
    }
    assert_eq!(format!("{:?}", key()), "DocumentKey(..)");
}
