//! What facts say happened, and how often: the rows and their sufficient statistics.

use kernel::{DecisionId, FactId, Instant, JourneyNode, TenantId};

use crate::{
    assign::{Arm, WHOLE_PPM},
    plan::Pseudonym,
};

/// What was randomised: the person's pseudonym or the occasion's key.
pub type UnitKey = [u8; 32];

/// A unit drew an arm at a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The fact that says so; rows are deduplicated on it.
    pub fact: FactId,
    /// The decision.
    pub decision: DecisionId,
    /// The node.
    pub node: JourneyNode,
    /// The unit.
    pub unit: UnitKey,
    /// The person the unit belongs to.
    pub person: Pseudonym,
    /// The arm.
    pub arm: Arm,
    /// The probability of this arm, in millionths.
    pub propensity_ppm: u32,
    /// When.
    pub at: Instant,
}

/// A decision reached its person or, in control, would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// The fact that says so; rows are deduplicated on it.
    pub fact: FactId,
    /// The decision.
    pub decision: DecisionId,
    /// When.
    pub at: Instant,
}

/// A person did something that some plan counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The fact that says so; rows are deduplicated on it.
    pub fact: FactId,
    /// Who.
    pub person: Pseudonym,
    /// The event type or the fact's name.
    pub event: String,
    /// When it happened.
    pub at: Instant,
}

/// What one call adds, for one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Whose.
    pub tenant: TenantId,
    /// Draws.
    pub assignments: Vec<Assignment>,
    /// Contacts made, or not made on purpose.
    pub exposures: Vec<Exposure>,
    /// Events that plans count.
    pub outcomes: Vec<Outcome>,
}

impl Batch {
    /// Nothing, yet.
    pub const fn empty(tenant: TenantId) -> Self {
        Self { tenant, assignments: Vec::new(), exposures: Vec::new(), outcomes: Vec::new() }
    }

    /// Whether there is nothing to add.
    pub fn is_empty(&self) -> bool {
        self.assignments.is_empty() && self.exposures.is_empty() && self.outcomes.is_empty()
    }
}

/// What is counted at one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TallyAsk {
    /// The node.
    pub node: JourneyNode,
    /// Which events convert.
    pub events: Vec<String>,
    /// How long after assignment they do, in microseconds.
    pub horizon_micros: i64,
    /// Nothing after this instant is seen.
    pub as_of: Instant,
}

/// Units of one arm drawn with one probability.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The arm.
    pub arm: Arm,
    /// The probability of this arm, in millionths.
    pub propensity_ppm: u32,
    /// Units.
    pub units: u64,
    /// Units with an exposure.
    pub exposed: u64,
    /// Units with an event within the horizon.
    pub converted: u64,
    /// Units whose horizon has passed.
    pub mature: u64,
}

/// The sufficient statistics of a node: everything a result is computed from.
///
/// A unit counts once, from its first assignment. A unit seen in both arms is in no cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Ascending by arm and propensity.
    pub cells: Vec<Cell>,
    /// Units seen in both arms.
    pub contaminated: u64,
}

/// The sums of one arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ArmTally {
    /// Units assigned.
    pub units: u64,
    /// Units with an exposure.
    pub exposed: u64,
    /// Units with an event within the horizon.
    pub converted: u64,
    /// Units whose horizon has passed.
    pub mature: u64,
}

impl Tally {
    /// The sums of an arm.
    pub fn arm(&self, arm: Arm) -> ArmTally {
        let mut out = ArmTally::default();
        for it in self.cells.iter().filter(|it| it.arm == arm) {
            out.units = out.units.saturating_add(it.units);
            out.exposed = out.exposed.saturating_add(it.exposed);
            out.converted = out.converted.saturating_add(it.converted);
            out.mature = out.mature.saturating_add(it.mature);
        }
        out
    }

    /// Units and their probability of treatment in millionths, as logged.
    pub fn strata(&self) -> impl Iterator<Item = (u64, u32)> {
        self.cells.iter().map(|it| match it.arm {
            Arm::Treatment => (it.units, it.propensity_ppm),
            Arm::Control => (it.units, WHOLE_PPM.saturating_sub(it.propensity_ppm)),
        })
    }
}
