//! Which entries answer a question, and which must be shown so that none can be missing.

use chrono::TimeDelta;
use kernel::Limit;

use super::{
    ACCOUNT_ENTRIES_MAX, Arc, Ask, BTreeMap, BTreeSet, Draft, EntryKind, Fault, Instant, KeyOwner,
    NOTHING, OpenedRecord, PACK_RECORDS_MAX, PackError, PackRequest, PackService, Published,
    READ_RECORDS, RecordId, TOO_MANY, TenantId, Token, sample, subject_token,
};
use crate::{
    evidence::{ACCOUNT_CONSISTENCY_PATH, ACCOUNT_PATH, Account, DISORDER_MICROS},
    ports::Stored,
    receipt::ReceiptGroup,
};

/// How far the order of decisions may differ from the order of their instants.
const DISORDER: TimeDelta = TimeDelta::microseconds(DISORDER_MICROS);

/// What goes into a pack.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// The entries in scope.
    pub(super) full: BTreeSet<u64>,
    /// Entries that are shown so far that they can be seen to be out of scope.
    pub(super) beside: BTreeSet<u64>,
    /// The range of entries that is accounted for one by one.
    pub(super) range: Option<(u64, u64)>,
    /// Whether the account shows the groups of entries of which there is no record.
    pub(super) with_others: bool,
}

impl Chosen {
    fn of(full: BTreeSet<u64>) -> Self {
        Self { full, ..Self::default() }
    }

    /// Every entry of which there is a record.
    pub(super) fn all(&self) -> BTreeSet<u64> {
        self.full.union(&self.beside).copied().collect()
    }
}

impl PackService {
    /// The entries that answer, before the head's size.
    pub(super) async fn select(
        &self,
        request: &PackRequest,
        head: &Arc<Published>,
    ) -> Result<Chosen, PackError> {
        let (tenant, size) = (&request.tenant, head.checkpoint.size);
        let mut chosen = match &request.ask {
            Ask::Decision(id) => {
                let stored = self.trail.stored(tenant, RecordId::from(*id)).await?;
                let stored = stored.ok_or(PackError::Refused(NOTHING))?;
                Chosen::of([stored.index].into())
            }
            Ask::Subject(subjects) => {
                let keys = self.trail.vault.keys(tenant, &[KeyOwner::Log]).await?;
                let log_key = keys.get(&KeyOwner::Log).ok_or(Fault::retry("finding a person"))?;
                let mut found = BTreeSet::new();
                for subject in subjects {
                    found.extend(self.located(tenant, &subject_token(log_key, *subject)).await?);
                }
                Chosen::of(found)
            }
            Ask::Node { node, from, until } => {
                self.of_node(tenant, node, (*from, *until), size).await?
            }
            Ask::Sample { nonce, count } => {
                Chosen::of(sample::indices(nonce, &head.checkpoint.root, size, *count))
            }
        };
        chosen.full.retain(|it| *it < size);
        if request.account {
            if size > ACCOUNT_ENTRIES_MAX {
                return Err(PackError::Refused(TOO_MANY));
            }
            chosen.range = Some((0, size));
            chosen.with_others = true;
        }
        Ok(chosen)
    }

    async fn located(&self, tenant: &TenantId, token: &Token) -> Result<Vec<u64>, PackError> {
        let mut all: Vec<u64> = Vec::new();
        loop {
            let after = all.last().copied();
            let more = self.trail.records.locate(tenant, token, after, Limit::MAX).await?;
            let is_full = more.len() >= usize::from(Limit::MAX.get());
            all.extend(more);
            if !is_full {
                return Ok(all);
            }
            if all.len() > PACK_RECORDS_MAX {
                return Err(PackError::Refused(TOO_MANY));
            }
        }
    }

    /// Every decision around the period: those of the node within it in full, the others so far
    /// that they can be seen to be of another node or time.
    async fn of_node(
        &self,
        tenant: &TenantId,
        node: &str,
        (from, until): (Instant, Instant),
        size: u64,
    ) -> Result<Chosen, PackError> {
        let first = self.first_at(tenant, from.minus(DISORDER), size).await?;
        let mut chosen = Chosen::default();
        // The decision before the range shows that the range begins early enough.
        let mut after = first.checked_sub(1);
        let mut end = size;
        'pages: loop {
            let page = self
                .trail
                .records
                .page(tenant, Some(EntryKind::Decision), after, Limit::MAX)
                .await?;
            let is_last = page.len() < usize::from(Limit::MAX.get());
            after = page.last().map(|it| it.index);
            for opened in self.trail.opened(tenant, page).await? {
                if opened.index >= size {
                    break 'pages;
                }
                let core = opened.group("core");
                let at = core.and_then(as_of).unwrap_or(opened.at);
                let list = if core.is_some_and(|it| is_of(it, node)) && (from..until).contains(&at)
                {
                    &mut chosen.full
                } else {
                    &mut chosen.beside
                };
                list.insert(opened.index);
                if chosen.full.len() + chosen.beside.len() > PACK_RECORDS_MAX {
                    return Err(PackError::Refused(TOO_MANY));
                }
                if at >= until.plus(DISORDER) {
                    end = opened.index + 1;
                    break 'pages;
                }
            }
            if is_last {
                break;
            }
        }
        if end - first > ACCOUNT_ENTRIES_MAX {
            return Err(PackError::Refused(TOO_MANY));
        }
        chosen.range = Some((first, end));
        Ok(chosen)
    }

    /// The last decision that is earlier than the instant with every one before it, as far as
    /// decisions are in order; the first entry, if there is none.
    async fn first_at(&self, tenant: &TenantId, at: Instant, size: u64) -> Result<u64, PackError> {
        let (mut low, mut high) = (0, size);
        while low < high {
            let middle = low + (high - low) / 2;
            let stored = self.trail.records.stored(tenant, &[middle]).await?;
            let stored = stored.first().ok_or(Fault::escalate("reading the records of a pack"))?;
            if stored.sealed.at < at {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        // Entries of facts lie among decisions of another time: from there, back to a decision.
        let step = u64::try_from(READ_RECORDS).unwrap_or(1);
        while low > 0 {
            let from = low.saturating_sub(step);
            let indices: Vec<_> = (from..low).collect();
            let mut stored = self.trail.records.stored(tenant, &indices).await?;
            stored.retain(|it| it.sealed.kind == EntryKind::Decision);
            let opened = self.trail.opened(tenant, stored).await?;
            let is_before = |it: &&OpenedRecord| {
                it.group("core").and_then(as_of).is_some_and(|as_of| as_of < at)
            };
            if let Some(found) = opened.iter().rev().find(is_before) {
                return Ok(found.index);
            }
            low = from;
        }
        Ok(0)
    }

    /// Adds the entries that say which of the keys are destroyed; counts what cannot be shown.
    pub(super) async fn with_erasures(
        &self,
        tenant: &TenantId,
        chosen: &mut Chosen,
        (groups, size): (&[String], u64),
    ) -> Result<BTreeMap<String, u64>, PackError> {
        let mut withheld: BTreeMap<String, u64> = BTreeMap::new();
        let indices: Vec<_> = chosen.full.iter().copied().collect();
        for slice in indices.chunks(READ_RECORDS) {
            let stored = self.trail.records.stored(tenant, slice).await?;
            for it in self.trail.opened(tenant, stored).await? {
                for group in
                    it.closed.into_iter().filter(|it| groups.is_empty() || groups.contains(it))
                {
                    *withheld.entry(group).or_default() += 1;
                }
            }
        }
        if withheld.is_empty() {
            return Ok(withheld);
        }
        let mut after = None;
        loop {
            let kind = Some(EntryKind::ErasureDone);
            let page = self.trail.records.page(tenant, kind, after, Limit::MAX).await?;
            after = page.last().map(|it| it.index);
            chosen.full.extend(page.iter().map(|it| it.index).filter(|it| *it < size));
            if page.len() < usize::from(Limit::MAX.get()) {
                return Ok(withheld);
            }
        }
    }

    /// Accounts for every entry of a range: its leaf, and, where there is no record of it, the
    /// groups that lead to the leaf if anything about a person could hide there.
    pub(super) async fn account(
        &self,
        draft: &mut Draft,
        (first, end): (u64, u64),
        chosen: &Chosen,
    ) -> Result<(), PackError> {
        let tenant = draft.tenant.clone();
        let what = "accounting for the entries of a pack";
        let before = self.trail.frontier_at(&tenant, first).await?.ok_or(Fault::retry(what))?;
        let mut leaves = Vec::new();
        let mut others = BTreeMap::new();
        let indices: Vec<_> = (first..end).collect();
        for slice in indices.chunks(READ_RECORDS) {
            let stored = self.trail.records.stored(&tenant, slice).await?;
            if stored.len() != slice.len() {
                return Err(Fault::escalate(what).into());
            }
            leaves.extend(stored.iter().map(|it| it.sealed.leaf()));
            if chosen.with_others {
                let shown = chosen.all();
                let left_out = stored.iter().filter(|it| !shown.contains(&it.index));
                others.extend(left_out.map(|it| (format!("{:012}", it.index), skeleton(it))));
            }
        }
        let account = Account::new(&before, &leaves, others);
        draft.bag.put(ACCOUNT_PATH, account.to_bytes().map_err(super::broken)?);
        let end_head = self.trail.head_at(&tenant, end).await?.ok_or(Fault::retry(what))?;
        let hashes = self.trail.consistency_between(&tenant, end, draft.head.checkpoint.size);
        let hashes = hashes.await?.ok_or(Fault::retry(what))?;
        let extends =
            super::Consistency::new(end_head.note.clone(), &hashes, draft.head.note.clone());
        draft.bag.put(ACCOUNT_CONSISTENCY_PATH, extends.to_bytes().map_err(super::broken)?);
        Ok(())
    }
}

/// The instant a decision was judged at, by its core.
fn as_of(core: &serde_json::Value) -> Option<Instant> {
    core.get("as_of_us")?.as_i64().map(Instant::from_micros)
}

/// Whether a decision's core names the node.
fn is_of(core: &serde_json::Value, node: &str) -> bool {
    let nodes = core.get("nodes").and_then(|it| it.as_array());
    nodes.into_iter().flatten().any(|it| it.as_str() == Some(node))
}

/// The groups of an entry without anything they say.
fn skeleton(stored: &Stored) -> Vec<ReceiptGroup> {
    let sealed = &stored.sealed;
    let withheld = |it: &crate::seal::SealedGroup| {
        ReceiptGroup::withheld(&it.name, &sealed.kids(it.custody), &it.commitment)
    };
    sealed.groups.iter().map(withheld).collect()
}
