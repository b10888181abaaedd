//! A few customers in the systems of record of a running server, and ids for what they do.

use std::{fmt::Write as _, time::Duration};

use adapters::system::{SystemClock, SystemEntropy};
use chrono::{TimeDelta, Timelike as _};
use kernel::{Clock as _, EventId, Instant};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::server::{Server, read};

/// How long background work may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The present.
pub(crate) fn now() -> Instant {
    SystemClock.now()
}

/// A fresh `UUIDv7`.
pub(crate) fn uuid() -> String {
    EventId::mint(now(), &SystemEntropy).uuid().to_string()
}

/// A time zone in which it is now about noon, so that nothing waits for the morning.
pub(crate) fn noon_zone() -> String {
    let ahead = 12 - i64::from(now().utc().hour());
    // The sign of these names is that of POSIX: east is negative.
    if ahead == 0 { "Etc/GMT".to_owned() } else { format!("Etc/GMT{:+}", -ahead) }
}

/// A customer, as a request names one.
pub(crate) fn person(number: usize) -> Value {
    json!({ "identifiers": [{ "namespace": "crm_id", "value": format!("C{number}") }] })
}

/// An event of a source about a customer.
pub(crate) fn event(source: &str, kind: &str, number: usize, data: &Value) -> Value {
    json!({
        "specversion": "1.0",
        "id": uuid(),
        "source": source,
        "type": kind,
        "subject": format!("crm_id:C{number}"),
        "time": now().to_string(),
        "datacontenttype": "application/json",
        "data": data,
    })
}

/// News of a claim reported four days ago: an account of it has been due since yesterday.
pub(crate) fn overdue_claim(number: usize, claim_no: &str) -> Value {
    let data = json!({
        "claim_no": claim_no,
        "stage": "assessing",
        "reported_at": now().minus(TimeDelta::days(4)).to_string(),
    });
    event("claims_core", "claim.milestone.v2", number, &data)
}

/// A choice of a customer.
pub(crate) fn choice(number: usize, kind: &Value) -> Value {
    json!({
        "id": uuid(),
        "source": "crm",
        "person": person(number),
        "kind": kind,
        "event_time": now().to_string(),
        "actor": "subject",
    })
}

/// A grant for the renewal reminder.
pub(crate) fn grant() -> Value {
    json!({ "given": {
        "purpose": { "key": "marketing.renewal", "version": 3 },
        "channels": ["email", "web"],
        "expression": "expressed",
        "proof": {
            "notice": { "name": "renewal-offers", "version": 7 },
            "method": "toggle",
            "prechecked": false,
        },
    } })
}

/// Imports a file of a system.
pub(crate) async fn import(server: &Server, system: &str, csv: String) {
    let answer = server
        .request(Method::POST, &format!("/v1/imports?system={system}"))
        .header(header::CONTENT_TYPE, "text/csv")
        .body(csv)
        .send()
        .await
        .unwrap();
    let (status, report) = read(answer).await;
    assert_eq!(status, StatusCode::OK, "{report}");
    assert_eq!(report["accepted"], report["rows"], "{report}");
}

/// So many customers (`C0`, `C1`, …) with a verified address, a policy that renews in eighty days,
/// a contract, a country and a grant.
pub(crate) async fn settle_in(server: &Server, people: usize) {
    let (at, zone) = (now(), noon_zone());
    let renewal = at.plus(TimeDelta::days(80)).utc().date_naive();
    let mut crm = "crm_id,email,email_verified,phone,first_name,last_name,birth_date,country,\
                   time_zone,language,needs_support,updated_at\n"
        .to_owned();
    let mut policy = "policy_no,crm_id,status,renewal_on,autorenew,tenure_months,premium_minor,\
                      currency,updated_at\n"
        .to_owned();
    let mut service = "service_no,crm_id,email,open_complaint,updated_at\n".to_owned();
    for i in 0..people {
        writeln!(crm, "C{i},c{i}@mail.example,true,,Ada,Byron,,DE,{zone},en,false,{at}").unwrap();
        writeln!(policy, "P{i},C{i},active,{renewal},false,30,48000,EUR,{at}").unwrap();
        writeln!(service, "S{i},C{i},,false,{at}").unwrap();
    }
    import(server, "crm", crm).await;
    import(server, "policy_admin", policy).await;
    import(server, "service_desk", service).await;
    for i in 0..people {
        eventually("a customer is known", async || {
            server.post("/v1/resolutions", &person(i)).await.0 == StatusCode::OK
        })
        .await;
    }
    let mut choices = Vec::new();
    for i in 0..people {
        let contract = json!({ "of_type": "policy", "reference": format!("P{i}"), "active": true });
        choices.push(choice(i, &json!({ "stated": { "jurisdiction": { "jurisdiction": "EU" } } })));
        choices.push(choice(i, &json!({ "stated": { "time_zone": { "zone": zone } } })));
        choices.push(choice(i, &json!({ "stated": { "contract": contract } })));
        choices.push(choice(i, &grant()));
    }
    let answer = server.post("/v1/consent-events", &json!({ "events": choices })).await.1;
    let results = answer["results"].as_array().unwrap();
    assert!(results.iter().all(|it| it["status"] == "recorded"), "{answer}");
}

/// Asks again and again until it is so.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let begun = tokio::time::Instant::now();
    let mut again = tokio::time::interval(Duration::from_millis(50));
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        again.tick().await;
    }
}

/// Every letter in the sandbox.
pub(crate) async fn letters(server: &Server) -> Vec<Value> {
    let mut out = Vec::new();
    let mut path = "/v1/sandbox/letters?limit=200".to_owned();
    loop {
        let (status, page) = server.get(&path).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        out.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next"].as_str() else { return out };
        path = format!("/v1/sandbox/letters?limit=200&after={next}");
    }
}
