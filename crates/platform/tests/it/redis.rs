//! One deployment whose processes share an activation layer.

use std::{path::Path, process::Output};

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    server::{Server, assent, make_key, read},
    world::{person, settle_in, uuid},
};

/// How a command is told where the layer is.
fn layer(prefix: &str) -> [String; 4] {
    let url = testkit::redis::server().to_string();
    ["--redis-url".to_owned(), url, "--redis-prefix".to_owned(), prefix.to_owned()]
}

fn activation(data: &Path, layer: &[String], what: &str) -> Output {
    let words = ["activation", what, "--json"];
    let words: Vec<_> = words.into_iter().chain(layer.iter().map(String::as_str)).collect();
    assent(data, &words).output().unwrap()
}

fn report(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|it| panic!("{it}: {said}"))
}

#[tokio::test]
async fn a_withdrawal_reaches_what_another_process_has_put_into_the_layer() {
    let data = tempfile::tempdir().unwrap();
    let (key, layer) = (make_key(data.path()), layer(&testkit::redis::prefix()));
    let arguments: Vec<_> = layer.iter().map(String::as_str).collect();
    let all = Server::resume_with(data.path(), &key, &arguments);
    settle_in(&all, 2).await;
    let rebuilt = activation(data.path(), &layer, "rebuild");
    assert_eq!(rebuilt.status.code(), Some(0), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    assert!(report(&rebuilt)["people"].as_u64() >= Some(2));

    let known = all.post("/v1/resolutions", &person(0)).await.1;
    let withdrawn = all
        .request(
            Method::POST,
            &format!("/v1/subjects/{}/withdrawals", known["subject"].as_str().unwrap()),
        )
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", uuid())
        .body(json!({ "scope": { "purpose": { "purpose": "marketing" } } }).to_string())
        .send()
        .await
        .unwrap();
    let (status, answer) = read(withdrawn).await;
    assert!(status.is_success(), "{answer}");
    // Had it not, the choices kept of one person would be those from before it.
    let alike = activation(data.path(), &layer, "verify");
    assert_eq!(alike.status.code(), Some(0), "{}", report(&alike));
    assert_eq!(report(&alike)["repaired"], json!({}));
}

#[tokio::test]
async fn without_a_layer_there_is_nothing_to_rebuild() {
    let data = tempfile::tempdir().unwrap();
    let refused = activation(data.path(), &[], "rebuild");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("ASSENT_REDIS_URL"));
}
