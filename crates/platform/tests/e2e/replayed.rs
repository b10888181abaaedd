//! The same id twice: with the same content it is the same act, with another it is refused.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    server::{Server, read},
    world::{choice, event, grant, person, settle_in, uuid},
};

async fn withdraw(server: &Server, subject: &str, act: &str, under: &str) -> (StatusCode, Value) {
    let body = json!({ "scope": { "purpose": { "purpose": under } } });
    let answer = server
        .request(Method::POST, &format!("/v1/subjects/{subject}/withdrawals"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", act)
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    read(answer).await
}

#[tokio::test]
async fn an_id_used_again_is_the_same_act_or_a_conflict() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    settle_in(&server, 2).await;

    let mut asked = json!({
        "person": person(0),
        "placement": "home.top",
        "object": { "kind": "policy", "id": "P0" },
        "request_id": uuid(),
    });
    let (status, first) = server.post("/v1/decisions", &asked).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    let (status, again) = server.post("/v1/decisions", &asked).await;
    assert_eq!((status, &again["decision_id"]), (StatusCode::OK, &first["decision_id"]));
    asked["person"] = person(1);
    let (status, other) = server.post("/v1/decisions", &asked).await;
    assert_eq!(status, StatusCode::CONFLICT, "{other}");
    assert_eq!(other["type"], "/problems/decision/request-conflict");

    let mut said = choice(0, &grant());
    let post = async |said: &Value| {
        let answer = server.post("/v1/consent-events", &json!({ "events": [said] })).await.1;
        answer["results"][0]["status"].clone()
    };
    assert_eq!(post(&said).await, "recorded");
    assert_eq!(post(&said).await, "duplicate");
    said["kind"] = json!({ "snoozed": { "until": "2040-01-01T00:00:00Z" } });
    assert_eq!(post(&said).await, "conflict");

    let mut login = event("app", "product.login.v1", 0, &json!({ "device_id": "D1" }));
    let post = async |login: &Value| {
        server.post_as("/v1/events", "application/cloudevents+json", login).await
    };
    assert_eq!(post(&login).await.0, StatusCode::ACCEPTED);
    let (status, again) = post(&login).await;
    assert_eq!((status, &again["status"]), (StatusCode::OK, &json!("duplicate")));
    login["data"] = json!({ "device_id": "D2" });
    let (status, other) = post(&login).await;
    assert_eq!(status, StatusCode::CONFLICT, "{other}");
    assert_eq!(other["type"], "/problems/context/id-conflict");

    let found = server.post("/v1/resolutions", &person(0)).await.1;
    let (subject, act) = (found["subject"].as_str().unwrap(), uuid());
    let (status, first) = withdraw(&server, subject, &act, "marketing").await;
    assert_eq!((status, &first["effect"]), (StatusCode::OK, &json!("effective")), "{first}");
    assert_eq!(withdraw(&server, subject, &act, "marketing").await.0, StatusCode::OK);
    let (status, other) = withdraw(&server, subject, &act, "service").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{other}");
    assert_eq!(other["type"], "/problems/consent/idempotency-conflict");
}
