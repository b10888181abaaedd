//! One deployment of several processes on Postgres, without a layer: none keeps anything close.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    server::{Server, assent, make_key, read},
    world::{person, settle_in, uuid},
};

async fn decide(server: &Server) -> Value {
    let asked = json!({
        "person": person(0),
        "placement": "home.top",
        "object": { "kind": "policy", "id": "P0" },
        "request_id": uuid(),
    });
    let (status, answer) = server.post("/v1/decisions", &asked).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["decision_id"].clone()
}

async fn is_proven(server: &Server, id: &Value) {
    let id = id.as_str().unwrap();
    let (status, receipt) = server.get(&format!("/v1/decisions/{id}/receipt")).await;
    assert_eq!(status, StatusCode::OK, "{receipt}");
}

async fn withdraw(server: &Server, subject: &str) -> Value {
    let asked = server
        .request(Method::POST, &format!("/v1/subjects/{subject}/withdrawals"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", uuid())
        .body(json!({ "scope": { "purpose": { "purpose": "marketing" } } }).to_string());
    let (status, answer) = read(asked.send().await.unwrap()).await;
    assert!(status.is_success(), "{answer}");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_on_one_database_answer_as_one() {
    let data = tempfile::tempdir().unwrap();
    let key = make_key(data.path());
    let (records, keys) = (testkit::postgres::fresh().await, testkit::postgres::fresh().await);
    let servers = ["--database-url", records.as_str(), "--keys-url", keys.as_str()];
    let prepared = assent(data.path(), &[&["setup"], &servers[..]].concat()).output().unwrap();
    assert!(prepared.status.success(), "{}", String::from_utf8_lossy(&prepared.stderr));
    assert!(!data.path().join("assent.db").exists() && !data.path().join("keys.db").exists());
    let start = || Server::resume_with(data.path(), &key, &servers);
    let (first, second) = (start(), start());
    settle_in(&first, 1).await;

    let mut decided = Vec::new();
    for server in [&first, &second, &first, &second] {
        decided.push(decide(server).await);
    }
    for id in &decided {
        is_proven(&first, id).await;
        is_proven(&second, id).await;
    }

    let known = second.post("/v1/resolutions", &person(0)).await.1;
    let subject = known["subject"].as_str().unwrap();
    assert_eq!(withdraw(&first, subject).await["effect"], "effective");
    let (status, history) = second.get(&format!("/v1/subjects/{subject}/history")).await;
    assert_eq!(status, StatusCode::OK, "{history}");
    assert!(history.to_string().contains("withdrawn"), "{history}");

    first.kill();
    decided.push(decide(&second).await);
    is_proven(&second, &decided[4]).await;
    let replayed = assent(data.path(), &[&["replay"], &servers[..]].concat()).output().unwrap();
    let said = String::from_utf8_lossy(&replayed.stdout).into_owned();
    assert!(replayed.status.success(), "{said}{}", String::from_utf8_lossy(&replayed.stderr));
    assert!(!said.starts_with("0 "), "{said}");
}

#[tokio::test]
async fn one_database_without_the_other_or_both_in_one_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let url = "postgres://nobody:secret@127.0.0.1:1/records";
    let cases = [
        vec!["--database-url", url],
        vec!["--keys-url", url],
        vec!["--database-url", url, "--keys-url", url],
        vec!["--database-url", "mysql://127.0.0.1/secret", "--keys-url", url],
    ];
    for arguments in cases {
        let refused = assent(data.path(), &[&["setup"], &arguments[..]].concat()).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{arguments:?}");
        assert!(said.contains("ASSENT_") && !said.contains("secret"), "{said}");
    }
}
