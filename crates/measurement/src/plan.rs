//! What a node wants to achieve, and how it will be told.

use std::fmt;

use kernel::{Class, JourneyNode, Period};

/// A person as measurement knows them: an HMAC of the subject under the purpose's own key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pseudonym(pub [u8; 32]);

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonym(..)")
    }
}

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Up,
    /// Less is better.
    Down,
}

impl Direction {
    /// The name as written in artifacts and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A share of units: those with at least one such event within the horizon from assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kpi {
    /// Its name.
    pub name: String,
    /// Event types, or names of facts, that count.
    pub events: Vec<String>,
    /// How long after assignment they count.
    pub horizon: Period,
    /// Which way is good.
    pub direction: Direction,
}

/// How a node is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePlan {
    /// The node.
    pub node: JourneyNode,
    /// Its class.
    pub class: Class,
    /// The share held back, in millionths; 0 where withholding is not allowed.
    pub holdback_ppm: u32,
    /// Its primary measure.
    pub kpi: Kpi,
}
