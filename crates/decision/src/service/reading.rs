//! Reading decisions: records, why, why not, and whether they replay.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use kernel::{Cursor, DecisionId, Fault, JourneyNode, Limit, Page, PersonAt, TenantId};

use super::Sources;
use crate::{
    artifacts::Artifacts,
    explain::{self, Why, WhyNot},
    record::{Record, StoredRecord},
    replay::{Mismatch, replay},
};

/// What a replay of the log found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many records gave the same bytes.
    pub same: u64,
    /// Those that did not, and why.
    pub differ: Vec<(DecisionId, Mismatch)>,
}

/// The use cases of reading.
#[derive(Debug, Clone)]
pub struct ReadingService {
    sources: Sources,
}

impl ReadingService {
    /// Reads from these sources.
    pub const fn new(sources: Sources) -> Self {
        Self { sources }
    }

    /// A decision's record.
    pub async fn record(&self, tenant: &TenantId, id: DecisionId) -> Result<Option<Record>, Fault> {
        self.sources.journal.get(tenant, id).await?.map(|it| parse(&it)).transpose()
    }

    /// A person's decisions, newest first.
    pub async fn of_person(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        after: Option<&Cursor>,
        limit: Limit,
    ) -> Result<Page<Record>, Fault> {
        let page = self.sources.journal.of_person(tenant, person, after, limit).await?;
        let items = page.items.iter().map(parse).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }

    /// Why a decision came out as it did.
    pub async fn why(&self, tenant: &TenantId, id: DecisionId) -> Result<Option<Why>, Fault> {
        let Some((record, artifacts)) = self.with_artifacts(tenant, id).await? else {
            return Ok(None);
        };
        Ok(Some(explain::why(&record, &artifacts)))
    }

    /// Why a decision did not take an action.
    pub async fn why_not(
        &self,
        tenant: &TenantId,
        id: DecisionId,
        node: &JourneyNode,
        action: &str,
    ) -> Result<Option<WhyNot>, Fault> {
        let Some((record, artifacts)) = self.with_artifacts(tenant, id).await? else {
            return Ok(None);
        };
        Ok(Some(explain::why_not(&record, &artifacts, node, action)))
    }

    /// Decides one record again: `None` where there is none.
    pub async fn replay(
        &self,
        tenant: &TenantId,
        id: DecisionId,
    ) -> Result<Option<Result<(), Mismatch>>, Fault> {
        let Some(stored) = self.sources.journal.get(tenant, id).await? else { return Ok(None) };
        let mut known = BTreeMap::new();
        self.again(tenant, &stored, &mut known).await.map(Some)
    }

    /// Decides every record of the log again.
    pub async fn replay_all(&self, tenant: &TenantId) -> Result<Replayed, Fault> {
        let mut out = Replayed::default();
        let mut known = BTreeMap::new();
        let mut after: Option<Cursor> = None;
        loop {
            let page = self.sources.journal.range(tenant, after.as_ref(), Limit::MAX).await?;
            for stored in &page.items {
                match self.again(tenant, stored, &mut known).await? {
                    Ok(()) => out.same += 1,
                    Err(mismatch) => out.differ.push((stored.id, mismatch)),
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(out),
            }
        }
    }

    async fn again(
        &self,
        tenant: &TenantId,
        stored: &StoredRecord,
        known: &mut BTreeMap<kernel::Digest, Option<Arc<Artifacts>>>,
    ) -> Result<Result<(), Mismatch>, Fault> {
        if let Ok(record) = stored.parse() {
            let digest = record.policies.release;
            if let Entry::Vacant(slot) = known.entry(digest) {
                slot.insert(self.sources.releases.by_digest(tenant, digest).await?);
            }
        }
        Ok(replay(stored, &|digest| known.get(&digest).cloned().flatten()))
    }

    async fn with_artifacts(
        &self,
        tenant: &TenantId,
        id: DecisionId,
    ) -> Result<Option<(Record, Arc<Artifacts>)>, Fault> {
        let Some(record) = self.record(tenant, id).await? else { return Ok(None) };
        let digest = record.policies.release;
        let artifacts = self.sources.releases.by_digest(tenant, digest).await?;
        Ok(artifacts.map(|it| (record, it)))
    }
}

fn parse(stored: &StoredRecord) -> Result<Record, Fault> {
    stored.parse().map_err(|it| Fault::escalate("reading a decision record").because(it))
}
