//! What the shipped artifacts promise, and what keeps a release from going live.

use serde_json::{Value, json};

use super::world::{compile, release, shipped};
use crate::{BoundaryId, EventType};

/// The findings when artifacts are changed.
fn findings(change: impl FnOnce(&mut Vec<(String, String, Value)>)) -> Vec<(String, String)> {
    let mut sources = shipped();
    change(&mut sources);
    let findings = compile(&sources).err().unwrap_or_default();
    findings.into_iter().map(|it| (it.artifact, it.rule)).collect()
}

fn changed(kind: &str, name: &str, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let named = format!("{kind}/{name}");
    let found = findings(|it| {
        change(&mut it.iter_mut().find(|it| it.0 == kind && it.1 == name).unwrap().2);
    });
    let mut rules: Vec<_> = found.into_iter().filter(|it| it.0 == named).map(|it| it.1).collect();
    rules.dedup();
    rules
}

#[test]
fn the_shipped_artifacts_compile() {
    let release = release();
    for kind in ["product.login.v1", "assent.heartbeat.v1", "claim.milestone.v2", "crm.record.v1"] {
        let kind = EventType::new(kind).unwrap();
        assert!(release.schema(&kind).is_some() && release.contract(&kind).is_some(), "{kind}");
    }
    for system in ["crm", "service_desk", "app", "policy_admin", "comms"] {
        assert!(release.connector(system).is_some(), "{system}");
    }
    for name in ["journey-renewal", "journey-onboarding", "journey-claims", "journey-care"] {
        assert!(release.boundary(&BoundaryId::new(name).unwrap()).is_some(), "{name}");
    }
    assert_eq!(release.fields().count(), 20);
}

#[test]
fn kinds_of_others_are_left_alone() {
    assert!(findings(|it| it.push(("node".into(), "x".into(), json!({ "any": 1 })))).is_empty());
}

#[test]
fn schemas_are_closed_local_and_annotated_with_known_fields() {
    let kind = "claim.milestone.v2";
    let check = |rule: &str, change: fn(&mut Value)| {
        assert_eq!(changed("schema", kind, change), [rule], "{rule}");
    };
    check("schema.closed", |it| it["additionalProperties"] = json!(true));
    check("schema.dialect", |it| it["$schema"] = json!("http://json-schema.org/draft-07/schema#"));
    check("schema.field", |it| it["properties"]["stage"]["x-field"] = json!("claim.unheard_of"));
    check("schema.field", |it| it["properties"]["stage"]["x-field"] = json!("claim.reported_at"));
    check("schema.object", |it| it["properties"]["claim_no"]["x-object"] = json!("policy"));
    check("schema.compile", |it| it["properties"]["stage"]["pattern"] = json!("(?=x)"));
    assert!(
        changed("schema", kind, |it| it["properties"]["x"] = json!({ "$ref": "https://a/b" }))
            .contains(&"schema.reference".to_owned())
    );
}

#[test]
fn schemas_and_contracts_come_in_pairs() {
    let without = |kind: &'static str| {
        findings(move |it| it.retain(|it| !(it.0 == kind && it.1 == "account.closed.v1")))
    };
    let lone = |it: &str, rule: &str| vec![(it.to_owned(), rule.to_owned())];
    assert_eq!(without("contract"), lone("schema/account.closed.v1", "schema.contract"));
    assert_eq!(without("schema"), lone("contract/account.closed.v1", "contract.schema"));
}

#[test]
fn consent_cannot_be_imported_as_a_column() {
    for column in ["email_consent", "sms_opt_in", "newsletter_subscribed"] {
        let rules = changed("connector", "crm", |it| {
            it["columns"][column] = json!({ "type": "bool" });
        });
        assert_eq!(rules, ["connector.consent-column"]);
    }
}

#[test]
fn unknown_keys_are_errors() {
    for (kind, name, rule) in [
        ("contract", "product.login.v1", "contract.shape"),
        ("connector", "crm", "connector.shape"),
        ("boundary", "journey-care", "boundary.shape"),
        ("field_catalogue", "insurer", "catalogue.shape"),
    ] {
        let rules = changed(kind, name, |it| it["surprise"] = json!(1));
        assert!(rules.contains(&rule.to_owned()), "{kind}: {rules:?}");
    }
}

#[test]
fn a_field_without_an_end_is_no_field() {
    let rules = changed("field_catalogue", "insurer", |it| {
        it["fields"]["claim.stage"]["retention"] = json!([]);
    });
    assert_eq!(rules, ["catalogue.retention"]);
}
