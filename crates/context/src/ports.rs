//! What context asks of others: storage of events and fields, and the neighbours' answers.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use kernel::{
    EventId, Fact, Fault, Instant, Limit, NodeId, PersonAt, PurposeKey, SystemId, TenantId,
};

use crate::{
    Artifacts, Code, Event, EventType, Identifier, ObjectRef, Position,
    event::{EventKey, Seen},
    freshness::{Arrivals, Board, Freshness},
    view::{Contribution, View},
};

/// An event kept aside with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The id it was given here.
    pub id: EventId,
    /// The system, where one was named.
    pub source: Option<SystemId>,
    /// The type, where one was named.
    pub kind: Option<EventType>,
    /// The id at the source, where one was named.
    pub ce_id: Option<String>,
    /// Why.
    pub code: Code,
    /// Where in the event.
    pub pointer: String,
    /// When it arrived.
    pub received_at: Instant,
    /// The event as received, where it may be kept; never shown in a listing.
    pub raw: Option<String>,
}

/// What became of what was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Admitted.
    Accepted,
    /// Admitted before.
    Duplicate,
    /// Well formed and kept aside.
    Parked,
    /// Answered with a problem.
    Refused,
}

impl Status {
    /// Every status, in order.
    pub const ALL: [Self; 4] = [Self::Accepted, Self::Duplicate, Self::Parked, Self::Refused];

    /// The word in answers and listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Parked => "parked",
            Self::Refused => "refused",
        }
    }
}

/// How many of one source and type met one fate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tally {
    /// The source as named by the event, empty where none was.
    pub source: String,
    /// The type as named by the event, empty where none was.
    pub kind: String,
    /// The fate.
    pub status: Status,
    /// The code of what was parked or refused.
    pub code: Option<Code>,
    /// How many.
    pub n: u64,
}

/// One append: everything a request led to.
#[derive(Debug, Clone)]
pub struct Admission {
    /// Whose.
    pub tenant: TenantId,
    /// The events admitted, in the order received.
    pub events: Vec<Event>,
    /// What was kept aside.
    pub dead: Vec<DeadLetter>,
    /// What to add to the counts.
    pub tallies: Vec<Tally>,
    /// Arrivals to remember where they are newer; `announced` is used for new rows only.
    pub arrivals: Vec<Arrivals>,
    /// The facts.
    pub facts: Vec<Fact>,
}

/// Why an append was not made.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another request admitted one of the keys first; nothing was kept.
    #[error("another request admitted one of these events first")]
    Raced,
    /// The log could not be written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The log of admitted events, the only copy of each payload.
#[async_trait]
pub trait EventLog: fmt::Debug + Send + Sync + 'static {
    /// Which of these keys are admitted already.
    async fn seen(&self, tenant: &TenantId, keys: &[EventKey]) -> Result<Vec<Seen>, Fault>;
    /// Keeps an admission whole, or nothing of it.
    async fn admit(&self, admission: &Admission) -> Result<(), AppendError>;
    /// The events of these ids that exist, in any order.
    async fn events(&self, tenant: &TenantId, ids: &[EventId]) -> Result<Vec<Event>, Fault>;
    /// What was admitted and not yet applied, of all tenants, in commit order.
    async fn pending(&self, limit: Limit) -> Result<Pending, Fault>;
}

/// The head of what is not yet applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pending {
    /// Everything up to here is applied; says nothing where there are no events.
    pub after: Position,
    /// The next events, each with its position.
    pub events: Vec<(Position, Event)>,
}

/// One application: a stretch of the log turned into fields.
#[derive(Debug, Clone)]
pub struct Application {
    /// Where the log was applied up to when this was computed.
    pub after: Position,
    /// Where it is applied up to now.
    pub through: Position,
    /// What each tenant's nodes gain.
    pub values: Vec<(TenantId, Vec<Contribution>)>,
    /// Events nobody could be found for.
    pub dead: Vec<(TenantId, DeadLetter)>,
    /// The facts.
    pub facts: Vec<Fact>,
}

/// Why an application was not made.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Another worker applied this stretch; nothing was kept.
    #[error("another worker applied these events first")]
    Moved,
    /// The store could not be written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The fields of people, kept per node.
#[async_trait]
pub trait ContextStore: fmt::Debug + Send + Sync + 'static {
    /// The fields of these nodes: the person's own, and those of these objects of theirs.
    async fn view(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        objects: &[ObjectRef],
    ) -> Result<View, Fault>;
    /// The version of each node; a node never written to is absent.
    async fn versions(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
    ) -> Result<BTreeMap<NodeId, u64>, Fault>;
    /// Keeps an application whole, or nothing of it; each node's version rises by its number of
    /// distinct events.
    async fn apply(&self, application: &Application) -> Result<(), ApplyError>;
}

/// Dead letters that look alike: forty thousand failures are one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeadLetterGroup {
    /// The type, where one was named.
    pub kind: Option<EventType>,
    /// Why.
    pub code: Code,
    /// Where in the events.
    pub pointer: String,
    /// How many.
    pub n: u64,
    /// When the first arrived.
    pub first_at: Instant,
    /// When the last arrived.
    pub last_at: Instant,
}

/// What was kept aside, and how everything received is accounted for.
#[async_trait]
pub trait DeadLetters: fmt::Debug + Send + Sync + 'static {
    /// Groups by type, code and pointer, the largest first.
    async fn groups(&self, tenant: &TenantId, limit: Limit) -> Result<Vec<DeadLetterGroup>, Fault>;
    /// The counts by source, type, status and code, in that order.
    async fn tallies(&self, tenant: &TenantId) -> Result<Vec<Tally>, Fault>;
}

/// A change of what was announced about one source and type.
#[derive(Debug, Clone)]
pub struct Announcement {
    /// Whose.
    pub tenant: TenantId,
    /// The system.
    pub source: SystemId,
    /// The type.
    pub kind: EventType,
    /// What was announced before.
    pub from: Freshness,
    /// What is announced now.
    pub to: Freshness,
    /// The facts.
    pub facts: Vec<Fact>,
}

/// Why an announcement was not made.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// Another worker announced a change first; nothing was kept.
    #[error("another worker announced a change first")]
    Moved,
    /// The board could not be written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What arrived when, per source and type.
#[async_trait]
pub trait FreshnessBoard: fmt::Debug + Send + Sync + 'static {
    /// The arrivals of a tenant.
    async fn board(&self, tenant: &TenantId) -> Result<Board, Fault>;
    /// The tenants that have arrivals, ascending.
    async fn tenants(&self) -> Result<Vec<TenantId>, Fault>;
    /// Keeps an announcement with its facts.
    async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError>;
}

/// Who is an event about?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The event.
    pub event: EventId,
    /// The system that sent it.
    pub source: SystemId,
    /// Its type.
    pub kind: EventType,
    /// When it happened.
    pub at: Instant,
    /// The names it gives the person, the subject first.
    pub identifiers: Vec<Identifier>,
}

/// Who an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The person, as resolved now.
    pub person: Option<PersonAt>,
    /// The node the event was said about.
    pub node: Option<NodeId>,
    /// Why nobody was found, as identity's reasons.
    pub reasons: Vec<kernel::Reason>,
}

/// Identity, asked in context's words.
#[async_trait]
pub trait SubjectResolver: fmt::Debug + Send + Sync + 'static {
    /// Takes the claims of these events and resolves each, in order; idempotent on the event id.
    async fn resolve(&self, tenant: &TenantId, asked: &[Asked]) -> Result<Vec<Resolved>, Fault>;
}

/// What a person lets stand, now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Purposes that hold for the person; what is not named does not.
    pub purposes: std::collections::BTreeSet<PurposeKey>,
    /// Consent's epoch of the person.
    pub epoch: kernel::Epoch,
}

/// Consent, asked in context's words.
#[async_trait]
pub trait StandingSource: fmt::Debug + Send + Sync + 'static {
    /// What stands for a person now.
    async fn standing(&self, tenant: &TenantId, person: &PersonAt) -> Result<Standing, Fault>;
}

/// The live release, compiled.
#[async_trait]
pub trait ArtifactSource: fmt::Debug + Send + Sync + 'static {
    /// Schemas, contracts, connectors, catalogue and boundaries that are live.
    async fn live(&self, tenant: &TenantId) -> Result<Arc<Artifacts>, Fault>;
}
