//! Contacts and letters in memory.

use async_trait::async_trait;
use kernel::{Cursor, DeliveryId, Fact, Fault, Instant, Limit, NodeId, Page, SubjectId, TenantId};

use super::{MemoryDesk, page};
use crate::{
    contact::Entry,
    ports::{ContactLedger, Inbox, Letter},
};

#[async_trait]
impl ContactLedger for MemoryDesk {
    async fn history(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        since: Instant,
    ) -> Result<Vec<Entry>, Fault> {
        self.available()?;
        Ok(self.locked(|it| it.history(tenant, nodes, since)))
    }

    async fn record(
        &self,
        tenant: &TenantId,
        contacts: Vec<(Entry, Fact)>,
    ) -> Result<usize, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let known = it.contacts.entry(tenant.clone()).or_default();
            let mut new = 0;
            for (entry, fact) in contacts {
                if known.iter().all(|it| it.id != entry.id) {
                    known.push(entry);
                    self.feed.push(&[fact]);
                    new += 1;
                }
            }
            new
        }))
    }
}

#[async_trait]
impl Inbox for MemoryDesk {
    async fn put(&self, letter: Letter) -> Result<(), Fault> {
        self.available()?;
        self.locked(|it| {
            it.letters.entry((letter.tenant.clone(), letter.delivery)).or_insert(letter);
        });
        Ok(())
    }

    async fn get(&self, tenant: &TenantId, id: DeliveryId) -> Result<Option<Letter>, Fault> {
        self.available()?;
        Ok(self.locked(|it| it.letters.get(&(tenant.clone(), id)).cloned()))
    }

    async fn page(
        &self,
        tenant: &TenantId,
        subject: Option<SubjectId>,
        after: Option<Cursor>,
        limit: Limit,
    ) -> Result<Page<Letter>, Fault> {
        self.available()?;
        let items = self.locked(|it| {
            it.letters
                .values()
                .rev()
                .filter(|it| it.tenant == *tenant)
                .filter(|it| subject.is_none_or(|subject| subject == it.subject))
                .filter(|it| after.as_ref().is_none_or(|after| it.delivery.to_string() < after.0))
                .take(usize::from(limit.get()) + 1)
                .cloned()
                .collect()
        });
        Ok(page(items, limit, |it: &Letter| it.delivery))
    }
}
