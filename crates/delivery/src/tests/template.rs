//! Templates: what they may say, and what they must.

use std::{collections::BTreeMap, fs, path::Path};

use kernel::{
    ArtifactRef, Channel, Class, Digest, Known, Money, PurposeKey, PurposeRef, Reason, Value, Why,
};
use serde_json::{Value as Json, json};

use super::world::{imprint, known, template};
use crate::{
    content::Artifacts,
    contract::sample::{delivery, noon, person},
    message::{Delivery, TemplateRef},
    permission::Obligation,
    ports::MessageLinks,
    reason,
    render::{
        BODY_BYTES_MAX, EMAIL_BYTES_MAX, PUSH_BYTES_MAX, SMS_SEGMENTS_MAX, render, sms_segments,
    },
    sender::Rendered,
    template::FIELDS_MAX,
};

fn compile(body: &Json) -> Result<Artifacts, Vec<String>> {
    let digest = Digest::of(b"template");
    let source = ArtifactRef { kind: "template", name: "renewal-90", digest, body };
    Artifacts::compile(&[source])
        .map_err(|findings| findings.into_iter().map(|it| it.rule).collect())
}

fn links() -> MessageLinks {
    MessageLinks {
        one_click: "https://acme.example/o/1".to_owned(),
        preferences: "https://acme.example/p/1".to_owned(),
        why: "https://acme.example/w/1".to_owned(),
    }
}

type Values = BTreeMap<String, Known<Value>>;

fn values(pairs: &[(&str, Value)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), known(value.clone()))).collect()
}

fn render_with(body: &Json, values: &Values, owed: &[Obligation]) -> Result<Rendered, Reason> {
    let artifacts = compile(body).unwrap();
    let template = artifacts.template_named("renewal-90").unwrap();
    let digest = Digest::of(b"template");
    let delivery = Delivery {
        channel: template.channel(),
        purpose: PurposeRef { key: template.purpose().clone(), version: 3 },
        template: TemplateRef { name: "renewal-90".to_owned(), digest },
        ..delivery(1, &person(1))
    };
    render(template, &delivery, values, &links(), &imprint(), owed)
}

fn plain(channel: &str, text: &str) -> Json {
    json!({
        "schema": "template/1", "channel": channel, "purpose": "service.help", "class": "service",
        "fields": { "required": ["a.b"] },
        "body": { "text": text },
    })
}

#[test]
fn lint_finds_what_a_template_lacks() {
    let findings = |change: &dyn Fn(&mut Json)| {
        let mut body = template();
        change(&mut body);
        compile(&body).err().unwrap_or_default()
    };
    assert!(findings(&|_| {}).is_empty());
    let text = |text: &'static str| move |it: &mut Json| it["body"]["text"] = json!(text);
    let bare = findings(&text("{{ person.first_name }}"));
    let missing =
        ["template.why", "template.preferences", "template.sender", "template.unsubscribe"];
    assert_eq!(bare, missing);
    let stray = findings(&|it| {
        let text = it["body"]["text"].as_str().unwrap().to_owned();
        it["body"]["text"] = json!(text + " {{ health.note }}");
    });
    assert_eq!(stray, ["template.undeclared"]);
    let whole = findings(&|it| {
        let text = it["body"]["text"].as_str().unwrap().to_owned();
        it["body"]["text"] = json!(text + " {{ person }}");
    });
    assert_eq!(whole, ["template.undeclared"]);
    assert_eq!(
        findings(&|it| it["fields"]["required"] = json!(["policy.renewal_on", "policy.status"])),
        ["template.unused"]
    );
    assert_eq!(
        findings(&|it| it["fields"]["optional"]["policy.renewal_on"] = json!("soon")),
        ["template.twice"]
    );
    assert_eq!(
        findings(&|it| it["body"]["subject"] = json!("{{ oops")),
        ["template.syntax", "template.unused"]
    );
    assert_eq!(findings(&|it| it["purpose"] = json!("Not A Key")), ["template.purpose"]);
    assert_eq!(findings(&|it| it["channel"] = json!("pigeon")), ["template.shape"]);
    assert_eq!(findings(&|it| it["tracking"] = json!(true)), ["template.shape"]);
    assert_eq!(findings(&|it| it["schema"] = json!("template/9")), ["template.schema"]);
}

#[test]
fn a_template_declares_so_many_fields_and_no_more() {
    let with = |n: usize| {
        let names: Vec<_> = (0..n).map(|i| format!("a.f{i}")).collect();
        let shown = format!("{{{{ {} }}}}", names.join(" }}{{ "));
        let mut body = plain("push", &shown);
        body["fields"]["required"] = json!(names);
        compile(&body).err()
    };
    assert_eq!(with(FIELDS_MAX), None);
    assert_eq!(with(FIELDS_MAX + 1), Some(vec!["template.fields".to_owned()]));
}

#[test]
fn two_bundles_differing_in_an_undeclared_field_render_equal_bytes() {
    let renewal = Value::Date("2026-05-31".parse().unwrap());
    let mut one = values(&[("policy.renewal_on", renewal)]);
    let first = render_with(&template(), &one, &[]).unwrap();
    one.insert("health.note".to_owned(), known(Value::Text("secret".to_owned())));
    one.insert("person.first_name".to_owned(), Known::Unknown(Why::Withheld));
    assert_eq!(render_with(&template(), &one, &[]).unwrap(), first);
}

#[test]
fn a_required_field_that_is_unknown_refuses() {
    assert_eq!(render_with(&template(), &Values::new(), &[]), Err(reason::FIELD));
    let withheld = Known::Unknown(Why::Withheld);
    let values = Values::from([("policy.renewal_on".to_owned(), withheld)]);
    assert_eq!(render_with(&template(), &values, &[]), Err(reason::FIELD));
}

#[test]
fn a_value_cannot_start_another_header_nor_markup() {
    let mut body = template();
    body["body"]["html"] = json!("<p>{{ person.first_name }}</p>");
    body["body"]["subject"] = json!("{{ person.first_name }} {{ policy.renewal_on }}");
    let name = "Eve\r\nBcc: all@example.test<script>";
    let date = Value::Date("2026-05-31".parse().unwrap());
    let values =
        values(&[("person.first_name", Value::Text(name.to_owned())), ("policy.renewal_on", date)]);
    let message = render_with(&body, &values, &[]).unwrap();
    assert!(!message.subject.unwrap().contains(['\r', '\n']));
    assert!(!message.html.unwrap().contains("<script>"));
}

#[test]
fn values_read_as_people_write_them() {
    let shows = |value: Value| {
        let values = values(&[("a.b", value)]);
        render_with(&plain("push", "{{ a.b }}"), &values, &[]).unwrap().text
    };
    assert_eq!(shows(Value::Date("2026-03-04".parse().unwrap())), "4 March 2026");
    assert_eq!(shows(Value::At(noon())), "2 March 2026, 10:00 UTC");
    let money = |minor| Value::Money(Money { currency: "EUR".parse().unwrap(), minor });
    assert_eq!(shows(money(1_250)), "12.50 EUR");
    assert_eq!(shows(money(-5)), "-0.05 EUR");
    let values = values(&[("a.b", Value::Int(1_205))]);
    let message = render_with(&plain("push", "{{ a.b | minor }}"), &values, &[]).unwrap();
    assert_eq!(message.text, "12.05");
}

#[test]
fn what_the_verdict_asks_for_is_carried_or_the_action_returns() {
    let one = values(&[("a.b", Value::Int(1))]);
    let review = [Obligation::HumanReview];
    let push = plain("push", "{{ a.b }}");
    assert_eq!(render_with(&push, &one, &review), Err(reason::NO_REVIEW));
    let task = plain("human_task", "{{ a.b }}");
    assert!(render_with(&task, &one, &review).is_ok());
    let sms = plain("sms", "{{ a.b }} {{ links.why }}");
    assert_eq!(render_with(&sms, &one, &[Obligation::Unsubscribe]), Err(reason::NO_UNSUBSCRIBE));
    let sms = plain("sms", "{{ a.b }} {{ links.why }} {{ links.preferences }}");
    assert!(render_with(&sms, &one, &[Obligation::Unsubscribe]).is_ok());
}

#[test]
fn service_mail_carries_one_click_only_where_it_is_owed() {
    let mut body = template();
    body["class"] = json!("service");
    let values = values(&[("policy.renewal_on", Value::Date("2026-05-31".parse().unwrap()))]);
    let has = |owed: &[Obligation]| {
        let message = render_with(&body, &values, owed).unwrap();
        message.headers.iter().any(|(name, _)| name == "List-Unsubscribe-Post")
    };
    assert!(!has(&[]));
    assert!(has(&[Obligation::Unsubscribe]));
}

#[test]
fn a_message_fits_its_channel() {
    let fits = |channel: &str, n: usize| {
        let values = values(&[("a.b", Value::Text("x".repeat(n)))]);
        match render_with(&plain(channel, "{{ a.b }}"), &values, &[]) {
            Ok(_) => true,
            Err(reason) => {
                assert_eq!(reason, reason::SIZE);
                false
            }
        }
    };
    assert!(fits("push", PUSH_BYTES_MAX) && !fits("push", PUSH_BYTES_MAX + 1));
    assert!(fits("webhook", BODY_BYTES_MAX) && !fits("webhook", BODY_BYTES_MAX + 1));
    const { assert!(EMAIL_BYTES_MAX > BODY_BYTES_MAX) };
}

#[test]
fn a_body_that_never_ends_is_refused() {
    let call = plain("push", "{% for i in range(9) %}{{ a.b }}{% endfor %}");
    // `range` is a function, and a body names fields alone.
    assert_eq!(compile(&call).err().unwrap_or_default(), ["template.undeclared"]);
    let values = values(&[("a.b", Value::Text("x".to_owned()))]);
    let nested = "{% for i in [1,2,3,4,5,6,7,8,9] %}";
    let end = "{% endfor %}";
    let deep =
        |n: usize| plain("push", &format!("{}{{{{ a.b }}}}{}", nested.repeat(n), end.repeat(n)));
    assert!(render_with(&deep(2), &values, &[]).is_ok());
    assert_eq!(render_with(&deep(6), &values, &[]), Err(reason::FUEL));
}

#[test]
fn segments_are_counted_as_networks_count_them() {
    for (text, segments) in [
        ("x".repeat(160), 1),
        ("x".repeat(161), 2),
        ("x".repeat(153 * SMS_SEGMENTS_MAX), SMS_SEGMENTS_MAX),
        ("x".repeat(153 * SMS_SEGMENTS_MAX + 1), SMS_SEGMENTS_MAX + 1),
        ("ż".repeat(70), 1),
        ("ż".repeat(71), 2),
        ("😀".repeat(35), 1),
        ("😀".repeat(36), 2),
    ] {
        assert_eq!(sms_segments(&text), segments);
    }
}

#[test]
fn a_template_for_another_channel_or_purpose_renders_nothing() {
    let body = template();
    let artifacts = compile(&body).unwrap();
    let template = artifacts.template_named("renewal-90").unwrap();
    let values = values(&[("policy.renewal_on", Value::Date("2026-05-31".parse().unwrap()))]);
    let render =
        |delivery: &Delivery| render(template, delivery, &values, &links(), &imprint(), &[]).err();
    let fits = delivery(1, &person(1));
    assert_eq!(render(&fits), None);
    let sms = Delivery { channel: Channel::Sms, ..fits.clone() };
    assert_eq!(render(&sms), Some(reason::TEMPLATE));
    let key = PurposeKey::new("marketing.other").unwrap();
    let other = Delivery { purpose: PurposeRef { key, version: 3 }, ..fits };
    assert_eq!(render(&other), Some(reason::TEMPLATE));
}

/// Everything of our kinds that ships under `journeys/`.
fn shipped() -> Vec<(String, String, Json)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../journeys");
    let mut out = Vec::new();
    for kind in crate::content::KINDS {
        for file in fs::read_dir(root.join(kind)).unwrap() {
            let path = file.unwrap().path();
            let body: toml::Value = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            out.push(((*kind).to_owned(), name, serde_json::to_value(body).unwrap()));
        }
    }
    out
}

#[test]
fn what_ships_compiles_and_renders() {
    let shipped = shipped();
    let digest = Digest::of(b"shipped");
    let sources: Vec<_> =
        shipped.iter().map(|(kind, name, body)| ArtifactRef { kind, name, digest, body }).collect();
    let artifacts = Artifacts::compile(&sources).unwrap();
    for name in ["marketing-24h", "marketing-7d", "service-24h"] {
        assert!(artifacts.cap(name).is_some(), "{name}");
    }
    for (_, name, _) in shipped.iter().filter(|(kind, ..)| kind == "template") {
        let template = artifacts.template_named(name).unwrap();
        let values: Values = template
            .facts()
            .fields
            .iter()
            .map(|field| {
                let value = match field.as_str() {
                    "billing.overcharge_minor" => Value::Int(1_250),
                    "person.needs_support" => Value::Bool(true),
                    _ => Value::Text("delay".to_owned()),
                };
                (field.clone(), known(value))
            })
            .collect();
        let delivery = Delivery {
            channel: template.channel(),
            class: Class::Service,
            purpose: PurposeRef { key: template.purpose().clone(), version: 1 },
            ..delivery(1, &person(1))
        };
        let message = render(template, &delivery, &values, &links(), &imprint(), &[]).unwrap();
        assert!(!message.text.contains("{{") && !message.text.trim().is_empty(), "{name}");
    }
}
