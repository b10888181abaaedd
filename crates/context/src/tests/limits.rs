//! Every limit, at it and one past it.

use serde_json::{Map, Value, json};

use super::world::{compile, login, shipped};
use crate::{
    Code,
    boundary::{FIELDS_MAX, LIST_MAX},
    connector::ROW_BYTES_MAX,
    envelope::{ATTRIBUTE_BYTES_MAX, ATTRIBUTE_NAME_MAX, ATTRIBUTES_MAX, Envelope},
    http::{BATCH_BYTES_MAX, BATCH_ITEMS_MAX, EVENT_BYTES_MAX},
    json::{DEPTH_MAX, NODES_MAX},
    name::{ID_BYTES_MAX, NAME_BYTES_MAX},
    parse_http,
    schema::PROPERTIES_MAX,
    service::PROBLEMS_MAX,
    terms::SOURCES_MAX,
};

fn code_of<T>(outcome: Result<T, crate::Refusal>) -> Option<Code> {
    outcome.err().map(|it| it.code)
}

fn structured(body: &[u8]) -> Option<Code> {
    let batch = parse_http(Some("application/cloudevents+json"), &[], body);
    code_of(batch)
}

#[test]
fn an_event_has_64_kib() {
    let body = |n: usize| format!("{{{}}}", " ".repeat(n - 2)).into_bytes();
    assert_eq!(structured(&body(EVENT_BYTES_MAX)), None);
    assert_eq!(structured(&body(EVENT_BYTES_MAX + 1)), Some(Code::TooLarge));
}

#[test]
fn a_batch_has_500_events_and_1_mib() {
    let batch = |n: usize, pad: usize| {
        let body = format!("[{}]{}", vec!["{}"; n].join(","), " ".repeat(pad));
        code_of(parse_http(Some("application/cloudevents-batch+json"), &[], body.as_bytes()))
    };
    assert_eq!(batch(BATCH_ITEMS_MAX, 0), None);
    assert_eq!(batch(BATCH_ITEMS_MAX + 1, 0), Some(Code::TooLarge));
    assert_eq!(batch(1, BATCH_BYTES_MAX - 4), None);
    assert_eq!(batch(1, BATCH_BYTES_MAX - 3), Some(Code::TooLarge));
}

#[test]
fn one_event_too_large_does_not_spoil_its_batch() {
    let large = format!("{{{}}}", " ".repeat(EVENT_BYTES_MAX));
    let body = format!("[{{}},{large}]");
    let media = Some("application/cloudevents-batch+json");
    let batch = parse_http(media, &[], body.as_bytes()).unwrap();
    assert!(batch.items[0].is_ok());
    assert_eq!(batch.items[1].as_ref().unwrap_err().code, Code::TooLarge);
}

#[test]
fn json_has_64_levels_and_10_000_values() {
    let deep = |n: usize| format!("{{\"data\":{}{}}}", "[".repeat(n - 1), "]".repeat(n - 1));
    assert_eq!(structured(deep(DEPTH_MAX).as_bytes()), None);
    assert_eq!(structured(deep(DEPTH_MAX + 1).as_bytes()), Some(Code::TooDeep));
    let wide = |n: usize| format!("{{\"data\":[{}]}}", vec!["1"; n - 2].join(","));
    assert_eq!(structured(wide(NODES_MAX).as_bytes()), None);
    assert_eq!(structured(wide(NODES_MAX + 1).as_bytes()), Some(Code::TooDeep));
}

#[test]
fn attributes_are_few_and_short() {
    let read = |changes: Value| code_of(Envelope::read(login("1", &changes).as_object().unwrap()));
    let many = |n: usize| {
        // Six attributes are the login's own.
        let extras = (0..n - 6).map(|it| (format!("x{it}"), json!("1")));
        Value::Object(extras.collect::<Map<_, _>>())
    };
    assert_eq!(read(many(ATTRIBUTES_MAX)), None);
    assert_eq!(read(many(ATTRIBUTES_MAX + 1)), Some(Code::TooLarge));
    assert_eq!(read(json!({ "x".repeat(ATTRIBUTE_NAME_MAX): "1" })), None);
    assert_eq!(read(json!({ "x".repeat(ATTRIBUTE_NAME_MAX + 1): "1" })), Some(Code::BadAttribute));
    assert_eq!(read(json!({ "ext": "x".repeat(ATTRIBUTE_BYTES_MAX) })), None);
    assert_eq!(read(json!({ "ext": "x".repeat(ATTRIBUTE_BYTES_MAX + 1) })), Some(Code::TooLarge));
    assert_eq!(read(json!({ "id": "x".repeat(ID_BYTES_MAX) })), None);
    assert_eq!(read(json!({ "id": "x".repeat(ID_BYTES_MAX + 1) })), Some(Code::TooLarge));
    assert_eq!(read(json!({ "ext": i32::MAX })), None);
    assert_eq!(read(json!({ "ext": i64::from(i32::MAX) + 1 })), Some(Code::BadAttribute));
}

#[test]
fn names_have_96_bytes() {
    let name = |n: usize| format!("a.{}", "b".repeat(n - 2));
    assert!(crate::FieldKey::new(&name(NAME_BYTES_MAX)).is_ok());
    assert!(crate::FieldKey::new(&name(NAME_BYTES_MAX + 1)).is_err());
    for wrong in ["", "one", "a..b", "a.B", ".a", "a."] {
        assert!(crate::FieldKey::new(wrong).is_err(), "{wrong}");
    }
}

/// The rules that complain when one artifact is changed.
fn rules(kind: &str, name: &str, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut sources = shipped();
    let found = sources.iter_mut().find(|it| it.0 == kind && it.1 == name).unwrap();
    change(&mut found.2);
    let findings = compile(&sources).err().unwrap_or_default();
    findings.into_iter().map(|it| it.rule).collect()
}

#[test]
fn artifacts_keep_their_limits() {
    let sources = |n: usize| {
        rules("contract", "product.login.v1", |it| it["sources"] = json!(vec!["app"; n]))
    };
    assert!(sources(SOURCES_MAX).is_empty());
    assert_eq!(sources(SOURCES_MAX + 1), ["contract.sources"]);
    let list = |n: usize| {
        rules("boundary", "journey-care", |it| it["systems"]["allow"] = json!(vec!["app"; n]))
    };
    assert!(list(LIST_MAX).is_empty());
    assert_eq!(list(LIST_MAX + 1), ["boundary.list"]);
    let fields = |n: usize| rules("boundary", "journey-care", |it| it["fields_max"] = json!(n));
    assert!(fields(FIELDS_MAX).is_empty());
    assert_eq!(fields(FIELDS_MAX + 1), ["boundary.fields"]);
    let properties = |n: usize| {
        rules("schema", "account.closed.v1", |it| {
            let all = (0..n).map(|it| (format!("p{it}"), json!({ "type": "string" })));
            it["properties"] = Value::Object(all.collect());
        })
    };
    assert!(properties(PROPERTIES_MAX).is_empty());
    assert_eq!(properties(PROPERTIES_MAX + 1), ["schema.properties"]);
    let depth = |n: usize| {
        rules("schema", "account.closed.v1", |it| {
            let mut inner = json!({ "type": "string" });
            for _ in 0..n - 2 {
                inner = json!({ "type": "array", "items": inner });
            }
            it["properties"]["deep"] = inner;
        })
    };
    assert!(depth(crate::schema::DEPTH_MAX).is_empty());
    assert_eq!(depth(crate::schema::DEPTH_MAX + 1), ["schema.depth"]);
}

#[test]
fn rows_and_reports_are_bounded() {
    assert_eq!(ROW_BYTES_MAX, EVENT_BYTES_MAX);
    const { assert!(PROBLEMS_MAX >= BATCH_ITEMS_MAX) };
}
