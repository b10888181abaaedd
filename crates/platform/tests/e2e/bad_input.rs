//! Bad input at every route: a problem document with a stable code, and nothing half-written.

use reqwest::{Method, StatusCode, header};
use serde_json::Value;

use crate::{server::Server, world::eventually};

/// What is wrong with a body.
fn bad_bodies() -> Vec<(&'static str, &'static str, String)> {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    vec![
        ("empty", "application/json", String::new()),
        ("cut off", "application/json", "{\"a\":".to_owned()),
        ("another type", "application/json", "[1,true,\"x\"]".to_owned()),
        ("a number", "application/json", "7".to_owned()),
        ("unknown members", "application/json", "{\"surprise\":1}".to_owned()),
        ("a member twice", "application/json", "{\"a\":1,\"a\":2}".to_owned()),
        ("too deep", "application/json", deep),
        ("huge", "application/json", format!("{{\"a\":\"{}\"}}", "x".repeat(3 << 20))),
        ("another content type", "image/png", "{}".to_owned()),
        ("not UTF-8 text", "text/plain", "\u{0}".to_owned()),
    ]
}

/// Required parameters of an operation's query, with values that name nothing.
fn query(operation: &Value) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let required = parameters.filter(|it| it["in"] == "query" && it["required"] == true);
    let pairs: Vec<_> = required.map(|it| format!("{}=x", it["name"].as_str().unwrap())).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// Paths with their parameters filled with ids that name nothing.
fn filled(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push_str("0198c0de-0000-7000-8000-00000000dead");
        rest = after.split_once('}').map_or("", |it| it.1);
    }
    out.push_str(rest);
    out
}

fn is_problem(status: StatusCode, content_type: &str, body: &str) -> Result<(), String> {
    let problem: Value = serde_json::from_str(body).map_err(|_| format!("no JSON: {body:.80}"))?;
    let kind = problem["type"].as_str().unwrap_or_default();
    if content_type == "application/problem+json"
        && kind.starts_with("/problems/")
        && problem["status"] == status.as_u16()
        && status.is_client_error()
    {
        return Ok(());
    }
    Err(format!("{status} {content_type} {kind}"))
}

#[tokio::test]
async fn bad_input_at_every_route_is_a_problem_and_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (status, api) = server.get("/v1/openapi.json").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(api["openapi"], "3.1.0");
    let before = begun(&server).await;
    let mut wrong = Vec::new();
    let mut asked = 0;
    for (path, operations) in api["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let address = format!("{}{}", filled(path), query(operation));
            let method: Method = method.to_uppercase().parse().unwrap();
            let bodies = if matches!(method, Method::GET) { Vec::new() } else { bad_bodies() };
            for (what, content_type, body) in bodies {
                let answer = server
                    .request(method.clone(), &address)
                    .header(header::CONTENT_TYPE, content_type)
                    .header("idempotency-key", "0198c0de-0000-7000-8000-00000000beef")
                    .body(body)
                    .send()
                    .await
                    .unwrap();
                let (status, kind) = (answer.status(), content(&answer));
                let text = answer.text().await.unwrap();
                asked += 1;
                if let Err(it) = is_problem(status, &kind, &text) {
                    wrong.push(format!("{method} {path} ({what}): {it}"));
                }
            }
        }
    }
    assert!(asked > 50, "{asked} requests");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(standing(&server).await, before);
}

#[tokio::test]
async fn ids_that_name_nothing_and_keys_nobody_knows_are_problems() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let api = server.get("/v1/openapi.json").await.1;
    let mut wrong = Vec::new();
    for (path, operations) in api["paths"].as_object().unwrap() {
        if !path.contains('{') || operations.get("get").is_none() {
            continue;
        }
        for id in [filled(path), path.replace(['{', '}'], "%00")] {
            let answer = server.request(Method::GET, &id).send().await.unwrap();
            let (status, kind) = (answer.status(), content(&answer));
            let text = answer.text().await.unwrap();
            if let Err(it) = is_problem(status, &kind, &text) {
                wrong.push(format!("GET {id}: {it}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (path, code) in [("/v1/nothing", "not-found"), ("/v1/scoreboard", "unknown-key")] {
        let asked = server.stranger(Method::GET, path).bearer_auth("ask_nobody");
        let answer = asked.send().await.unwrap();
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["type"].as_str().unwrap().ends_with(code), "{problem}");
    }
}

#[tokio::test]
async fn bad_forms_are_problems_and_change_nothing() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let before = begun(&server).await;
    let bodies = [
        (FORM, String::new()),
        (FORM, "seen=x".to_owned()),
        (FORM, "&=&==&%zz=%".to_owned()),
        (FORM, "a=1&".repeat(1_000)),
        (FORM, format!("key={}", "x".repeat(1 << 17))),
        ("application/json", "{}".to_owned()),
        ("multipart/form-data", "--x".to_owned()),
    ];
    let mut wrong = Vec::new();
    for path in ["/p/made-up", "/p/made-up/stop", "/u/made-up", "/o/made-up", "/console/sign-in"] {
        for (kind, body) in &bodies {
            let asked = server.stranger(Method::POST, path).header(header::CONTENT_TYPE, *kind);
            let answer = asked.body(body.clone()).send().await.unwrap();
            let (status, kind) = (answer.status(), content(&answer));
            let text = answer.text().await.unwrap();
            if let Err(it) = is_problem(status, &kind, &text) {
                wrong.push(format!("POST {path} ({body:.20}): {it}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let asked = server.stranger(Method::POST, "/console/sign-in");
    let answer = asked.header(header::CONTENT_TYPE, FORM).body("key=ask_nobody").send().await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(answer.headers().get(header::SET_COOKIE).is_none());
    assert_eq!(standing(&server).await, before);
}

#[tokio::test]
async fn bad_queries_and_wrong_methods_are_problems() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let id = "0198c0de-0000-7000-8000-00000000dead";
    let asks = [
        (Method::GET, format!("/v1/subjects/{id}/history?limit=x")),
        (Method::GET, format!("/v1/subjects/{id}/history?limit=0")),
        (Method::GET, format!("/v1/subjects/{id}/decisions?limit=70000")),
        (Method::GET, "/v1/sandbox/letters?limit=-1".to_owned()),
        (Method::GET, "/v1/sandbox/letters?after=%00".to_owned()),
        (Method::POST, "/v1/imports".to_owned()),
        (Method::POST, "/v1/imports?system=crm&system=app".to_owned()),
        (Method::POST, "/v1/imports?system=nobody".to_owned()),
        (Method::DELETE, "/v1/decisions".to_owned()),
        (Method::PUT, "/v1/scoreboard".to_owned()),
        (Method::GET, "/console/decisions?after=x".to_owned()),
        (Method::GET, "/sandbox?after=x".to_owned()),
        (Method::GET, "/console/decisions/%ff".to_owned()),
    ];
    let mut wrong = Vec::new();
    for (method, path) in asks {
        let answer = server.request(method.clone(), &path).send().await.unwrap();
        let (status, kind) = (answer.status(), content(&answer));
        let text = answer.text().await.unwrap();
        if let Err(it) = is_problem(status, &kind, &text) {
            wrong.push(format!("{method} {path}: {it}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The scoreboard once the first release is in the log.
async fn begun(server: &Server) -> Value {
    eventually("the release is in the log", async || standing(server).await["log_entries"] != 0)
        .await;
    standing(server).await
}

/// The scoreboard without its count of refusals, which is what bad input may raise.
async fn standing(server: &Server) -> Value {
    let mut standing = server.get("/v1/scoreboard").await.1;
    if let Some(events) = standing["signals"].as_object_mut() {
        events.retain(|_, states| {
            let states = states.as_object_mut().unwrap();
            states.remove("rejected");
            !states.is_empty()
        });
    }
    standing
}

fn content(answer: &reqwest::Response) -> String {
    let value = answer.headers().get(header::CONTENT_TYPE);
    value.and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned()
}
