//! The commands besides `serve`: what they print, and what their exit codes mean.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{
    server::{Server, assent, make_key},
    world::{eventually, person, settle_in, uuid},
};

fn journeys() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../journeys")
}

/// A copy of the example tree, with one file replaced.
fn tree_with(path: &str, edit: impl Fn(String) -> String) -> tempfile::TempDir {
    let tree = tempfile::tempdir().unwrap();
    let from = format!("{}/.", journeys().display());
    assert!(Command::new("cp").arg("-r").arg(from).arg(tree.path()).status().unwrap().success());
    let file = tree.path().join(path);
    fs::write(&file, edit(fs::read_to_string(&file).unwrap())).unwrap();
    tree
}

fn text_of(output: &Output) -> String {
    text(&output.stderr)
}

/// Runs `assent` without a data directory.
fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assent"));
    command.args(arguments).env("NO_COLOR", "1").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

#[test]
fn lint_accepts_the_example_and_names_what_is_wrong_elsewhere() {
    let good = run(&["lint", journeys().to_str().unwrap()]);
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stdout));
    let tree = tree_with("node/renewal.day90.toml", |it| it.replace("ctx.policy.status", "ctx.x"));
    let bad = run(&["lint", tree.path().to_str().unwrap()]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(text(&bad.stdout).contains("node/renewal.day90"), "{}", text(&bad.stdout));
    let bad = run(&["lint", "--json", tree.path().to_str().unwrap()]);
    let findings: serde_json::Value = serde_json::from_slice(&bad.stdout).unwrap();
    assert!(!findings.as_array().unwrap().is_empty());
    assert_eq!(run(&["lint", "/nowhere"]).status.code(), Some(2));
}

#[test]
fn a_key_is_printed_once_and_no_file_holds_it() {
    let data = tempfile::tempdir().unwrap();
    let key = make_key(data.path());
    assert!(key.starts_with("ask_") && key.len() == 68, "{key}");
    for file in fs::read_dir(data.path()).unwrap() {
        let path = file.unwrap().path();
        let held = fs::read(&path).unwrap();
        assert!(!text(&held).contains(&key), "{}", path.display());
    }
    let again = assent(data.path(), &["key", "new", "--name", "test", "--scope", "read"]).output();
    let again = again.unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("already"), "{}", text(&again.stderr));
}

#[tokio::test]
async fn a_release_made_elsewhere_is_served_and_taken_back() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let release = |arguments: &[&str]| {
        let arguments: Vec<_> = ["release"].into_iter().chain(arguments.iter().copied()).collect();
        let output = assent(data.path(), &arguments).output().unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let tree = tree_with("node/renewal.day90.toml", |it| it.replace("home.top", "home.hero"));
    let broken = tree_with("node/renewal.day90.toml", |it| format!("{it}\nsurprise = 1\n"));
    let (code, _, errors) = release(&["submit", broken.path().to_str().unwrap()]);
    assert_eq!(code, Some(1), "{errors}");
    let (code, bundle, errors) = release(&["submit", tree.path().to_str().unwrap()]);
    assert_eq!(code, Some(0), "{errors}");
    let (code, moved, errors) = release(&["activate", &bundle, "--reason", "a new placement"]);
    assert_eq!((code, moved.starts_with("2 ")), (Some(0), true), "{moved} {errors}");
    settle_in(&server, 1).await;
    let places = async |placement: &str| {
        let body = json!({ "person": person(0), "placement": placement, "request_id": uuid() });
        server.post("/v1/decisions", &body).await.0
    };
    eventually("the new placement is served", async || places("home.hero").await == StatusCode::OK)
        .await;
    assert_eq!(places("home.top").await, StatusCode::NOT_FOUND);
    let (code, moved, errors) = release(&["rollback", "--reason", "the old one was better"]);
    assert_eq!((code, moved.starts_with("3 ")), (Some(0), true), "{moved} {errors}");
    eventually("the old placement is back", async || places("home.top").await == StatusCode::OK)
        .await;
    let (code, history, _) = release(&["status"]);
    assert_eq!((code, history.lines().count()), (Some(0), 3), "{history}");
    let unknown = format!("{}0000", bundle.split_at(bundle.len() - 4).0);
    let (code, ..) = release(&["activate", &unknown, "--reason", "x"]);
    assert_eq!(code, Some(1));
}

#[tokio::test]
async fn verify_says_by_its_exit_code_how_far_a_receipt_can_be_trusted() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    settle_in(&server, 1).await;
    let body = json!({ "person": person(0), "placement": "home.top", "request_id": uuid() });
    let answer = server.post("/v1/decisions", &body).await.1;
    let path = format!("/v1/decisions/{}/receipt", answer["decision_id"].as_str().unwrap());
    let receipt = server.request(Method::GET, &path).send().await.unwrap().text().await.unwrap();
    let file = data.path().join("receipt.json");
    let key = data.path().join("log.vkey");
    let verify = |receipt: &str, arguments: &[&str]| {
        fs::write(&file, receipt).unwrap();
        let all: Vec<_> = ["verify", file.to_str().unwrap()]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        run(&all).status.code()
    };
    let trusted = ["--key", key.to_str().unwrap()];
    assert_eq!(verify(&receipt, &trusted), Some(10));
    assert_eq!(verify(&receipt, &[]), Some(20));
    assert_eq!(verify(&receipt.replacen("home.top", "home.hop", 1), &trusted), Some(40));
    assert_eq!(verify("{}", &trusted), Some(40));
    assert_eq!(verify(&receipt, &["--key", "not a key"]), Some(2));
    assert_eq!(run(&["verify", "/nowhere"]).status.code(), Some(2));
}

#[test]
fn a_webhook_that_is_none_is_said_at_start() {
    let data = tempfile::tempdir().unwrap();
    let secret = data.path().join("webhook");
    let serve = |url: &str, text: &str, more: &[&str]| {
        fs::write(&secret, text).unwrap();
        let mut command = assent(data.path(), &["serve", "--listen", "127.0.0.1:0"]);
        command.args(["--webhook-url", url]).args(more);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text_of(&output));
        text_of(&output)
    };
    let file = ["--webhook-secret", secret.to_str().unwrap()];
    let good = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    for (url, text, expected) in [
        ("hooks.example.com", good, "an absolute URL"),
        ("http://hooks.example.com/in", good, "over HTTPS"),
        ("https://10.0.0.7/in", good, "--webhook-private"),
        ("https://hooks.example.com/in", "open sesame", "`whsec_` and base64"),
    ] {
        let said = serve(url, text, &file);
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains("sesame") && !said.contains(good), "{said}");
    }
    let said = serve("https://hooks.example.com/in", good, &[]);
    assert!(said.contains("--webhook-secret"), "{said}");
    let said = serve("https://hooks.example.com/in", good, &["--webhook-secret", "/nowhere"]);
    assert!(said.contains("/nowhere"), "{said}");
}
