//! The policy epoch, leased: a move of a pointer is acknowledged once no process can still hold the
//! epoch from before it.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use consent::ports::PolicyHead;
use kernel::{Epoch, Fault, Limit, Page, TenantId};
use rollout::{
    pointer::{DeploymentId, Pointer},
    ports::{AppendError, ReleaseLedger, Transition},
};
use tokio::time::sleep;

use super::{Timing, leased::Leased};
use crate::activation::POLICIES_MAX;

/// [`PolicyHead`] that asks once a lease.
pub struct LeasedPolicyHead {
    inner: Arc<dyn PolicyHead>,
    kept: Leased<TenantId, Epoch>,
}

impl fmt::Debug for LeasedPolicyHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeasedPolicyHead")
    }
}

impl LeasedPolicyHead {
    /// A lease on this head.
    pub fn new(inner: Arc<dyn PolicyHead>, timing: Timing) -> Self {
        Self { inner, kept: Leased::new(POLICIES_MAX, timing.lease) }
    }
}

#[async_trait]
impl PolicyHead for LeasedPolicyHead {
    async fn policy(&self, tenant: &TenantId) -> Result<Epoch, Fault> {
        self.kept.get(tenant, self.inner.policy(tenant)).await
    }
}

/// [`ReleaseLedger`] whose moves wait until every lease from before them has run out.
#[derive(Debug)]
pub struct LeasingReleaseLedger {
    inner: Arc<dyn ReleaseLedger>,
    timing: Timing,
}

impl LeasingReleaseLedger {
    /// Waits after each move of this ledger.
    pub fn new(inner: Arc<dyn ReleaseLedger>, timing: Timing) -> Self {
        Self { inner, timing }
    }
}

#[async_trait]
impl ReleaseLedger for LeasingReleaseLedger {
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
        let answer = self.inner.append(transition).await;
        // Whatever the answer: a fault may hide a commit.
        sleep(self.timing.grace()).await;
        answer
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
