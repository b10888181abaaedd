//! A house of its own for one test, and its customers.

use std::{collections::BTreeSet, sync::Arc};

use kernel::{
    Clock as _, Cursor, DeliveryId, Finding, Instant, Limit, ManualClock, PersonAt, SeededEntropy,
    StaffId, TenantId,
};
use platform::{
    cli::serve::begin,
    compose::{Assent, Machine, compose},
    config::{Config, DataDirectory},
    demo::{client::Client, drive::START, population::noon},
    journeys,
};
use rollout::{MoveReason, SourceFile, service::SubmitError};
use serde_json::{Value, json};
use service::{
    auth::{ApiKey, ApiKeys, PlainKey, Scope},
    lifecycle::{Nudge, settle},
    surface::{Surface, Surfaces},
};
use tempfile::TempDir;

use crate::customer::{CRM, Customer, POLICY, SERVICE};

/// The tenth of September 2026, a Thursday: the day on which a house begins, at noon UTC.
pub(crate) const TODAY: i64 = 9;

/// A composed process on files of its own.
pub(crate) struct House {
    pub(crate) assent: Assent,
    pub(crate) surface: Surface,
    pub(crate) client: Client,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    pub(crate) tenant: TenantId,
    pub(crate) data: DataDirectory,
    _files: TempDir,
}

impl House {
    /// A house with these artifacts.
    pub(crate) async fn with(seed: u64, sources: &[SourceFile]) -> Self {
        Self::since(seed, sources, noon(START, TODAY)).await
    }

    /// A house with these artifacts that begins at this instant.
    pub(crate) async fn since(seed: u64, sources: &[SourceFile], begun: Instant) -> Self {
        Self::configured(seed, sources, begun, |it| it).await
    }

    /// A house whose operator has configured it.
    pub(crate) async fn configured(
        seed: u64,
        sources: &[SourceFile],
        begun: Instant,
        configure: impl FnOnce(Config) -> Config,
    ) -> Self {
        let files = tempfile::tempdir().unwrap();
        let tree = files.path().join("journeys");
        for it in sources {
            let path = tree.join(&it.path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &it.bytes).unwrap();
        }
        let tenant = TenantId::new("acme").unwrap();
        let data = DataDirectory::new(files.path().join("data"));
        std::fs::create_dir_all(data.path()).unwrap();
        let config = configure(Config::embedded(data.clone(), tenant.clone()));
        let clock = Arc::new(ManualClock::at(begun));
        let entropy = Arc::new(SeededEntropy::new(seed));
        let key = PlainKey::mint(&*entropy);
        let keys = ApiKeys::new(vec![ApiKey {
            name: "house".to_owned(),
            hash: key.hash(),
            tenant: tenant.clone(),
            scopes: Scope::ALL.to_vec(),
            sources: None,
        }]);
        let machine = Machine { clock: clock.clone(), entropy: entropy.clone() };
        let assent = compose(&config, machine, keys, Nudge::default()).await.unwrap();
        begin(&assent, &config, Some(&tree)).await.unwrap();
        let surface = Surface::new(&assent.app, Surfaces::ALL);
        let client = Client::new(surface.clone(), key.reveal());
        Self { assent, surface, client, clock, entropy, tenant, data, _files: files }
    }

    /// Lets it be so many days and hours after the noon the house began at, and lets all work that
    /// is then due be done.
    pub(crate) async fn at(&self, days: i64, hour: i64) {
        let then = noon(START, TODAY + days).plus(chrono::TimeDelta::hours(hour - 12));
        assert!(then >= self.clock.now(), "time does not run backwards");
        self.clock.set(then);
        self.settle().await;
    }

    /// Does all work that is due.
    pub(crate) async fn settle(&self) {
        settle(&self.assent.jobs, &*self.assent.feed).await.unwrap();
    }

    /// Makes these artifacts live, or says what is wrong with them.
    pub(crate) async fn release(&self, sources: &[SourceFile]) -> Result<(), Vec<Finding>> {
        let by = StaffId::new("operator").unwrap();
        let releases = &self.assent.app.releases;
        let submitted = match releases.submit(&self.tenant, sources, &by).await {
            Ok(it) => it,
            Err(SubmitError::Invalid(findings)) => return Err(findings),
            Err(error) => panic!("{error}"),
        };
        let reason = MoveReason::new("a test").unwrap();
        releases.activate(&self.tenant, submitted.bundle, &by, reason).await.unwrap();
        self.settle().await;
        Ok(())
    }

    /// Goes back to what was live before.
    pub(crate) async fn roll_back(&self) {
        let by = StaffId::new("operator").unwrap();
        let reason = MoveReason::new("a test").unwrap();
        self.assent.app.releases.roll_back(&self.tenant, &by, reason).await.unwrap();
        self.settle().await;
    }

    /// Imports rows of a system under their header; every row must be taken.
    pub(crate) async fn import(&self, system: &str, header: &str, rows: &[String]) {
        let text = format!("{header}\n{}\n", rows.join("\n"));
        let headers = [("content-type", "text/csv")];
        let path = format!("/v1/imports?system={system}");
        let answer = self.client.post(&path, &headers, text.into_bytes()).await;
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer["accepted"], rows.len(), "{system}: {answer}");
    }

    /// Imports what the systems of record hold about customers.
    pub(crate) async fn introduce(&self, customers: &[Customer]) {
        let rows = |of: fn(&Customer) -> String| customers.iter().map(of).collect::<Vec<_>>();
        self.import("crm", CRM, &rows(Customer::crm)).await;
        self.import("service_desk", SERVICE, &rows(Customer::service)).await;
        self.import("policy_admin", POLICY, &rows(Customer::policy)).await;
        self.settle().await;
    }

    /// Records a choice or a statement about whom an identifier names, made just now.
    pub(crate) async fn choose(&self, identifier: &str, kind: Value) {
        let refusal = self.offer(identifier, kind).await;
        assert_eq!(refusal, None);
    }

    /// Offers a choice that may be refused; the reason, if it is.
    pub(crate) async fn offer(&self, identifier: &str, kind: Value) -> Option<String> {
        let (namespace, value) = identifier.split_once(':').unwrap();
        let event = json!({
            "id": self.id(),
            "source": "crm",
            "person": { "identifiers": [{ "namespace": namespace, "value": value }] },
            "kind": kind,
            "event_time": self.clock.now().to_string(),
            "actor": "subject",
        });
        let body = json!({ "events": [event] });
        let answer = self.client.must_post("/v1/consent-events", &body).await.unwrap();
        let result = &answer["results"][0];
        match result["status"].as_str() {
            Some("recorded") => None,
            Some("refused") => result["reason"].as_str().map(str::to_owned),
            _ => panic!("{answer}"),
        }
    }

    /// Sends one event, as its source would.
    pub(crate) async fn tell(&self, source: &str, kind: &str, subject: &str, data: Value) {
        let event = json!({
            "specversion": "1.0",
            "id": self.id(),
            "source": source,
            "type": kind,
            "time": self.clock.now().to_string(),
            "subject": subject,
            "datacontenttype": "application/json",
            "data": data,
        });
        let headers = [("content-type", "application/cloudevents+json")];
        let body = event.to_string().into_bytes();
        let answer = self.client.post("/v1/events", &headers, body).await;
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
        self.settle().await;
    }

    /// Asks what to show a customer at the top of the page, about their policy.
    pub(crate) async fn ask(&self, customer: &Customer) -> (u16, Value) {
        let body = json!({
            "person": { "identifiers": [{ "namespace": "crm_id", "value": customer.crm_id() }] },
            "placement": "home.top",
            "object": { "kind": "policy", "id": customer.policy_no() },
            "request_id": self.id(),
        });
        let headers = [("content-type", "application/json")];
        let body = body.to_string().into_bytes();
        let answer = self.client.post("/v1/decisions", &headers, body).await;
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    /// Whether the renewal reminder may be sent by e-mail to whom an identifier names: `permitted`
    /// or `refused`, with every reason.
    pub(crate) async fn permission(&self, identifier: &str) -> Value {
        let (namespace, value) = identifier.split_once(':').unwrap();
        let body = json!({
            "person": { "identifiers": [{ "namespace": namespace, "value": value }] },
            "purpose": { "key": "marketing.renewal", "version": 3 },
            "channel": "email",
        });
        self.client.must_post("/v1/permissions/evaluate", &body).await.unwrap()
    }

    /// Withdraws from marketing over the API, for whom an identifier names.
    pub(crate) async fn withdraw(&self, identifier: &str) {
        let subject = self.person(identifier).await.subject;
        let path = format!("/v1/subjects/{subject}/withdrawals");
        let act = self.id();
        let headers = [("content-type", "application/json"), ("idempotency-key", act.as_str())];
        let body = json!({ "scope": { "purpose": { "purpose": "marketing" } } }).to_string();
        let answer = self.client.post(&path, &headers, body.into_bytes()).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    }

    /// Whom an identifier names.
    pub(crate) async fn person(&self, identifier: &str) -> PersonAt {
        let (namespace, value) = identifier.split_once(':').unwrap();
        let identifiers = [identity::Identifier::stated(namespace, value)];
        self.assent.app.people.find(&self.tenant, &identifiers).await.unwrap().unwrap()
    }

    /// The journey nodes whose letters reached a person.
    pub(crate) async fn letters(&self, person: &PersonAt) -> Vec<(DeliveryId, String)> {
        let (app, subject) = (&self.assent.app, Some(person.subject));
        let page = app.inbox.page(&self.tenant, subject, None, Limit::MAX).await.unwrap();
        let mut out = Vec::new();
        for letter in page.items {
            let trail = app.deliveries.get(&self.tenant, letter.delivery).await.unwrap().unwrap();
            out.push((letter.delivery, trail.delivery.node.as_str().to_owned()));
        }
        out
    }

    /// Every code in the records of a person's decisions and in what became of their deliveries;
    /// and whether any delivery of this node served.
    pub(crate) async fn causes(&self, person: &PersonAt, node: &str) -> (BTreeSet<String>, bool) {
        let mut codes = BTreeSet::new();
        let app = &self.assent.app;
        let mut after: Option<Cursor> = None;
        loop {
            let page = app.journal.of_person(&self.tenant, person, after.as_ref(), Limit::MAX);
            let page = page.await.unwrap();
            for it in page.items {
                let record: Value = serde_json::from_slice(&it.bytes).unwrap();
                if record["core"]["nodes"].as_array().unwrap().contains(&json!(node)) {
                    collect(&record, &mut codes);
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let filter =
            delivery::ports::Filter { subject: Some(person.subject), ..Default::default() };
        let page = app.deliveries.page(&self.tenant, &filter, None, Limit::MAX).await.unwrap();
        let of_node: Vec<_> = page.items.iter().filter(|it| it.node.as_str() == node).collect();
        codes.extend(
            of_node.iter().flat_map(|it| it.state.reasons()).map(|it| it.code().to_owned()),
        );
        (codes, of_node.iter().any(|it| it.state.serves()))
    }

    /// A fresh `UUIDv7`.
    pub(crate) fn id(&self) -> String {
        DeliveryId::mint(self.clock.now(), &*self.entropy).uuid().to_string()
    }

    /// The present.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }
}

/// Collects every text that is a reason code, wherever it stands.
pub(crate) fn collect(value: &Value, codes: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if is_code(text) => {
            codes.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|it| collect(it, codes)),
        Value::Object(members) => members.values().for_each(|it| collect(it, codes)),
        _ => {}
    }
}

fn is_code(text: &str) -> bool {
    text.split_once('.').is_some_and(|(area, _)| (2..=3).contains(&area.len()))
        && text.chars().all(|it| matches!(it, 'A'..='Z' | '0'..='9' | '.' | '_'))
}

/// The artifacts of the example without any holdout, so that chance decides nothing.
pub(crate) fn without_holdouts() -> Vec<SourceFile> {
    let mut sources = journeys::shipped();
    for it in sources.iter_mut().filter(|it| it.path.starts_with("node/")) {
        let text = std::str::from_utf8(&it.bytes).unwrap();
        let ppm = ["holdback_ppm = 100_000", "holdback_ppm = 50_000"];
        let text = ppm.iter().fold(text.to_owned(), |it, ppm| it.replace(ppm, "holdback_ppm = 0"));
        it.bytes = text.into_bytes();
    }
    sources
}

/// The same artifacts with one text of one file replaced, which must be there.
pub(crate) fn edited(sources: &[SourceFile], path: &str, from: &str, to: &str) -> Vec<SourceFile> {
    let mut sources = sources.to_vec();
    let file = sources.iter_mut().find(|it| it.path == path).unwrap();
    let text = std::str::from_utf8(&file.bytes).unwrap();
    assert!(text.contains(from), "`{from}` is not in {path}");
    file.bytes = text.replace(from, to).into_bytes();
    sources
}

/// The same artifacts without one file.
pub(crate) fn without(sources: &[SourceFile], path: &str) -> Vec<SourceFile> {
    sources.iter().filter(|it| it.path != path).cloned().collect()
}
