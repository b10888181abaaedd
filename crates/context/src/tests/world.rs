//! The example insurer's own artifacts, and the use cases over memory.

use std::{fs, path::Path, sync::Arc};

use kernel::{
    ArtifactRef, Digest, Epoch, Finding, Instant, ManualClock, NodeId, PersonAt, PurposeKey,
    SeededEntropy, SubjectId, TenantId, memory::MemoryFeed,
};
use serde_json::{Value, json};

use crate::{
    Artifacts, RawBatch, Region,
    admit::Caller,
    memory::{MemoryContext, MemoryNeighbours},
    ports::Standing,
    service::{
        AdmissionService, ApplyService, BundleService, FreshnessService, HealthService,
        ImportService, ItemOutcome,
    },
};

pub(super) const T0: &str = "2026-01-10T12:00:00Z";

/// Every artifact under `journeys/` that is context's.
pub(super) fn shipped() -> Vec<(String, String, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../journeys");
    let mut out = Vec::new();
    for kind in ["schema", "contract", "connector", "boundary", "field_catalogue"] {
        for entry in fs::read_dir(root.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let body = match path.extension().unwrap().to_str().unwrap() {
                "json" => serde_json::from_str(&text).unwrap(),
                _ => toml::from_str(&text).unwrap(),
            };
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            out.push((kind.to_owned(), name, body));
        }
    }
    out.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    out
}

pub(super) fn compile(sources: &[(String, String, Value)]) -> Result<Artifacts, Vec<Finding>> {
    let sources: Vec<_> = sources
        .iter()
        .map(|(kind, name, body)| ArtifactRef {
            kind,
            name,
            digest: Digest::of_canonical(body).unwrap(),
            body,
        })
        .collect();
    Artifacts::compile(&sources)
}

pub(super) fn release() -> Arc<Artifacts> {
    Arc::new(compile(&shipped()).unwrap())
}

pub(super) fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

pub(super) fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

pub(super) fn node(seed: u64) -> NodeId {
    NodeId::mint(instant(T0), &SeededEntropy::new(seed))
}

pub(super) fn purpose(key: &str) -> PurposeKey {
    PurposeKey::new(key).unwrap()
}

pub(super) fn person(nodes: &[NodeId]) -> PersonAt {
    let subject = SubjectId::from_uuid(nodes[0].uuid());
    PersonAt { subject, nodes: nodes.to_vec(), identity: Epoch(1) }
}

/// The use cases over memory, at noon of the tenth of January.
pub(super) struct World {
    pub clock: Arc<ManualClock>,
    pub feed: Arc<MemoryFeed>,
    pub context: Arc<MemoryContext>,
    pub neighbours: Arc<MemoryNeighbours>,
    pub admission: AdmissionService,
    pub imports: ImportService,
    pub applies: ApplyService,
    pub bundles: BundleService,
    pub watch: FreshnessService,
    pub health: HealthService,
}

impl World {
    pub(super) fn new() -> Self {
        let clock = Arc::new(ManualClock::at(instant(T0)));
        let entropy = Arc::new(SeededEntropy::new(7));
        let feed = Arc::new(MemoryFeed::default());
        let context = Arc::new(MemoryContext::new(feed.clone()));
        let neighbours = Arc::new(MemoryNeighbours::new(release()));
        neighbours.know("crm_id", "C1", node(1));
        neighbours.know("user_id", "U1", node(2));
        let all = ["marketing.renewal", "service.onboarding_help", "service.recovery"];
        let purposes = all.into_iter().map(purpose).collect();
        neighbours.stand(Standing { purposes, epoch: Epoch(3) });
        let admission = AdmissionService::new(
            context.clone(),
            neighbours.clone(),
            clock.clone(),
            entropy.clone(),
        );
        Self {
            imports: ImportService::new(admission.clone(), neighbours.clone()),
            applies: ApplyService::new(
                context.clone(),
                context.clone(),
                neighbours.clone(),
                neighbours.clone(),
                clock.clone(),
                entropy.clone(),
            ),
            bundles: BundleService::new(
                context.clone(),
                context.clone(),
                neighbours.clone(),
                neighbours.clone(),
                Region::new("EU").unwrap(),
            ),
            watch: FreshnessService::new(
                context.clone(),
                neighbours.clone(),
                clock.clone(),
                entropy,
            ),
            health: HealthService::new(
                context.clone(),
                context.clone(),
                neighbours.clone(),
                clock.clone(),
            ),
            admission,
            clock,
            feed,
            context,
            neighbours,
        }
    }

    pub(super) async fn admit(&self, events: Vec<Value>) -> Vec<ItemOutcome> {
        let items = events.into_iter().map(|it| Ok(it.as_object().unwrap().clone())).collect();
        let batch = RawBatch { batched: true, items };
        self.admission.admit(&tenant(), &Caller::default(), batch).await.unwrap()
    }
}

/// A login, with members replaced or (by null) removed.
pub(super) fn login(id: &str, changes: &Value) -> Value {
    let mut event = json!({
        "specversion": "1.0", "id": id, "source": "app", "type": "product.login.v1",
        "subject": "user_id:U1", "time": T0, "data": { "device_id": "D1" },
    });
    for (name, value) in changes.as_object().unwrap() {
        let event = event.as_object_mut().unwrap();
        if value.is_null() {
            event.remove(name);
        } else {
            event.insert(name.clone(), value.clone());
        }
    }
    event
}

/// A policy of customer C1.
pub(super) fn issued(id: &str, time: &str, renewal_on: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "policy_admin", "type": "policy.issued.v1",
        "subject": "crm_id:C1", "time": time,
        "data": {
            "policy_no": "P1", "renewal_on": renewal_on, "autorenew": false, "status": "active",
        },
    })
}
