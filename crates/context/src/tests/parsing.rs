//! The HTTP binding, and what no event may contain.

use serde_json::{Value, json};

use super::world::{T0, login};
use crate::{Code, Refusal, envelope::Envelope, parse_http};

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn binary(pairs: &[(&str, &str)], body: &[u8]) -> Result<Envelope, Refusal> {
    let batch = parse_http(Some("application/json"), &headers(pairs), body)?;
    Envelope::read(&batch.items.into_iter().next().unwrap()?)
}

const CORE: [(&str, &str); 4] =
    [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "app"), ("ce-type", "a.b.v1")];

fn structured(body: &str) -> Result<Envelope, Refusal> {
    let batch = parse_http(Some("application/cloudevents+json"), &[], body.as_bytes())?;
    Envelope::read(&batch.items.into_iter().next().unwrap()?)
}

fn with_data(data: &str) -> Result<Envelope, Refusal> {
    structured(&format!(
        r#"{{"specversion":"1.0","id":"1","source":"app","type":"a.b.v1","data":{data}}}"#
    ))
}

#[test]
fn the_three_modes_say_the_same() {
    let event = login("1", &json!({}));
    let one = structured(&event.to_string()).unwrap();
    let body = json!([event]).to_string();
    let media = Some("Application/CloudEvents-Batch+JSON; charset=\"UTF-8\"");
    let batch = parse_http(media, &[], body.as_bytes()).unwrap();
    assert!(batch.batched);
    assert_eq!(Envelope::read(batch.items[0].as_ref().unwrap()).unwrap(), one);
    let pairs = [
        ("CE-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "app"),
        ("ce-type", "product.login.v1"),
        ("ce-subject", "user_id:U1"),
        ("ce-time", T0),
    ];
    let other = binary(&pairs, br#"{"device_id":"D1"}"#).unwrap();
    assert_eq!(other, one);
    assert_eq!(other.content().unwrap(), one.content().unwrap());
}

#[test]
fn headers_are_unquoted_and_percent_decoded() {
    for (text, expected) in [
        ("plain", Some("plain")),
        ("Euro%20%E2%82%AC", Some("Euro €")),
        ("%e2%82%ac", Some("€")),
        ("%41", Some("A")),
        ("\"a \\\"b\\\" c\"", Some("a \"b\" c")),
        ("100%25", Some("100%")),
        ("%", None),
        ("%4", None),
        ("%zz", None),
        ("%ff", None),
        ("\"open", None),
    ] {
        let mut pairs = CORE.to_vec();
        pairs.push(("ce-subject", text));
        match expected {
            Some(it) => assert_eq!(binary(&pairs, b"").unwrap().subject.unwrap(), it),
            None => assert_eq!(binary(&pairs, b"").unwrap_err().code, Code::BadEncoding, "{text}"),
        }
    }
}

#[test]
fn a_door_reads_only_what_it_says() {
    for (media, code) in [
        ("application/cloudevents+avro", Code::UnsupportedMediaType),
        ("application/cloudevents-batch+protobuf", Code::UnsupportedMediaType),
        ("application/cloudevents", Code::UnsupportedMediaType),
        ("application/cloudevents+json; charset=latin1", Code::UnsupportedMediaType),
        ("application/cloudevents-batch+json", Code::BadEncoding),
        ("application/cloudevents+json", Code::BadEncoding),
    ] {
        assert_eq!(parse_http(Some(media), &[], b"nonsense").unwrap_err().code, code, "{media}");
    }
    let text = parse_http(Some("text/plain"), &headers(&CORE), b"hello").unwrap_err();
    assert_eq!(text.code, Code::UnsupportedMediaType);
    let mut twice = CORE.to_vec();
    twice.push(("Ce-Id", "2"));
    assert_eq!(binary(&twice, b"").unwrap_err().code, Code::DuplicateMember);
    let mut typed = CORE.to_vec();
    typed.push(("ce-datacontenttype", "application/json"));
    assert_eq!(binary(&typed, b"").unwrap_err().code, Code::BadAttribute);
}

#[test]
fn attributes_are_what_the_specification_says() {
    for (changes, code, pointer) in [
        (json!({ "specversion": "0.3" }), Code::BadSpecversion, "/specversion"),
        (json!({ "specversion": null }), Code::BadSpecversion, "/specversion"),
        (json!({ "id": null }), Code::MissingAttribute, "/id"),
        (json!({ "id": "" }), Code::MissingAttribute, "/id"),
        (json!({ "source": null }), Code::MissingAttribute, "/source"),
        (json!({ "source": "a b" }), Code::BadAttribute, "/source"),
        (json!({ "type": "" }), Code::MissingAttribute, "/type"),
        (json!({ "type": ["x"] }), Code::BadAttribute, "/type"),
        (json!({ "time": "yesterday" }), Code::BadTime, "/time"),
        (json!({ "time": "2026-02-30T00:00:00Z" }), Code::BadTime, "/time"),
        (json!({ "Upper": "x" }), Code::BadAttribute, ""),
        (json!({ "under_score": "x" }), Code::BadAttribute, ""),
        (json!({ "ext": { "a": 1 } }), Code::BadAttribute, "/ext"),
        (json!({ "ext": "a\u{7}b" }), Code::BadAttribute, "/ext"),
        (json!({ "data_base64": "e30=" }), Code::BadAttribute, "/data_base64"),
        (json!({ "data": null, "data_base64": "?" }), Code::BadEncoding, "/data_base64"),
    ] {
        let event = login("1", &changes);
        let refusal = Envelope::read(event.as_object().unwrap()).unwrap_err();
        assert_eq!((refusal.code, refusal.pointer.as_str()), (code, pointer), "{changes}");
    }
    let base64 = login("1", &json!({ "data": null, "data_base64": "eyJkZXZpY2VfaWQiOiJEMSJ9" }));
    let read = Envelope::read(base64.as_object().unwrap()).unwrap();
    assert_eq!(read.data, json!({ "device_id": "D1" }));
}

#[test]
fn json_is_read_within_its_limits() {
    for (data, code) in [
        (r#"{"a":1,"a":2}"#, Code::DuplicateMember),
        (r#"{"a":{"b":1,"b":1}}"#, Code::DuplicateMember),
        ("9007199254740992", Code::NumberOutOfRange),
        ("-9007199254740992", Code::NumberOutOfRange),
        ("1e3", Code::NumberOutOfRange),
        ("0.5", Code::NumberOutOfRange),
        ("\"\\ud800\"", Code::BadEncoding),
        ("{", Code::BadEncoding),
    ] {
        assert_eq!(with_data(data).unwrap_err().code, code, "{data}");
    }
    for n in [9_007_199_254_740_991_i64, -9_007_199_254_740_991] {
        assert_eq!(with_data(&n.to_string()).unwrap().data, Value::from(n));
    }
}

#[test]
fn content_leaves_out_what_honest_retries_change() {
    let content = |changes| {
        let event = login("1", &changes);
        Envelope::read(event.as_object().unwrap()).unwrap().content().unwrap()
    };
    let plain = content(json!({}));
    assert_eq!(content(json!({ "traceparent": "00-a", "recordedtime": T0 })), plain);
    assert_eq!(content(json!({ "time": "2026-01-10T13:00:00+01:00" })), plain);
    assert_ne!(content(json!({ "time": "2026-01-10T12:00:01Z" })), plain);
    assert_ne!(content(json!({ "other": "x" })), plain);
    assert_ne!(content(json!({ "data": { "device_id": "D2" } })), plain);
    let decomposed = login("1", &json!({ "data": { "device_id": "e\u{301}" } }));
    let refusal = Envelope::read(decomposed.as_object().unwrap()).unwrap().content().unwrap_err();
    assert_eq!(refusal.code, Code::BadEncoding);
}

proptest::proptest! {
    #[test]
    fn no_bytes_bring_a_parser_down(bytes: Vec<u8>, header: String, media in 0..4_usize) {
        let media = [
            "application/cloudevents+json",
            "application/cloudevents-batch+json",
            "application/json",
            "text/html",
        ][media];
        let mut pairs = headers(&CORE);
        pairs.push(("ce-subject".into(), header));
        if let Ok(batch) = parse_http(Some(media), &pairs, &bytes) {
            for item in batch.items.into_iter().flatten() {
                let _ = Envelope::read(&item);
            }
        }
    }
}
