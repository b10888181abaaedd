//! What an artifact may say, and what is found wrong with one.

use kernel::{ArtifactRef, Digest};
use serde_json::{Value, json};

use super::stories::shipped;
use crate::{Artifacts, Class, NAMESPACES_MAX};

fn rules(body: &Value) -> Vec<String> {
    let digest = Digest::of(b"");
    let source = ArtifactRef { kind: "namespaces", name: "default", digest, body };
    match Artifacts::compile(&[source]) {
        Ok(_) => Vec::new(),
        Err(it) => it.into_iter().map(|it| format!("{}{}", it.rule, it.pointer)).collect(),
    }
}

fn entry(priority: usize) -> Value {
    json!({ "class": "device", "max_per_person": 1, "max_persons": 1,
            "priority": priority, "normaliser": "text" })
}

#[test]
fn the_shipped_namespaces_compile() {
    let shipped = shipped();
    assert_eq!(shipped.namespaces().count(), 9);
    let promoting: Vec<_> =
        shipped.namespaces().filter(|it| it.verified_joins).map(|it| it.id.to_string()).collect();
    assert_eq!(promoting, ["email"]);
    assert!(shipped.namespaces().any(|it| it.class == Class::Group));
}

#[test]
fn a_bundle_without_namespaces_knows_no_identifier() {
    assert_eq!(Artifacts::compile(&[]).unwrap().namespaces().count(), 0);
}

#[test]
fn a_second_artifact_is_refused() {
    let body = json!({ "sources": [], "namespace": {} });
    let source =
        |name| ArtifactRef { kind: "namespaces", name, digest: Digest::of(b""), body: &body };
    let findings = Artifacts::compile(&[source("a"), source("b")]).unwrap_err();
    assert_eq!(findings[0].rule, "ID.ARTIFACT.SECOND");
}

#[test]
fn each_mistake_is_found_where_it_is() {
    let one = |change: Value| {
        let mut it = entry(1);
        it.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ "sources": [], "namespace": { "device": it } })
    };
    for (body, expected) in [
        (json!({ "sources": [] }), "ID.ARTIFACT.SHAPE"),
        (one(json!({ "colour": "red" })), "ID.ARTIFACT.SHAPE"),
        (
            one(json!({ "verified_joins": true })),
            "ID.ARTIFACT.PROMOTION/namespace/device/verified_joins",
        ),
        (one(json!({ "max_per_person": 0 })), "ID.ARTIFACT.LIMIT/namespace/device/max_per_person"),
        (one(json!({ "window": "PT0S" })), "ID.ARTIFACT.WINDOW/namespace/device/window"),
        (one(json!({ "junk": ["("] })), "ID.ARTIFACT.PATTERN/namespace/device/junk/0"),
        (
            json!({ "sources": [], "namespace": { "a": entry(1), "b": entry(1) } }),
            "ID.ARTIFACT.PRIORITY/namespace/b/priority",
        ),
    ] {
        assert_eq!(rules(&body), [expected]);
    }
}

#[test]
fn an_artifact_is_as_large_as_the_limit_and_no_larger() {
    let of = |n: usize| {
        let namespaces: serde_json::Map<_, _> =
            (0..n).map(|it| (format!("n{it}"), entry(it))).collect();
        json!({ "sources": [], "namespace": namespaces })
    };
    assert!(rules(&of(NAMESPACES_MAX)).is_empty());
    assert_eq!(rules(&of(NAMESPACES_MAX + 1)), ["ID.ARTIFACT.SIZE/namespace"]);
}
