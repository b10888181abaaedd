//! What stands between decisions and the systems of record: in this process, on Redis for all, or
//! nothing.

use std::{fmt, sync::Arc};

use adapters::{
    activation::{
        CachedBoard, CachedContacts, CachedContext, CachedDirectory, CachedPolicyHead,
        CachedSnapshots, Generations, Histories, RaisingAssertionLog, RaisingEventLog, RaisingGate,
        RaisingJournal, RaisingLedger, RaisingReleaseLedger,
    },
    redis::{
        FencedAssertionLog, FencedGate, FencedJournal, FencedLedger, Layer, LeasedBoard,
        LeasedPolicyHead, LeasingReleaseLedger, Parts, RedisContacts, RedisContext, RedisDirectory,
        RedisHints, RedisSnapshots, Settings, Sources, Timing, Upkeep,
    },
    sql::{
        Database,
        activation::{SqlCharter, SqlMemberships},
    },
    traced::Traced,
};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use consent::ports::{Ledger, PolicyHead, SnapshotSource};
use context::ports::{ContextStore, EventLog, FreshnessBoard};
use delivery::ports::{ContactLedger, SendGate};
use identity::ports::{AssertionLog, Directory};
use kernel::{Clock, Fault, HintBus};
use rollout::ReleaseLedger;
use service::{
    hints::{Hearing, Telling},
    lifecycle::Nudge,
    relay::Job,
};

use crate::{config::Config, machine::Machine};

/// The layer of a process: on Redis where the deployment names one. Without one, what this process
/// keeps is true only while no other writes.
pub(crate) async fn open(
    config: &Config,
    database: &Arc<Database>,
    machine: Machine,
) -> Result<Box<dyn Activation>> {
    Ok(match &config.servers.redis {
        Some(settings) => Box::new(OnRedis::open(settings, database, machine).await?),
        None if database.is_shared() => Box::new(Nowhere),
        None => Box::new(InProcess::new(machine.clock)),
    })
}

/// What is put around each port of the systems of record: caches around what is read to decide, and
/// around every write whatever keeps those caches true.
pub(crate) trait Activation: fmt::Debug + Send + Sync {
    /// Around what moves the pointer, and with it the policy epoch.
    fn releases(&self, inner: Arc<dyn ReleaseLedger>) -> Arc<dyn ReleaseLedger>;
    /// Around the log, whose batches can be hand-offs.
    fn journal(&self, inner: Arc<dyn audit::ports::Journal>) -> Arc<dyn audit::ports::Journal>;
    /// Around what moves people.
    fn assertions(&self, inner: Arc<dyn AssertionLog>) -> Arc<dyn AssertionLog>;
    /// Around what permits and withdraws.
    fn ledger(&self, inner: Arc<dyn Ledger>) -> Arc<dyn Ledger>;
    /// Around what sends.
    fn gate(&self, inner: Arc<dyn SendGate>) -> Arc<dyn SendGate>;
    /// Around what admits events.
    fn events(&self, inner: Arc<dyn EventLog>) -> Arc<dyn EventLog>;
    /// Who is who, kept close.
    fn directory(&self, inner: Arc<dyn Directory>) -> Arc<dyn Directory>;
    /// What choices amount to, kept close.
    fn snapshots(&self, inner: Arc<dyn SnapshotSource>) -> Arc<dyn SnapshotSource>;
    /// The policy epoch, kept close.
    fn policy(&self, inner: Arc<dyn PolicyHead>) -> Arc<dyn PolicyHead>;
    /// What is known, kept close, and what applies more of it.
    fn context(&self, inner: Arc<dyn ContextStore>) -> Arc<dyn ContextStore>;
    /// What arrived, kept close.
    fn board(&self, inner: Arc<dyn FreshnessBoard>) -> Arc<dyn FreshnessBoard>;
    /// Who was contacted, kept close, and what records more of it.
    fn contacts(&self, inner: Arc<dyn ContactLedger>) -> Arc<dyn ContactLedger>;
    /// What rebuilds and compares it, where there is anything to.
    fn upkeep(&self, record: Sources) -> Option<Upkeep> {
        drop(record);
        None
    }
    /// What every process does, whatever its role: keeps it true, and tells the others of writes.
    fn keepers(&self, nudge: &Nudge) -> Vec<Arc<dyn Job>> {
        let _ = nudge;
        Vec::new()
    }
    /// What hears of the others' writes, where there is background work to wake.
    fn ears(&self, nudge: &Nudge) -> Vec<Arc<dyn Job>> {
        let _ = nudge;
        Vec::new()
    }
}

/// In this process, for this process: the embedded default.
#[derive(Debug)]
pub(crate) struct InProcess {
    generations: Generations,
    histories: Histories,
    clock: Arc<dyn Clock>,
}

impl InProcess {
    /// Nothing kept yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let histories = Histories::new(Generations::default());
        Self { generations: Generations::default(), histories, clock }
    }

    fn generations(&self) -> Generations {
        self.generations.clone()
    }
}

impl Activation for InProcess {
    fn releases(&self, inner: Arc<dyn ReleaseLedger>) -> Arc<dyn ReleaseLedger> {
        Arc::new(RaisingReleaseLedger::new(inner, self.generations()))
    }

    fn journal(&self, inner: Arc<dyn audit::ports::Journal>) -> Arc<dyn audit::ports::Journal> {
        Arc::new(RaisingJournal::new(inner, self.histories.clone()))
    }

    fn assertions(&self, inner: Arc<dyn AssertionLog>) -> Arc<dyn AssertionLog> {
        Arc::new(RaisingAssertionLog::new(inner, self.generations()))
    }

    fn ledger(&self, inner: Arc<dyn Ledger>) -> Arc<dyn Ledger> {
        Arc::new(RaisingLedger::new(inner, self.generations()))
    }

    fn gate(&self, inner: Arc<dyn SendGate>) -> Arc<dyn SendGate> {
        Arc::new(RaisingGate::new(inner, self.histories.clone()))
    }

    fn events(&self, inner: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
        Arc::new(RaisingEventLog::new(inner, self.generations()))
    }

    fn directory(&self, inner: Arc<dyn Directory>) -> Arc<dyn Directory> {
        Arc::new(CachedDirectory::new(inner, self.generations()))
    }

    fn snapshots(&self, inner: Arc<dyn SnapshotSource>) -> Arc<dyn SnapshotSource> {
        Arc::new(CachedSnapshots::new(inner, self.clock.clone(), self.generations()))
    }

    fn policy(&self, inner: Arc<dyn PolicyHead>) -> Arc<dyn PolicyHead> {
        Arc::new(CachedPolicyHead::new(inner, self.generations()))
    }

    fn context(&self, inner: Arc<dyn ContextStore>) -> Arc<dyn ContextStore> {
        Arc::new(CachedContext::new(inner, self.generations()))
    }

    fn board(&self, inner: Arc<dyn FreshnessBoard>) -> Arc<dyn FreshnessBoard> {
        Arc::new(CachedBoard::new(inner, self.generations()))
    }

    fn contacts(&self, inner: Arc<dyn ContactLedger>) -> Arc<dyn ContactLedger> {
        Arc::new(CachedContacts::new(inner, self.histories.clone()))
    }
}

/// Nowhere: every process reads the systems of record, to which others write without telling it.
#[derive(Debug)]
pub(crate) struct Nowhere;

impl Activation for Nowhere {
    fn releases(&self, inner: Arc<dyn ReleaseLedger>) -> Arc<dyn ReleaseLedger> {
        inner
    }

    fn journal(&self, inner: Arc<dyn audit::ports::Journal>) -> Arc<dyn audit::ports::Journal> {
        inner
    }

    fn assertions(&self, inner: Arc<dyn AssertionLog>) -> Arc<dyn AssertionLog> {
        inner
    }

    fn ledger(&self, inner: Arc<dyn Ledger>) -> Arc<dyn Ledger> {
        inner
    }

    fn gate(&self, inner: Arc<dyn SendGate>) -> Arc<dyn SendGate> {
        inner
    }

    fn events(&self, inner: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
        inner
    }

    fn directory(&self, inner: Arc<dyn Directory>) -> Arc<dyn Directory> {
        inner
    }

    fn snapshots(&self, inner: Arc<dyn SnapshotSource>) -> Arc<dyn SnapshotSource> {
        inner
    }

    fn policy(&self, inner: Arc<dyn PolicyHead>) -> Arc<dyn PolicyHead> {
        inner
    }

    fn context(&self, inner: Arc<dyn ContextStore>) -> Arc<dyn ContextStore> {
        inner
    }

    fn board(&self, inner: Arc<dyn FreshnessBoard>) -> Arc<dyn FreshnessBoard> {
        inner
    }

    fn contacts(&self, inner: Arc<dyn ContactLedger>) -> Arc<dyn ContactLedger> {
        inner
    }
}

/// On Redis, for every process of the deployment.
#[derive(Debug)]
pub(crate) struct OnRedis {
    layer: Layer,
    hints: Arc<dyn HintBus>,
    timing: Timing,
    /// What this process admits itself, so that it need not wait for a lease to see it.
    generations: Generations,
    clock: Arc<dyn Clock>,
}

impl OnRedis {
    /// The layer of these systems of record; a Redis out of reach is no reason not to start.
    pub(crate) async fn open(
        settings: &Settings,
        database: &Arc<Database>,
        machine: Machine,
    ) -> Result<Self> {
        let charter = Arc::new(SqlCharter::new(database.clone(), settings.prefix.as_str()));
        let memberships = Arc::new(SqlMemberships::new(database.clone()));
        let parts = Parts { charter, memberships, entropy: machine.entropy };
        let layer = Layer::new(settings, parts).context("naming the activation layer")?;
        layer.beat().await.context("reading the charter of the activation layer")?;
        let hints = RedisHints::new(settings).context("naming the bus of hints")?;
        let hints = Arc::new(Traced::new(hints));
        let (generations, clock) = (Generations::default(), machine.clock);
        Ok(Self { layer, hints, timing: settings.timing, generations, clock })
    }

    fn layer(&self) -> Layer {
        self.layer.clone()
    }
}

impl Activation for OnRedis {
    fn releases(&self, inner: Arc<dyn ReleaseLedger>) -> Arc<dyn ReleaseLedger> {
        Arc::new(LeasingReleaseLedger::new(inner, self.timing))
    }

    fn journal(&self, inner: Arc<dyn audit::ports::Journal>) -> Arc<dyn audit::ports::Journal> {
        Arc::new(FencedJournal::new(inner, self.layer()))
    }

    fn assertions(&self, inner: Arc<dyn AssertionLog>) -> Arc<dyn AssertionLog> {
        Arc::new(FencedAssertionLog::new(inner, self.layer()))
    }

    fn ledger(&self, inner: Arc<dyn Ledger>) -> Arc<dyn Ledger> {
        Arc::new(FencedLedger::new(inner, self.layer()))
    }

    fn gate(&self, inner: Arc<dyn SendGate>) -> Arc<dyn SendGate> {
        Arc::new(FencedGate::new(inner, self.layer()))
    }

    fn events(&self, inner: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
        Arc::new(RaisingEventLog::new(inner, self.generations.clone()))
    }

    fn directory(&self, inner: Arc<dyn Directory>) -> Arc<dyn Directory> {
        Arc::new(RedisDirectory::new(inner, self.layer()))
    }

    fn snapshots(&self, inner: Arc<dyn SnapshotSource>) -> Arc<dyn SnapshotSource> {
        Arc::new(RedisSnapshots::new(inner, self.clock.clone(), self.layer()))
    }

    fn policy(&self, inner: Arc<dyn PolicyHead>) -> Arc<dyn PolicyHead> {
        Arc::new(LeasedPolicyHead::new(inner, self.timing))
    }

    fn context(&self, inner: Arc<dyn ContextStore>) -> Arc<dyn ContextStore> {
        Arc::new(RedisContext::new(inner, self.layer()))
    }

    fn board(&self, inner: Arc<dyn FreshnessBoard>) -> Arc<dyn FreshnessBoard> {
        Arc::new(LeasedBoard::new(inner, self.generations.clone(), self.timing))
    }

    fn contacts(&self, inner: Arc<dyn ContactLedger>) -> Arc<dyn ContactLedger> {
        Arc::new(RedisContacts::new(inner, self.layer()))
    }

    fn upkeep(&self, record: Sources) -> Option<Upkeep> {
        Some(Upkeep::new(&self.layer, record, self.clock.clone()))
    }

    fn keepers(&self, nudge: &Nudge) -> Vec<Arc<dyn Job>> {
        let telling = Telling::new(self.hints.clone(), nudge.clone());
        vec![Arc::new(Beating(self.layer())), Arc::new(telling)]
    }

    fn ears(&self, nudge: &Nudge) -> Vec<Arc<dyn Job>> {
        vec![Arc::new(Hearing::new(self.hints.clone(), nudge.clone()))]
    }
}

/// Keeps the lease of this process on the layer; due in every role.
#[derive(Debug)]
struct Beating(Layer);

#[async_trait]
impl Job for Beating {
    fn name(&self) -> &'static str {
        "activation.beat"
    }

    /// Nothing is ever left to do at once: a failed beat is followed by the next.
    async fn run_once(&self, _: usize) -> Result<usize, Fault> {
        if let Err(fault) = self.0.beat().await {
            tracing::warn!(%fault, "the activation layer could not be kept");
        }
        Ok(0)
    }
}
