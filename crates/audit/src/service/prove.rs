//! Proving: receipts, checkpoints, consistency, and the whole log again from its leaves.

use std::sync::Arc;

use kernel::{Fault, Limit, TenantId};

use super::{
    record,
    trail::{Published, Trail},
};
use crate::{
    entry::{Leaf, RecordId},
    note::VerifierKey,
    receipt::{Receipt, ReceiptGroup, TlogProof},
    seal::{Keys, OpenError, SealedGroup, SealedRecord},
    tree::{Frontier, Hash},
};

const LEAVES_READ: usize = 1_000;

/// Which groups a receipt shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disclose<'a> {
    /// Every group whose keys exist.
    All,
    /// These groups only.
    Only(&'a [&'a str]),
}

impl Disclose<'_> {
    fn shows(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(&name),
        }
    }
}

/// What a replay of the whole log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogCheck {
    /// How many entries the head claims.
    pub size: u64,
    /// The root the head claims.
    pub root: Hash,
    /// The first index at which leaf, record or root contradicts, if any does.
    pub broken_at: Option<u64>,
}

/// Proves entries to strangers.
#[derive(Debug, Clone)]
pub struct ProveService {
    trail: Arc<Trail>,
}

impl ProveService {
    /// Proves the entries of this trail.
    pub const fn new(trail: Arc<Trail>) -> Self {
        Self { trail }
    }

    /// The signed head of a tenant's log.
    pub async fn checkpoint(&self, tenant: &TenantId) -> Result<Arc<Published>, Fault> {
        Ok(self.trail.published(tenant).await?)
    }

    /// The key strangers check a tenant's log with.
    pub async fn verifier_key(&self, tenant: &TenantId) -> Result<VerifierKey, Fault> {
        let head = self.checkpoint(tenant).await?;
        let public = self.trail.signer.public_key().await?;
        Ok(VerifierKey::new(head.checkpoint.origin.clone(), public))
    }

    /// The proof that the log extends an earlier size, with the head it leads to.
    pub async fn consistency(
        &self,
        tenant: &TenantId,
        from: u64,
    ) -> Result<Option<(Vec<Hash>, Arc<Published>)>, Fault> {
        self.trail.consistency(tenant, from).await
    }

    /// The receipt of a record: shows some groups, proves all of them.
    pub async fn receipt(
        &self,
        tenant: &TenantId,
        record: RecordId,
        disclose: Disclose<'_>,
    ) -> Result<Option<Receipt>, Fault> {
        let Some(stored) = self.trail.stored(tenant, record).await? else { return Ok(None) };
        let sealed = &stored.sealed;
        let keys = self.trail.keys_of(tenant, sealed).await?;
        let groups = shown(sealed, &keys, disclose)?;
        let Some((hashes, head)) = self.included(tenant, stored.index).await? else {
            return Ok(None);
        };
        let proof = TlogProof { index: stored.index, hashes, note: head.note.clone() };
        Ok(Some(Receipt::new(groups, &sealed.leaf(), &proof)))
    }

    /// The proof of an entry under the newest cosigned head that covers it; else under the newest.
    async fn included(
        &self,
        tenant: &TenantId,
        index: u64,
    ) -> Result<Option<(Vec<Hash>, Arc<Published>)>, Fault> {
        let covers = |it: &Arc<Published>| it.checkpoint.size > index;
        if let Some(head) = self.trail.witnessed(tenant).filter(covers) {
            let hashes = self.trail.inclusion_at(tenant, index, head.checkpoint.size).await?;
            return Ok(hashes.map(|it| (it, head)));
        }
        self.trail.inclusion(tenant, index).await
    }

    /// Replays the whole log: every leaf under the root, every record under its leaf.
    pub async fn verify_log(&self, tenant: &TenantId) -> Result<LogCheck, Fault> {
        let head = self.trail.journal.head(tenant).await?;
        let Some(head) = head else {
            return Ok(LogCheck { size: 0, root: crate::tree::empty_root(), broken_at: None });
        };
        let mut check = LogCheck { size: head.size, root: head.root, broken_at: None };
        let mut frontier = Frontier::default();
        while frontier.size() < head.size {
            let from = frontier.size();
            let mut leaves = self.trail.journal.leaves(tenant, from, LEAVES_READ).await?;
            let n_left = usize::try_from(head.size - from).unwrap_or(usize::MAX);
            leaves.truncate(n_left);
            let broken = self.first_broken(tenant, from, &leaves).await?;
            if let Some(index) = broken {
                check.broken_at = Some(index);
                return Ok(check);
            }
            frontier.extend(leaves.iter().map(Leaf::hash));
        }
        if frontier.root() != head.root {
            check.broken_at = Some(head.size);
        }
        Ok(check)
    }

    /// The first of these leaves that is missing or has no record that gives it.
    async fn first_broken(
        &self,
        tenant: &TenantId,
        from: u64,
        leaves: &[Leaf],
    ) -> Result<Option<u64>, Fault> {
        if leaves.is_empty() {
            return Ok(Some(from));
        }
        let after = from.checked_sub(1);
        let records = self.trail.records.page(tenant, None, after, Limit::MAX).await?;
        let gives = |(index, leaf): (u64, &Leaf)| {
            let at = usize::try_from(index - from).ok()?;
            let stored = records.get(at).filter(|it| it.index == index)?;
            (stored.sealed.leaf() == *leaf).then_some(())
        };
        Ok((from..).zip(leaves).find(|it| gives(*it).is_none()).map(|(index, _)| index))
    }
}

/// The groups of a record as a receipt shows them: in the clear where they may and can be.
pub(super) fn shown(
    sealed: &SealedRecord,
    keys: &Keys,
    disclose: Disclose<'_>,
) -> Result<Vec<ReceiptGroup>, Fault> {
    let show = |group: &SealedGroup| {
        let kids = sealed.kids(group.custody);
        let opened = if disclose.shows(&group.name) {
            sealed.open(group, keys)
        } else {
            Err(OpenError::KeyMissing)
        };
        match opened {
            Ok(opened) => {
                let json = record::json(&opened)?;
                Ok(ReceiptGroup::disclosed(&group.name, &kids, &opened.salt, json))
            }
            Err(OpenError::KeyMissing) => {
                Ok(ReceiptGroup::withheld(&group.name, &kids, &group.commitment))
            }
            Err(error @ OpenError::Broken) => {
                Err(Fault::escalate("opening a record").because(error))
            }
        }
    };
    sealed.groups.iter().map(show).collect()
}
