//! Deliveries in memory.

use async_trait::async_trait;
use kernel::{Cursor, DeliveryId, Fact, Fault, Instant, Limit, Page, TenantId};

use super::{MemoryDesk, page};
use crate::{
    message::Delivery,
    ports::{Change, DeliveryStore, Filter, Planned, Trail},
};

#[async_trait]
impl DeliveryStore for MemoryDesk {
    async fn plan(&self, planned: Vec<Planned>, notes: Vec<Fact>) -> Result<usize, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let mut new = 0;
            for Planned { delivery, facts } in planned {
                let known = it.deliveries.values().any(|other| {
                    other.tenant == delivery.tenant
                        && other.decision == delivery.decision
                        && other.treatment == delivery.treatment
                });
                if !known {
                    self.feed.push(&facts);
                    it.deliveries.insert((delivery.tenant.clone(), delivery.id), delivery);
                    new += 1;
                }
            }
            self.feed.push(&notes);
            new
        }))
    }

    async fn due(&self, now: Instant, limit: usize) -> Result<Vec<Delivery>, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let due = |it: &Delivery| it.state.due_at(it.not_before).filter(|at| *at <= now);
            let mut out: Vec<_> = it.deliveries.values().filter(|it| due(it).is_some()).collect();
            out.sort_by_key(|it| (it.class, due(it), it.priority, it.id));
            out.into_iter().take(limit).cloned().collect()
        }))
    }

    async fn get(&self, tenant: &TenantId, id: DeliveryId) -> Result<Option<Trail>, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let delivery = it.deliveries.get(&(tenant.clone(), id))?.clone();
            let attempts = it
                .attempts
                .iter()
                .filter(|((of, attempt), _)| of == tenant && attempt.delivery == id)
                .map(|(_, (_, record))| record.clone())
                .collect();
            Some(Trail { delivery, attempts })
        }))
    }

    async fn append(&self, tenant: &TenantId, changes: Vec<Change>) -> Result<Vec<bool>, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            changes
                .iter()
                .map(|change| {
                    let moved = it.move_to(tenant, change).is_some();
                    if moved {
                        self.feed.push(&change.facts);
                    }
                    moved
                })
                .collect()
        }))
    }

    async fn page(
        &self,
        tenant: &TenantId,
        filter: &Filter,
        after: Option<Cursor>,
        limit: Limit,
    ) -> Result<Page<Delivery>, Fault> {
        self.available()?;
        let items = self.locked(|it| {
            it.deliveries
                .values()
                .rev()
                .filter(|it| it.tenant == *tenant)
                .filter(|it| filter.subject.is_none_or(|subject| subject == it.subject))
                .filter(|it| filter.state.as_ref().is_none_or(|state| state == it.state.name()))
                .filter(|it| after.as_ref().is_none_or(|after| it.id.to_string() < after.0))
                .take(usize::from(limit.get()) + 1)
                .cloned()
                .collect()
        });
        Ok(page(items, limit, |it: &Delivery| it.id))
    }
}
