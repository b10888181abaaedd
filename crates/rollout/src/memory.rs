//! The reference implementation of rollout's ports, with outages that can be switched on.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use kernel::{Cursor, Digest, Epoch, Fault, Limit, Page, TenantId, memory::MemoryFeed};

use crate::{
    artifact::Artifact,
    bundle::{Bundle, LoadedBundle},
    pointer::{DeploymentId, Pointer, continues},
    ports::{AppendError, ArtifactStore, PolicyEffect, ReleaseLedger, Submission, Transition},
};

/// Artifacts, bundles and moves in memory.
#[derive(Debug, Default)]
pub struct MemoryReleases {
    feed: Arc<MemoryFeed>,
    state: Mutex<State>,
    outage: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    artifacts: BTreeMap<(TenantId, Digest), Artifact>,
    bundles: BTreeMap<(TenantId, Digest), Bundle>,
    moves: BTreeMap<(TenantId, DeploymentId), Vec<Pointer>>,
    policy: BTreeMap<TenantId, Epoch>,
}

impl MemoryReleases {
    /// Nothing stored, nothing live; facts go to this feed.
    pub fn new(feed: Arc<MemoryFeed>) -> Self {
        Self { feed, ..Self::default() }
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }

    fn locked<T>(&self, f: impl FnOnce(&mut State) -> T) -> Result<T, Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry("reaching the releases"));
        }
        Ok(f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[async_trait]
impl ArtifactStore for MemoryReleases {
    async fn put(&self, submission: &Submission) -> Result<usize, Fault> {
        self.locked(|state| {
            let mut new = 0;
            for (artifact, fact) in &submission.artifacts {
                let key = (submission.tenant.clone(), artifact.digest());
                if state.artifacts.insert(key, artifact.clone()).is_none() {
                    new += 1;
                    self.feed.push(std::slice::from_ref(fact));
                }
            }
            let key = (submission.tenant.clone(), submission.bundle.digest());
            state.bundles.insert(key, submission.bundle.clone());
            new
        })
    }

    async fn artifact(&self, tenant: &TenantId, digest: Digest) -> Result<Option<Artifact>, Fault> {
        self.locked(|it| it.artifacts.get(&(tenant.clone(), digest)).cloned())
    }

    async fn bundle(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<Option<LoadedBundle>, Fault> {
        self.locked(|state| {
            let Some(bundle) = state.bundles.get(&(tenant.clone(), digest)) else {
                return Ok(None);
            };
            let artifacts = bundle
                .entries()
                .iter()
                .filter_map(|it| state.artifacts.get(&(tenant.clone(), it.digest)))
                .map(|it| (it.digest(), it.clone()))
                .collect();
            LoadedBundle::assemble(bundle, &artifacts)
                .map(Some)
                .map_err(|it| Fault::escalate("assembling a bundle").because(it))
        })?
    }
}

#[async_trait]
impl ReleaseLedger for MemoryReleases {
    async fn head(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
    ) -> Result<Option<Pointer>, Fault> {
        let key = (tenant.clone(), deployment.clone());
        self.locked(|it| it.moves.get(&key).and_then(|it| it.last()).cloned())
    }

    async fn at(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
        seq: u64,
    ) -> Result<Option<Pointer>, Fault> {
        let key = (tenant.clone(), deployment.clone());
        self.locked(|it| it.moves.get(&key)?.iter().find(|it| it.seq == seq).cloned())
    }

    async fn append(&self, transition: &Transition) -> Result<(), AppendError> {
        let pointer = &transition.pointer;
        self.locked(|state| {
            let key = (pointer.tenant.clone(), pointer.deployment.clone());
            let moves = state.moves.entry(key).or_default();
            continues(moves.last(), pointer).map_err(|_| AppendError::Conflict)?;
            moves.push(pointer.clone());
            if transition.policy == PolicyEffect::Raise {
                let epoch = state.policy.entry(pointer.tenant.clone()).or_default();
                *epoch = epoch.next();
            }
            self.feed.push(&transition.facts);
            Ok(())
        })?
    }

    async fn history(
        &self,
        tenant: &TenantId,
        deployment: &DeploymentId,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Page<Pointer>, Fault> {
        let key = (tenant.clone(), deployment.clone());
        self.locked(|state| {
            let moves = state.moves.get(&key).into_iter().flatten().rev();
            let mut items: Vec<_> =
                moves.filter(|it| before.is_none_or(|before| it.seq < before)).cloned().collect();
            let more = items.len() > usize::from(limit.get());
            items.truncate(usize::from(limit.get()));
            let next = items.last().filter(|_| more).map(|it| Cursor(it.seq.to_string()));
            Page { items, next }
        })
    }

    async fn policy(&self, tenant: &TenantId) -> Result<Epoch, Fault> {
        self.locked(|it| it.policy.get(tenant).copied().unwrap_or_default())
    }
}
