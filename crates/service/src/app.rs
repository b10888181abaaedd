//! What every handler reaches: use cases, read-only ports, clock, keys.

use std::{fmt, sync::Arc};

use audit::service::{
    EraseService, KnownWitness, LogService, PackService, ProveService, RecordService, Trail,
    WitnessingService,
};
use axum::extract::FromRef;
use consent::{
    document::DocumentKey,
    service::{ConsentService, ExplainService, VerdictService},
};
use context::service::{AdmissionService, BundleService, HealthService, ImportService};
use decision::{ports::Journal, service::DecisionService};
use delivery::{ports::Inbox, service::DeliveryService};
use identity::service::ResolutionService;
use kernel::{Clock, Entropy, TenantId};
use measurement::service::ResultService;
use rollout::service::ReleaseService;

use crate::{
    auth::ApiKeys, bridge::artifacts::LiveArtifacts, evidence::EvidenceService, lifecycle::Nudge,
    links::LinkSealer,
};

/// Joins a span to the trace of a W3C `traceparent`; the adapter of telemetry knows how.
pub type ContinueTrace = fn(&tracing::Span, &str);
/// The W3C `traceparent` of the span we are in, if it is traced.
pub type TraceParent = fn() -> Option<String>;

/// What auditors are given.
#[derive(Debug)]
pub struct Auditing {
    /// The thin plane of the log.
    pub log: LogService,
    /// Whether the thin plane is for everyone: who reads it needs no key.
    pub is_public: bool,
    /// Packs of evidence.
    pub evidence: EvidenceService,
    /// Erasing people from records.
    pub erase: EraseService,
    /// Who vouches that everyone sees one log.
    pub witnessing: Arc<WitnessingService>,
}

impl Auditing {
    /// Given from this log and these releases, with these witnesses.
    pub fn new(
        trail: &Arc<Trail>,
        releases: &Arc<ReleaseService>,
        witnesses: Vec<KnownWitness>,
        is_public: bool,
    ) -> Self {
        let packs = PackService::new(trail.clone());
        let evidence = EvidenceService::new(packs, releases.clone());
        let witnessing = Arc::new(WitnessingService::new(trail.clone(), witnesses));
        let (log, erase) = (LogService::new(trail.clone()), EraseService::new(trail.clone()));
        Self { log, is_public, evidence, erase, witnessing }
    }
}

/// The use cases of one process, wired by `platform`.
pub struct App {
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// The tenant of an embedded deployment: the one readiness is about.
    pub tenant: TenantId,
    /// Joins a span to a `traceparent`.
    pub continue_trace: ContinueTrace,
    /// The `traceparent` of the span we are in.
    pub trace_parent: TraceParent,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Who may call.
    pub keys: ApiKeys,
    /// Opens and makes links.
    pub links: LinkSealer,
    /// Signs what is handed to people.
    pub documents: Arc<DocumentKey>,
    /// How links in messages reach us.
    pub base_url: String,
    /// Who is who.
    pub people: Arc<ResolutionService>,
    /// Choices.
    pub consent: Arc<ConsentService>,
    /// Verdicts on the system of record.
    pub verdicts: Arc<VerdictService>,
    /// Verdicts explained: dry runs on the system of record.
    pub explain: Arc<ExplainService>,
    /// Intake of events.
    pub admission: Arc<AdmissionService>,
    /// Intake of files.
    pub imports: Arc<ImportService>,
    /// Bundles.
    pub bundles: Arc<BundleService>,
    /// Freshness and quarantine.
    pub health: Arc<HealthService>,
    /// Decisions.
    pub decisions: Arc<DecisionService>,
    /// The log of decisions.
    pub journal: Arc<dyn Journal>,
    /// Records of the log.
    pub records: Arc<RecordService>,
    /// Proofs of the log.
    pub prove: Arc<ProveService>,
    /// What auditors are given.
    pub auditing: Auditing,
    /// Deliveries.
    pub deliveries: Arc<DeliveryService>,
    /// The sandbox.
    pub inbox: Arc<dyn Inbox>,
    /// Releases.
    pub releases: Arc<ReleaseService>,
    /// What is live.
    pub live: LiveArtifacts,
    /// Results per node and golden signals.
    pub results: Arc<ResultService>,
    /// Wakes background work after a write.
    pub nudge: Nudge,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("App")
    }
}

impl FromRef<Arc<App>> for ApiKeys {
    fn from_ref(app: &Arc<App>) -> Self {
        app.keys.clone()
    }
}
