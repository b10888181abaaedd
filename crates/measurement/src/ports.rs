//! What measurement asks of the outside.

use std::fmt;

use async_trait::async_trait;
use kernel::{Fault, SubjectId, TenantId};

use crate::{
    evidence::{Batch, Tally, TallyAsk},
    plan::{NodePlan, Pseudonym},
    signal::{Sighting, Signals},
};

/// Keeps draws, exposures and outcomes, and counts them.
#[async_trait]
pub trait ExposureStore: fmt::Debug + Send + Sync + 'static {
    /// Adds a batch, all of it or nothing; what was added before stays as it is.
    async fn append(&self, batch: &Batch) -> Result<(), Fault>;
    /// The sufficient statistics of a node.
    async fn tally(&self, tenant: &TenantId, ask: &TallyAsk) -> Result<Tally, Fault>;
}

/// Keeps the golden signals.
#[async_trait]
pub trait SignalStore: fmt::Debug + Send + Sync + 'static {
    /// Counts each sighting once, however often it is told, all of them or none.
    async fn add(&self, tenant: &TenantId, sightings: &[Sighting]) -> Result<(), Fault>;
    /// Every counter, ascending.
    async fn read(&self, tenant: &TenantId) -> Result<Signals, Fault>;
}

/// How the live nodes are measured.
#[async_trait]
pub trait PlanSource: fmt::Debug + Send + Sync + 'static {
    /// The plans of the live nodes, ascending by node.
    async fn plans(&self, tenant: &TenantId) -> Result<Vec<NodePlan>, Fault>;
}

/// People as measurement may know them.
#[async_trait]
pub trait UnitSource: fmt::Debug + Send + Sync + 'static {
    /// One pseudonym per subject, in order: the same person always has the same one.
    async fn pseudonyms(
        &self,
        tenant: &TenantId,
        subjects: &[SubjectId],
    ) -> Result<Vec<Pseudonym>, Fault>;
}
