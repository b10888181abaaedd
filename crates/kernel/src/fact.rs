//! Facts: what happened, kept in the transaction that made it happen.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{FactId, Fault, Instant, Limit, NodeId, SubjectId, TenantId};

/// One thing that happened, pseudonymous, written in its transition's own transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// What consumers deduplicate on.
    pub id: FactId,
    /// Whose it is.
    pub tenant: TenantId,
    /// `noun.past_participle`; the first segment has one owner.
    pub name: String,
    /// When it happened.
    pub at: Instant,
    /// About whom, as the person was resolved then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<SubjectId>,
    /// The nodes it concerns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeId>,
    /// The fact that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<FactId>,
    /// W3C `traceparent` of the work that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The rest, by name; canonical JSON (integers only, no nulls).
    pub body: serde_json::Value,
}

/// A fact with its place in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Positioned {
    /// Rises in commit order.
    pub position: u64,
    /// The fact.
    pub fact: Fact,
}

/// The feed of facts: at least once, in commit order.
#[async_trait]
pub trait FactFeed: fmt::Debug + Send + Sync + 'static {
    /// The next facts after what this consumer has done, in order.
    async fn take(&self, consumer: &str, limit: Limit) -> Result<Vec<Positioned>, Fault>;
    /// Everything up to and including this position is done; never moves back.
    async fn done(&self, consumer: &str, through: u64) -> Result<(), Fault>;
    /// How many facts the one of these consumers that is furthest behind has not done.
    async fn lag(&self, consumers: &[&str]) -> Result<u64, Fault>;
}
