//! A delivery: one decided action on its way to one person over one channel.

use chrono::TimeDelta;
use kernel::{
    Channel, Class, DecisionId, DeliveryId, Digest, FactId, Instant, JourneyNode, NodeId,
    OccurrenceKey, PurposeRef, SubjectId, TenantId,
};

use crate::state::State;

/// The most caps a delivery may name.
pub const CAPS_MAX: usize = 16;
/// The most nodes of a person the gate considers.
pub const NODES_MAX: usize = 64;

/// A decided action, carried out at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Minted at planning; the idempotency key everywhere.
    pub id: DeliveryId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The person as resolved when the decision was made.
    pub subject: SubjectId,
    /// The person's nodes as resolved when the decision was made.
    pub nodes: Vec<NodeId>,
    /// The journey node that decided.
    pub node: JourneyNode,
    /// The decision it carries out.
    pub decision: DecisionId,
    /// The action of the node's allow-list.
    pub action: String,
    /// The treatment chosen for it.
    pub treatment: String,
    /// What the occasion is about: one occurrence, one contact per channel.
    pub occurrence: OccurrenceKey,
    /// The purpose at the version the decision used.
    pub purpose: PurposeRef,
    /// Why the action exists.
    pub class: Class,
    /// Lower goes first among what is due at once, as in arbitration.
    pub priority: u8,
    /// The channel.
    pub channel: Channel,
    /// The template.
    pub template: TemplateRef,
    /// The release the decision was made under.
    pub release: ReleaseRef,
    /// The caps it counts against, by name.
    pub caps: Vec<String>,
    /// Its class of sending window.
    pub window: WindowClass,
    /// What to do when the gate holds it.
    pub on_hold: OnHold,
    /// Not handed off before this.
    pub not_before: Instant,
    /// Not handed off at or after this.
    pub not_after: Instant,
    /// When it was planned.
    pub planned_at: Instant,
    /// Where it stands.
    pub state: State,
    /// Attempts made so far.
    pub attempts: u8,
    /// Rises with every change.
    pub version: u32,
    /// The fact that planned it.
    pub cause: FactId,
    /// W3C `traceparent` of the decision.
    pub trace: Option<String>,
}

impl Delivery {
    /// The node its contact is counted on when the channel has no address of its own.
    pub const fn founder(&self) -> NodeId {
        NodeId::from_uuid(self.subject.uuid())
    }

    /// How much of its life is left.
    pub fn remaining(&self, now: Instant) -> TimeDelta {
        self.not_after.since(now)
    }
}

/// A template by name, pinned to the digest the decision saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRef {
    /// The name within its kind.
    pub name: String,
    /// The digest of the artifact.
    pub digest: Digest,
}

/// The release a decision was made under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseRef {
    /// The digest of the bundle.
    pub digest: Digest,
    /// Its place in the tenant's sequence of releases.
    pub sequence: u64,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant),+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name as written in files and bodies.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads the name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == text)
            }
        }
    };
}

words!(
    /// The closed list of sending windows; each names an artifact of kind `window`.
    WindowClass {
        /// Waking hours.
        Standard = "standard",
        /// Office hours: calls and tasks.
        Business = "business",
        /// Skips windows only, never permission or caps.
        UrgentSafety = "urgent_safety",
    }
);

words!(
    /// What becomes of a delivery that a cap, a window or a moved epoch holds back.
    OnHold {
        /// It waits, and is judged anew.
        Wait = "wait",
        /// It goes back to be decided anew.
        Redecide = "redecide",
        /// It is dropped.
        Drop = "drop",
    }
);
