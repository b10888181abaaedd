//! A log and its witnesses, each a process: who vouches, and what an old backup comes to.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{
    server::{Server, assent, make_key},
    world::{eventually, person, settle_in, uuid},
};

/// A running `assent witness`; killed when dropped.
struct Running {
    child: Child,
    /// Its key and where it is asked, as a line of a file of witnesses.
    line: String,
}

impl Running {
    fn start(state: &Path, name: &str, log: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_assent"))
            .args(["witness", "--name", name, "--listen", "127.0.0.1:0"])
            .arg("--log")
            .arg(log)
            .arg("--state")
            .arg(state)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        Self { child, line }
    }

    fn key(&self) -> &str {
        self.line.split_once(' ').unwrap().0
    }

    fn url(&self) -> &str {
        self.line.split_once(' ').unwrap().1
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn decide(server: &Server) -> String {
    let body = json!({ "person": person(0), "placement": "home.top", "request_id": uuid() });
    let (status, answer) = server.post("/v1/decisions", &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["decision_id"].as_str().unwrap().to_owned()
}

fn copy(from: &Path, to: &Path) {
    let from = format!("{}/.", from.display());
    assert!(Command::new("cp").args(["-r", &from]).arg(to).status().unwrap().success());
}

#[tokio::test]
async fn witnesses_vouch_for_a_log_and_stop_one_that_comes_back_from_an_old_backup() {
    let (data, states, old) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let key = make_key(data.path());
    let server = Server::resume(data.path(), &key);
    settle_in(&server, 1).await;
    server.end();
    let log = data.path().join("log.vkey");
    let called = ["witness.example/audit", "witness.example/dpo"];
    let witnesses = called.map(|it| Running::start(&states.path().join(it), it, &log));
    let file_of = data.path().join("witnesses");
    let lines: Vec<_> = witnesses.iter().map(|it| it.line.clone()).collect();
    fs::write(&file_of, lines.join("\n")).unwrap();
    copy(data.path(), old.path());

    let with = ["--witnesses", file_of.to_str().unwrap()];
    let server = Server::resume_with(data.path(), &key, &with);
    let decision = decide(&server).await;
    let file = data.path().join("receipt.json");
    let verified = async |quorum: &str| {
        let path = format!("/v1/decisions/{decision}/receipt");
        let answer = server.request(Method::GET, &path).send().await.unwrap();
        fs::write(&file, answer.bytes().await.unwrap()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_assent"));
        command.arg("verify").arg(&file).arg("--key").arg(&log);
        for it in &witnesses {
            command.args(["--witness", it.key()]);
        }
        command.args(["--quorum", quorum]).output().unwrap().status.code()
    };
    eventually("both witnesses vouch for the decision", async || verified("2").await == Some(0))
        .await;
    assert_eq!(verified("3").await, Some(11));
    server.end();

    // The data come back as they were before: the witnesses know better.
    let refused = assent(old.path(), &["serve", "--listen", "127.0.0.1:0"]).args(with).output();
    let refused = refused.unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("witness.example/audit") && said.contains("old backup"), "{said}");

    // With witnesses that are away, the log goes on and nobody vouches for what is new.
    let [audit, _] = witnesses;
    let url = audit.url().to_owned();
    drop(audit);
    let server = Server::resume_with(data.path(), &key, &with);
    decide(&server).await;
    assert!(reqwest::get(url).await.is_err());
}
