//! Appending: sealed by the caller, committed in groups, acknowledged when durable and signed.

use std::sync::Arc;

use kernel::{Fault, Reason, SubjectId, TenantId};
use zeroize::Zeroizing;

use super::{
    error::{AppendError, MALFORMED},
    lane::{Answer, Answered, Item},
    record::OpenedRecord,
    trail::{Published, Trail},
};
use crate::{
    entry::{RetentionClass, Submission},
    key::KeyOwner,
    seal,
    sequence::Settled,
};

/// The class of the keys that other domains derive theirs from.
const DERIVED_CLASS: RetentionClass = RetentionClass::of("derived");

/// Where an entry is, under a signed head that covers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The entry's index.
    pub index: u64,
    /// The head.
    pub head: Arc<Published>,
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// The entry is durable, included and signed.
    New(Position),
    /// The same request was appended before: the first record stands and is the answer.
    Existing(Position, Box<OpenedRecord>),
    /// Another request used the key; nothing was appended.
    Conflict,
    /// The companion's owner refused; nothing was appended.
    Vetoed(Reason),
}

/// Appends entries; an answer means durable, included and signed.
#[derive(Debug, Clone)]
pub struct AppendService {
    trail: Arc<Trail>,
}

impl AppendService {
    /// Appends to this trail.
    pub const fn new(trail: Arc<Trail>) -> Self {
        Self { trail }
    }

    /// Opens a tenant's log: its leaves must give its root.
    pub async fn open(&self, tenant: &TenantId) -> Result<Arc<Published>, AppendError> {
        self.trail.published(tenant).await
    }

    /// Appends one entry, in a batch with whatever else is waiting.
    pub async fn append(&self, submission: Submission) -> Result<Appended, AppendError> {
        let tenant = submission.tenant.clone();
        let item = self.admitted(submission)?;
        let answer = self.trail.ride(&tenant, vec![item]).await?.pop();
        let answer = answer.unwrap_or_else(|| Err(Fault::retry("appending to the log").into()));
        self.appended(&tenant, answer).await
    }

    /// Appends entries of one tenant, in order and in as few batches as they fit.
    ///
    /// Either all are waiting or none is; a fault may leave a prefix appended, and the same
    /// submissions again give the same entries.
    pub async fn append_all(
        &self,
        submissions: Vec<Submission>,
    ) -> Result<Vec<Appended>, AppendError> {
        let Some(tenant) = submissions.first().map(|it| it.tenant.clone()) else {
            return Ok(Vec::new());
        };
        if submissions.iter().any(|it| it.tenant != tenant) {
            return Err(AppendError::Refused(MALFORMED));
        }
        let items =
            submissions.into_iter().map(|it| self.admitted(it)).collect::<Result<Vec<_>, _>>()?;
        let mut appended = Vec::with_capacity(items.len());
        for answer in self.trail.ride(&tenant, items).await? {
            appended.push(self.appended(&tenant, answer).await?);
        }
        Ok(appended)
    }

    /// A key for other domains' blind values about a person; it goes when the person's keys go.
    pub async fn subject_key(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Zeroizing<[u8; 32]>, Fault> {
        let key = self.subject_keys(tenant, &[subject]).await?.pop();
        key.ok_or(Fault::retry("minting a subject key"))
    }

    /// [`Self::subject_key`] of each of these, in the order asked.
    pub async fn subject_keys(
        &self,
        tenant: &TenantId,
        subjects: &[SubjectId],
    ) -> Result<Vec<Zeroizing<[u8; 32]>>, Fault> {
        let owner =
            |subject: &SubjectId| KeyOwner::Subject { subject: *subject, class: DERIVED_CLASS };
        let owners: Vec<_> = subjects.iter().map(owner).collect();
        let keys = self.trail.vault.keys(tenant, &owners).await?;
        let derived = |it: &KeyOwner| {
            let key = keys.get(it).ok_or(Fault::retry("minting a subject key"))?;
            Ok(Zeroizing::new(seal::derived(key, b"derived\0")))
        };
        owners.iter().map(derived).collect()
    }

    fn admitted(&self, submission: Submission) -> Result<Item, AppendError> {
        self.trail.admits(&submission)?;
        self.trail.item(submission)
    }

    async fn appended(&self, tenant: &TenantId, answer: Answered) -> Result<Appended, AppendError> {
        let Answer { settled, head } = answer?;
        match settled {
            Some(Settled::New(index)) => Ok(Appended::New(Position { index, head })),
            Some(Settled::Existing(index)) => {
                let stored = self.trail.records.stored(tenant, &[index]).await?;
                let record = self.trail.opened(tenant, stored).await?.pop();
                let record = record.ok_or(Fault::escalate("reading the first entry of a key"))?;
                Ok(Appended::Existing(Position { index, head }, Box::new(record)))
            }
            Some(Settled::Conflict) => Ok(Appended::Conflict),
            Some(Settled::Vetoed(reason)) => Ok(Appended::Vetoed(reason)),
            None => Err(Fault::escalate("settling an entry").into()),
        }
    }
}
