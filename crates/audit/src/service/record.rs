//! Reading records: one, a page of a kind, a person's; groups whose keys are gone stay closed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kernel::{Fault, Instant, Limit, SubjectId, TenantId, canonical};
use serde_json::Value;

use super::trail::{Trail, subject_token};
use crate::{
    entry::{EntryKind, RecordId, RetentionClass},
    key::{Key, KeyOwner, Kid},
    ports::Stored,
    seal::{Keys, OpenError, OpenedGroup, SealedRecord},
    sequence::Token,
};

/// A record with the groups whose keys exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedRecord {
    /// The entry's index.
    pub index: u64,
    /// The record's id.
    pub record: RecordId,
    /// What sort of thing happened.
    pub kind: EntryKind,
    /// How long it is kept.
    pub class: RetentionClass,
    /// When it happened.
    pub at: Instant,
    /// The groups in the clear, by name.
    pub groups: BTreeMap<String, Value>,
    /// The groups whose keys are gone.
    pub closed: Vec<String>,
}

impl OpenedRecord {
    /// A group in the clear.
    pub fn group(&self, name: &str) -> Option<&Value> {
        self.groups.get(name)
    }
}

/// Reads records.
#[derive(Debug, Clone)]
pub struct RecordService {
    trail: Arc<Trail>,
}

impl RecordService {
    /// Reads the records of this trail.
    pub const fn new(trail: Arc<Trail>) -> Self {
        Self { trail }
    }

    /// The record of this id, if there is one.
    pub async fn get(
        &self,
        tenant: &TenantId,
        record: RecordId,
    ) -> Result<Option<OpenedRecord>, Fault> {
        let stored: Vec<_> = self.trail.stored(tenant, record).await?.into_iter().collect();
        Ok(self.trail.opened(tenant, stored).await?.pop())
    }

    /// The records of a kind after an index, oldest first; of every kind where none is named.
    pub async fn page(
        &self,
        tenant: &TenantId,
        kind: Option<EntryKind>,
        after: Option<u64>,
        limit: Limit,
    ) -> Result<Vec<OpenedRecord>, Fault> {
        let stored = self.trail.records.page(tenant, kind, after, limit).await?;
        self.trail.opened(tenant, stored).await
    }

    /// The records about any of these subjects before an index, newest first.
    pub async fn of_subjects(
        &self,
        tenant: &TenantId,
        subjects: &[SubjectId],
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Vec<OpenedRecord>, Fault> {
        let keys = self.trail.vault.keys(tenant, &[KeyOwner::Log]).await?;
        let Some(log_key) = keys.get(&KeyOwner::Log) else { return Ok(Vec::new()) };
        let mut indices = BTreeSet::new();
        for subject in subjects {
            indices.extend(self.located(tenant, &subject_token(log_key, *subject)).await?);
        }
        let older = indices.into_iter().rev().filter(|it| before.is_none_or(|end| *it < end));
        let newest: Vec<_> = older.take(usize::from(limit.get())).collect();
        let rising: Vec<_> = newest.into_iter().rev().collect();
        let stored = self.trail.records.stored(tenant, &rising).await?;
        let mut opened = self.trail.opened(tenant, stored).await?;
        opened.reverse();
        Ok(opened)
    }

    /// Every index kept under a token.
    async fn located(&self, tenant: &TenantId, token: &Token) -> Result<Vec<u64>, Fault> {
        let mut all = Vec::new();
        loop {
            let after = all.last().copied();
            let more = self.trail.records.locate(tenant, token, after, Limit::MAX).await?;
            let full = more.len() >= usize::from(Limit::MAX.get());
            all.extend(more);
            if !full {
                return Ok(all);
            }
        }
    }
}

impl Trail {
    /// The stored record of this id.
    pub(super) async fn stored(
        &self,
        tenant: &TenantId,
        record: RecordId,
    ) -> Result<Option<Stored>, Fault> {
        let token = Token::of_record(record);
        let indices = self.records.locate(tenant, &token, None, Limit::default()).await?;
        let stored = self.records.stored(tenant, &indices).await?;
        Ok(stored.into_iter().find(|it| it.sealed.record == record))
    }

    /// Records with the groups whose keys exist; one read of keys for all of them.
    pub(super) async fn opened(
        &self,
        tenant: &TenantId,
        stored: Vec<Stored>,
    ) -> Result<Vec<OpenedRecord>, Fault> {
        let kids = stored
            .iter()
            .flat_map(|it| it.sealed.subject_kid.into_iter().chain([it.sealed.period_kid]));
        let keys = self.vault.open(tenant, kids.collect()).await?;
        stored.into_iter().map(|it| opened(it, &keys)).collect()
    }

    /// The keys of a record that exist.
    pub(super) async fn keys_of(
        &self,
        tenant: &TenantId,
        sealed: &SealedRecord,
    ) -> Result<Keys, Fault> {
        let kids = sealed.subject_kid.into_iter().chain([sealed.period_kid]).collect();
        Ok(keys_of(sealed, &self.vault.open(tenant, kids).await?))
    }
}

fn keys_of(sealed: &SealedRecord, keys: &BTreeMap<Kid, Key>) -> Keys {
    Keys {
        subject: sealed.subject_kid.and_then(|it| keys.get(&it).cloned()),
        period: keys.get(&sealed.period_kid).cloned(),
    }
}

fn opened(stored: Stored, keys: &BTreeMap<Kid, Key>) -> Result<OpenedRecord, Fault> {
    let Stored { index, sealed } = stored;
    let keys = keys_of(&sealed, keys);
    let mut groups = BTreeMap::new();
    let mut closed = Vec::new();
    for group in &sealed.groups {
        match sealed.open(group, &keys) {
            Ok(opened) => _ = groups.insert(group.name.clone(), json(&opened)?),
            Err(OpenError::KeyMissing) => closed.push(group.name.clone()),
            Err(error @ OpenError::Broken) => {
                return Err(Fault::escalate("opening a record").because(error));
            }
        }
    }
    let SealedRecord { record, kind, class, at, .. } = sealed;
    Ok(OpenedRecord { index, record, kind, class, at, groups, closed })
}

/// What a group says.
pub(super) fn json(group: &OpenedGroup) -> Result<Value, Fault> {
    canonical::parse(&group.json).map_err(|it| Fault::escalate("reading a record").because(it))
}
