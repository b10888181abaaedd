//! What delivery asks of others.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::{
    Channel, Cursor, DecisionId, DeliveryId, Digest, Fact, Fault, Instant, Known, Limit, NodeId,
    Page, PersonAt, PurposeKey, Reason, SubjectId, TenantId, Value,
};

use crate::{
    attempt::{Attempt, AttemptId},
    contact::Entry,
    content::Artifacts,
    gate::{GateRequest, Judgement},
    message::Delivery,
    permission::{Ask, Verdict},
    sender::{Accepted, Address, AddressRef, Destination, Rendered},
    state::State,
    zone::ZoneEvidence,
};

/// Deliveries, kept with their facts.
#[async_trait]
pub trait DeliveryStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps new deliveries with their facts; one whose decision and treatment are planned already
    /// is absorbed without facts. Keeps notes, facts about what is not planned. Says how many
    /// deliveries were new.
    async fn plan(&self, planned: Vec<Planned>, notes: Vec<Fact>) -> Result<usize, Fault>;
    /// What must be looked at by this instant: by class (law and contract first), then earliest,
    /// then priority, then id.
    async fn due(&self, now: Instant, limit: usize) -> Result<Vec<Delivery>, Fault>;
    /// One delivery with its attempts.
    async fn get(&self, tenant: &TenantId, id: DeliveryId) -> Result<Option<Trail>, Fault>;
    /// Moves deliveries, each with its facts and only from the version named. Says, in the same
    /// order, which moved.
    async fn append(&self, tenant: &TenantId, changes: Vec<Change>) -> Result<Vec<bool>, Fault>;
    /// A page of deliveries, newest first.
    async fn page(
        &self,
        tenant: &TenantId,
        filter: &Filter,
        after: Option<Cursor>,
        limit: Limit,
    ) -> Result<Page<Delivery>, Fault>;
}

/// The one door to a hand-off; every call is one transaction on the system of record.
#[async_trait]
pub trait SendGate: fmt::Debug + Send + Sync + 'static {
    /// Judges requests of one tenant by [`judge_all`](crate::gate::judge_all) on what this
    /// transaction reads, keeps what the judgements say, and commits. Answers in the order of the
    /// requests.
    async fn pass(&self, now: Instant, requests: &[GateRequest]) -> Result<Vec<Judgement>, Fault>;
    /// Judges without keeping anything: for those held out, whose delivery is not planned.
    async fn rehearse(&self, now: Instant, request: &GateRequest) -> Result<Judgement, Fault>;
    /// Ends attempts, each with its delivery's move, its contact and its facts, and wakes whoever
    /// settles. An attempt that has ended already stays as it is. Says which ended now.
    async fn conclude(&self, conclusions: Vec<Conclusion>) -> Result<Vec<bool>, Fault>;
    /// Waits until every attempt gated before this call on any of these nodes has ended, or until
    /// the instant; then says how each stands.
    async fn settle(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        now: Instant,
        until: Instant,
    ) -> Result<Vec<Settled>, Fault>;
    /// Open attempts whose deadline has passed, with their deliveries.
    async fn overdue(&self, now: Instant, limit: usize) -> Result<Vec<Overdue>, Fault>;
}

/// Contacts made and reserved.
#[async_trait]
pub trait ContactLedger: fmt::Debug + Send + Sync + 'static {
    /// The contacts of these nodes since an instant, oldest first.
    async fn history(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        since: Instant,
    ) -> Result<Vec<Entry>, Fault>;
    /// Keeps contacts other systems made, with facts; one that is known already is absorbed
    /// without its fact. Says how many were new.
    async fn record(&self, tenant: &TenantId, contacts: Vec<(Entry, Fact)>)
    -> Result<usize, Fault>;
}

/// What the sandbox would have sent.
#[async_trait]
pub trait Inbox: fmt::Debug + Send + Sync + 'static {
    /// Keeps a letter; one for the same delivery is absorbed.
    async fn put(&self, letter: Letter) -> Result<(), Fault>;
    /// One letter.
    async fn get(&self, tenant: &TenantId, id: DeliveryId) -> Result<Option<Letter>, Fault>;
    /// A page of letters, newest first; of one person where a subject is named.
    async fn page(
        &self,
        tenant: &TenantId,
        subject: Option<SubjectId>,
        after: Option<Cursor>,
        limit: Limit,
    ) -> Result<Page<Letter>, Fault>;
}

/// Permission on the system of record, never a cache.
#[async_trait]
pub trait PermissionSource: fmt::Debug + Send + Sync + 'static {
    /// Whether this may be sent, now.
    async fn verdict(&self, tenant: &TenantId, ask: &Ask) -> Result<Verdict, Fault>;
}

/// People as resolved now.
#[async_trait]
pub trait PersonSource: fmt::Debug + Send + Sync + 'static {
    /// The person a subject belongs to now; a former head still resolves.
    async fn person(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Option<PersonAt>, Fault>;
}

/// Addresses of people, and what is known of where they are.
#[async_trait]
pub trait AddressBook: fmt::Debug + Send + Sync + 'static {
    /// The address to use on a channel, if the person has one.
    async fn address(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        channel: Channel,
    ) -> Result<Option<AddressRef>, Fault>;
    /// The address itself; opened for the hand-off alone.
    async fn open(&self, tenant: &TenantId, node: NodeId) -> Result<Option<Address>, Fault>;
    /// What is known of the person's time zone.
    async fn zones(&self, tenant: &TenantId, person: &PersonAt) -> Result<ZoneEvidence, Fault>;
}

/// Pages that open without a login, one token each.
#[async_trait]
pub trait Links: fmt::Debug + Send + Sync + 'static {
    /// Links for messages, in the order asked; the same delivery gets working links again.
    async fn mint(&self, tenant: &TenantId, asks: &[LinkAsk]) -> Result<Vec<MessageLinks>, Fault>;
}

/// What a message is made of.
#[async_trait]
pub trait Content: fmt::Debug + Send + Sync + 'static {
    /// The artifacts of a release that is not live any more.
    async fn released(
        &self,
        tenant: &TenantId,
        release: &Digest,
    ) -> Result<Option<Arc<Artifacts>>, Fault>;
    /// The bundle of a decision: the only values a message may show.
    async fn values(
        &self,
        tenant: &TenantId,
        decision: DecisionId,
    ) -> Result<BTreeMap<String, Known<Value>>, Fault>;
}

/// The live artifacts of this crate's kinds.
#[async_trait]
pub trait ArtifactSource: fmt::Debug + Send + Sync + 'static {
    /// What is live for the tenant.
    async fn live(&self, tenant: &TenantId) -> Result<Arc<Artifacts>, Fault>;
}

/// A channel's way out.
#[async_trait]
pub trait Sender: fmt::Debug + Send + Sync + 'static {
    /// Hands the message to the provider, once, within the attempt's deadline.
    async fn hand_off(
        &self,
        attempt: &Attempt,
        message: &Rendered,
        destination: &Destination,
    ) -> Result<Accepted, HandOffError>;
}

/// How a hand-off failed, by what may have happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandOffError {
    /// It did not happen and may work later.
    #[error("the provider could not take the message ({code})")]
    Retryable {
        /// What failed.
        code: Reason,
        /// How long the provider asked to wait.
        after: Option<TimeDelta>,
    },
    /// It did not happen and never will.
    #[error("the provider refused the message ({code})")]
    Permanent {
        /// What failed.
        code: Reason,
    },
    /// It may have happened.
    #[error("the provider may have taken the message ({code})")]
    Ambiguous {
        /// What was ambiguous.
        code: Reason,
    },
    /// Nothing was sent.
    #[error("the hand-off did not start")]
    NotStarted,
}

/// A delivery to plan, with its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The delivery.
    pub delivery: Delivery,
    /// Its facts.
    pub facts: Vec<Fact>,
}

/// A move of one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub delivery: DeliveryId,
    /// The version it moves from.
    pub expected: u32,
    /// Where it moves.
    pub state: State,
    /// Its facts.
    pub facts: Vec<Fact>,
}

/// The end of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which attempt.
    pub attempt: AttemptId,
    /// The version of the delivery in flight.
    pub expected: u32,
    /// When it ended.
    pub at: Instant,
    /// How, as the trail shows it.
    pub outcome: AttemptOutcome,
    /// The provider's own name for the message.
    pub reference: Option<String>,
    /// Where the delivery moves.
    pub state: State,
    /// What becomes of the reserved contact.
    pub contact: ContactMove,
    /// Its facts.
    pub facts: Vec<Fact>,
}

/// What becomes of the place a gate reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactMove {
    /// The contact was made, or may have been.
    Commit,
    /// It was not made.
    Release,
    /// The same delivery will try again.
    Keep,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The provider took it.
    Accepted,
    /// It failed, and may pass.
    Retryable(Reason),
    /// It failed for good.
    Permanent(Reason),
    /// It may have happened.
    Ambiguous(Reason),
    /// It did not start.
    NotStarted,
}

/// How an attempt a withdrawal waited for stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Which.
    pub attempt: AttemptId,
    /// How it ended; `None` is open still.
    pub outcome: Option<AttemptOutcome>,
}

/// An open attempt past its deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// Which.
    pub attempt: AttemptId,
    /// Its delivery, in flight.
    pub delivery: Delivery,
}

/// One delivery with what was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// The delivery.
    pub delivery: Delivery,
    /// Its attempts, in order.
    pub attempts: Vec<AttemptRecord>,
}

/// One attempt as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    /// Which.
    pub id: AttemptId,
    /// The epochs its permission rests on.
    pub epochs: kernel::Epochs,
    /// Names the verdict.
    pub verdict: Digest,
    /// Names the rendered message.
    pub rendered: Digest,
    /// The zones in all of which its window was open.
    pub windows: Vec<String>,
    /// When the gate let it through.
    pub committed_at: Instant,
    /// By when it ends.
    pub deadline: Instant,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// How it ended; `None` is open.
    pub outcome: Option<AttemptOutcome>,
    /// The provider's own name for the message.
    pub reference: Option<String>,
}

/// Which deliveries a page holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of one person.
    pub subject: Option<SubjectId>,
    /// In one state, by name.
    pub state: Option<String>,
}

/// What a message's links are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkAsk {
    /// The person.
    pub subject: SubjectId,
    /// The purpose a one-click withdraws.
    pub purpose: PurposeKey,
    /// The channel it withdraws it on.
    pub channel: Channel,
    /// The message.
    pub delivery: DeliveryId,
    /// The decision the why page explains.
    pub decision: DecisionId,
}

/// The links of one message, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageLinks {
    /// RFC 8058 one-click: a POST withdraws.
    pub one_click: String,
    /// The preference centre.
    pub preferences: String,
    /// Why this message.
    pub why: String,
}

/// A message as the sandbox keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Whose it is.
    pub tenant: TenantId,
    /// The delivery.
    pub delivery: DeliveryId,
    /// The decision it carries out.
    pub decision: DecisionId,
    /// The person.
    pub subject: SubjectId,
    /// The channel.
    pub channel: Channel,
    /// The address, masked.
    pub to: String,
    /// The message.
    pub message: Rendered,
    /// When it was handed off.
    pub at: Instant,
}
