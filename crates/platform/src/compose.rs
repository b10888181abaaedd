//! The wiring diagram: the only place that sees every domain and every adapter.
//!
//! It reads top to bottom: the machine, the systems of record, the domains with their bridges, the
//! background work, the surface.

use std::sync::Arc;

use adapters::{
    keys::{FileKek, FileSigner},
    redis::{Sources, Upkeep},
    sql::{
        audit::{SqlJournal, SqlKeyring, SqlRecords},
        companion::SqlDecisionCompanions,
        consent::{SqlLedger, SqlPolicyHead},
        context::SqlContext,
        decision::SqlTimetable,
        delivery::{SqlContactLedger, SqlDeliveryStore, SqlInbox, SqlSendGate},
        identity::{SqlAssertionLog, SqlDirectory, SqlVault},
        measurement::{SqlExposureStore, SqlSignalStore},
        outbox::SqlFactFeed,
        rollout::{SqlArtifactStore, SqlReleaseLedger},
    },
    telemetry,
    traced::Traced,
};
use anyhow::{Context as _, Result};
use audit::service::{
    AppendService, FactEntryService, ProveService, RecordService, Trail, TrailPorts,
};
use consent::document::DocumentKey;
use consent::service::{ConsentService, ExplainService, LedgerSnapshots, VerdictService};
use context::{
    Region,
    service::{
        AdmissionService, ApplyService, BundleService, FreshnessService, HealthService,
        ImportService,
    },
};
use decision::{DecisionService, ReadingService, TriggerService};
use delivery::service::{
    ContactService, DeliveryService, DispatchService, FeedbackService, InFlightService,
    PlanService, Preparer,
};
use identity::{Blinder, service::ResolutionService};
use kernel::{BucketKey, FactFeed, TenantId};
use measurement::service::{FoldService, ResultService};
use rollout::{DeploymentId, ReleaseService, Validators};
use service::{
    app::{App, Auditing},
    auth::ApiKeys,
    bridge::{
        artifacts::{LiveArtifacts, validate},
        content::RecordedContent,
        history::DeliveryHistory,
        in_flight::DeliveryInFlight,
        intake::{ConsentStanding, IdentityResolver},
        journal::AuditJournal,
        knowledge::ContextKnowledge,
        links::SealedLinks,
        measure::{Arms, NodePlans, Pseudonyms},
        people::{IdentityAddresses, IdentityPeople},
        permission::ConsentPermission,
    },
    lifecycle::Nudge,
    links::LinkSealer,
    relay::{Consumer, Job, Relay},
    work,
};

pub use crate::machine::Machine;
use crate::{
    activation,
    channels::routes,
    config::{Config, DataDirectory, Servers},
    records::Records,
    secrets::Secrets,
    sharing::Sharing,
};

/// A composed process.
#[derive(Debug)]
pub struct Assent {
    /// The use cases.
    pub app: Arc<App>,
    /// What every process does whatever its role: what it keeps close stays true.
    pub keepers: Vec<Arc<dyn Job>>,
    /// What wakes the background work when another process has written something.
    pub ears: Vec<Arc<dyn Job>>,
    /// What rebuilds and compares the activation layer, where processes share one.
    pub upkeep: Option<Upkeep>,
    /// Background work, in the order in which one round of it makes sense.
    pub jobs: Vec<Arc<dyn Job>>,
    /// The feed of facts.
    pub feed: Arc<dyn FactFeed>,
    /// Records of decisions, read and replayed.
    pub reading: ReadingService,
    /// What decisions are made from, for whoever answers one of the ports differently.
    pub sources: decision::Sources,
    kept: Records,
}

impl Assent {
    /// Closes the systems of record.
    pub async fn close(&self) -> Result<()> {
        self.kept.close().await
    }
}

/// What every domain has against a bundle.
pub fn validators() -> Validators {
    Validators::new(vec![Box::new(validate)])
}

/// A process without a surface, for commands over what a deployment keeps.
pub async fn offline(data: &DataDirectory, tenant: &TenantId, servers: Servers) -> Result<Assent> {
    let config = Config { servers, ..Config::embedded(data.clone(), tenant.clone()) };
    compose(&config, Machine::real(), ApiKeys::default(), Nudge::default()).await
}

/// Wires a process.
#[expect(clippy::too_many_lines, reason = "the wiring diagram reads top to bottom, in one piece")]
pub async fn compose(
    config: &Config,
    machine: Machine,
    keys: ApiKeys,
    nudge: Nudge,
) -> Result<Assent> {
    let Machine { clock, entropy } = machine;
    let tenant = config.tenant.clone();

    // The machine: files, secrets, systems of record.
    let secrets_path = config.data.secrets();
    std::fs::create_dir_all(&secrets_path)
        .with_context(|| format!("making `{}`", secrets_path.display()))?;
    let secrets = Secrets::open(&secrets_path.join("root"), &*entropy)?;
    let kept = Records::open(config).await?;
    let (database, key_database) = (kept.database.clone(), kept.keys.clone());
    let feed: Arc<dyn FactFeed> = Arc::new(Traced::new(SqlFactFeed::new(database.clone())));

    // The activation layer: what is read through it decides; what is read without it sends.
    let near = Machine { clock: clock.clone(), entropy: entropy.clone() };
    let around = activation::open(config, &database, near).await?;

    // rollout: what is live.
    let deployment = DeploymentId::new("assent").context("naming the deployment")?;
    let releases = Arc::new(ReleaseService::new(
        deployment,
        Arc::new(Traced::new(SqlArtifactStore::new(database.clone()))),
        around.releases(Arc::new(Traced::new(SqlReleaseLedger::new(database.clone())))),
        validators(),
        clock.clone(),
        entropy.clone(),
    ));
    let live = LiveArtifacts::new(releases.clone());
    let artifacts = Arc::new(live.clone());

    // audit: the log.
    let kek = FileKek::open(&secrets_path.join("kek"), entropy.clone())
        .context("opening the key-encryption key")?;
    let signer = FileSigner::open(&secrets_path.join("log-key"), &*entropy)
        .context("opening the log's signing key")?;
    let companions = SqlDecisionCompanions::new(artifacts.clone()).registered();
    let trail = Arc::new(Trail::new(
        TrailPorts {
            journal: around
                .journal(Arc::new(Traced::new(SqlJournal::new(database.clone(), companions)))),
            records: Arc::new(Traced::new(SqlRecords::new(database.clone()))),
            keyring: Arc::new(Traced::new(SqlKeyring::new(key_database.clone(), Arc::new(kek)))),
            signer: Arc::new(Traced::new(signer)),
        },
        &config.operator,
        clock.clone(),
        entropy.clone(),
    ));
    let append = Arc::new(AppendService::new(trail.clone()));
    let records = Arc::new(RecordService::new(trail.clone()));
    let prove = Arc::new(ProveService::new(trail.clone()));
    let auditing = Auditing::new(&trail, &releases, config.witnesses.clone(), config.public_log);
    let journal: Arc<dyn decision::ports::Journal> = Arc::new(AuditJournal::new(
        append.clone(),
        records.clone(),
        telemetry::continue_trace,
        telemetry::trace_parent,
    ));

    // identity: who is who.
    let vault_key = secrets.derive("identity.vault");
    let directory: Arc<dyn identity::ports::Directory> =
        Arc::new(Traced::new(SqlDirectory::new(database.clone())));
    let parts = identity::service::Parts {
        log: around
            .assertions(Arc::new(Traced::new(SqlAssertionLog::new(database.clone(), vault_key)))),
        directory: directory.clone(),
        vault: Arc::new(Traced::new(SqlVault::new(database.clone(), vault_key))),
        artifacts: artifacts.clone(),
        blinder: Blinder::new(&secrets.derive("identity.blind")),
        clock: clock.clone(),
        entropy: entropy.clone(),
    };
    let people = Arc::new(ResolutionService::new(parts.clone()));
    let persons = Arc::new(IdentityPeople::new(people.clone(), append.clone()));
    let near = around.directory(directory.clone());
    let near_people =
        Arc::new(ResolutionService::new(identity::service::Parts { directory: near, ..parts }));
    let near_persons = Arc::new(IdentityPeople::new(near_people.clone(), append));

    // consent: who allowed what, and what a withdrawal waits for.
    let gate = around.gate(Arc::new(Traced::new(SqlSendGate::new(database.clone()))));
    let in_flight = DeliveryInFlight::new(InFlightService::new(gate.clone(), clock.clone()));
    let ledger = around.ledger(Arc::new(Traced::new(SqlLedger::new(database.clone()))));
    let consent = Arc::new(ConsentService::new(
        ledger.clone(),
        Arc::new(in_flight),
        artifacts.clone(),
        clock.clone(),
        entropy.clone(),
    ));
    let snapshots = Arc::new(LedgerSnapshots::new(ledger.clone(), persons.clone(), clock.clone()));
    let policy = Arc::new(Traced::new(SqlPolicyHead::new(database.clone())));
    let explain = ExplainService::new(ledger, persons.clone(), artifacts.clone(), policy.clone());
    let verdicts =
        Arc::new(VerdictService::new(snapshots.clone(), artifacts.clone(), policy.clone()));
    let permission = Arc::new(ConsentPermission::new(verdicts.clone()));
    let near_verdicts = Arc::new(VerdictService::new(
        around.snapshots(snapshots.clone()),
        artifacts.clone(),
        around.policy(policy),
    ));
    let near_permission = Arc::new(ConsentPermission::new(near_verdicts.clone()));

    // context: what is known.
    let context_store = Arc::new(Traced::new(SqlContext::new(database.clone())));
    let events = around.events(context_store.clone());
    let fields = around.context(context_store.clone());
    let board = around.board(context_store.clone());
    let admission =
        AdmissionService::new(events.clone(), artifacts.clone(), clock.clone(), entropy.clone());
    let apply = Arc::new(ApplyService::new(
        events,
        fields.clone(),
        Arc::new(IdentityResolver::new(people.clone())),
        artifacts.clone(),
        clock.clone(),
        entropy.clone(),
    ));
    let standing = Arc::new(ConsentStanding::new(near_verdicts.clone(), clock.clone()));
    let region = Region::new(&config.region).context("naming the region")?;
    let bundles =
        Arc::new(BundleService::new(fields, board.clone(), standing, artifacts.clone(), region));
    let health = Arc::new(HealthService::new(
        board.clone(),
        context_store.clone(),
        artifacts.clone(),
        clock.clone(),
    ));
    let watch =
        Arc::new(FreshnessService::new(board, artifacts.clone(), clock.clone(), entropy.clone()));

    // delivery: getting it there.
    let store: Arc<dyn delivery::ports::DeliveryStore> =
        Arc::new(Traced::new(SqlDeliveryStore::new(database.clone())));
    let inbox: Arc<dyn delivery::ports::Inbox> =
        Arc::new(Traced::new(SqlInbox::new(database.clone())));
    let addresses = Arc::new(IdentityAddresses::new(people.clone(), verdicts.clone()));
    let links = LinkSealer::new(secrets.derive("links"));
    let preparer = Preparer::new(
        delivery::service::Sources {
            permissions: permission,
            people: persons.clone(),
            addresses,
            links: Arc::new(SealedLinks::new(links.clone(), &config.base_url, clock.clone())),
            content: Arc::new(RecordedContent::new(live.clone(), journal.clone())),
            artifacts: artifacts.clone(),
        },
        Arc::new(routes(config, inbox.clone(), &clock)),
        config.imprint.clone(),
        entropy.clone(),
    );
    let plan = Arc::new(PlanService::new(
        store.clone(),
        gate.clone(),
        preparer.clone(),
        clock.clone(),
        entropy.clone(),
    ));
    let dispatch = Arc::new(DispatchService::new(
        store.clone(),
        gate,
        preparer,
        clock.clone(),
        entropy.clone(),
    ));
    let deliveries = Arc::new(DeliveryService::new(store.clone()));
    let contact_ledger = Arc::new(Traced::new(SqlContactLedger::new(database.clone())));
    let contacts = ContactService::new(
        around.contacts(contact_ledger.clone()),
        artifacts.clone(),
        Arc::new(IdentityAddresses::new(near_people, near_verdicts)),
        clock.clone(),
        entropy.clone(),
    );
    let feedback = FeedbackService::new(store, clock.clone(), entropy.clone());

    // decision: when to act, what to do, and why.
    let sources = decision::Sources {
        releases: artifacts.clone(),
        persons: near_persons,
        context: Arc::new(ContextKnowledge::new(bundles.clone(), apply.clone())),
        permission: near_permission,
        history: Arc::new(DeliveryHistory::new(contacts.clone(), deliveries.clone())),
        arms: Arc::new(Arms::new(BucketKey::new(secrets.derive16("buckets")))),
        journal: journal.clone(),
        timetable: Arc::new(Traced::new(SqlTimetable::new(database.clone()))),
        clock: clock.clone(),
        entropy: entropy.clone(),
    };
    let triggers = Arc::new(TriggerService::new(sources.clone()));

    // measurement: did it work.
    let exposures: Arc<dyn measurement::ports::ExposureStore> =
        Arc::new(Traced::new(SqlExposureStore::new(database.clone())));
    let signals: Arc<dyn measurement::ports::SignalStore> =
        Arc::new(Traced::new(SqlSignalStore::new(database.clone())));
    let plans = Arc::new(NodePlans::new(live.clone()));
    let fold = Arc::new(FoldService::new(
        exposures.clone(),
        signals.clone(),
        plans.clone(),
        Arc::new(Pseudonyms::new(secrets.derive("measurement.effect"))),
    ));
    let results = Arc::new(ResultService::new(exposures, signals, plans, clock.clone()));

    // Background work: by one worker at a time, but for what shares itself out by claims.
    let sharing = Sharing::of(&database, &*entropy);
    let relay = |consumer: Arc<dyn Consumer>| {
        sharing.alone(Arc::new(Relay::new(feed.clone(), consumer, telemetry::continue_trace)))
    };
    let entries = Arc::new(FactEntryService::new(trail));
    let receipts = work::Receiving::new(
        apply.clone(),
        feedback,
        consent.clone(),
        deliveries.clone(),
        persons,
        contacts,
    );
    let jobs: Vec<Arc<dyn Job>> = vec![
        Arc::new(work::Watching::new(live.clone(), tenant.clone())),
        sharing.alone(Arc::new(work::Freshness(watch))),
        sharing.alone(Arc::new(work::Applying(apply))),
        relay(Arc::new(receipts)),
        relay(Arc::new(work::Triggering(triggers.clone()))),
        Arc::new(work::Firing(triggers)),
        relay(Arc::new(work::Planning(plan))),
        sharing.alone(Arc::new(work::Dispatching(dispatch))),
        relay(Arc::new(work::Measuring(fold))),
        relay(Arc::new(work::Recording(entries))),
    ];

    let app = Arc::new(App {
        clock,
        tenant,
        continue_trace: telemetry::continue_trace,
        trace_parent: telemetry::trace_parent,
        entropy,
        keys,
        links,
        documents: Arc::new(DocumentKey::new(&secrets.derive("consent.documents"))),
        base_url: config.base_url.clone(),
        people,
        consent,
        verdicts,
        explain: Arc::new(explain),
        imports: Arc::new(ImportService::new(admission.clone(), artifacts)),
        admission: Arc::new(admission),
        bundles,
        health,
        decisions: Arc::new(DecisionService::new(sources.clone())),
        journal,
        records,
        prove,
        auditing,
        deliveries,
        inbox,
        releases,
        live,
        results,
        nudge,
    });
    let upkeep = around.upkeep(Sources {
        directory,
        snapshots,
        fields: context_store,
        contacts: contact_ledger,
    });
    let (mut keepers, ears) = (around.keepers(&app.nudge), around.ears(&app.nudge));
    keepers.extend(work::guarding(&app));
    let reading = ReadingService::new(sources.clone());
    Ok(Assent { app, keepers, ears, upkeep, jobs, feed, reading, sources, kept })
}
