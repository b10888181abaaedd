//! Assertions: the append-only log from which everything else is derived.

use std::fmt;

use kernel::{Digest, Entropy, EventId, Instant, NodeId, StaffId, SystemId};
use serde::Serialize;
use uuid::Uuid;

use crate::node::NodeKey;

/// One assertion of the log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssertionId(Uuid);

impl AssertionId {
    /// A fresh id of this instant.
    pub fn mint(now: Instant, entropy: &dyn Entropy) -> Self {
        Self(NodeId::mint(now, entropy).uuid())
    }

    /// The id with this UUID.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The bare UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for AssertionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asn_{}", self.0)
    }
}

impl fmt::Debug for AssertionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How strongly a link is asserted, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// One record or event names both.
    Stated,
    /// One authenticated session held both.
    Proven,
    /// The system that owns the namespace says so.
    Owner,
    /// A reviewed decision.
    Steward,
}

impl Strength {
    /// Every strength, ascending.
    pub const ALL: [Self; 4] = [Self::Stated, Self::Proven, Self::Owner, Self::Steward];

    /// The name as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stated => "stated",
            Self::Proven => "proven",
            Self::Owner => "owner",
            Self::Steward => "steward",
        }
    }

    /// The strength of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// What is asserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Both identify one person.
    Same(NodeId, NodeId),
    /// They never identify one person.
    NotSame(NodeId, NodeId),
    /// A soft identifier was sighted with an anchor.
    Attach {
        /// The contact, device or group.
        soft: NodeId,
        /// The anchor it was seen with.
        anchor: NodeId,
    },
    /// The value was proven to reach or name its person.
    Verify(NodeId),
    /// The value stands for nobody (a kiosk, junk).
    Block(NodeId),
    /// An assertion is taken back for good.
    Retract {
        /// The assertion.
        assertion: AssertionId,
        /// The first node of that assertion, by which the log files this one.
        filed_at: NodeId,
    },
}

impl Kind {
    /// The name as stored and shown.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Same(..) => "same",
            Self::NotSame(..) => "not_same",
            Self::Attach { .. } => "attach",
            Self::Verify(_) => "verify",
            Self::Block(_) => "block",
            Self::Retract { .. } => "retract",
        }
    }

    /// The node it is filed at, and the other one if it is about two.
    pub const fn nodes(&self) -> (NodeId, Option<NodeId>) {
        match *self {
            Self::Same(a, b) | Self::NotSame(a, b) | Self::Attach { soft: a, anchor: b } => {
                (a, Some(b))
            }
            Self::Verify(it) | Self::Block(it) | Self::Retract { filed_at: it, .. } => (it, None),
        }
    }
}

/// Why an assertion is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// How strongly.
    pub strength: Strength,
    /// Who says so.
    pub source: SystemId,
    /// The event that said it, if one did.
    pub event: Option<EventId>,
    /// The steward who decided, if one did.
    pub actor: Option<StaffId>,
    /// The steward's reason.
    pub note: Option<String>,
    /// The namespaces artifact in force.
    pub rules: Digest,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its id.
    pub id: AssertionId,
    /// Its place in the log.
    pub seq: u64,
    /// What is asserted.
    pub kind: Kind,
    /// Why it is believed.
    pub evidence: Evidence,
    /// When it became true.
    pub at: Instant,
    /// When it was written down.
    pub recorded_at: Instant,
    /// The claim: what is said and by whom, whenever.
    pub claim: Digest,
    /// The content: the claim and when it became true. Appends are idempotent on it.
    pub content: Digest,
}

/// The digests of an assertion: over keys and not over ids, which depend on who came first.
pub fn digests(
    kind: &str,
    a: &NodeKey,
    b: Option<&NodeKey>,
    of: Option<Digest>,
    evidence: (Strength, &SystemId),
    at: Instant,
) -> (Digest, Digest) {
    let key = |it: &NodeKey| format!("{}:{}", it.namespace, it.key);
    let (strength, source) = evidence;
    let members = [
        ("a", key(a)),
        ("b", b.map(key).unwrap_or_default()),
        ("kind", kind.to_owned()),
        ("of", of.map(|it| it.to_string()).unwrap_or_default()),
        ("source", source.as_str().to_owned()),
        ("strength", strength.as_str().to_owned()),
    ];
    let claim = Digest::of(join(&members).as_bytes());
    let content = format!("{claim}@{}", at.micros());
    (claim, Digest::of(content.as_bytes()))
}

/// Zero-separated members: no member can hold the separator's role of another.
fn join(members: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(256);
    for (name, value) in members {
        out.push_str(name);
        out.push('=');
        out.push_str(value);
        out.push('\0');
    }
    out
}
