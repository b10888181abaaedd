//! The registry: what may not go live.

use serde_json::{Value, json};

use super::world::{bodies, compile, with};
use crate::{Basis, artifacts::PURPOSES_MAX};

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

#[test]
fn each_rule_bites() {
    let contract = json!({ "basis": "A6-1-b", "contract": "policy" });
    let marketing = "marketing.renewal";
    let recovery = "service.recovery";
    let cases: Vec<(&str, &str, Box<dyn Fn(&mut Value)>)> = vec![
        ("consent.purpose.direct_marketing", marketing, {
            let contract = contract.clone();
            Box::new(move |it| it["bases"]["EU"] = contract.clone())
        }),
        ("consent.purpose.eprivacy", marketing, {
            let lia = json!({ "basis": "A6-1-f", "assessment": "L", "passed": true,
                "of_version": 3, "review_by": "2028-01-01T00:00:00Z" });
            Box::new(move |it| it["bases"]["EU"] = lia.clone())
        }),
        ("consent.purpose.necessary", recovery, {
            Box::new(move |it| it["bases"]["EU"] = contract.clone())
        }),
        (
            "consent.purpose.service_message",
            recovery,
            Box::new(|it| it["flags"] = json!(["service_message"])),
        ),
        (
            "consent.purpose.flags",
            marketing,
            Box::new(|it| it["flags"] = json!(["direct_marketing", "service_message"])),
        ),
        (
            "consent.purpose.assessment",
            recovery,
            Box::new(|it| it["bases"]["EU"]["passed"] = false.into()),
        ),
        ("consent.purpose.assessment", recovery, Box::new(|it| it["version"] = 2.into())),
        (
            "consent.purpose.automated",
            recovery,
            Box::new(|it| it["flags"] = json!(["solely_automated_significant"])),
        ),
        ("consent.purpose.special", recovery, Box::new(|it| it["special"] = "A9-2-a".into())),
        ("consent.purpose.version", recovery, Box::new(|it| it["version"] = 0.into())),
        ("consent.purpose.text", recovery, Box::new(|it| it["text"] = "".into())),
        ("consent.purpose.name", recovery, Box::new(|it| it["key"] = "service.other".into())),
        ("consent.purpose.review", recovery, Box::new(|it| it["review_on"] = "2023-01-01".into())),
        ("consent.purpose.bases", recovery, Box::new(|it| it["bases"] = json!({}))),
        (
            "consent.purpose.notice",
            marketing,
            Box::new(|it| it["bases"]["GB"]["notice_version_min"] = 8.into()),
        ),
        (
            "consent.purpose.version_min",
            marketing,
            Box::new(|it| it["bases"]["GB"]["version_min"] = 4.into()),
        ),
        (
            "consent.purpose.max_age",
            marketing,
            Box::new(|it| it["bases"]["GB"]["max_age"] = "P0D".into()),
        ),
        ("consent.purpose.schema", recovery, Box::new(|it| it["surprise"] = 1.into())),
        (
            "consent.purpose.schema",
            recovery,
            Box::new(|it| drop(it.as_object_mut().unwrap().remove("owner"))),
        ),
        (
            "consent.purpose.schema",
            recovery,
            Box::new(|it| drop(it.as_object_mut().unwrap().remove("review_on"))),
        ),
        ("consent.notice.version", "renewal-offers", Box::new(|it| it["version"] = 0.into())),
        ("consent.notice.words", "renewal-offers", Box::new(|it| it["title"] = "".into())),
        ("consent.notice.name", "renewal-offers", Box::new(|it| it["name"] = "other".into())),
        ("consent.notice.schema", "renewal-offers", Box::new(|it| it["text"] = 1.into())),
    ];
    for (rule, name, change) in cases {
        let found = rules(name, |it| change(it));
        assert!(found.iter().any(|it| it == rule), "{rule}: {found:?}");
    }
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
