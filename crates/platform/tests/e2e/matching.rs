//! `assent identity`: from files to links, clusters, a report and scores.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::{
    server::{Server, assent},
    world::settle_in,
};

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assent"));
    command.arg("identity").args(arguments).current_dir(directory).output().unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Two hundred people, each told of twice: the second time with a slip in the surname.
fn told() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut records = "id,First Name,surname,dob,phone,postcode,may_match\n".to_owned();
    let mut truth = "id,person\n".to_owned();
    for person in 0..200_u32 {
        let name: String =
            [7, 26, 3, 11].iter().map(|it| char::from(b'a' + (person * it % 26) as u8)).collect();
        let born = format!("19{:02}-{:02}-{:02}", person % 90, 1 + person % 12, 1 + person % 28);
        for (copy, slip) in ["", "x"].iter().enumerate() {
            let id = format!("r{person}-{copy}");
            let phone = 1_000_000 + person * 7_919;
            let may = if person == 0 { "no" } else { "yes" };
            writeln!(
                records,
                "{id},{name}a,{name}{person}berg{slip},{born},0301{phone},{:05},{may}",
                10_000 + person % 40
            )
            .unwrap();
            writeln!(truth, "{id},{person}").unwrap();
        }
    }
    fs::write(directory.path().join("records.csv"), records).unwrap();
    fs::write(directory.path().join("truth.csv"), truth).unwrap();
    directory
}

#[test]
fn records_become_links_clusters_a_report_and_scores() {
    let directory = told();
    let at = directory.path();
    let arguments = [
        "match",
        "records.csv",
        "--out",
        "links.csv",
        "--clusters",
        "clusters.csv",
        "--report",
        "report.html",
        "--save-model",
        "model.json",
        "--basis",
        "a <test>",
    ];
    let output = run(at, &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let read = |name: &str| fs::read_to_string(at.join(name)).unwrap();
    let (links, clusters, report) = (read("links.csv"), read("clusters.csv"), read("report.html"));
    assert!(links.starts_with("left_source,left_id,right_source,right_id,weight,probability"));
    assert_eq!(clusters.lines().count(), 401);
    // One page: no script, no network, no value of a record.
    assert!(report.contains("a &lt;test&gt;") && report.contains("<svg"));
    for never in ["<script", "http://", "https://", "berg", "0301"] {
        assert!(!report.contains(never), "{never}");
    }
    let scores = run(at, &["evaluate", "clusters.csv", "--truth", "truth.csv", "--json"]);
    let scores: serde_json::Value = serde_json::from_slice(&scores.stdout).unwrap();
    assert_eq!(scores["judged"], 400);
    assert!(scores["scores"][0]["f1"].as_f64().unwrap() > 0.99, "{scores}");
    // The same again, and from the model that was kept: the same bytes.
    let again = ["match", "records.csv", "--out", "again.csv", "--basis", "a test"];
    assert_eq!(run(at, &again).status.code(), Some(0));
    assert_eq!(read("again.csv"), links);
    let kept = [&again[..], &["--model", "model.json"]].concat();
    assert_eq!(run(at, &kept).status.code(), Some(0));
    assert_eq!(read("again.csv"), links);
}

#[test]
fn absence_is_never_permission_to_match() {
    let directory = told();
    let at = directory.path();
    let refused = run(at, &["match", "records.csv", "--out", "links.csv"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(complaint(&refused).contains("ID.MATCH.NO_PERMISSION_DECLARED"));
    assert!(!at.join("links.csv").exists());
    fs::write(at.join("match.toml"), "[permission]\ncolumn = \"may_match\"\n").unwrap();
    let matched =
        run(at, &["match", "records.csv", "--out", "links.csv", "--config", "match.toml"]);
    assert_eq!(matched.status.code(), Some(0), "{}", complaint(&matched));
    let links = fs::read_to_string(at.join("links.csv")).unwrap();
    assert!(links.contains("r1-0") && !links.contains("r0-0"));
}

#[test]
fn bad_input_is_named_and_nothing_is_written() {
    let directory = told();
    let at = directory.path();
    fs::write(at.join("nameless.csv"), "id,colour\n1,red\n").unwrap();
    fs::write(at.join("twice.csv"), "id,surname,dob\n1,a,1980-01-01\n1,b,1981-01-01\n").unwrap();
    fs::write(at.join("ragged.csv"), "id,surname,dob\n1,secret\n").unwrap();
    fs::write(at.join("alone.csv"), "id,surname,dob\n1,a,1980-01-01\n").unwrap();
    fs::write(at.join("bad.toml"), "[columns]\nshoe_size = \"x\"\n").unwrap();
    for (arguments, code, says) in [
        (&["nameless.csv"][..], 2, "known attributes"),
        (&["missing.csv"], 2, "missing.csv"),
        (&["twice.csv"], 2, "the same id"),
        (&["ragged.csv"], 2, "ragged.csv"),
        (&["alone.csv"], 1, "ID.MATCH.NO_MATCH_CLASS"),
        (&["records.parquet"], 2, "only CSV"),
        (&["records.csv", "--config", "bad.toml"], 2, "shoe_size"),
        (&["records.csv", "--link-only"], 2, "two files"),
        (&["records.csv", "--budget", "2"], 2, "between 0 and 1"),
        (&["records.csv", "--model", "truth.csv"], 2, "truth.csv"),
    ] {
        let all = [&["match"], arguments, &["--out", "links.csv", "--basis", "a test"]].concat();
        let output = run(at, &all);
        let complaint = complaint(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {complaint}");
        assert!(complaint.contains(says) && !complaint.contains("secret"), "{complaint}");
        assert!(!at.join("links.csv").exists(), "{arguments:?}");
    }
}

#[tokio::test]
async fn an_identifier_has_a_history_and_a_stranger_has_none() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    settle_in(&server, 1).await;
    let ask = |arguments: &[&str]| {
        let all: Vec<_> = ["identity"].iter().chain(arguments).copied().collect();
        assent(data.path(), &all).output().unwrap()
    };
    let known = ask(&["how", "crm_id:C0", "--json"]);
    assert_eq!(known.status.code(), Some(0), "{}", complaint(&known));
    let history: serde_json::Value = serde_json::from_slice(&known.stdout).unwrap();
    assert!(history.is_array(), "{history}");
    for arguments in [&["how", "crm_id:never"][..], &["why", "crm_id:C0", "crm_id:never"]] {
        let output = ask(arguments);
        assert_eq!(output.status.code(), Some(1), "{}", complaint(&output));
        assert!(complaint(&output).contains("never seen"), "{}", complaint(&output));
    }
}
