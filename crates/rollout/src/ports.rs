//! What rollout asks of the outside.

use std::fmt;

use async_trait::async_trait;
use kernel::{Digest, Epoch, Fact, Fault, Limit, Page, TenantId};

use crate::{
    artifact::Artifact,
    bundle::{Bundle, LoadedBundle},
    pointer::{DeploymentId, Pointer},
};

/// A bundle to keep with every artifact it names.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Whose.
    pub tenant: TenantId,
    /// The bundle.
    pub bundle: Bundle,
    /// Its artifacts, each with the statement that it was stored: kept only with a new artifact.
    pub artifacts: Vec<(Artifact, Fact)>,
}

/// Keeps artifacts and bundles by their content.
#[async_trait]
pub trait ArtifactStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a bundle and its artifacts; what is there already stays as it is, without a second
    /// statement. Says how many artifacts were new.
    async fn put(&self, submission: &Submission) -> Result<usize, Fault>;
    /// The artifact of this digest.
    async fn artifact(&self, tenant: &TenantId, digest: Digest) -> Result<Option<Artifact>, Fault>;
    /// The bundle of this digest with every body.
    async fn bundle(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<Option<LoadedBundle>, Fault>;
}

/// Whether a move changes what permission rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyEffect {
    /// It does: the tenant's policy epoch rises with the move.
    Raise,
    /// It does not.
    Keep,
}

/// One move of a pointer with its statements.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The pointer after the move; its sequence says which one it must follow.
    pub pointer: Pointer,
    /// What it does to the policy epoch.
    pub policy: PolicyEffect,
    /// Its statements.
    pub facts: Vec<Fact>,
}

/// Why a move was not kept.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another move came first, or the pointer does not name the one before it.
    #[error("the pointer moved meanwhile")]
    Conflict,
    /// The ledger failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Keeps every move of every pointer.
#[async_trait]
pub trait ReleaseLedger: fmt::Debug + Send + Sync + 'static {
    /// The pointer in force.
    async fn head(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
    ) -> Result<Option<Pointer>, Fault>;
    /// The pointer of one sequence.
    async fn at(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
        seq: u64,
    ) -> Result<Option<Pointer>, Fault>;
    /// Moves the pointer, raises the policy epoch and keeps the statements, together or not at all.
    async fn append(&self, transition: &Transition) -> Result<(), AppendError>;
    /// The moves before a sequence (all of them without one), newest first.
    async fn history(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Page<Pointer>, Fault>;
    /// The tenant's policy epoch; 0 before any move raised it.
    async fn policy(&self, tenant: &TenantId) -> Result<Epoch, Fault>;
}
