//! Use cases: record, take away, choose, look back, answer.

use std::sync::Arc;

use kernel::{
    Clock, Cursor, Entropy, Fault, Instant, Limit, NodeId, Page, PersonAt, Reason, TenantId,
};
use uuid::Uuid;

use crate::{
    ConsentEvent, Effect, EventRef, NewEvent,
    document::DocumentKey,
    ports::{ArtifactSource, InFlight, Ledger},
    receipt::{self, Profile},
};

mod confirm;
mod explain;
mod keep;
mod preference;
mod restrain;
mod signal;
mod verdict;

pub use confirm::ConfirmError;
pub use explain::ExplainService;
pub use preference::{Chosen, PreferenceChange, PreferenceError};
pub use restrain::{By, RestrainError};
pub use signal::Heard;
pub use verdict::{LedgerSnapshots, VerdictService};

use keep::{KeepError, Wish};

/// The most events one call may hand in.
pub const EVENTS_PER_CALL_MAX: usize = 1_000;
/// The most events of a node after which no permissive one is kept any more.
pub const EVENTS_PER_NODE_MAX: u64 = 10_000;
/// How long an answer waits for sends under way.
pub const REPLY_MAX: chrono::TimeDelta = chrono::TimeDelta::seconds(2);

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordOutcome {
    /// Kept.
    Recorded(EventRef),
    /// Known already, with the same content.
    Duplicate(EventRef),
    /// The id is taken by another content; nothing was kept.
    Conflict,
    /// Not kept, and why; never a restrictive event.
    Refused(Reason),
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// One outcome per event, in order.
    pub outcomes: Vec<RecordOutcome>,
    /// Whether sends gated before its restrictive events have all ended.
    pub effect: Effect,
}

/// Why a batch was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// More than [`EVENTS_PER_CALL_MAX`] events.
    #[error("at most 1000 events a call")]
    TooMany,
    /// A port failed; nothing is known to have been kept.
    #[error("recording consent events")]
    Fault(#[from] Fault),
}

/// Records choices, takes permission away, keeps preferences, looks back.
#[derive(Debug)]
pub struct ConsentService {
    ledger: Arc<dyn Ledger>,
    in_flight: Arc<dyn InFlight>,
    artifacts: Arc<dyn ArtifactSource>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl ConsentService {
    /// The use cases over these ports.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        in_flight: Arc<dyn InFlight>,
        artifacts: Arc<dyn ArtifactSource>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { ledger, in_flight, artifacts, clock, entropy }
    }

    /// Records a batch in one transaction: what may be kept is kept, each event has its outcome.
    /// Where it holds restrictive events, sends under way are waited for before it answers.
    pub async fn record(
        &self,
        tenant: &TenantId,
        events: Vec<NewEvent>,
    ) -> Result<Recorded, RecordError> {
        if events.len() > EVENTS_PER_CALL_MAX {
            return Err(RecordError::TooMany);
        }
        let nodes = distinct(events.iter().map(|it| it.node).collect());
        let wish = Wish { events, nodes, subject: None, act: None, guard: None };
        let kept = self.keep(tenant, &wish).await.map_err(|it| match it {
            KeepError::Fault(fault) => fault,
            other => Fault::escalate("recording events without a condition").because(other),
        })?;
        let settling: Vec<NodeId> = wish
            .events
            .iter()
            .zip(&kept.outcomes)
            .filter(|(event, outcome)| {
                event.kind.settles()
                    && matches!(outcome, RecordOutcome::Recorded(_) | RecordOutcome::Duplicate(_))
            })
            .map(|(event, _)| event.node)
            .collect();
        let (effect, _) = self.settle(tenant, &distinct(settling)).await;
        Ok(Recorded { outcomes: kept.outcomes, effect })
    }

    /// The history of a person, newest first.
    pub async fn history(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        after: Option<&Cursor>,
        limit: Limit,
    ) -> Result<Page<ConsentEvent>, Fault> {
        self.ledger.page(tenant, &person.nodes, after, limit).await
    }

    /// The event of this id.
    pub async fn event(&self, tenant: &TenantId, id: Uuid) -> Result<Option<ConsentEvent>, Fault> {
        Ok(self.ledger.find(tenant, &[id]).await?.into_iter().next())
    }

    /// The receipt of a choice in a form, signed, if there is such a choice and the form has words
    /// for it.
    pub async fn receipt(
        &self,
        tenant: &TenantId,
        id: Uuid,
        profile: Profile,
        key: &DocumentKey,
    ) -> Result<Option<serde_json::Value>, Fault> {
        let Some(event) = self.event(tenant, id).await? else { return Ok(None) };
        let artifacts = self.artifacts.live(tenant).await?;
        receipt::signed(&event, &artifacts, profile, key)
    }

    /// Waits for the sends under way for these nodes; out of reach is an honest "recorded".
    async fn settle(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
    ) -> (Effect, Vec<crate::ports::Straggler>) {
        if nodes.is_empty() {
            return (Effect::Effective, Vec::new());
        }
        let until: Instant = self.clock.now().plus(REPLY_MAX);
        match self.in_flight.settle(tenant, nodes, until).await {
            Ok(settled) if settled.is_complete() => (Effect::Effective, settled.in_flight),
            Ok(settled) => (Effect::Recorded, settled.in_flight),
            Err(_) => (Effect::Recorded, Vec::new()),
        }
    }
}

fn distinct(mut nodes: Vec<NodeId>) -> Vec<NodeId> {
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}
