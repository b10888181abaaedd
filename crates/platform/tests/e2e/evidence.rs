//! The log and its packs as an auditor gets them: over HTTP, as files, checked with the binary.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    server::{Server, assent, make_key},
    world::{person, settle_in, uuid},
};

/// Runs `assent verify`, which needs no data directory; its exit code and its report.
fn verify(path: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assent"));
    command.arg("verify").arg(path).arg("--json").args(arguments);
    let output = command.output().unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default())
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

fn key_of(data: &Path) -> String {
    data.join("log.vkey").to_str().unwrap().to_owned()
}

/// The path of the log below `/v1/audit/logs`, from its head.
async fn log_path(server: &Server) -> String {
    let answer = server.request(Method::GET, "/v1/audit/checkpoint").send().await.unwrap();
    let note = answer.text().await.unwrap();
    note.lines().next().unwrap().split_once('/').unwrap().1.to_owned()
}

async fn decide(server: &Server, number: usize) -> String {
    let body = json!({
        "person": person(number),
        "placement": "home.top",
        "object": { "kind": "policy", "id": format!("P{number}") },
        "request_id": uuid(),
    });
    let (status, answer) = server.post("/v1/decisions", &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["decision_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_log_is_served_as_tiles_to_whoever_may_read_it() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    settle_in(&server, 1).await;
    decide(&server, 0).await;
    let log = log_path(&server).await;
    let get = async |path: &str| {
        let path = format!("/v1/audit/logs/{log}/{path}");
        server.request(Method::GET, &path).send().await.unwrap()
    };
    let head = get("checkpoint").await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(head.headers()[header::CACHE_CONTROL], "private, max-age=1");
    let size: u64 = head.text().await.unwrap().lines().nth(1).unwrap().parse().unwrap();
    assert!(size > 0);
    let tile = get("tile/entries/000.p/1").await;
    assert_eq!(tile.status(), StatusCode::OK);
    assert_eq!(tile.headers()[header::CONTENT_TYPE], "application/octet-stream");
    assert_eq!(tile.headers()[header::CACHE_CONTROL], "private, max-age=31536000, immutable");
    assert_eq!(tile.bytes().await.unwrap().len(), 36);
    assert_eq!(get("tile/0/000.p/1").await.bytes().await.unwrap().len(), 32);
    for absent in ["tile/0/001", "tile/0/000.p/0", "tile/7/000.p/1", "tile/0/../0", "tile/x"] {
        assert_eq!(get(absent).await.status(), StatusCode::NOT_FOUND, "{absent}");
    }
    let document = get(&format!("proofs/consistency?from=1&to={size}")).await;
    assert_eq!(document.status(), StatusCode::OK);
    let file = data.path().join("consistency.json");
    fs::write(&file, document.bytes().await.unwrap()).unwrap();
    let (code, report) = verify(&file, &["--key", &key_of(data.path())]);
    assert_eq!((code, &report["earlier"], &report["size"]), (Some(10), &json!(1), &json!(size)));
    for (query, expected) in [
        ("from=2&to=1", StatusCode::UNPROCESSABLE_ENTITY),
        ("from=0&to=99999", StatusCode::UNPROCESSABLE_ENTITY),
        ("from=-1", StatusCode::BAD_REQUEST),
        ("to=1", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(get(&format!("proofs/consistency?{query}")).await.status(), expected, "{query}");
    }
    let stranger = server.stranger(Method::GET, &format!("/v1/audit/logs/{log}/checkpoint"));
    assert_eq!(stranger.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    for other in ["zenith/2026h1", "acme/1999h1", "ACME/x"] {
        let path = format!("/v1/audit/logs/{other}/checkpoint");
        let answer = server.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{other}");
    }
}

#[tokio::test]
async fn a_public_log_needs_no_key_and_opens_no_other() {
    let data = tempfile::tempdir().unwrap();
    let key = make_key(data.path());
    let server = Server::resume_with(data.path(), &key, &["--public-log"]);
    let log = log_path(&server).await;
    let get = async |path: &str| server.stranger(Method::GET, path).send().await.unwrap();
    let head = get(&format!("/v1/audit/logs/{log}/checkpoint")).await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.headers()[header::CACHE_CONTROL], "public, max-age=1");
    let other = log.replacen("acme", "zenith", 1);
    for path in ["checkpoint", "tile/0/000.p/1", "proofs/consistency?from=0"] {
        let answer = get(&format!("/v1/audit/logs/{other}/{path}")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let answer = get("/v1/audit/checkpoint").await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "the rest of audit is not public");
}

#[tokio::test]
async fn an_exported_log_grows_and_convinces_a_stranger() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    settle_in(&server, 1).await;
    decide(&server, 0).await;
    let out = data.path().join("log");
    let log = |arguments: &[&str]| {
        let all: Vec<_> = ["log"].into_iter().chain(arguments.iter().copied()).collect();
        assent(data.path(), &all).output().unwrap()
    };
    let exported = log(&["export", out.to_str().unwrap()]);
    assert_eq!(exported.status.code(), Some(0), "{}", text(&exported));
    let key = key_of(data.path());
    assert_eq!(verify(&out, &["--key", &key]).0, Some(10));
    assert_eq!(verify(&out, &[]).0, Some(20));
    let first = data.path().join("first.note");
    fs::copy(out.join("checkpoint"), &first).unwrap();
    decide(&server, 0).await;
    let exported = log(&["export", out.to_str().unwrap()]);
    assert_eq!(exported.status.code(), Some(0), "{}", text(&exported));
    let known = ["--key", &key, "--known-head", first.to_str().unwrap()];
    let (code, report) = verify(&out, &known);
    assert_eq!(code, Some(10), "{report}");
    assert!(report["checks"].as_array().unwrap().contains(&json!("known heads")));
    // A tile changed on the way is named.
    let tile =
        fs::read_dir(out.join("tile/entries/000.p")).unwrap().last().unwrap().unwrap().path();
    let mut bytes = fs::read(&tile).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&tile, bytes).unwrap();
    let printed = log(&["checkpoint", "--size", "1"]);
    assert_eq!(text(&printed).lines().nth(1), Some("1"));
    let printed = log(&["consistency", "1"]);
    fs::write(data.path().join("c.json"), &printed.stdout).unwrap();
    assert_eq!(verify(&data.path().join("c.json"), &["--key", &key]).0, Some(10));
    assert_eq!(log(&["consistency", "7", "3"]).status.code(), Some(1));
    // A directory that has seen another history is left as it is.
    let other = fs::read_to_string(&first).unwrap();
    let root = other.lines().nth(2).unwrap();
    let forged = other.replace(root, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    fs::write(out.join("checkpoint"), &forged).unwrap();
    assert_eq!(log(&["export", out.to_str().unwrap()]).status.code(), Some(1));
    assert_eq!(fs::read_to_string(out.join("checkpoint")).unwrap(), forged);
}

/// A pack made by the binary beside a running server.
fn pack(data: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let out = data.join(name);
    let mut all = vec!["evidence"];
    all.extend(arguments);
    let by = ["--by", "A. Auditor", "--basis", "GDPR Art. 58", "--out", out.to_str().unwrap()];
    all.extend(by);
    let output = assent(data, &all).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    out
}

#[tokio::test]
async fn a_pack_answers_an_auditor_s_question_and_is_decided_again() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    settle_in(&server, 2).await;
    let decision = decide(&server, 0).await;
    for number in [0, 1, 1] {
        decide(&server, number).await;
    }
    let key = key_of(data.path());
    let nonce = "07".repeat(32);
    let (from, until) = ("2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z");
    for (name, arguments) in [
        ("decision", vec!["decision", &decision]),
        ("person", vec!["person", "crm_id:C0", "--complete"]),
        ("node", vec!["node", "renewal.day90", "--from", from, "--until", until]),
        ("sample", vec!["sample", "--count", "5", "--nonce", &nonce]),
    ] {
        let out = pack(data.path(), name, &arguments);
        let (code, report) = verify(&out, &["--key", &key, "--replay"]);
        assert_eq!(code, Some(10), "{name}: {report}");
        let checks = report["checks"].as_array().unwrap();
        assert!(checks.contains(&json!("replay")), "{name}: {report}");
        assert_eq!(checks.contains(&json!("nothing left out")), ["person", "node"].contains(&name));
        let page = fs::read_to_string(out.join("data/index.html")).unwrap();
        assert!(page.contains("A. Auditor") && page.contains("Nothing in scope is missing."));
        assert!(
            !page.contains("<script") && !page.contains("http://") && !page.contains("https://")
        );
        let table = fs::read_to_string(out.join("data/exports/decisions.csv")).unwrap();
        assert!(table.starts_with("index,record,kind,at,node,outcome"), "{table}");
    }
    // A bundle with one word changed, in a pack whose manifests fit, is named by the replay and by
    // the entry of the export.
    let out = data.path().join("decision");
    let release = fs::read_dir(out.join("data/releases")).unwrap().next().unwrap().unwrap().path();
    let changed = fs::read_to_string(&release).unwrap().replacen("home.top", "home.tip", 1);
    fs::write(&release, changed).unwrap();
    let (code, report) = verify(&out, &["--key", &key, "--replay"]);
    assert_eq!((code, &report["broken"]), (Some(40), &json!("AU.MANIFEST")), "{report}");
    assert!(report["place"].as_str().unwrap().starts_with("data/releases/"));
}

#[tokio::test]
async fn a_pack_that_cannot_be_made_says_why() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    settle_in(&server, 1).await;
    let refused = |arguments: &[&str]| {
        let out = data.path().join("out");
        let mut all = vec!["evidence", "--out", out.to_str().unwrap()];
        all.extend(arguments);
        let output = assent(data.path(), &all).output().unwrap();
        assert!(!out.exists(), "nothing is written");
        (output.status.code(), text(&output))
    };
    let asked = ["--by", "me", "--basis", "law"];
    let with = |more: &[&'static str]| [more, asked.as_slice()].concat();
    let (code, said) = refused(&["person", "crm_id:C0"]);
    assert_eq!((code, said.contains("--by")), (Some(1), true), "{said}");
    let (code, said) = refused(&with(&["person", "crm_id:nobody"]));
    assert_eq!((code, said.contains("no such person")), (Some(1), true), "{said}");
    let unknown = "dec_0190a0b0-0000-7000-8000-000000000000";
    let (code, said) = refused(&with(&["decision", unknown]));
    assert_eq!((code, said.contains("AU.NOTHING_FOUND")), (Some(1), true), "{said}");
    let (code, _) = refused(&with(&["sample", "--count", "3", "--nonce", "abc"]));
    assert_eq!(code, Some(2));
}

#[tokio::test]
async fn the_console_compares_heads_finds_decisions_and_draws_proofs() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    settle_in(&server, 1).await;
    let decision = decide(&server, 0).await;
    let get = async |path: &str| {
        let answer = server.request(Method::GET, path).send().await.unwrap();
        let to = answer.headers().get(header::LOCATION).map(|it| it.to_str().unwrap().to_owned());
        (answer.status(), to, answer.text().await.unwrap())
    };
    let (status, _, page) = get("/console/log").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("Newest head") && page.contains("no witness has cosigned it"));
    let (_, _, page) = get("/console/log?from=1&to=2").await;
    assert!(page.contains("Yes: nothing of the first 1 entries was altered"), "{page}");
    for sizes in ["from=2&to=1", "from=0&to=99999"] {
        let (status, _, page) = get(&format!("/console/log?{sizes}")).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("cannot be compared") && !page.contains("Yes:"), "{page}");
    }
    let (status, to, _) = get(&format!("/console/log?decision={decision}")).await;
    assert_eq!(
        (status, to),
        (StatusCode::SEE_OTHER, Some(format!("/console/decisions/{decision}")))
    );
    let (status, _, page) = get("/console/log?decision=%3Cb%3E").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("There is no decision") && !page.contains("<b>"), "{page}");
    let (_, _, page) = get(&format!("/console/decisions/{decision}")).await;
    assert!(page.contains("The way to the root") && page.contains("joined with"), "{page}");
}

#[tokio::test]
async fn an_erasure_takes_keys_out_of_use_at_once_and_waits_for_their_leases() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    settle_in(&server, 1).await;
    let decision = decide(&server, 0).await;
    let audit = |arguments: &[&str]| {
        let all: Vec<_> = ["audit"].into_iter().chain(arguments.iter().copied()).collect();
        let output = assent(data.path(), &all).output().unwrap();
        (output.status.code(), text(&output))
    };
    let why = ["--by", "DPO", "--basis", "GDPR Art. 17", "--no-wait"];
    let erase = |whom: &'static str| audit(&[&["erase", whom], why.as_slice()].concat());
    assert_eq!(erase("crm_id:nobody").0, Some(1));
    let (code, said) = erase("crm_id:C0");
    assert_eq!((code, said.contains("keys are out of use")), (Some(0), true), "{said}");
    let (code, said) = audit(&["finish"]);
    assert_eq!((code, said.contains("0 erasures done, 1 not due yet")), (Some(1), true), "{said}");
    let (status, _) = server.get(&format!("/v1/decisions/{decision}")).await;
    assert_eq!(status, StatusCode::OK, "its keys open until they are destroyed");
    let (code, said) = erase("crm_id:C0");
    assert_eq!(code, Some(0), "{said}");
    decide(&server, 0).await;
}
