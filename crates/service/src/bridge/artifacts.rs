//! What is live: every domain's compiled artifacts, from one pinned bundle of `rollout`.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use kernel::{ArtifactRef, Digest, Fault, Finding, TenantId};
use rollout::{LoadedBundle, service::ReleaseService};

/// Every domain's view of one bundle.
#[derive(Debug)]
pub struct Compiled {
    /// The bundle.
    pub digest: Digest,
    /// Namespaces.
    pub identity: Arc<identity::Artifacts>,
    /// Purposes and notices.
    pub consent: Arc<consent::Artifacts>,
    /// Schemas, contracts, catalogue, boundaries, connectors.
    pub context: Arc<context::Artifacts>,
    /// Journey nodes.
    pub decision: Arc<decision::Artifacts>,
    /// Templates, caps, windows.
    pub delivery: Arc<delivery::Artifacts>,
}

/// Compiles a bundle for every domain; all findings of all domains, or all views.
pub fn compile(bundle: &LoadedBundle) -> Result<Compiled, Vec<Finding>> {
    let sources = bundle.refs();
    let mut findings = Vec::new();
    let identity = keep(identity::Artifacts::compile(&sources), &mut findings);
    let consent = keep(consent::Artifacts::compile(&sources), &mut findings);
    let context = keep(context::Artifacts::compile(&sources), &mut findings);
    let decision = keep(decision::Artifacts::compile(&sources), &mut findings);
    let delivery = keep(delivery::Artifacts::compile(&sources), &mut findings);
    match (identity, consent, context, decision, delivery) {
        (Some(identity), Some(consent), Some(context), Some(decision), Some(delivery)) => {
            Ok(Compiled { digest: bundle.digest(), identity, consent, context, decision, delivery })
        }
        _ => {
            findings.sort();
            Err(findings)
        }
    }
}

/// What the domains have against a bundle: rollout's validator.
pub fn validate(sources: &[ArtifactRef<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    keep(identity::Artifacts::compile(sources), &mut findings);
    keep(consent::Artifacts::compile(sources), &mut findings);
    keep(context::Artifacts::compile(sources), &mut findings);
    keep(decision::Artifacts::compile(sources), &mut findings);
    keep(delivery::Artifacts::compile(sources), &mut findings);
    findings.sort();
    findings
}

fn keep<T>(result: Result<T, Vec<Finding>>, findings: &mut Vec<Finding>) -> Option<Arc<T>> {
    match result {
        Ok(it) => Some(Arc::new(it)),
        Err(more) => {
            findings.extend(more);
            None
        }
    }
}

/// What is live for a tenant, compiled once per bundle and pinned by whoever asks.
#[derive(Clone)]
pub struct LiveArtifacts {
    releases: Arc<ReleaseService>,
    live: Arc<RwLock<BTreeMap<TenantId, Live>>>,
    compiled: Arc<RwLock<Bundles>>,
}

/// By tenant too: whoever never had a bundle is not told of it by its digest.
type Bundles = BTreeMap<(TenantId, Digest), Arc<Compiled>>;

/// A tenant's live bundle and its place in the pointer's history.
#[derive(Debug, Clone)]
pub struct Live {
    /// The pointer's sequence.
    pub sequence: u64,
    /// The bundle for every domain.
    pub compiled: Arc<Compiled>,
    /// The bundle as decisions pin it.
    pub release: Arc<decision::ports::Release>,
}

impl fmt::Debug for LiveArtifacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LiveArtifacts")
    }
}

impl LiveArtifacts {
    /// What these releases say is live.
    pub fn new(releases: Arc<ReleaseService>) -> Self {
        Self { releases, live: Arc::default(), compiled: Arc::default() }
    }

    /// What is live, as last read; reads it where nothing was read yet.
    pub async fn current(&self, tenant: &TenantId) -> Result<Option<Live>, Fault> {
        let known = self.live.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        match known {
            Some(live) => Ok(Some(live)),
            None => self.refresh(tenant).await,
        }
    }

    /// Reads the pointer anew; whoever moved it calls this, and a job does now and then.
    pub async fn refresh(&self, tenant: &TenantId) -> Result<Option<Live>, Fault> {
        let Some(live) = self.releases.live(tenant).await? else { return Ok(None) };
        let known = self.live.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        if let Some(known) = known
            && known.sequence >= live.pointer.seq
        {
            return Ok(Some(known));
        }
        let compiled = self.compiled(tenant, &live.bundle)?;
        let release = Arc::new(decision::ports::Release {
            digest: compiled.digest,
            sequence: live.pointer.seq,
            artifacts: compiled.decision.clone(),
        });
        let fresh = Live { sequence: live.pointer.seq, compiled, release };
        let mut all = self.live.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(tenant.clone(), fresh.clone());
        Ok(Some(fresh))
    }

    /// A bundle by its digest, live or not.
    pub async fn bundle(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<Option<Arc<Compiled>>, Fault> {
        if let Some(known) = self.known(tenant, digest) {
            return Ok(Some(known));
        }
        let Some(bundle) = self.releases.bundle(tenant, digest).await? else { return Ok(None) };
        self.compiled(tenant, &bundle).map(Some)
    }

    fn known(&self, tenant: &TenantId, digest: Digest) -> Option<Arc<Compiled>> {
        let all = self.compiled.read().unwrap_or_else(PoisonError::into_inner);
        all.get(&(tenant.clone(), digest)).cloned()
    }

    fn compiled(&self, tenant: &TenantId, bundle: &LoadedBundle) -> Result<Arc<Compiled>, Fault> {
        if let Some(known) = self.known(tenant, bundle.digest()) {
            return Ok(known);
        }
        let compiled = compile(bundle).map_err(|findings| {
            let first = findings.first().map(ToString::to_string).unwrap_or_default();
            Fault::escalate("compiling a released bundle").because(first)
        })?;
        let compiled = Arc::new(compiled);
        let mut all = self.compiled.write().unwrap_or_else(PoisonError::into_inner);
        all.insert((tenant.clone(), bundle.digest()), compiled.clone());
        Ok(compiled)
    }

    async fn must(&self, tenant: &TenantId) -> Result<Arc<Compiled>, Fault> {
        let live = self.current(tenant).await?;
        live.map(|it| it.compiled).ok_or_else(|| Fault::retry("reading what is live: nothing is"))
    }
}

macro_rules! source {
    ($domain:ident) => {
        #[async_trait]
        impl $domain::ports::ArtifactSource for LiveArtifacts {
            async fn live(&self, tenant: &TenantId) -> Result<Arc<$domain::Artifacts>, Fault> {
                Ok(self.must(tenant).await?.$domain.clone())
            }
        }
    };
}

source!(identity);
source!(consent);
source!(context);
source!(delivery);

#[async_trait]
impl decision::ports::ReleaseSource for LiveArtifacts {
    async fn current(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<Arc<decision::ports::Release>>, Fault> {
        Ok(Self::current(self, tenant).await?.map(|it| it.release))
    }

    async fn by_digest(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<Option<Arc<decision::Artifacts>>, Fault> {
        Ok(self.bundle(tenant, digest).await?.map(|it| it.decision.clone()))
    }
}
