//! Permission explained: over HTTP and on the command line, the same words, nothing written.

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    server::{Server, assent},
    world::{choice, now, person, settle_in},
};

fn question(more: &Value) -> Value {
    let mut body = json!({
        "person": person(0),
        "purpose": { "key": "marketing.renewal", "version": 3 },
        "channel": "email",
    });
    let members = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(members);
    body
}

async fn withdraw(server: &Server) {
    let kind = json!({ "withdrawn": { "scope": { "under": "marketing" }, "channels": [
        "email", "sms", "push", "web", "app", "human_task", "webhook",
    ] } });
    let body = json!({ "events": [choice(0, &kind)] });
    let (status, answer) = server.post("/v1/consent-events", &body).await;
    assert_eq!((status, &answer["results"][0]["status"]), (StatusCode::OK, &json!("recorded")));
}

#[tokio::test]
async fn a_dry_run_names_every_reason_its_article_and_what_would_change_it() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    settle_in(&server, 1).await;
    let ask = async |more: Value| server.post("/v1/permissions/evaluate", &question(&more)).await.1;
    let (before, yes) = (now(), ask(json!({})).await);
    assert_eq!((&yes["outcome"], &yes["way_to_a_yes"]), (&json!("permitted"), &json!([])), "{yes}");
    assert_eq!(yes["grounded_on"], json!([{ "jurisdiction": "EU", "cites": "GDPR Art. 6(1)(a)" }]));
    withdraw(&server).await;
    let no = ask(json!({})).await;
    let [why, law] = no["why"].as_array().unwrap().as_slice() else { panic!("{no}") };
    assert_eq!(no["outcome"], "refused");
    assert_eq!(no["reasons"], json!([why["reason"], law["reason"]]));
    assert_eq!(
        (&law["reason"], &law["cites"]),
        (&json!("JX.EPRIV.NO_CONSENT"), &json!("ePrivacy Art. 13(1)"))
    );
    assert_eq!(law["change"], why["change"], "one agreement does away with both");
    assert_eq!(
        (&why["reason"], &why["cites"]),
        (&json!("LB.CONSENT.WITHDRAWN"), &json!("GDPR Art. 7(3)"))
    );
    assert_eq!(
        (&why["change"]["who"], &why["change"]["kind"]),
        (&json!("subject"), &json!("agree"))
    );
    assert_eq!(no["way_to_a_yes"], json!([why["change"]]));
    // Asking changed nothing; the past is as it stood, the future as it would be.
    assert_eq!(ask(json!({})).await["epochs"]["person"], no["epochs"]["person"]);
    assert_eq!(ask(json!({ "as_of": before.to_string() })).await["outcome"], "permitted");
    let later = now().plus(TimeDelta::days(400)).to_string();
    assert_eq!(ask(json!({ "as_of": later })).await["reasons"], no["reasons"]);
    let special = ask(json!({ "data": { "special": true, "criminal": false } })).await;
    assert!(special["reasons"].as_array().unwrap().contains(&json!("SC.A9.NO_CONDITION")));
    let body = question(&json!({ "surprise": 1 }));
    let status = server.post("/v1/permissions/evaluate", &body).await.0;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn consent_explain_says_on_the_command_line_what_the_api_says() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    settle_in(&server, 1).await;
    withdraw(&server).await;
    let told = server.post("/v1/permissions/evaluate", &question(&json!({}))).await.1;
    let explain = |arguments: &[&str]| {
        let all: Vec<_> = ["consent", "explain"].iter().chain(arguments).copied().collect();
        let output = assent(data.path(), &all).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text, String::from_utf8(output.stderr).unwrap())
    };
    let renewal = ["crm_id:C0", "--purpose", "marketing.renewal", "--channel", "email"];
    let (code, text, errors) = explain(&renewal);
    assert_eq!(code, Some(1), "{errors}");
    for part in
        ["refused", "LB.CONSENT.WITHDRAWN", "(GDPR Art. 7(3))", "[the person] The person agrees"]
    {
        assert!(text.contains(part), "{text}");
    }
    let (_, json, _) = explain(&[&renewal[..], &["--json"]].concat());
    let answers: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&answers[0]["why"], &answers[0]["way_to_a_yes"]),
        (&told["why"], &told["way_to_a_yes"])
    );
    assert_eq!(answers[0]["epochs"]["person"], told["epochs"]["person"]);
    let (code, text, _) = explain(&["crm_id:C0", "--purpose", "contract.claim_status"]);
    assert_eq!((code, text.contains("permitted")), (Some(0), true), "{text}");
    let (_, all, _) = explain(&["crm_id:C0"]);
    assert_eq!(all.lines().filter(|it| !it.starts_with(' ')).count(), 5, "{all}");
    assert_eq!(explain(&["crm_id:nobody"]).0, Some(1));
    assert_eq!(explain(&["nobody"]).0, Some(2));
    assert_eq!(explain(&["crm_id:C0", "--channel", "pigeon"]).0, Some(2));
}
