//! A decision service of a team's own: Assent's crates, with one adapter of ours in place of theirs.
//! Our list of people nobody may address answers for permission: it asks Assent's consent, and can
//! only take away from the answer. Prints a decision before a customer is listed, and one after.

use std::collections::BTreeSet;
use std::sync::{Arc, RwLock};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use decision::{
    Ask, DecisionService, ObjectRef, ReadingService, Sources, Who,
    inputs::{Permission, Verdict},
    ports::{Identifier, PermissionAsk, PermissionSource},
};
use kernel::{
    EventId, Fault, Instant, ManualClock, PersonAt, Reason, SeededEntropy, SubjectId, TenantId,
};
use platform::{
    cli::serve::begin,
    compose::{Machine, compose},
    config::{Config, DataDirectory},
    demo::client::{Client, taken},
};
use serde_json::{Value, json};
use service::{
    auth::{ApiKey, ApiKeys, PlainKey, Scope},
    lifecycle::{Lifecycle, settle},
    surface::{Surface, Surfaces},
};

const NOW: &str = "2026-09-01T12:00:00Z";

/// One customer, as three systems of record know her.
const ROWS: [(&str, &str); 3] = [
    ("crm", "crm_id,email,email_verified,country,updated_at\nC1,ada@mail.example,true,DE,NOW\n"),
    (
        "policy_admin",
        "policy_no,crm_id,status,renewal_on,autorenew,updated_at\nP1,C1,active,2026-11-20,false,NOW\n",
    ),
    ("service_desk", "service_no,crm_id,open_complaint,updated_at\nS1,C1,false,NOW\n"),
];

/// Our adapter: the list before Assent's own answer.
#[derive(Debug)]
struct HouseList {
    theirs: Arc<dyn PermissionSource>,
    listed: RwLock<BTreeSet<SubjectId>>,
}

#[async_trait]
impl PermissionSource for HouseList {
    async fn verdicts(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        asks: &[PermissionAsk],
        as_of: Instant,
    ) -> Result<Vec<Verdict>, Fault> {
        let mut verdicts = self.theirs.verdicts(tenant, person, asks, as_of).await?;
        // A list that cannot be read is a refusal, like everything uncertain.
        if self.listed.read().map_or(true, |it| it.contains(&person.subject)) {
            for verdict in &mut verdicts {
                verdict.permission = Permission::Refused;
                verdict.reasons.push(Reason::of("HOUSE.LISTED"));
            }
        }
        Ok(verdicts)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    // Time and chance are inputs: this program says the same whenever it runs.
    let (now, entropy) = (NOW.parse::<Instant>()?, Arc::new(SeededEntropy::new(1)));
    let (tenant, key) = (TenantId::new("acme")?, PlainKey::mint(&*entropy));
    let (name, hash, scopes) = ("ours".to_owned(), key.hash(), Scope::ALL.to_vec());
    let keys =
        ApiKeys::new(vec![ApiKey { name, hash, tenant: tenant.clone(), scopes, sources: None }]);

    // Everything of Assent, as its own binary composes it.
    let data = tempfile::tempdir()?;
    let config = Config::embedded(DataDirectory::new(data.path()), tenant.clone());
    let machine = Machine { clock: Arc::new(ManualClock::at(now)), entropy: entropy.clone() };
    let assent = compose(&config, machine, keys, Lifecycle::default().nudge()).await?;
    begin(&assent, &config, None).await?;

    // The one port that we answer ourselves.
    let theirs = assent.sources.permission.clone();
    let house = Arc::new(HouseList { theirs, listed: RwLock::default() });
    let sources = Sources { permission: house.clone(), ..assent.sources.clone() };

    // A customer, and her yes.
    let client = Client::new(Surface::new(&assent.app, Surfaces::ALL), key.reveal());
    for (system, rows) in ROWS {
        let path = format!("/v1/imports?system={system}");
        let rows = rows.replace("NOW", NOW).into_bytes();
        taken("POST", &path, &client.post(&path, &[("content-type", "text/csv")], rows).await)?;
    }
    settle(&assent.jobs, &*assent.feed).await?;
    let mint = || EventId::mint(now, &*entropy);
    client.must_post("/v1/consent-events", &choices(mint)).await?;
    settle(&assent.jobs, &*assent.feed).await?;

    let before = ask(&tenant, &sources, mint()).await?;
    house.listed.write().map_err(|it| anyhow::anyhow!("{it}"))?.insert(before);
    ask(&tenant, &sources, mint()).await?;
    assent.close().await
}

/// Whose law applies, that there is a contract, and a yes to being reminded of its renewal.
fn choices(id: impl Fn() -> EventId) -> Value {
    let notice = json!({"name": "renewal-offers", "version": 7});
    let kinds = [
        json!({"stated": {"jurisdiction": {"jurisdiction": "EU"}}}),
        json!({"stated": {"contract": {"of_type": "policy", "reference": "P1", "active": true}}}),
        json!({"given": {
            "purpose": {"key": "marketing.renewal", "version": 3},
            "channels": ["web"],
            "expression": "expressed",
            "proof": {"notice": notice, "method": "toggle", "prechecked": false},
        }}),
    ];
    let person = json!({"identifiers": [{"namespace": "crm_id", "value": "C1"}]});
    let said = kinds.map(|kind| {
        json!({"id": id().uuid(), "source": "crm", "person": person, "event_time": NOW,
            "actor": "subject", "kind": kind})
    });
    json!({"events": said})
}

/// Decides one request and prints it; whom it was about.
async fn ask(tenant: &TenantId, sources: &Sources, request: EventId) -> Result<SubjectId> {
    let ask = Ask {
        who: Who::Identifiers(vec![Identifier { namespace: "crm_id".into(), value: "C1".into() }]),
        placement: "home.top".into(),
        object: Some(ObjectRef::new("policy", "P1")),
        hints: [].into(),
        request_id: request.uuid(),
    };
    let answer = DecisionService::new(sources.clone()).decide(tenant, ask).await?;
    let why = ReadingService::new(sources.clone()).why(tenant, answer.decision).await?;
    let why = why.context("what was answered has a record")?;
    let shown = answer.served.map_or_else(|| "nothing".into(), |it| it.template);
    println!("{}: show {shown} ({})", answer.decision, why.kind);
    for point in why.points {
        println!("- {}", point.text.unwrap_or(point.code));
    }
    Ok(answer.subject)
}
