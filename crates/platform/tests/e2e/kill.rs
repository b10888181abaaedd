//! SIGKILL at random points of a load, and what must still be true after the restart.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use audit::{
    note::VerifierKey,
    verify::{Exit, Trust, document},
};
use decision::service::LEASE;
use kernel::{Entropy, SeededEntropy};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    server::{Server, make_key},
    world::{choice, event, letters, overdue_claim, person, settle_in, uuid},
};

const ROUNDS: u64 = 8;
const PEOPLE: usize = 12;
const WORKERS: u64 = 6;
const SEED: u64 = 20_261_125;
const BATCH: &str = "application/cloudevents-batch+json";

/// What the server has acknowledged.
#[derive(Debug, Default)]
struct Acknowledged {
    decisions: Vec<String>,
    events: Vec<Value>,
    choices: Vec<Value>,
    claims: BTreeSet<String>,
}

/// What several workers do to one server until it dies.
#[derive(Debug, Default)]
struct Load {
    acknowledged: Mutex<Acknowledged>,
    claims: AtomicUsize,
}

fn below(entropy: &dyn Entropy, n: usize) -> usize {
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    u32::from_le_bytes(bytes) as usize % n
}

impl Load {
    /// One act; false once the server no longer answers.
    async fn act(&self, server: &Server, dice: &dyn Entropy) -> bool {
        let number = below(dice, PEOPLE);
        match below(dice, 4) {
            0 => self.tell(server, number).await,
            1 => self.choose(server, number).await,
            _ => self.ask(server, number).await,
        }
        .is_some()
    }

    async fn tell(&self, server: &Server, number: usize) -> Option<()> {
        let claim = format!("K{}", self.claims.fetch_add(1, Ordering::Relaxed));
        let login = event("app", "product.login.v1", number, &json!({ "device_id": "D1" }));
        let events = json!([overdue_claim(number, &claim), login]);
        let answer = try_post(server, "/v1/events", BATCH, &events).await?;
        assert_eq!(answer["accepted"], 2, "{answer}");
        let mut acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.events.extend(events.as_array().unwrap().iter().cloned());
        acknowledged.claims.insert(claim);
        Some(())
    }

    async fn choose(&self, server: &Server, number: usize) -> Option<()> {
        let pref = json!({ "channel": "push", "scope": { "under": "service" }, "choice": "out" });
        let said = choice(number, &json!({ "channel_pref": pref }));
        let body = json!({ "events": [said] });
        let answer = try_post(server, "/v1/consent-events", "application/json", &body).await?;
        assert_eq!(answer["results"][0]["status"], "recorded", "{answer}");
        self.acknowledged.lock().unwrap().choices.push(said);
        Some(())
    }

    async fn ask(&self, server: &Server, number: usize) -> Option<()> {
        let body = json!({
            "person": person(number),
            "placement": "home.top",
            "object": { "kind": "policy", "id": format!("P{number}") },
            "request_id": uuid(),
        });
        let answer = try_post(server, "/v1/decisions", "application/json", &body).await?;
        let id = answer["decision_id"].as_str().unwrap().to_owned();
        self.acknowledged.lock().unwrap().decisions.push(id);
        Some(())
    }
}

/// Posts to a server that may die meanwhile: only a whole answer is an acknowledgement.
async fn try_post(server: &Server, path: &str, kind: &str, body: &Value) -> Option<Value> {
    let asked = server.request(Method::POST, path).header("content-type", kind);
    let answer = asked.body(body.to_string()).send().await.ok()?;
    let (status, text) = (answer.status(), answer.text().await.ok()?);
    assert!(status.is_success(), "{path} answered {status}: {text}");
    Some(serde_json::from_str(&text).unwrap())
}

/// Loads the server and kills it after so many acts as follow from the round, with the acts of the
/// other workers under way.
async fn load_and_kill(server: Server, load: &Arc<Load>, round: u64) {
    let server = Arc::new(server);
    let mut workers = JoinSet::new();
    let (done, mut acts) = tokio::sync::mpsc::unbounded_channel();
    for worker in 0..WORKERS {
        let (server, load, done) = (server.clone(), load.clone(), done.clone());
        let dice = SeededEntropy::new(SEED + round * WORKERS + worker);
        workers.spawn(async move {
            while load.act(&server, &dice).await {
                done.send(()).unwrap_or(());
            }
        });
    }
    for _ in 0..below(&SeededEntropy::new(SEED ^ round), 200) + 20 {
        acts.recv().await.unwrap();
    }
    server.kill();
    while let Some(done) = workers.join_next().await {
        done.unwrap();
    }
}

/// Everything acknowledged in this round is there, and provable.
async fn nothing_is_lost(server: &Server, data: &Path, round: Acknowledged) {
    let key = fs::read_to_string(data.join("log.vkey")).unwrap();
    let key: VerifierKey = key.trim().parse().unwrap();
    for id in &round.decisions {
        is_kept(server, &key, id).await;
    }
    for events in round.events.chunks(100) {
        let answer = server.post_as("/v1/events", BATCH, &json!(events)).await.1;
        assert_eq!(answer["duplicate"], events.len(), "{answer}");
    }
    for choices in round.choices.chunks(100) {
        let body = json!({ "events": choices });
        let answer = server.post("/v1/consent-events", &body).await.1;
        let results = answer["results"].as_array().unwrap();
        assert!(results.iter().all(|it| it["status"] == "duplicate"), "{answer}");
    }
}

/// A decision's record is there, and its receipt verifies; returns the record.
async fn is_kept(server: &Server, key: &VerifierKey, id: &str) -> Value {
    let (status, record) = server.get(&format!("/v1/decisions/{id}")).await;
    assert_eq!(status, StatusCode::OK, "{id}");
    let receipt = server.request(Method::GET, &format!("/v1/decisions/{id}/receipt"));
    let receipt = receipt.send().await.unwrap().bytes().await.unwrap();
    let found = document(&receipt, &Trust::in_key(key.clone())).exit;
    assert_eq!(found, Exit::Unwitnessed, "{id}: {}", String::from_utf8_lossy(&receipt));
    record
}

/// Letters by what they are about: node, object and offset.
async fn letters_by_occasion(server: &Server, data: &Path) -> BTreeMap<(String, String), usize> {
    let key = fs::read_to_string(data.join("log.vkey")).unwrap();
    let key: VerifierKey = key.trim().parse().unwrap();
    let mut out = BTreeMap::new();
    for letter in letters(server).await {
        let record = is_kept(server, &key, letter["decision"].as_str().unwrap()).await;
        let node = record["outcome"]["action"]["node"].as_str().unwrap();
        let occurrences = record["subject"]["occurrences"].as_array().unwrap();
        let occurrence = occurrences.iter().find(|it| it["node"] == node).unwrap();
        let object = occurrence["object"]["id"].as_str().unwrap_or_default();
        let about = (format!("{node} {}", occurrence["label"]), object.to_owned());
        *out.entry(about).or_default() += 1;
    }
    out
}

async fn log_entries(server: &Server) -> u64 {
    server.get("/v1/scoreboard").await.1["log_entries"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_loses_nothing_acknowledged() {
    let data = tempfile::tempdir().unwrap();
    let key = make_key(data.path());
    let mut server = Server::resume(data.path(), &key);
    settle_in(&server, PEOPLE).await;
    let load = Arc::new(Load::default());
    let mut claims = BTreeSet::new();
    for round in 0..ROUNDS {
        let before = log_entries(&server).await;
        load_and_kill(server, &load, round).await;
        server = Server::resume(data.path(), &key);
        let mut acknowledged = std::mem::take(&mut *load.acknowledged.lock().unwrap());
        claims.append(&mut acknowledged.claims);
        nothing_is_lost(&server, data.path(), acknowledged).await;
        assert!(log_entries(&server).await >= before, "the log grew shorter in round {round}");
    }
    assert!(claims.len() > 20, "{} claims", claims.len());
    // What a dead process had claimed is free again when its lease ends.
    let patience = LEASE.to_std().unwrap() + Duration::from_mins(1);
    let begun = Instant::now();
    let mut again = tokio::time::interval(Duration::from_secs(1));
    loop {
        let letters = letters_by_occasion(&server, data.path()).await;
        let twice: Vec<_> = letters.iter().filter(|it| *it.1 > 1).collect();
        assert!(twice.is_empty(), "{twice:?}");
        let told: BTreeSet<_> = letters.into_keys().map(|it| it.1).collect();
        let lost: Vec<_> = claims.difference(&told).collect();
        if lost.is_empty() {
            break;
        }
        assert!(begun.elapsed() < patience, "no letter about {lost:?}");
        again.tick().await;
    }
    assert!(server.end().success());
}
