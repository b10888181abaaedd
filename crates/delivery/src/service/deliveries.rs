//! What became of deliveries.

use std::sync::Arc;

use kernel::{Cursor, DeliveryId, Fault, Limit, Page, TenantId};

use crate::{
    message::Delivery,
    ports::{DeliveryStore, Filter, Trail},
};

/// Queries over deliveries.
#[derive(Debug, Clone)]
pub struct DeliveryService {
    store: Arc<dyn DeliveryStore>,
}

impl DeliveryService {
    /// The queries over this store.
    pub fn new(store: Arc<dyn DeliveryStore>) -> Self {
        Self { store }
    }

    /// One delivery with its attempts and what each gate saw.
    pub async fn get(&self, tenant: &TenantId, id: DeliveryId) -> Result<Option<Trail>, Fault> {
        self.store.get(tenant, id).await
    }

    /// A page of deliveries, newest first.
    pub async fn page(
        &self,
        tenant: &TenantId,
        filter: &Filter,
        after: Option<Cursor>,
        limit: Limit,
    ) -> Result<Page<Delivery>, Fault> {
        self.store.page(tenant, filter, after, limit).await
    }
}
