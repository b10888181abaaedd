//! How a node competes, sends, is measured, copes and explains itself.

use std::{collections::BTreeMap, sync::Arc};

use kernel::Period;

use super::ArtifactPin;

/// How a node competes.
#[derive(Debug, Clone)]
pub struct Arbitration {
    /// Nodes of one group have one winner; obligations do not compete.
    pub group: Option<Arc<str>>,
    /// Smaller goes first among equals.
    pub rank: u8,
    /// What becomes of a loser.
    pub on_lose: OnLose,
    /// The probability of success in millionths.
    pub prior_ppm: u32,
    /// The sum of the business levers, in points.
    pub levers: i64,
    /// Points for hints of the moment.
    pub context: Vec<ContextPair>,
}

/// Points for a hint that matches.
#[derive(Debug, Clone)]
pub struct ContextPair {
    /// The hint.
    pub key: Arc<str>,
    /// The value it must have.
    pub value: Arc<str>,
    /// The points.
    pub points: i64,
}

/// What becomes of an outranked occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLose {
    /// It tries again later.
    Defer,
    /// It is settled.
    Drop,
}

/// What limits sending.
#[derive(Debug, Clone)]
pub struct Sending {
    /// The contact caps.
    pub caps: Vec<ArtifactPin>,
    /// The class of quiet hours.
    pub quiet_hours: Arc<str>,
}

/// What an experiment is randomised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The person.
    Person,
    /// The occurrence.
    Occurrence,
}

impl Unit {
    /// The name in files and facts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Occurrence => "occurrence",
        }
    }
}

/// The experiment a node is part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// What is randomised.
    pub unit: Unit,
    /// The layer of bucketing.
    pub layer: Arc<str>,
    /// The share held back, in millionths.
    pub holdback_ppm: u32,
}

/// A measure of success or harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kpi {
    /// The metric.
    pub metric: Arc<str>,
    /// Whether it is the primary one.
    pub primary: bool,
    /// Whether up is good.
    pub up: bool,
    /// How long after the decision it counts.
    pub horizon: Period,
    /// Where the comparison comes from.
    pub counterfactual: Arc<str>,
    /// The margin in millionths.
    pub margin_ppm: u32,
}

/// What a node does when a source is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Degraded {
    /// Context.
    pub context: Fallback,
    /// Contact history.
    pub history: Fallback,
    /// When to try again.
    pub retry: Period,
}

/// The choices for a source that is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Try again later; an inbound ask gets nothing.
    Retry,
    /// Say no.
    Refuse,
    /// The send gate decides; obligations only.
    ProceedToGate,
}

/// What a person is told about a decision.
#[derive(Debug, Clone)]
pub struct Explain {
    /// The opening sentence.
    pub because: Arc<str>,
    /// One sentence per `say` code.
    pub sentences: BTreeMap<Arc<str>, Arc<str>>,
    /// The fields whose values may be shown, as slots.
    pub facts: Vec<usize>,
}
