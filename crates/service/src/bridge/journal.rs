//! Decision asks for a log of decisions; audit keeps it.
//!
//! A record becomes one entry with its eight groups; settlements and the hand-off travel as the
//! companion, in the same transaction.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use audit::{
    entry::{self, Custody, EntryKind, Group, IdemKey, RecordId, RetentionClass, Submission},
    service::{AppendService, Appended, OpenedRecord, RecordService},
};
use decision::{
    companion::{self, Companion},
    ports::{self, Entry, Journal},
    record::StoredRecord,
};
use kernel::{
    Cursor, DecisionId, Digest, Fact, Fault, Instant, Limit, Page, PersonAt, SubjectId, TenantId,
};
use serde_json::value::RawValue;
use tracing::{Instrument as _, Span};

use crate::app::{ContinueTrace, TraceParent};

/// How long decision records are kept: a retention class of audit.
const CLASS: RetentionClass = RetentionClass::of("decision");
/// The log of decisions, kept by audit.
#[derive(Debug, Clone)]
pub struct AuditJournal {
    append: Arc<AppendService>,
    records: Arc<RecordService>,
    continue_trace: ContinueTrace,
    trace_parent: TraceParent,
}

impl AuditJournal {
    /// Kept by these.
    pub const fn new(
        append: Arc<AppendService>,
        records: Arc<RecordService>,
        continue_trace: ContinueTrace,
        trace_parent: TraceParent,
    ) -> Self {
        Self { append, records, continue_trace, trace_parent }
    }

    /// The span of one append, in the trace of the decision's own facts.
    fn span(&self, facts: &[Fact]) -> Span {
        let span = tracing::info_span!(target: "assent::decision", "decision.append");
        if let Some(trace) = facts.iter().find_map(|it| it.trace.as_deref()) {
            (self.continue_trace)(&span, trace);
        }
        span
    }
}

fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::escalate("translating a decision record").because(error)
}

/// Whose keys seal a group of a record (audit.md section 4).
fn custody(name: &str) -> Option<(&'static str, Custody)> {
    Some(match name {
        "consent" => ("consent", Custody::Subject),
        "core" => ("core", Custody::Period),
        "inputs" => ("inputs", Custody::Subject),
        "model" => ("model", Custody::Period),
        "outcome" => ("outcome", Custody::Period),
        "policies" => ("policies", Custody::Period),
        "rationale" => ("rationale", Custody::Subject),
        "subject" => ("subject", Custody::Subject),
        _ => return None,
    })
}

/// The groups of a record: its members as they stand, because canonical bytes hold canonical bytes.
fn groups(record: &StoredRecord) -> Result<Vec<Group>, Fault> {
    let members: BTreeMap<&str, &RawValue> =
        serde_json::from_slice(&record.bytes).map_err(broken)?;
    members
        .into_iter()
        .map(|(member, json)| {
            let (name, custody) = custody(member)
                .ok_or_else(|| Fault::escalate("finding the custody of a record's group"))?;
            Ok(Group { name, custody, json: json.get().as_bytes().to_vec() })
        })
        .collect()
}

/// The millisecond the key was minted and 80 bits of it: keys minted together lie together, so that
/// a commit touches few pages of their index.
fn idem_bytes(key: &Digest, minted_at: Instant) -> [u8; 16] {
    let millis = minted_at.micros().div_euclid(1_000).to_be_bytes();
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(millis.iter().skip(2).chain(key.as_bytes())) {
        *to = *from;
    }
    bytes
}

/// The record of an opened entry; `None` where a group's keys are gone.
fn stored(opened: &OpenedRecord) -> Result<Option<StoredRecord>, Fault> {
    if !opened.closed.is_empty() {
        return Ok(None);
    }
    // A map by name, so that the bytes are canonical again.
    let bytes = serde_json::to_vec(&opened.groups).map_err(broken)?;
    Ok(Some(StoredRecord { id: DecisionId::from_uuid(opened.record.uuid()), bytes: bytes.into() }))
}

#[async_trait]
impl Journal for AuditJournal {
    async fn append(&self, tenant: &TenantId, mut made: Entry) -> Result<ports::Appended, Fault> {
        let span = self.span(&made.facts);
        // Appends are grouped into one commit, which may happen inside another request's span.
        if let Some(trace) = span.in_scope(self.trace_parent) {
            made.facts.iter_mut().for_each(|it| it.trace = Some(trace.clone()));
        }
        let companion = Companion { settlements: made.settlements, handoff: made.handoff };
        let companion = if companion.is_empty() {
            None
        } else {
            Some(entry::Companion { kind: companion::KIND, body: companion.encode()? })
        };
        let submission = Submission {
            tenant: tenant.clone(),
            record: RecordId::from_uuid(made.id.uuid()),
            kind: EntryKind::Decision,
            class: CLASS,
            at: made.at,
            subject: Some(made.subject),
            idem: IdemKey::new(idem_bytes(&made.key, made.key_at), made.key_at),
            // Whether a repeat asked the same is decision's to say: it compares the requests.
            fingerprint: made.key,
            groups: groups(&made.record)?,
            facts: made.facts,
            companion,
        };
        match self.append.append(submission).instrument(span).await {
            Ok(Appended::New(_)) => Ok(ports::Appended::Committed),
            Ok(Appended::Existing(_, opened)) => stored(&opened)?
                .map(ports::Appended::Duplicate)
                .ok_or_else(|| Fault::escalate("opening the record of an earlier decision")),
            Ok(Appended::Conflict | Appended::Vetoed(_)) => Ok(ports::Appended::Moved),
            Err(error) => Err(error.into()),
        }
    }

    async fn get(&self, tenant: &TenantId, id: DecisionId) -> Result<Option<StoredRecord>, Fault> {
        let opened = self.records.get(tenant, RecordId::from_uuid(id.uuid())).await?;
        opened.map_or(Ok(None), |it| stored(&it))
    }

    async fn of_person(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        after: Option<&Cursor>,
        limit: Limit,
    ) -> Result<Page<StoredRecord>, Fault> {
        let before = position(after)?;
        // Decisions made before a merge are filed under whom the person was then.
        let former = person.nodes.iter().map(|it| SubjectId::from_uuid(it.uuid()));
        let subjects: Vec<_> = former.chain([person.subject]).collect();
        let opened = self.records.of_subjects(tenant, &subjects, before, limit).await?;
        page(&opened, limit)
    }

    async fn range(
        &self,
        tenant: &TenantId,
        after: Option<&Cursor>,
        limit: Limit,
    ) -> Result<Page<StoredRecord>, Fault> {
        let after = position(after)?;
        let opened = self.records.page(tenant, Some(EntryKind::Decision), after, limit).await?;
        page(&opened, limit)
    }
}

fn position(cursor: Option<&Cursor>) -> Result<Option<u64>, Fault> {
    cursor
        .map(|it| it.0.parse().map_err(|e| Fault::escalate("reading a cursor").because(e)))
        .transpose()
}

fn page(opened: &[OpenedRecord], limit: Limit) -> Result<Page<StoredRecord>, Fault> {
    let full = opened.len() >= usize::from(limit.get());
    let next = opened.last().filter(|_| full).map(|it| Cursor(it.index.to_string()));
    let items = opened
        .iter()
        .filter(|it| it.kind == EntryKind::Decision)
        .filter_map(|it| stored(it).transpose())
        .collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}
