//! Packs of evidence: what was asked, every record that answers it with its proof, and the entry
//! that says it was handed out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kernel::{DecisionId, Digest, FactId, Fault, Instant, Reason, SubjectId, TenantId, canonical};
use serde_json::json;

use super::{
    append::{AppendService, Appended},
    prove::{Disclose, ProveService, shown},
    record::OpenedRecord,
    trail::{Published, Trail, subject_token},
};
use crate::{
    bag::{self, Bag},
    consistency::Consistency,
    entry::{Custody, EntryKind, Group, IdemKey, RecordId, RetentionClass, Submission},
    evidence::{
        ACCOUNT_ENTRIES_MAX, ASKED_BYTES_MAX, EXPORT_CONSISTENCY_PATH, EXPORT_PATH, EXPORT_PREFIX,
        HEAD_PATH, PACK_RECORDS_MAX, Question, SCOPE_PATH, SCOPE_SCHEMA, Scope, record_path,
    },
    key::KeyOwner,
    receipt::{Receipt, TlogProof},
    sample,
    sequence::Token,
};

mod select;

/// How long the entries of exports are kept.
const CLASS: RetentionClass = RetentionClass::of("export");

/// Nothing answers the question.
pub const NOTHING: Reason = Reason::of("AU.NOTHING_FOUND");
/// More answers it than one pack may hold.
pub const TOO_MANY: Reason = Reason::of("AU.PACK_TOO_LARGE");
/// Who asks, why, or for what cannot be read.
pub const ASKED_MALFORMED: Reason = Reason::of("AU.PACK_MALFORMED");

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// One decision.
    Decision(DecisionId),
    /// Everything about a person: whoever they are or were.
    Subject(Vec<SubjectId>),
    /// Every decision of a journey node in a period.
    Node {
        /// The node.
        node: String,
        /// From this instant on.
        from: Instant,
        /// Before this instant.
        until: Instant,
    },
    /// Entries drawn by a nonce.
    Sample {
        /// 32 bytes, chosen after the head was known.
        nonce: [u8; 32],
        /// How many.
        count: u64,
    },
}

/// Who asks for what, and why they may.
#[derive(Debug, Clone)]
pub struct PackRequest {
    /// Whose log.
    pub tenant: TenantId,
    /// Who asks.
    pub by: String,
    /// Why they may: a law, a mandate, a request.
    pub basis: String,
    /// For what.
    pub ask: Ask,
    /// The groups to show; every one, if none is named.
    pub groups: Vec<String>,
    /// Whether every entry of the log is accounted for, so that nothing about a person can have
    /// been left out. It shows how other entries hang together, though not about whom they are.
    pub account: bool,
}

/// A pack before it is closed: more files may be put in, such as a page to read.
#[derive(Debug)]
pub struct Draft {
    /// What it is about and holds.
    pub scope: Scope,
    /// The records, by rising index, as far as they are in scope.
    pub records: Vec<OpenedRecord>,
    /// The files so far.
    pub bag: Bag,
    tenant: TenantId,
    subject: Option<SubjectId>,
    head: Arc<Published>,
}

#[cfg(test)]
impl Draft {
    /// Proves under another head.
    pub(crate) fn rebase(&mut self, head: Arc<Published>) {
        self.head = head;
    }
}

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// It will not be made as it was asked for.
    #[error("pack refused: {0}")]
    Refused(Reason),
    /// It may be made later.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Makes packs.
#[derive(Debug, Clone)]
pub struct PackService {
    trail: Arc<Trail>,
}

impl PackService {
    /// Makes packs from this trail.
    pub const fn new(trail: Arc<Trail>) -> Self {
        Self { trail }
    }

    /// Finds what answers and proves it under one head.
    pub async fn draft(&self, request: PackRequest) -> Result<Draft, PackError> {
        check(&request)?;
        let tenant = &request.tenant;
        let nothing = || PackError::Refused(NOTHING);
        let newest = self.trail.current(tenant).await?.ok_or_else(nothing)?;
        // With cosignatures where there are some: what was appended since is not in the pack.
        let head = self.trail.witnessed(tenant).unwrap_or(newest);
        let size = head.checkpoint.size;
        let mut chosen = self.select(&request, &head).await?;
        let withheld = self.with_erasures(tenant, &mut chosen, (&request.groups, size)).await?;
        // That a node decided nothing in a period is an answer, and accounted for.
        if chosen.full.is_empty() && !matches!(request.ask, Ask::Node { .. }) {
            return Err(nothing());
        }
        let mut draft = self.prove(&request, head, &chosen).await?;
        draft.scope.withheld = withheld;
        if let Some(range) = chosen.range {
            self.account(&mut draft, range, &chosen).await?;
        }
        Ok(draft)
    }

    /// Every chosen record with its proof under the head.
    async fn prove(
        &self,
        request: &PackRequest,
        head: Arc<Published>,
        chosen: &select::Chosen,
    ) -> Result<Draft, PackError> {
        let tenant = &request.tenant;
        let all = chosen.all();
        if all.len() > PACK_RECORDS_MAX {
            return Err(PackError::Refused(TOO_MANY));
        }
        let size = head.checkpoint.size;
        let proofs = self.trail.inclusions_at(tenant, &all, size).await?;
        let proofs = proofs.ok_or(Fault::retry("proving the records of a pack"))?;
        let indices: Vec<_> = all.iter().copied().collect();
        let mut bag = Bag::default();
        let mut records = Vec::new();
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let names: Vec<_> = request.groups.iter().map(String::as_str).collect();
        let in_scope = if names.is_empty() { Disclose::All } else { Disclose::Only(&names) };
        let mut proofs = proofs.into_iter();
        for slice in indices.chunks(READ_RECORDS) {
            let stored = self.trail.records.stored(tenant, slice).await?;
            if stored.len() != slice.len() {
                return Err(Fault::escalate("reading the records of a pack").into());
            }
            for (it, hashes) in stored.into_iter().zip(proofs.by_ref()) {
                let is_full = chosen.full.contains(&it.index);
                let disclose = if is_full { in_scope } else { Disclose::Only(&["core"]) };
                let keys = self.trail.keys_of(tenant, &it.sealed).await?;
                let groups = shown(&it.sealed, &keys, disclose)?;
                let proof = TlogProof { index: it.index, hashes, note: head.note.clone() };
                let receipt = Receipt::new(groups, &it.sealed.leaf(), &proof);
                let bytes = receipt.to_bytes().map_err(broken)?;
                bag.put(record_path(it.index), bytes);
                if is_full {
                    *counts.entry(it.sealed.kind.to_string()).or_default() += 1;
                    records.push(opened(&it, receipt));
                }
            }
        }
        bag.put(HEAD_PATH, head.note.as_bytes());
        let scope = Scope {
            at_us: self.trail.clock.now().micros(),
            basis: request.basis.clone(),
            by: request.by.clone(),
            counts,
            groups: request.groups.clone(),
            origin: head.checkpoint.origin.to_string(),
            question: question(&request.ask),
            records: u64::try_from(records.len()).unwrap_or(u64::MAX),
            schema: SCOPE_SCHEMA.to_owned(),
            size,
            withheld: BTreeMap::new(),
        };
        let subject = match &request.ask {
            Ask::Subject(subjects) => subjects.last().copied(),
            _ => None,
        };
        Ok(Draft { scope, records, bag, tenant: tenant.clone(), subject, head })
    }

    /// Closes a pack: its export is an entry, acknowledged before the pack is handed over.
    pub async fn close(&self, draft: Draft) -> Result<Bag, PackError> {
        let Draft { scope, mut bag, tenant, subject, head, .. } = draft;
        bag.put(SCOPE_PATH, scope.to_bytes().map_err(broken)?);
        let content = Digest::of(bag::lines(&bag.manifest()).as_bytes());
        let record = self.logged(&tenant, subject, &scope, content).await?;
        let prove = ProveService::new(Arc::clone(&self.trail));
        let receipt = prove.receipt(&tenant, record, Disclose::Only(&["core", "export"])).await?;
        let receipt = receipt.ok_or(Fault::escalate("proving the export of a pack"))?;
        let proof = TlogProof::parse(&receipt.proof);
        let note = proof.ok_or(Fault::escalate("proving the export of a pack"))?.note;
        let later = crate::note::SignedCheckpoint::parse(&note).map_err(broken)?;
        let (from, to) = (head.checkpoint.size, later.checkpoint().size);
        let hashes = self.trail.consistency_between(&tenant, from, to).await?;
        let hashes = hashes.ok_or(Fault::retry("proving the export of a pack"))?;
        let extends = Consistency::new(head.note.clone(), &hashes, note);
        debug_assert!(EXPORT_PATH.starts_with(EXPORT_PREFIX), "no digest can name it before");
        bag.put(EXPORT_PATH, receipt.to_bytes().map_err(broken)?);
        bag.put(EXPORT_CONSISTENCY_PATH, extends.to_bytes().map_err(broken)?);
        Ok(bag.closed())
    }

    /// The entry of an export: its content by digest for everyone, its question under keys.
    async fn logged(
        &self,
        tenant: &TenantId,
        subject: Option<SubjectId>,
        scope: &Scope,
        content: Digest,
    ) -> Result<RecordId, PackError> {
        let now = self.trail.clock.now();
        let id = FactId::mint(now, self.trail.vault.entropy());
        let core = json!({ "kind": EntryKind::Export.as_str(), "schema": "export/1" });
        let export = json!({
            "content": content, "origin": scope.origin, "records": scope.records, "size": scope.size,
        });
        let custody = if subject.is_some() { Custody::Subject } else { Custody::Period };
        let group = |name, custody, value| -> Result<Group, PackError> {
            Ok(Group { name, custody, json: canonical(value).map_err(broken)? })
        };
        let asked = serde_json::to_value(scope).map_err(broken)?;
        let submission = Submission {
            tenant: tenant.clone(),
            record: id.into(),
            kind: EntryKind::Export,
            class: CLASS,
            at: now,
            subject,
            idem: IdemKey::new(*id.uuid().as_bytes(), now),
            fingerprint: content,
            groups: vec![
                group("core", Custody::Period, &core)?,
                group("export", Custody::Plain, &export)?,
                group("question", custody, &asked)?,
            ],
            facts: Vec::new(),
            companion: None,
        };
        let append = AppendService::new(Arc::clone(&self.trail));
        match append.append(submission).await.map_err(Fault::from)? {
            Appended::New(_) | Appended::Existing(..) => Ok(id.into()),
            Appended::Conflict | Appended::Vetoed(_) => {
                Err(Fault::escalate("logging the export of a pack").into())
            }
        }
    }
}

/// Records read at once.
const READ_RECORDS: usize = 500;

fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::escalate("writing a pack").because(error)
}

fn check(request: &PackRequest) -> Result<(), PackError> {
    let is_text = |it: &str| !it.trim().is_empty() && it.len() <= ASKED_BYTES_MAX;
    let is_ask = match &request.ask {
        Ask::Decision(_) => true,
        Ask::Subject(subjects) => !subjects.is_empty(),
        Ask::Node { from, until, .. } => from < until,
        Ask::Sample { count, .. } => (1..=sample::SAMPLE_ENTRIES_MAX).contains(count),
    };
    // A node's period is accounted for by itself.
    let is_account = !request.account || matches!(request.ask, Ask::Subject(_));
    if is_text(&request.by) && is_text(&request.basis) && is_ask && is_account {
        Ok(())
    } else {
        Err(PackError::Refused(ASKED_MALFORMED))
    }
}

fn question(ask: &Ask) -> Question {
    match ask {
        Ask::Decision(it) => Question::Decision { decision: it.to_string() },
        Ask::Subject(subjects) => {
            Question::Subject { subjects: subjects.iter().map(ToString::to_string).collect() }
        }
        Ask::Node { node, from, until } => {
            Question::Node { node: node.clone(), from_us: from.micros(), until_us: until.micros() }
        }
        Ask::Sample { nonce, count } => {
            Question::Sample { count: *count, nonce: hex::encode(nonce) }
        }
    }
}

/// A record as its receipt shows it.
fn opened(stored: &crate::ports::Stored, receipt: Receipt) -> OpenedRecord {
    let mut groups = BTreeMap::new();
    let mut closed = Vec::new();
    for group in receipt.groups {
        match group.json {
            Some(json) => _ = groups.insert(group.name, json),
            None => closed.push(group.name),
        }
    }
    let sealed = &stored.sealed;
    OpenedRecord {
        index: stored.index,
        record: sealed.record,
        kind: sealed.kind,
        class: sealed.class.clone(),
        at: sealed.at,
        groups,
        closed,
    }
}
