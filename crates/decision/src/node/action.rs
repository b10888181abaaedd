//! What a node may do, how it may look, and what must hold.

use std::sync::Arc;

use kernel::{Channel, Digest, Period};

use crate::{condition::Program, inputs::Mode};

/// One thing a node may do.
#[derive(Debug, Clone)]
pub struct Action {
    /// Its id within the node.
    pub id: Arc<str>,
    /// Whether it is the smallest one.
    pub smallest: bool,
    /// What it costs, in minor units.
    pub cost: i64,
    /// What success is worth, in minor units.
    pub value: i64,
    /// How long it stays sensible.
    pub ttl: Period,
    /// What happens while it is held.
    pub on_hold: OnHold,
}

/// What happens to an action that is held at the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnHold {
    /// Decide again.
    Redecide,
    /// Wait as it is.
    Wait,
    /// Give up.
    Drop,
}

impl OnHold {
    /// The name in files and facts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redecide => "redecide",
            Self::Wait => "wait",
            Self::Drop => "drop",
        }
    }
}

/// One way an action may look.
#[derive(Debug, Clone)]
pub struct Treatment {
    /// Its id within the node.
    pub id: Arc<str>,
    /// The action, as an index.
    pub action: usize,
    /// The channel.
    pub channel: Channel,
    /// The channel, as an index of [`Node::channels`].
    pub(crate) channel_idx: usize,
    /// The placement; without one it is sent.
    pub placement: Option<Arc<str>>,
    /// The template.
    pub template: ArtifactPin,
    /// Which people it fits.
    pub when: Option<Program>,
    /// The fields it cannot do without, as slots.
    pub needs: Vec<usize>,
}

impl Treatment {
    /// Whether it is made for this way of asking.
    pub fn fits(&self, mode: &Mode) -> bool {
        match mode {
            Mode::Triggered => self.placement.is_none(),
            Mode::Inbound { placement } => self.placement.as_ref() == Some(placement),
        }
    }
}

/// A name pinned by the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactPin {
    /// The name.
    pub name: Arc<str>,
    /// The digest.
    pub digest: Digest,
    /// The digest as records print it.
    pub(crate) text: Arc<str>,
}

/// A decision table: the first row that holds gives the value.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its id within the node.
    pub id: Arc<str>,
    /// Whether two rows that hold make it unknown.
    pub unique: bool,
    /// Conditions and values.
    pub rows: Vec<(Program, Arc<str>)>,
}

/// A stage of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Who may.
    Eligibility,
    /// Whether it matters now.
    Applicability,
    /// Whether it is in the person's interest.
    Suitability,
    /// What nothing overrides.
    Guardrail,
}

impl Stage {
    /// The name in files and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eligibility => "eligibility",
            Self::Applicability => "applicability",
            Self::Suitability => "suitability",
            Self::Guardrail => "guardrail",
        }
    }
}

/// A condition with a name.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its id within the node.
    pub id: Arc<str>,
    /// Its stage.
    pub stage: Stage,
    /// The condition.
    pub condition: Program,
    /// The sentence that explains it.
    pub say: Arc<str>,
    /// The actions it governs, as a bit mask.
    pub actions: u16,
}

impl Rule {
    /// Whether it governs this action.
    pub const fn governs(&self, action: usize) -> bool {
        self.actions >> action & 1 == 1
    }
}

/// A count of contact history: outcomes of this node within a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// The outcome.
    pub outcome: Arc<str>,
    /// The window.
    pub window: Period,
}
