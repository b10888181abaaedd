//! What decisions ask of the rest of the house.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use kernel::{
    Channel, Class, Cursor, DecisionId, Digest, Epochs, EventId, Fact, Fault, Instant, JourneyNode,
    Limit, NodeId, OccurrenceKey, Page, Period, PersonAt, PurposeRef, SubjectId, TenantId,
};
use serde::{Deserialize, Serialize};

use crate::{
    artifacts::Artifacts,
    inputs::{Cut, CutSpec, Draw, Headroom, Verdict},
    node::Experiment,
    occurrence::{ObjectRef, Occurrence, Settlement, State},
    person::Person,
    record::StoredRecord,
};

/// What is live, pinned for a whole decision.
#[derive(Debug, Clone)]
pub struct Release {
    /// The bundle's digest.
    pub digest: Digest,
    /// Rises with every move of the pointer.
    pub sequence: u64,
    /// The compiled nodes.
    pub artifacts: Arc<Artifacts>,
}

/// The releases decisions are made under.
#[async_trait]
pub trait ReleaseSource: fmt::Debug + Send + Sync + 'static {
    /// What is live now; `None` where nothing was ever released.
    async fn current(&self, tenant: &TenantId) -> Result<Option<Arc<Release>>, Fault>;
    /// The bundle of this digest, live or not.
    async fn by_digest(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<Option<Arc<Artifacts>>, Fault>;
}

/// An identifier as an asker knows it (`user_id`, `U000123`).
#[derive(Clone, PartialEq, Eq)]
pub struct Identifier {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The value; personal, so never printed.
    pub value: Arc<str>,
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({}:..)", self.namespace)
    }
}

/// Who is who.
#[async_trait]
pub trait PersonSource: fmt::Debug + Send + Sync + 'static {
    /// The one person these identifiers lead to; `None` where there is none, or more than one.
    async fn find(
        &self,
        tenant: &TenantId,
        identifiers: &[Identifier],
    ) -> Result<Option<Person>, Fault>;
    /// The persons of these subjects, in order; a former head still resolves.
    async fn persons(
        &self,
        tenant: &TenantId,
        subjects: &[SubjectId],
    ) -> Result<Vec<Option<Person>>, Fault>;
}

/// One node's question within a gathering.
#[derive(Debug, Clone)]
pub struct CutAsk {
    /// What it may know.
    pub spec: Arc<CutSpec>,
    /// About which object.
    pub object: Option<ObjectRef>,
}

/// A gathering for one person.
#[derive(Debug, Clone)]
pub struct ContextAsk {
    /// Whose: with the nodes that are theirs alone.
    pub person: PersonAt,
    /// At which instant.
    pub as_of: Instant,
    /// One cut per node.
    pub cuts: Vec<CutAsk>,
}

/// An admitted event, as triggers read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventData {
    /// Its id.
    pub id: EventId,
    /// Its type (`policy.issued.v1`).
    pub event_type: Arc<str>,
    /// When it happened at its source.
    pub at: Instant,
    /// The business objects it names.
    pub objects: Vec<ObjectRef>,
    /// Its payload.
    pub data: serde_json::Value,
}

/// What is known about people and what happened to them.
#[async_trait]
pub trait ContextSource: fmt::Debug + Send + Sync + 'static {
    /// For each ask, one cut per node, in order.
    async fn gather(&self, tenant: &TenantId, asks: &[ContextAsk]) -> Result<Vec<Vec<Cut>>, Fault>;
    /// The events of these ids, in order.
    async fn events(
        &self,
        tenant: &TenantId,
        ids: &[EventId],
    ) -> Result<Vec<Option<EventData>>, Fault>;
}

/// A question of permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionAsk {
    /// For which purpose.
    pub purpose: PurposeRef,
    /// Through which channel.
    pub channel: Channel,
    /// Why the action exists.
    pub class: Class,
}

/// Who allowed what.
#[async_trait]
pub trait PermissionSource: fmt::Debug + Send + Sync + 'static {
    /// One verdict per ask, in order, all from one reading.
    async fn verdicts(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        asks: &[PermissionAsk],
        as_of: Instant,
    ) -> Result<Vec<Verdict>, Fault>;
}

/// One contact a node had with a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// What became of it: one of [`OUTCOMES`].
    pub outcome: Arc<str>,
    /// When.
    pub at: Instant,
    /// The occasion it belonged to, where that was asked for and is known.
    pub occurrence: Option<OccurrenceKey>,
}

/// What contact history says became of contacts, and nodes may name: `accepted` where it went out.
pub const OUTCOMES: [&str; 1] = ["accepted"];

/// What one node asks of contact history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryAsk {
    /// The node.
    pub node: JourneyNode,
    /// Its caps, by name.
    pub caps: Vec<Arc<str>>,
    /// Whether the occasions its contacts belonged to are asked for.
    pub occasions: bool,
}

/// What contact history says about one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeHistory {
    /// Contacts since the instant asked, oldest first.
    pub contacts: Vec<Contact>,
    /// Room under the caps.
    pub headroom: Headroom,
}

/// What was sent, and how it was received.
#[async_trait]
pub trait ContactHistory: fmt::Debug + Send + Sync + 'static {
    /// One answer per ask, in order.
    async fn history(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        asks: &[HistoryAsk],
        since: Instant,
        as_of: Instant,
    ) -> Result<Vec<NodeHistory>, Fault>;
}

/// What is drawn for.
#[derive(Debug, Clone, Copy)]
pub struct DrawAsk<'a> {
    /// The node.
    pub node: &'a JourneyNode,
    /// Its experiment.
    pub experiment: &'a Experiment,
    /// The person.
    pub subject: SubjectId,
    /// The occasion.
    pub occurrence: OccurrenceKey,
    /// When.
    pub as_of: Instant,
}

/// Chance with a memory: the same unit draws the same arm.
pub trait ArmSource: fmt::Debug + Send + Sync + 'static {
    /// The draw of this unit.
    fn draw(&self, tenant: &TenantId, ask: DrawAsk<'_>) -> Draw;
}

/// What an answer that is itself the hand-off must still find true when it is appended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handoff {
    /// The decision.
    pub decision: DecisionId,
    /// The person.
    pub subject: SubjectId,
    /// Their nodes, ascending.
    pub nodes: Vec<NodeId>,
    /// The counters that must be equal.
    pub epochs: Epochs,
    /// Before this instant it must be appended.
    pub good_until: Instant,
    /// When it is handed over.
    pub at: Instant,
    /// Until when the answer may be in flight; a withdrawal waits for it.
    pub until: Instant,
    /// The journey node.
    pub node: JourneyNode,
    /// The class of the action.
    pub class: Class,
    /// The channel.
    pub channel: Channel,
    /// The caps to reserve, by name.
    pub caps: Vec<String>,
}

/// A decision on its way to being made: record, facts, settlements, hand-off.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The decision.
    pub id: DecisionId,
    /// What makes a second append the same one.
    pub key: Digest,
    /// When the key was minted: equal for every append of it.
    pub key_at: Instant,
    /// The person.
    pub subject: SubjectId,
    /// Their nodes, ascending.
    pub nodes: Vec<NodeId>,
    /// The journey nodes in contest.
    pub journeys: Vec<JourneyNode>,
    /// When it is made.
    pub at: Instant,
    /// The record.
    pub record: StoredRecord,
    /// What happened, told in the same transaction.
    pub facts: Vec<Fact>,
    /// Steps of occurrences, made in the same transaction or not at all.
    pub settlements: Vec<Settlement>,
    /// The hand-off, where the answer is one.
    pub handoff: Option<Handoff>,
}

/// What became of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is made.
    Committed,
    /// One with this key was made before; it stands.
    Duplicate(StoredRecord),
    /// Permission moved, a cap filled or a lease was lost: nothing was written.
    Moved,
}

/// The log of decisions: what was not appended was not made.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync + 'static {
    /// Appends a decision with everything that goes with it, in one transaction.
    async fn append(&self, tenant: &TenantId, entry: Entry) -> Result<Appended, Fault>;
    /// The record of a decision.
    async fn get(&self, tenant: &TenantId, id: DecisionId) -> Result<Option<StoredRecord>, Fault>;
    /// A person's decisions, newest first.
    async fn of_person(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        after: Option<&Cursor>,
        limit: Limit,
    ) -> Result<Page<StoredRecord>, Fault>;
    /// Every decision, in the order of the log.
    async fn range(
        &self,
        tenant: &TenantId,
        after: Option<&Cursor>,
        limit: Limit,
    ) -> Result<Page<StoredRecord>, Fault>;
}

/// A change of the timetable: all of it or nothing, with its facts.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Timers to set, or missed from the start; one whose key exists is left as it is.
    pub arm: Vec<Occurrence>,
    /// Steps of existing ones; a step whose fence has moved is skipped.
    pub settle: Vec<Settlement>,
    /// Persons whose occurrences now belong to another: (origin, subject).
    pub rekey: Vec<(SubjectId, SubjectId)>,
    /// What happened.
    pub facts: Vec<Fact>,
}

impl Change {
    /// Whether there is nothing to write.
    pub const fn is_empty(&self) -> bool {
        self.arm.is_empty()
            && self.settle.is_empty()
            && self.rekey.is_empty()
            && self.facts.is_empty()
    }
}

/// How a worker takes due occurrences.
#[derive(Debug, Clone, Copy)]
pub struct ClaimAsk {
    /// The present.
    pub now: Instant,
    /// Until when the claim holds.
    pub lease_until: Instant,
    /// The most persons.
    pub people: usize,
}

/// Which occurrences to look up.
#[derive(Debug, Clone, Copy)]
pub enum Lookup<'a> {
    /// These, in whatever state.
    Keys(&'a [OccurrenceKey]),
    /// The open ones of these persons.
    OpenOf(&'a [SubjectId]),
}

/// An occurrence that led to a decision, for the law of re-entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// The person it belongs to.
    pub subject: SubjectId,
    /// The node.
    pub node: JourneyNode,
    /// The object.
    pub object: Option<ObjectRef>,
    /// The offset.
    pub offset: Arc<str>,
    /// The anchor date.
    pub anchor: Option<chrono::NaiveDate>,
    /// Act or holdout.
    pub state: State,
    /// When it was settled.
    pub at: Instant,
}

/// Durable timers, keyed by business object.
#[async_trait]
pub trait Timetable: fmt::Debug + Send + Sync + 'static {
    /// Makes a change; every part of it or none.
    async fn change(&self, tenant: &TenantId, change: Change) -> Result<(), Fault>;
    /// Takes due persons, earliest first: all their due occurrences in one lease, fence raised.
    /// An occurrence whose lease ran out is due again.
    async fn claim(&self, ask: ClaimAsk) -> Result<Vec<Occurrence>, Fault>;
    /// Occurrences by key or by person, ascending by key.
    async fn find(&self, tenant: &TenantId, lookup: Lookup<'_>) -> Result<Vec<Occurrence>, Fault>;
    /// What these persons entered since then: occurrences that acted or were held out.
    async fn entered(
        &self,
        tenant: &TenantId,
        subjects: &[SubjectId],
        since: Instant,
    ) -> Result<Vec<Entered>, Fault>;
    /// When the next occurrence is due or the next lease ends.
    async fn next_due(&self) -> Result<Option<Instant>, Fault>;
}

/// The window of contact history a node can ask for.
pub const HISTORY_MAX: Period = Period::days(400);
