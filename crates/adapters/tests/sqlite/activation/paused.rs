//! A port that can be held between its reading and its answer.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use consent::{
    Snapshot,
    ports::{PolicyHead, SnapshotSource},
};
use context::{
    ObjectRef,
    freshness::Board,
    ports::{AnnounceError, Announcement, Application, ApplyError, ContextStore, FreshnessBoard},
    view::View,
};
use delivery::{contact::Entry, ports::ContactLedger};
use identity::{
    node::{NamespaceId, Node, NodeKey},
    ports::{Counts, Directory, Person},
};
use kernel::{Epoch, Fact, Fault, Instant, NodeId, PersonAt, TenantId};
use tokio::sync::Semaphore;

/// Where a reading is held, and how many there were.
#[derive(Debug)]
pub(super) struct Pause {
    armed: AtomicBool,
    readings: AtomicUsize,
    reached: Semaphore,
    released: Semaphore,
}

impl Default for Pause {
    fn default() -> Self {
        Self {
            armed: AtomicBool::new(false),
            readings: AtomicUsize::new(0),
            reached: Semaphore::new(0),
            released: Semaphore::new(0),
        }
    }
}

impl Pause {
    /// The next reading is held.
    pub(super) fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// Until a reading is held.
    pub(super) async fn reached(&self) {
        self.reached.acquire().await.unwrap().forget();
    }

    /// Lets it go.
    pub(super) fn release(&self) {
        self.released.add_permits(1);
    }

    /// How many readings there were.
    pub(super) fn readings(&self) -> usize {
        self.readings.load(Ordering::SeqCst)
    }

    async fn after<T>(&self, reading: T) -> T {
        self.readings.fetch_add(1, Ordering::SeqCst);
        if self.armed.swap(false, Ordering::SeqCst) {
            self.reached.add_permits(1);
            self.released.acquire().await.unwrap().forget();
        }
        reading
    }
}

/// A port whose readings are held.
pub(super) struct Paused<P> {
    inner: P,
    pause: Arc<Pause>,
}

impl<P> Paused<P> {
    pub(super) fn new(inner: P, pause: &Arc<Pause>) -> Arc<Self> {
        Arc::new(Self { inner, pause: Arc::clone(pause) })
    }
}

impl<P> fmt::Debug for Paused<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Paused")
    }
}

#[async_trait]
impl<P: SnapshotSource> SnapshotSource for Paused<P> {
    async fn snapshot(&self, tenant: &TenantId, person: &PersonAt) -> Result<Snapshot, Fault> {
        self.pause.after(self.inner.snapshot(tenant, person).await).await
    }
}

#[async_trait]
impl<P: PolicyHead> PolicyHead for Paused<P> {
    async fn policy(&self, tenant: &TenantId) -> Result<Epoch, Fault> {
        self.pause.after(self.inner.policy(tenant).await).await
    }
}

#[async_trait]
impl<P: ContactLedger> ContactLedger for Paused<P> {
    async fn history(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        since: Instant,
    ) -> Result<Vec<Entry>, Fault> {
        self.pause.after(self.inner.history(tenant, nodes, since).await).await
    }

    async fn record(
        &self,
        tenant: &TenantId,
        contacts: Vec<(Entry, Fact)>,
    ) -> Result<usize, Fault> {
        self.inner.record(tenant, contacts).await
    }
}

#[async_trait]
impl<P: ContextStore> ContextStore for Paused<P> {
    async fn view(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        objects: &[ObjectRef],
    ) -> Result<View, Fault> {
        self.pause.after(self.inner.view(tenant, nodes, objects).await).await
    }

    async fn versions(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
    ) -> Result<BTreeMap<NodeId, u64>, Fault> {
        self.inner.versions(tenant, nodes).await
    }

    async fn apply(&self, application: &Application) -> Result<(), ApplyError> {
        self.inner.apply(application).await
    }
}

#[async_trait]
impl<P: FreshnessBoard> FreshnessBoard for Paused<P> {
    async fn board(&self, tenant: &TenantId) -> Result<Board, Fault> {
        self.pause.after(self.inner.board(tenant).await).await
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, Fault> {
        self.inner.tenants().await
    }

    async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError> {
        self.inner.announce(announcement).await
    }
}

#[async_trait]
impl<P: Directory> Directory for Paused<P> {
    async fn nodes(&self, tenant: &TenantId, keys: &[NodeKey]) -> Result<Vec<Node>, Fault> {
        self.pause.after(self.inner.nodes(tenant, keys).await).await
    }

    async fn persons(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
    ) -> Result<Vec<(NodeId, Person)>, Fault> {
        self.pause.after(self.inner.persons(tenant, nodes).await).await
    }

    async fn key(&self, tenant: &TenantId, node: NodeId) -> Result<Option<NodeKey>, Fault> {
        self.inner.key(tenant, node).await
    }

    async fn namespaces(&self, tenant: &TenantId) -> Result<Vec<(NamespaceId, u64)>, Fault> {
        self.inner.namespaces(tenant).await
    }

    async fn counts(&self, tenant: &TenantId) -> Result<Counts, Fault> {
        self.inner.counts(tenant).await
    }
}
