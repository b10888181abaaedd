//! The draw: which arm a unit falls in at a node, and how likely that was.

use std::{fmt, str::FromStr};

use kernel::{BucketKey, JourneyNode, OccurrenceKey, SubjectId, bucket};

/// All of a population, in millionths.
pub const WHOLE_PPM: u32 = 1_000_000;
/// The seed of every node's experiment; a new one would draw everybody anew.
pub const SEED: &str = "n1";

/// An arm of a node's experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arm {
    /// Held out: no action.
    Control,
    /// Treated as the node decides.
    Treatment,
}

/// A text that names no arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an arm is `treatment` or `control`")]
pub struct ArmError;

impl Arm {
    /// The name as written in facts and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Treatment => "treatment",
        }
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Arm {
    type Err = ArmError;

    fn from_str(text: &str) -> Result<Self, ArmError> {
        match text {
            "control" => Ok(Self::Control),
            "treatment" => Ok(Self::Treatment),
            _ => Err(ArmError),
        }
    }
}

/// What is randomised; its id is hashed and forgotten.
#[derive(Debug, Clone, Copy)]
pub enum Unit<'a> {
    /// The person: one arm for good.
    Person(SubjectId),
    /// One occasion of a person: repeated decisions draw each time.
    Occurrence(SubjectId, &'a OccurrenceKey),
}

/// A unit's fate in a node's experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// The arm.
    pub arm: Arm,
    /// The probability of this arm, in millionths.
    pub propensity_ppm: u32,
    /// The unit's bucket, 0 to 999,999.
    pub bucket: u32,
    /// The layer of bucketing.
    pub layer: String,
    /// The seed.
    pub seed: &'static str,
}

/// Draws the arm of a unit at a node: control is the top `holdback_ppm` of the buckets, so growing
/// a holdback only moves people into it, and shrinking it only out of it.
pub fn assign(key: &BucketKey, node: &JourneyNode, unit: Unit<'_>, holdback_ppm: u32) -> Draw {
    let layer = format!("node:{node}");
    let holdback_ppm = holdback_ppm.min(WHOLE_PPM);
    let treated_ppm = WHOLE_PPM - holdback_ppm;
    let bucket = match unit {
        Unit::Person(it) => bucket(key, &layer, SEED, "person", &it.uuid().to_string()),
        Unit::Occurrence(it, occurrence) => {
            let id = format!("{}/{occurrence}", it.uuid());
            bucket(key, &layer, SEED, "occurrence", &id)
        }
    };
    let (arm, propensity_ppm) = if bucket < treated_ppm {
        (Arm::Treatment, treated_ppm)
    } else {
        (Arm::Control, holdback_ppm)
    };
    Draw { arm, propensity_ppm, bucket, layer, seed: SEED }
}
