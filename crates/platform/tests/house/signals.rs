//! What browsers and telephones say on a person's behalf, and agreements that wait to be confirmed.

use consent::document::{Trust, verify};
use serde_json::{Value, json};
use service::surface::{Answered, Asked};

use crate::{
    customer::{Customer, grant, lives_in},
    world::{House, edited, without_holdouts},
};

const PURPOSE: &str = "purpose/marketing.renewal.toml";

/// A customer who agreed to renewal offers, which sell or share data.
async fn shared(seed: u64) -> (House, Customer) {
    let (flags, more) = ("[\"direct_marketing\"]", "[\"direct_marketing\", \"sale_or_share\"]");
    let house = House::with(seed, &edited(&without_holdouts(), PURPOSE, flags, more)).await;
    let customer = Customer { renewal_on: "2026-11-20", ..Customer::new(1) };
    house.introduce(std::slice::from_ref(&customer)).await;
    for kind in [lives_in("EU"), grant()] {
        house.choose(&customer.name(), kind).await;
    }
    (house, customer)
}

fn why(answer: &Value) -> Vec<String> {
    let reasons = answer["reasons"].as_array().unwrap();
    reasons.iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

fn person(customer: &Customer) -> Value {
    json!({ "identifiers": [{ "namespace": "crm_id", "value": customer.crm_id() }] })
}

async fn decide(house: &House, customer: &Customer, gpc: Option<&str>) -> Value {
    let body = json!({
        "person": person(customer),
        "placement": "home.top",
        "object": { "kind": "policy", "id": customer.policy_no() },
        "request_id": house.id(),
    });
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(gpc.map(|it| ("sec-gpc", it)));
    let answer = house.client.post("/v1/decisions", &headers, body.to_string().into_bytes()).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

async fn hear(house: &House, customer: &Customer, signals: Value) -> (u16, Value) {
    let body = json!({
        "id": house.id(), "source": "web", "person": person(customer), "signals": signals,
    });
    let headers = [("content-type", "application/json")];
    let answer = house.client.post("/v1/signals", &headers, body.to_string().into_bytes()).await;
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

async fn open(house: &House, method: &str, path: &str) -> Answered {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let headers: &[(&str, &str)] = if method == "POST" { &form } else { &[] };
    house.surface.ask(Asked { method, path, headers, body: Vec::new() }).await
}

#[tokio::test]
async fn a_browsers_signal_counts_in_the_very_decision_that_shows_it_and_ever_after() {
    let (house, customer) = shared(21).await;
    // What is no signal is none: somebody else is shown what this person will not be.
    let other = Customer { renewal_on: "2026-11-20", ..Customer::new(2) };
    house.introduce(std::slice::from_ref(&other)).await;
    for kind in [lives_in("EU"), grant()] {
        house.choose(&other.name(), kind).await;
    }
    assert_eq!(decide(&house, &other, Some("true")).await["outcome"], "act");
    assert!(why(&house.permission(&other.name()).await).is_empty());
    assert_eq!(decide(&house, &customer, Some("1")).await["outcome"], "none");
    assert_eq!(decide(&house, &customer, None).await["outcome"], "none");
    assert_eq!(why(&house.permission(&customer.name()).await), ["JX.GPC"]);
    decide(&house, &customer, Some("1")).await;
    let subject = house.person(&customer.name()).await.subject;
    let nodes = house.person(&customer.name()).await.nodes.len();
    let history = house.client.get(&format!("/v1/subjects/{subject}/history")).await.unwrap();
    assert_eq!(history.to_string().matches("sale_or_share").count(), nodes, "kept once: {history}");
    let told = open(&house, "GET", "/.well-known/gpc.json").await;
    let told: Value = serde_json::from_slice(&told.body).unwrap();
    assert_eq!(told, json!({ "gpc": true, "lastUpdate": "2026-11-25" }));
}

#[tokio::test]
async fn signals_restrict_over_the_interface_and_what_cannot_be_read_is_said() {
    let (house, customer) = shared(22).await;
    let (status, answer) = hear(&house, &customer, json!({ "gpp": "DBABTA~1YNN" })).await;
    assert_eq!((status, answer["acknowledgement"].is_null()), (200, true), "{answer}");
    assert!(why(&house.permission(&customer.name()).await).is_empty());
    let (status, answer) = hear(&house, &customer, json!({ "gpp": "?" })).await;
    assert_eq!((status, &answer["type"]), (422, &json!("/problems/consent/signal-unreadable")));
    let sent = json!({ "gpp": "DBABTA~1YYN", "tcf": "nothing" });
    let (status, answer) = hear(&house, &customer, sent).await;
    assert_eq!((status, &answer["opted_out"]), (422, &json!(["sale_or_share"])), "{answer}");
    assert_eq!(why(&house.permission(&customer.name()).await), ["JX.CCPA.OPTOUT"]);
    let (status, answer) = hear(&house, &customer, json!({ "sms": "Stop" })).await;
    assert_eq!((status, &answer["stop_sms"]), (200, &json!(true)), "{answer}");
}

#[tokio::test]
async fn an_agreement_that_must_be_confirmed_counts_once_the_button_of_its_page_was_pressed() {
    let (age, twice) = ("max_age = \"P24M\"", "max_age = \"P24M\"\ndouble_opt_in = true");
    let house = House::with(23, &edited(&without_holdouts(), PURPOSE, age, twice)).await;
    let customer = Customer::new(1);
    house.introduce(std::slice::from_ref(&customer)).await;
    for kind in [lives_in("EU"), grant()] {
        house.choose(&customer.name(), kind).await;
    }
    let told = async || why(&house.permission(&customer.name()).await);
    // What is not confirmed is no consent, which ePrivacy wants for mail.
    let waits = ["LB.CONSENT.PENDING_DOI", "JX.EPRIV.NO_CONSENT"];
    assert_eq!(told().await, waits);
    let found = house.person(&customer.name()).await;
    let base = format!("/v1/subjects/{}", found.subject);
    let history = house.client.get(&format!("{base}/history")).await.unwrap();
    let said = history["items"].as_array().unwrap().iter().map(|it| &it["said"]);
    let given = said.clone().find(|it| it["kind"]["given"].is_object()).unwrap();
    let address = *found.nodes.last().unwrap();
    let body = json!({ "grant": given["id"], "address": address.to_string() });
    let asked = house.client.must_post(&format!("{base}/confirmations"), &body).await.unwrap();
    let path = asked["link"].as_str().unwrap().split_once("/c/").unwrap().1;
    let path = format!("/c/{path}");
    // Programs that read mail open links: that confirms nothing.
    let page = open(&house, "GET", &path).await;
    let text = String::from_utf8(page.body).unwrap();
    assert!(page.status == 200 && text.contains("Renewal offers"), "{text}");
    assert_eq!(told().await, waits);
    let done = open(&house, "POST", &path).await;
    assert_eq!(done.status, 200);
    assert!(String::from_utf8(done.body).unwrap().contains("<h1>Confirmed</h1>"));
    assert!(told().await.is_empty());
    // After a no there is nothing to confirm, and nobody is asked again.
    house.withdraw(&customer.name()).await;
    let late = String::from_utf8(open(&house, "POST", &path).await.body).unwrap();
    assert!(late.contains("Nothing to confirm"), "{late}");
    let headers = [("content-type", "application/json")];
    let body = body.to_string().into_bytes();
    let again = house.client.post(&format!("{base}/confirmations"), &headers, body).await;
    assert_eq!(again.status, 422);
    assert_eq!(open(&house, "GET", "/c/nonsense").await.status, 404);
}

#[tokio::test]
async fn a_withdrawal_is_certified_proven_by_the_log_and_receipted_in_every_form() {
    let (house, customer) = shared(24).await;
    let subject = house.person(&customer.name()).await.subject;
    let path = format!("/v1/subjects/{subject}/withdrawals");
    let act = house.id();
    let headers = [("content-type", "application/json"), ("idempotency-key", act.as_str())];
    let scope = json!({ "scope": { "purpose": { "purpose": "marketing" } } }).to_string();
    let answer = house.client.post(&path, &headers, scope.into_bytes()).await;
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    let document = &answer["document"];
    let key = house.assent.app.documents.public();
    assert_eq!(verify(document, Some(&key)), Trust::Trusted, "{answer}");
    assert_eq!(document["what"], "withdrawn: marketing and everything under it");
    assert_eq!(document["act"], act);
    assert!(document["effective_at"].is_string() && document["in_flight"] == json!([]));

    // The log has it once the worker has passed it on; then a stranger can check it.
    let fact = document["facts"][0].as_str().unwrap();
    let path = format!("/v1/withdrawals/{fact}/proof");
    let proof = async || house.client.read(&path).await;
    assert_eq!(proof().await.status, 404);
    house.settle().await;
    let receipt = proof().await;
    assert_eq!(receipt.status, 200);
    let vkey = house.assent.app.prove.verifier_key(&house.tenant).await.unwrap();
    let trust = audit::verify::Trust { key: Some(vkey), ..audit::verify::Trust::default() };
    let report = audit::verify::document(&receipt.body, &trust);
    assert_eq!(report.exit.code(), 10, "{report}");
    let text = String::from_utf8(receipt.body).unwrap();
    assert!(text.contains(&act) && text.contains("consent.withdrawn"), "{text}");

    let event = document["events"][0].as_str().unwrap();
    for (form, status) in
        [("", 200), ("?profile=dpv", 200), ("?profile=kantara", 404), ("?profile=pdf", 422)]
    {
        let answer = house.client.read(&format!("/v1/receipts/{event}{form}")).await;
        assert_eq!(answer.status, status, "{form}");
        if status == 200 {
            let receipt = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(verify(&receipt, Some(&key)), Trust::Trusted);
        }
    }
}

#[tokio::test]
async fn an_import_takes_away_freely_gives_with_proof_and_accounts_for_every_row() {
    let house = House::with(25, &without_holdouts()).await;
    let customers = [Customer::new(1), Customer::new(2)];
    house.introduce(&customers).await;
    for it in &customers {
        house.choose(&it.name(), lives_in("EU")).await;
    }
    let [first, second] = &customers;
    let csv = format!(
        "identifier,purpose,action,at,purpose_version,notice,notice_version,method,prechecked\n\
         {},News,given,2026-09-01T00:00:00Z,3,renewal-offers,7,toggle,false\n\
         {},News,given,2026-09-01T00:00:00Z,3,,,,\n\
         {},News,,2026-09-01T00:00:00Z,,,,,\n\
         C999999,News,withdrawn,2026-09-01T00:00:00Z,,,,,\n",
        first.crm_id(),
        second.crm_id(),
        second.crm_id(),
    );
    let naming = json!({ "namespace": "crm_id", "purposes": { "News": "marketing.renewal" } });
    let body = json!({ "batch": "b1", "shape": "table", "naming": naming, "csv": csv });
    let answer = house.client.must_post("/v1/consent-imports", &body).await.unwrap();
    assert_eq!((&answer["rows"], &answer["recorded"]), (&json!(4), &json!(1)), "{answer}");
    let left: Vec<_> =
        answer["left"].as_array().unwrap().iter().map(|it| it["why"].as_str().unwrap()).collect();
    assert_eq!(
        left,
        ["it would permit without a proof", "it says no action", "nobody is known by that"]
    );
    assert!(why(&house.permission(&first.name()).await).is_empty());
    assert_eq!(why(&house.permission(&second.name()).await)[0], "LB.CONSENT.MISSING");
    let again = house.client.must_post("/v1/consent-imports", &body).await.unwrap();
    assert_eq!((&again["recorded"], &again["duplicate"]), (&json!(0), &json!(1)));
    let rows = json!([{ "Identifier": first.crm_id(), "Purposes": [
        { "Name": "News", "Status": "WITHDRAWN", "LastTransactionDate": "2026-09-05T00:00:00Z" }] }]);
    let body = json!({ "batch": "b2", "shape": "onetrust", "naming": naming, "rows": rows });
    house.client.must_post("/v1/consent-imports", &body).await.unwrap();
    assert_eq!(why(&house.permission(&first.name()).await)[0], "LB.CONSENT.WITHDRAWN");
}

#[tokio::test]
async fn the_record_of_processing_is_of_what_is_live() {
    let house = House::with(26, &without_holdouts()).await;
    let record = house.client.get("/v1/reports/ropa").await.unwrap();
    assert_eq!(record.as_array().unwrap().len(), 5, "{record}");
    for (format, begins) in [("csv", "\"purpose\","), ("html", "<!doctype html>")] {
        let answer = house.client.read(&format!("/v1/reports/ropa?format={format}")).await;
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.starts_with(begins) && text.contains("Renewal offers"), "{text}");
    }
    assert_eq!(house.client.read("/v1/reports/ropa?format=pdf").await.status, 422);
}
