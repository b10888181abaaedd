//! The policy epoch, kept close: raised by each move of a pointer.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use consent::ports::PolicyHead;
use kernel::{Epoch, Fault, Limit, Page, TenantId};
use rollout::{
    pointer::{DeploymentId, Pointer},
    ports::{AppendError, ReleaseLedger, Transition},
};

use super::{
    Activated, Generations,
    touched::{Touched, raising},
};

/// The most tenants whose epoch is kept.
pub const POLICIES_MAX: usize = 10_000;

/// [`PolicyHead`] that asks again only when a pointer may have moved.
pub struct CachedPolicyHead {
    inner: Arc<dyn PolicyHead>,
    kept: Activated<TenantId, Epoch>,
}

impl fmt::Debug for CachedPolicyHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachedPolicyHead")
    }
}

impl CachedPolicyHead {
    /// A cache before this head.
    pub fn new(inner: Arc<dyn PolicyHead>, generations: Generations) -> Self {
        Self { inner, kept: Activated::new(POLICIES_MAX, generations) }
    }
}

#[async_trait]
impl PolicyHead for CachedPolicyHead {
    async fn policy(&self, tenant: &TenantId) -> Result<Epoch, Fault> {
        if let Some(epoch) = self.kept.get(tenant) {
            return Ok(epoch);
        }
        let stamp = self.kept.generations().stamp([Touched::Policy(tenant.clone())]);
        let epoch = self.inner.policy(tenant).await?;
        self.kept.fill(tenant.clone(), epoch, stamp);
        Ok(epoch)
    }
}

/// [`ReleaseLedger`] that raises the tenant of every move.
#[derive(Debug)]
pub struct RaisingReleaseLedger {
    inner: Arc<dyn ReleaseLedger>,
    generations: Generations,
}

impl RaisingReleaseLedger {
    /// Raises these generations.
    pub fn new(inner: Arc<dyn ReleaseLedger>, generations: Generations) -> Self {
        Self { inner, generations }
    }
}

#[async_trait]
impl ReleaseLedger for RaisingReleaseLedger {
    async fn head(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
    ) -> Result<Option<Pointer>, Fault> {
        self.inner.head(tenant, deployment).await
    }

    async fn at(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
        seq: u64,
    ) -> Result<Option<Pointer>, Fault> {
        self.inner.at(tenant, deployment, seq).await
    }

    async fn append(&self, transition: &Transition) -> Result<(), AppendError> {
        let touched = vec![Touched::Policy(transition.pointer.tenant.clone())];
        raising(&self.generations, touched, self.inner.append(transition)).await
    }

    async fn history(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Page<Pointer>, Fault> {
        self.inner.history(tenant, deployment, before, limit).await
    }

    async fn policy(&self, tenant: &TenantId) -> Result<Epoch, Fault> {
        self.inner.policy(tenant).await
    }
}
