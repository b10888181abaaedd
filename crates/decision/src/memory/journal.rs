//! The log of decisions, in memory.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use kernel::{
    Cursor, DecisionId, Digest, Fault, Limit, Page, PersonAt, SubjectId, TenantId,
    memory::MemoryFeed,
};

use super::{MemoryTimetable, Shelf};
use crate::{
    ports::{Appended, Entry, Journal},
    record::StoredRecord,
};

/// The journal in memory; settlements go to its timetable, facts to its feed.
#[derive(Debug)]
pub struct MemoryJournal {
    state: Shelf<State>,
    timetable: Arc<MemoryTimetable>,
    feed: Arc<MemoryFeed>,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<(TenantId, Digest, SubjectId, StoredRecord)>,
    moved: BTreeSet<SubjectId>,
}

impl MemoryJournal {
    /// A journal over this timetable and feed.
    pub fn new(timetable: Arc<MemoryTimetable>, feed: Arc<MemoryFeed>) -> Self {
        Self { state: Shelf::default(), timetable, feed }
    }

    /// From now on (or no longer) a person's permission moves before every hand-off.
    pub fn move_permission(&self, subject: SubjectId, on: bool) {
        self.state.with(|it| if on { it.moved.insert(subject) } else { it.moved.remove(&subject) });
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.state.set_outage(on);
    }

    fn page(records: &[StoredRecord], after: Option<&Cursor>, limit: Limit) -> Page<StoredRecord> {
        let from: usize = after.and_then(|it| it.0.parse().ok()).unwrap_or(0);
        let to = from.saturating_add(usize::from(limit.get()));
        let items: Vec<_> = records.iter().take(to).skip(from).cloned().collect();
        let next = (to < records.len()).then(|| Cursor(to.to_string()));
        Page { items, next }
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, tenant: &TenantId, entry: Entry) -> Result<Appended, Fault> {
        self.state.asked(|it| {
            let first = it.entries.iter().find(|(t, key, ..)| t == tenant && *key == entry.key);
            if let Some((.., record)) = first {
                return Appended::Duplicate(record.clone());
            }
            let moved = entry.handoff.as_ref().is_some_and(|handoff| {
                it.moved.contains(&handoff.subject) || handoff.at >= handoff.good_until
            });
            if moved || !self.timetable.settle_all(tenant, &entry.settlements) {
                return Appended::Moved;
            }
            it.entries.push((tenant.clone(), entry.key, entry.subject, entry.record));
            self.feed.push(&entry.facts);
            Appended::Committed
        })
    }

    async fn get(&self, tenant: &TenantId, id: DecisionId) -> Result<Option<StoredRecord>, Fault> {
        self.state.asked(|it| {
            let found = it.entries.iter().find(|(t, _, _, record)| t == tenant && record.id == id);
            found.map(|(.., record)| record.clone())
        })
    }

    async fn of_person(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        after: Option<&Cursor>,
        limit: Limit,
    ) -> Result<Page<StoredRecord>, Fault> {
        let records: Vec<_> = self.state.asked(|it| {
            let mine = it.entries.iter().rev();
            mine.filter(|(t, _, subject, _)| t == tenant && *subject == person.subject)
                .map(|(.., record)| record.clone())
                .collect()
        })?;
        Ok(Self::page(&records, after, limit))
    }

    async fn range(
        &self,
        tenant: &TenantId,
        after: Option<&Cursor>,
        limit: Limit,
    ) -> Result<Page<StoredRecord>, Fault> {
        let records: Vec<_> = self.state.asked(|it| {
            let mine = it.entries.iter().filter(|(t, ..)| t == tenant);
            mine.map(|(.., record)| record.clone()).collect()
        })?;
        Ok(Self::page(&records, after, limit))
    }
}
