//! The registry: what may not go live.

use serde_json::{Value, json};

use super::world::{bodies, compile, with};
use crate::{
    Basis,
    artifacts::{PURPOSES_MAX, REGIMES_MAX},
};

const MARKETING: &str = "marketing.renewal";
const RECOVERY: &str = "service.recovery";
const NOTICE: &str = "renewal-offers";

fn contract() -> Value {
    json!({ "basis": "A6-1-b", "contract": "policy" })
}

fn interests(version: u32) -> Value {
    json!({ "basis": "A6-1-f", "assessment": "LIA", "passed": true, "of_version": version,
        "review_by": "2028-01-01T00:00:00Z" })
}

fn without(body: &mut Value, member: &str) {
    body.as_object_mut().unwrap().remove(member);
}

fn rules(name: &str, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut bodies = bodies();
    change(&mut bodies.iter_mut().find(|it| it.1 == name).unwrap().2);
    compile(&bodies).err().into_iter().flatten().map(|it| it.rule).collect()
}

#[test]
fn the_shipped_purposes_compile() {
    let artifacts = compile(&bodies()).unwrap();
    assert_eq!(artifacts.purposes().len(), 5);
    let bases: Vec<_> = artifacts
        .purposes()
        .iter()
        .map(|it| (it.key.as_str(), it.bases.values().next().unwrap().basis()))
        .collect();
    assert_eq!(
        bases,
        [
            ("contract.claim_status", Basis::Contract),
            ("marketing.renewal", Basis::Consent),
            ("measurement.effect", Basis::LegitimateInterests),
            ("service.onboarding_help", Basis::LegitimateInterests),
            ("service.recovery", Basis::LegitimateInterests),
        ]
    );
}

#[test]
fn the_digest_names_the_content() {
    let one = compile(&bodies()).unwrap();
    assert_eq!(one.digest(), compile(&bodies()).unwrap().digest());
    let other = with("service.recovery", |it| it["text"] = "Other words.".into());
    assert_ne!(one.digest(), other.digest());
}

/// A rule, the artifact that breaks it, and how.
type Break = (&'static str, &'static str, fn(&mut Value));

fn each_bites(cases: &[Break]) {
    for (rule, name, change) in cases {
        let found = rules(name, change);
        assert!(found.iter().any(|it| it == rule), "{rule}: {found:?}");
    }
}

#[test]
fn a_basis_must_fit_its_purpose() {
    each_bites(&[
        ("consent.purpose.direct_marketing", MARKETING, |it| it["bases"]["EU"] = contract()),
        ("consent.purpose.eprivacy", MARKETING, |it| it["bases"]["EU"] = interests(3)),
        ("consent.purpose.necessary", RECOVERY, |it| it["bases"]["EU"] = contract()),
        ("consent.purpose.service_message", RECOVERY, |it| {
            it["flags"] = json!(["service_message"]);
        }),
        ("consent.purpose.flags", MARKETING, |it| {
            it["flags"] = json!(["direct_marketing", "service_message"]);
        }),
        ("consent.purpose.assessment", RECOVERY, |it| {
            it["bases"]["EU"]["passed"] = false.into();
        }),
        ("consent.purpose.assessment", RECOVERY, |it| it["version"] = 2.into()),
        ("consent.purpose.automated", RECOVERY, |it| {
            it["flags"] = json!(["solely_automated_significant"]);
        }),
        ("consent.purpose.special", RECOVERY, |it| it["special"] = "A9-2-a".into()),
        ("consent.purpose.notice", MARKETING, |it| {
            it["bases"]["GB"]["notice_version_min"] = 8.into();
        }),
        ("consent.purpose.version_min", MARKETING, |it| {
            it["bases"]["GB"]["version_min"] = 4.into();
        }),
        ("consent.purpose.max_age", MARKETING, |it| it["bases"]["GB"]["max_age"] = "P0D".into()),
    ]);
}

#[test]
fn a_purpose_and_a_notice_must_be_complete() {
    each_bites(&[
        ("consent.purpose.version", RECOVERY, |it| it["version"] = 0.into()),
        ("consent.purpose.text", RECOVERY, |it| it["text"] = "".into()),
        ("consent.purpose.name", RECOVERY, |it| it["key"] = "service.other".into()),
        ("consent.purpose.review", RECOVERY, |it| it["review_on"] = "2023-01-01".into()),
        ("consent.purpose.bases", RECOVERY, |it| it["bases"] = json!({})),
        ("consent.purpose.schema", RECOVERY, |it| it["surprise"] = 1.into()),
        ("consent.purpose.schema", RECOVERY, |it| without(it, "owner")),
        ("consent.purpose.schema", RECOVERY, |it| without(it, "review_on")),
        ("consent.purpose.schema", RECOVERY, |it| without(it, "channels")),
        ("consent.notice.version", NOTICE, |it| it["version"] = 0.into()),
        ("consent.notice.words", NOTICE, |it| it["title"] = "".into()),
        ("consent.notice.name", NOTICE, |it| it["name"] = "other".into()),
        ("consent.notice.schema", NOTICE, |it| it["text"] = 1.into()),
    ]);
}

#[test]
fn a_purpose_has_so_many_regimes_and_not_one_more() {
    let regimes = |n: usize| {
        rules(RECOVERY, |it| {
            let spec = it["bases"]["EU"].clone();
            it["bases"] = (0..n).map(|i| (format!("J{i}"), spec.clone())).collect();
        })
    };
    assert_eq!(regimes(REGIMES_MAX), [""; 0]);
    assert_eq!(regimes(REGIMES_MAX + 1), ["consent.purpose.bases"]);
}

#[test]
fn a_tenant_registers_so_many_purposes_and_not_one_more() {
    let template = bodies().into_iter().find(|it| it.1 == "service.recovery").unwrap().2;
    let registry = |n: usize| {
        let bodies: Vec<_> = (0..n)
            .map(|i| {
                let name = format!("service.p{i}");
                let mut body = template.clone();
                body["key"] = name.clone().into();
                ("purpose".to_owned(), name, body)
            })
            .collect();
        compile(&bodies)
    };
    assert_eq!(registry(PURPOSES_MAX).unwrap().purposes().len(), PURPOSES_MAX);
    let findings = registry(PURPOSES_MAX + 1).unwrap_err();
    assert_eq!(findings[0].rule, "consent.purpose.count");
}
