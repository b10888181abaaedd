//! Submitting bundles, moving the pointer, and knowing what is live.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::TimeDelta;
use kernel::{
    Clock, Digest, Entropy, Fact, FactId, Fault, Finding, Instant, Limit, Page, StaffId, TenantId,
};
use serde_json::{Value, json};

use crate::{
    artifact::SourceFile,
    bundle::{Entry, LoadedBundle},
    diff::{Diff, diff},
    lint::{Validators, assemble},
    pointer::{DeploymentId, Move, MoveReason, Pointer, follows},
    ports::{AppendError, ArtifactStore, PolicyEffect, ReleaseLedger, Submission, Transition},
};

/// How long a node serves what it last read before it reads the pointer again; moves made through
/// the same service are seen at once.
pub const FRESH_SECONDS: i64 = 1;

/// A bundle that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// What names it.
    pub bundle: Digest,
    /// Its entries, by slot.
    pub entries: Vec<Entry>,
    /// How many artifacts nobody had submitted before.
    pub new: usize,
}

/// Why a submission was refused.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The files form no valid bundle.
    #[error("{} things are wrong with the artifacts", .0.len())]
    Invalid(Vec<Finding>),
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why the pointer was not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// No such bundle was submitted.
    #[error("bundle {0} was not submitted")]
    UnknownBundle(Digest),
    /// The bundle no longer passes the domains' checks.
    #[error("{} things are wrong with the bundle", .0.len())]
    Invalid(Vec<Finding>),
    /// Nothing was live before.
    #[error("there is nothing to go back to")]
    NothingBefore,
    /// Another move came first.
    #[error("the pointer moved meanwhile")]
    Conflict,
    /// The store or the ledger failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What is live: the pointer and the bundle it points to.
#[derive(Debug, Clone)]
pub struct Live {
    /// The pointer.
    pub pointer: Pointer,
    /// The bundle with every body.
    pub bundle: Arc<LoadedBundle>,
}

/// Releases of one deployment, for every tenant.
#[derive(Debug)]
pub struct ReleaseService {
    deployment: DeploymentId,
    store: Arc<dyn ArtifactStore>,
    ledger: Arc<dyn ReleaseLedger>,
    validators: Validators,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    seen: Mutex<BTreeMap<TenantId, (Instant, Live)>>,
}

impl ReleaseService {
    /// The releases of this deployment.
    pub fn new(
        deployment: DeploymentId,
        store: Arc<dyn ArtifactStore>,
        ledger: Arc<dyn ReleaseLedger>,
        validators: Validators,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let seen = Mutex::default();
        Self { deployment, store, ledger, validators, clock, entropy, seen }
    }

    /// Takes in the files of a bundle; the same files again give the same bundle.
    pub async fn submit(
        &self,
        tenant: &TenantId,
        sources: &[SourceFile],
        by: &StaffId,
    ) -> Result<Submitted, SubmitError> {
        let it = assemble(sources, &self.validators).map_err(SubmitError::Invalid)?;
        let now = self.clock.now();
        let state = |artifact: crate::Artifact| {
            let body = json!({
                "digest": artifact.digest(),
                "kind": artifact.kind().as_str(),
                "schema": artifact.schema(),
                "by": by,
            });
            (artifact, self.fact(tenant, "artifact.stored", now, body))
        };
        let submission = Submission {
            tenant: tenant.clone(),
            bundle: it.bundle,
            artifacts: it.artifacts.into_iter().map(state).collect(),
        };
        let new = self.store.put(&submission).await?;
        let bundle = submission.bundle;
        Ok(Submitted { bundle: bundle.digest(), entries: bundle.entries().to_vec(), new })
    }

    /// Makes a submitted bundle live; the one that is live already stays, and nothing moves.
    pub async fn activate(
        &self,
        tenant: &TenantId,
        bundle: Digest,
        by: &StaffId,
        reason: MoveReason,
    ) -> Result<Pointer, MoveError> {
        let next = self.required(tenant, bundle).await?;
        let findings = self.validators.check(&next.refs());
        if !findings.is_empty() {
            return Err(MoveError::Invalid(findings));
        }
        let current = self.ledger.head(tenant, &self.deployment).await?;
        match current {
            Some(it) if it.bundle == bundle => Ok(it),
            current => {
                let back = current.as_ref().map(|it| it.seq);
                self.advance(tenant, current, next, (Move::Activated, back), (by, reason)).await
            }
        }
    }

    /// Brings back the bundle that was live before this one, under a new sequence.
    ///
    /// Needs nobody's consent and no check: what went live once was valid then.
    pub async fn roll_back(
        &self,
        tenant: &TenantId,
        by: &StaffId,
        reason: MoveReason,
    ) -> Result<Pointer, MoveError> {
        let current = self.ledger.head(tenant, &self.deployment).await?;
        let back = current.as_ref().and_then(|it| it.back).ok_or(MoveError::NothingBefore)?;
        let target = self
            .ledger
            .at(tenant, &self.deployment, back)
            .await?
            .ok_or_else(|| Fault::escalate("reading the pointer to go back to"))?;
        let next = self.required(tenant, target.bundle).await?;
        self.advance(tenant, current, next, (Move::RolledBack, target.back), (by, reason)).await
    }

    /// What is live, at most [`FRESH_SECONDS`] old; `None` before the first activation.
    pub async fn live(&self, tenant: &TenantId) -> Result<Option<Live>, Fault> {
        let now = self.clock.now();
        let seen = self.seen(tenant);
        if let Some((read_at, it)) = &seen {
            let age = now.since(*read_at);
            if age >= TimeDelta::zero() && age < TimeDelta::seconds(FRESH_SECONDS) {
                return Ok(Some(it.clone()));
            }
        }
        let Some(pointer) = self.ledger.head(tenant, &self.deployment).await? else {
            return match seen {
                None => Ok(None),
                Some(_) => Err(Fault::escalate("the pointer disappeared")),
            };
        };
        follows(seen.as_ref().map(|it| &it.1.pointer), &pointer)
            .map_err(|it| Fault::escalate("following the pointer").because(it))?;
        let bundle = match seen {
            Some((_, it)) if it.bundle.digest() == pointer.bundle => it.bundle,
            _ => self
                .store
                .bundle(tenant, pointer.bundle)
                .await?
                .map(Arc::new)
                .ok_or_else(|| Fault::escalate("reading the live bundle"))?,
        };
        let live = Live { pointer, bundle };
        self.see(tenant, now, live.clone());
        Ok(Some(live))
    }

    /// A bundle by what names it.
    pub async fn bundle(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<Option<Arc<LoadedBundle>>, Fault> {
        Ok(self.store.bundle(tenant, digest).await?.map(Arc::new))
    }

    /// An artifact by what names it.
    pub async fn artifact(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<Option<crate::Artifact>, Fault> {
        self.store.artifact(tenant, digest).await
    }

    /// The moves before a sequence (all of them without one), newest first.
    pub async fn history(
        &self,
        tenant: &TenantId,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Page<Pointer>, Fault> {
        self.ledger.history(tenant, &self.deployment, before, limit).await
    }

    /// What one bundle changes against another; without a `before`, against what is live.
    pub async fn diff(
        &self,
        tenant: &TenantId,
        before: Option<Digest>,
        after: Digest,
    ) -> Result<Diff, MoveError> {
        let before = match before {
            Some(it) => Some(self.required(tenant, it).await?),
            None => self.live(tenant).await?.map(|it| it.bundle),
        };
        let after = self.required(tenant, after).await?;
        Ok(diff(before.as_deref(), &after))
    }

    async fn advance(
        &self,
        tenant: &TenantId,
        current: Option<Pointer>,
        next: Arc<LoadedBundle>,
        (moved, back): (Move, Option<u64>),
        (by, reason): (&StaffId, MoveReason),
    ) -> Result<Pointer, MoveError> {
        let unnamed = |it| Fault::escalate("naming a pointer").because(it);
        let before = match &current {
            Some(it) => Some(self.required(tenant, it.bundle).await?),
            None => None,
        };
        let changes = diff(before.as_deref(), &next);
        let policy =
            if changes.touches_policy() { PolicyEffect::Raise } else { PolicyEffect::Keep };
        let now = self.clock.now();
        let pointer = Pointer {
            tenant: tenant.clone(),
            deployment: self.deployment.clone(),
            seq: current.as_ref().map_or(0, |it| it.seq).saturating_add(1),
            prev: current.as_ref().map(Pointer::digest).transpose().map_err(unnamed)?,
            bundle: next.digest(),
            back,
            moved,
            by: by.clone(),
            reason,
            at: now,
        };
        let body = json!({
            "deployment": pointer.deployment,
            "seq": pointer.seq,
            "bundle": pointer.bundle,
            "pointer": pointer.digest().map_err(unnamed)?,
            "by": by,
            "added": changes.added.len(),
            "removed": changes.removed.len(),
            "changed": changes.changed.len(),
            "policy": policy == PolicyEffect::Raise,
        });
        let name = match moved {
            Move::Activated => "release.activated",
            Move::RolledBack => "release.rolled_back",
        };
        let statement = self.fact(tenant, name, now, body.clone());
        let mut moved = self.fact(tenant, "pointer.moved", now, body);
        moved.cause = Some(statement.id);
        let transition = Transition { pointer, policy, facts: vec![statement, moved] };
        self.ledger.append(&transition).await.map_err(|it| match it {
            AppendError::Conflict => MoveError::Conflict,
            AppendError::Fault(it) => MoveError::Fault(it),
        })?;
        self.see(tenant, now, Live { pointer: transition.pointer.clone(), bundle: next });
        Ok(transition.pointer)
    }

    async fn required(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<Arc<LoadedBundle>, MoveError> {
        let found = self.store.bundle(tenant, digest).await?;
        found.map(Arc::new).ok_or(MoveError::UnknownBundle(digest))
    }

    fn fact(&self, tenant: &TenantId, name: &str, at: Instant, body: Value) -> Fact {
        Fact {
            id: FactId::mint(at, &*self.entropy),
            tenant: tenant.clone(),
            name: name.to_owned(),
            at,
            subject: None,
            nodes: Vec::new(),
            cause: None,
            trace: None,
            body,
        }
    }

    fn seen(&self, tenant: &TenantId) -> Option<(Instant, Live)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    /// Remembers the newest pointer; a slower reader never sets it back.
    fn see(&self, tenant: &TenantId, at: Instant, live: Live) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(tenant) {
            Some((_, it)) if it.pointer.seq > live.pointer.seq => {}
            _ => {
                seen.insert(tenant.clone(), (at, live));
            }
        }
    }
}
