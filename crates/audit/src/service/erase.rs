//! Erasing a person: the keys of their records go, and with them every copy; the proofs stay.

use std::{collections::BTreeMap, sync::Arc};

use chrono::TimeDelta;
use kernel::{Digest, FactId, Fault, Instant, Limit, SubjectId, TenantId, canonical};
use serde_json::{Value, json};

use super::{
    append::{AppendService, Appended},
    record::OpenedRecord,
    trail::Trail,
    vault::KEY_LEASE_SECONDS_MAX,
};
use crate::{
    entry::{
        Custody, EntryKind, Group, IdemKey, RecordId, RetentionClass, SUBJECT_CLASSES, Submission,
    },
    key::{KeyOwner, Kid},
    receipt::bytes,
};

/// How long the entries of erasures are kept.
const CLASS: RetentionClass = RetentionClass::of("erasure");
/// Seconds by which clocks of several processes may differ, and for which a record that is sealed
/// may be on its way into the log.
const UNDER_WAY_SECONDS_MAX: i64 = 35;

/// Whose records are to be erased, by whom and why.
#[derive(Debug, Clone)]
pub struct Erase {
    /// Whose log.
    pub tenant: TenantId,
    /// Whoever the person is or was.
    pub subjects: Vec<SubjectId>,
    /// Who erases.
    pub by: String,
    /// Why: a request, a law.
    pub basis: String,
}

/// An erasure that is logged: its keys seal nothing any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The record of the erasure; absent where the person has no keys.
    pub record: Option<RecordId>,
    /// How many keys are to be destroyed.
    pub keys: usize,
    /// When every process has let go of them, so that they can be.
    pub due: Instant,
}

/// What finishing erasures did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finished {
    /// Erasures whose keys are destroyed.
    pub destroyed: usize,
    /// Erasures whose keys may still be in use somewhere.
    pub waiting: usize,
}

/// Erases.
#[derive(Debug, Clone)]
pub struct EraseService {
    trail: Arc<Trail>,
}

impl EraseService {
    /// Erases from this trail.
    pub const fn new(trail: Arc<Trail>) -> Self {
        Self { trail }
    }

    /// Logs an erasure and takes the person's keys out of use. Nothing is destroyed yet:
    /// [`Self::finish`] does that once no process can hold them.
    pub async fn begin(&self, erase: &Erase) -> Result<Erased, Fault> {
        let owners: Vec<_> = erase.subjects.iter().flat_map(|it| owners(*it)).collect();
        let kids = self.trail.vault.existing(&erase.tenant, &owners).await?;
        let now = self.trail.clock.now();
        if kids.is_empty() {
            return Ok(Erased { record: None, keys: 0, due: now });
        }
        let id = FactId::mint(now, self.trail.vault.entropy()).into();
        let said = json!({ "basis": erase.basis, "by": erase.by, "kids": names(&kids) });
        self.log(&erase.tenant, EntryKind::Erasure, (id, now), &said).await?;
        self.trail.vault.close(&erase.tenant, &kids).await?;
        Ok(Erased { record: Some(id), keys: kids.len(), due: due(self.trail.clock.now()) })
    }

    /// Destroys the keys of every logged erasure that is due, and logs that it is done; what a
    /// crash has left half done is done again.
    pub async fn finish(&self, tenant: &TenantId) -> Result<Finished, Fault> {
        let mut finished = Finished::default();
        let mut open: BTreeMap<RecordId, OpenedRecord> = BTreeMap::new();
        for it in self.all(tenant, EntryKind::Erasure).await? {
            open.insert(it.record, it);
        }
        for done in self.all(tenant, EntryKind::ErasureDone).await? {
            if let Some(of) = done.group("erasure").and_then(|it| it.get("of")?.as_str()) {
                open.retain(|record, _| record.uuid().to_string() != of);
            }
        }
        for (record, erasure) in open {
            let kids = kids_of(&erasure).ok_or(Fault::escalate("reading an erasure"))?;
            // A crash may have come before the keys were closed.
            self.trail.vault.close(tenant, &kids).await?;
            let now = self.trail.clock.now();
            if now < due(erasure.at) {
                finished.waiting += 1;
                continue;
            }
            self.trail.vault.destroy(tenant, &kids).await?;
            let said = json!({ "kids": names(&kids), "of": record.uuid().to_string() });
            self.log(tenant, EntryKind::ErasureDone, (done_id(record), now), &said).await?;
            finished.destroyed += 1;
        }
        Ok(finished)
    }

    async fn all(&self, tenant: &TenantId, kind: EntryKind) -> Result<Vec<OpenedRecord>, Fault> {
        let mut all: Vec<OpenedRecord> = Vec::new();
        loop {
            let after = all.last().map(|it| it.index);
            let page = self.trail.records.page(tenant, Some(kind), after, Limit::MAX).await?;
            let is_last = page.len() < usize::from(Limit::MAX.get());
            all.extend(self.trail.opened(tenant, page).await?);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// The entry; it is about no person any more, so that it can be read when the keys are gone.
    async fn log(
        &self,
        tenant: &TenantId,
        kind: EntryKind,
        (record, now): (RecordId, Instant),
        said: &Value,
    ) -> Result<(), Fault> {
        let json = |it: &Value| {
            canonical(it).map_err(|it| Fault::escalate("encoding an erasure").because(it))
        };
        let core = json!({ "kind": kind.as_str(), "schema": "erasure/1" });
        let said = json(said)?;
        let submission = Submission {
            tenant: tenant.clone(),
            record,
            kind,
            class: CLASS,
            at: now,
            subject: None,
            idem: IdemKey::new(*record.uuid().as_bytes(), now),
            fingerprint: Digest::of(&said),
            groups: vec![
                Group { name: "core", custody: Custody::Plain, json: json(&core)? },
                Group { name: "erasure", custody: Custody::Plain, json: said },
            ],
            facts: Vec::new(),
            companion: None,
        };
        match AppendService::new(Arc::clone(&self.trail)).append(submission).await? {
            Appended::New(_) | Appended::Existing(..) => Ok(()),
            Appended::Conflict | Appended::Vetoed(_) => Err(Fault::escalate("logging an erasure")),
        }
    }
}

/// Every key a person may have.
fn owners(subject: SubjectId) -> impl Iterator<Item = KeyOwner> {
    SUBJECT_CLASSES.into_iter().map(move |class| KeyOwner::Subject { subject, class })
}

/// When no process that found a key before this instant can still seal with it.
fn due(closed_at: Instant) -> Instant {
    closed_at.plus(TimeDelta::seconds(KEY_LEASE_SECONDS_MAX + UNDER_WAY_SECONDS_MAX))
}

fn names(kids: &[Kid]) -> Vec<String> {
    kids.iter().map(|it| hex::encode(it.as_bytes())).collect()
}

fn kids_of(erasure: &OpenedRecord) -> Option<Vec<Kid>> {
    let kids = erasure.group("erasure")?.get("kids")?.as_array()?;
    kids.iter().map(|it| bytes(it.as_str()?).map(Kid::from_bytes)).collect()
}

/// The record that says an erasure is done: one for each.
fn done_id(erasure: RecordId) -> RecordId {
    let mut bytes = *erasure.uuid().as_bytes();
    if let Some(last) = bytes.last_mut() {
        *last ^= 0xff;
    }
    RecordId::from_uuid(uuid::Uuid::from_bytes(bytes))
}
