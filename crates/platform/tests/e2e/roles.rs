//! What a process serves is what its roles say, over a deployment that was set up before.

use reqwest::{Method, StatusCode};

use crate::server::{Server, assent, make_key};

/// A path of each role that is served over HTTP.
const PATHS: [(&str, Method, &str); 5] = [
    ("decide", Method::POST, "/v1/decisions"),
    ("consent", Method::POST, "/v1/consent-events"),
    ("consent", Method::GET, "/p/token"),
    ("ingest", Method::POST, "/v1/events"),
    ("console", Method::GET, "/console"),
];

async fn check(data: &std::path::Path, key: &str, roles: &str) {
    let server = Server::resume_with(data, key, &["--role", roles]);
    let ready = server.stranger(Method::GET, "/health/ready").send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK, "{roles}");
    for (role, method, path) in PATHS {
        let answer = server.stranger(method, path).send().await.unwrap();
        let body = answer.text().await.unwrap();
        let is_served = !body.contains("no such route");
        let is_meant = roles.split(',').any(|it| it == "all" || it == role);
        assert_eq!(is_served, is_meant, "{path} of {role} in a process of {roles}: {body}");
    }
    assert!(server.end().success(), "{roles}");
}

#[tokio::test]
async fn a_process_serves_the_roles_it_is_given_and_no_other() {
    let data = tempfile::tempdir().unwrap();
    // Twice, because a deployment that is set up already is left as it is.
    for _ in 0..2 {
        let done = assent(data.path(), &["setup"]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let root = std::fs::read(data.path().join("secrets/root")).unwrap();
    let key = make_key(data.path());
    for roles in ["decide", "consent,ingest", "worker", "console", "all"] {
        check(data.path(), &key, roles).await;
    }
    assert_eq!(std::fs::read(data.path().join("secrets/root")).unwrap(), root);
}
