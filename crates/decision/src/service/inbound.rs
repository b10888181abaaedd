//! A page, app or agent asks for a placement.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{Channel, DecisionId, Digest, Fault, Instant, JourneyNode, SubjectId};
use uuid::Uuid;

use crate::{occurrence::ObjectRef, ports::Identifier};

/// Whom an ask is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A person by id.
    Subject(SubjectId),
    /// A person by what the asker knows.
    Identifiers(Vec<Identifier>),
}

/// A request for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Whom it is about.
    pub who: Who,
    /// The placement to fill.
    pub placement: Arc<str>,
    /// The business object on the page.
    pub object: Option<ObjectRef>,
    /// What the asker says about the moment.
    pub hints: BTreeMap<Arc<str>, Arc<str>>,
    /// One id, one decision.
    pub request_id: Uuid,
}

/// What is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The journey node.
    pub node: JourneyNode,
    /// The action.
    pub action: Arc<str>,
    /// The treatment.
    pub treatment: Arc<str>,
    /// The channel.
    pub channel: Channel,
    /// The placement.
    pub placement: Option<Arc<str>>,
    /// The template's name.
    pub template: Arc<str>,
    /// The template's digest.
    pub template_digest: Digest,
    /// Until when the answer may be shown.
    pub valid_until: Instant,
}

/// The answer to an ask: an action or nothing; why nothing is for staff to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The decision.
    pub decision: DecisionId,
    /// What is to be shown; nothing looks the same whatever its reason.
    pub served: Option<Served>,
    /// Whether an earlier append of the same request answered.
    pub duplicate: bool,
}

/// Why an ask has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody is known by these identifiers.
    #[error("no person is known by these identifiers")]
    UnknownPerson,
    /// No live node serves the placement.
    #[error("no live node serves placement `{0}`")]
    UnknownPlacement(Arc<str>),
    /// The same request id asked something else before.
    #[error("this request id asked something else before")]
    Conflict,
    /// More hints than a request may carry.
    #[error("a request carries at most 16 hints")]
    TooManyHints,
    /// A technology failed; nothing was decided.
    #[error(transparent)]
    Fault(#[from] Fault),
}
