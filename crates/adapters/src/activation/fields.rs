//! Views of fields, kept close: raised by each application of events.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use context::{
    ObjectRef,
    ports::{Application, ApplyError, ContextStore},
    view::View,
};
use kernel::{Fault, NodeId, TenantId};

use super::{
    Activated, Generations,
    touched::{Touched, each, raising},
};

/// The most views kept.
pub const VIEWS_MAX: usize = 20_000;

/// [`ContextStore`] that reads a view again only when one of its nodes may have moved.
pub struct CachedContext {
    inner: Arc<dyn ContextStore>,
    kept: Activated<(TenantId, Vec<NodeId>, Vec<ObjectRef>), Arc<View>>,
}

impl fmt::Debug for CachedContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachedContext")
    }
}

impl CachedContext {
    /// A cache before this store.
    pub fn new(inner: Arc<dyn ContextStore>, generations: Generations) -> Self {
        Self { inner, kept: Activated::new(VIEWS_MAX, generations) }
    }
}

#[async_trait]
impl ContextStore for CachedContext {
    async fn view(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        objects: &[ObjectRef],
    ) -> Result<View, Fault> {
        let (mut sorted, mut about) = (nodes.to_vec(), objects.to_vec());
        sorted.sort_unstable();
        about.sort_unstable();
        let key = (tenant.clone(), sorted, about);
        if let Some(view) = self.kept.get(&key) {
            return Ok(Arc::unwrap_or_clone(view));
        }
        let stamp = each(Touched::Fields, tenant, nodes.iter().copied());
        let stamp = self.kept.generations().stamp(stamp);
        let view = Arc::new(self.inner.view(tenant, nodes, objects).await?);
        self.kept.fill(key, Arc::clone(&view), stamp);
        Ok(Arc::unwrap_or_clone(view))
    }

    async fn versions(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
    ) -> Result<BTreeMap<NodeId, u64>, Fault> {
        self.inner.versions(tenant, nodes).await
    }

    async fn apply(&self, application: &Application) -> Result<(), ApplyError> {
        let touched = application
            .values
            .iter()
            .flat_map(|(tenant, values)| {
                each(Touched::Fields, tenant, values.iter().map(|it| it.node))
            })
            .collect();
        raising(self.kept.generations(), touched, self.inner.apply(application)).await
    }
}
