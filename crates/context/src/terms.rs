//! Data contracts: what a source promises about one type of event.

use std::sync::Arc;

use chrono::TimeDelta;
use kernel::{ArtifactRef, Digest, Finding, Period, PurposeKey, SystemId};
use serde::Deserialize;

use crate::{EventType, freshness::Freshness};

/// The artifact kind of a contract.
pub const KIND: &str = "contract";
/// The most sources of one contract.
pub const SOURCES_MAX: usize = 32;

/// The lawful basis something was collected under, as the Data Privacy Vocabulary names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Basis {
    /// Consent (Art. 6(1)(a)).
    #[serde(rename = "A6-1-a")]
    Consent,
    /// Contract (b).
    #[serde(rename = "A6-1-b")]
    Contract,
    /// Legal obligation (c).
    #[serde(rename = "A6-1-c")]
    LegalObligation,
    /// Vital interests (d).
    #[serde(rename = "A6-1-d")]
    VitalInterests,
    /// Public task (e).
    #[serde(rename = "A6-1-e")]
    PublicTask,
    /// Legitimate interests (f).
    #[serde(rename = "A6-1-f")]
    LegitimateInterests,
}

impl Basis {
    /// Whether a person can end it by a choice: by withdrawing or by objecting.
    pub const fn person_can_end(self) -> bool {
        matches!(self, Self::Consent | Self::PublicTask | Self::LegitimateInterests)
    }
}

/// A warning and an error bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// From here on it is a warning.
    pub warn: TimeDelta,
    /// From here on it is a breach.
    pub error: TimeDelta,
}

impl Bounds {
    /// The state of a span.
    pub fn judge(&self, span: TimeDelta) -> Freshness {
        if span >= self.error {
            Freshness::Stale
        } else if span >= self.warn {
            Freshness::Warn
        } else {
            Freshness::Fresh
        }
    }
}

/// What happens to an event later than its contract allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beyond {
    /// Fields change, nothing is triggered.
    StateOnly,
    /// It is parked.
    DeadLetter,
}

/// What the sources of one type of event promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// The type.
    pub kind: EventType,
    /// Who may send it.
    pub sources: Vec<SystemId>,
    /// Who answers for it.
    pub owner: String,
    /// Whether it may be about nobody (heartbeats).
    pub subjectless: bool,
    /// The purpose it is collected under.
    pub purpose: PurposeKey,
    /// The basis of that.
    pub basis: Basis,
    /// Received minus happened.
    pub latency: Option<Bounds>,
    /// The longest silence.
    pub expected_every: Option<Bounds>,
    /// How late an event may come.
    pub lateness: TimeDelta,
    /// What happens beyond that.
    pub beyond: Beyond,
    /// How long what it says may be read, from the event's time.
    pub retention: Period,
    /// `kind/name` and digest.
    pub artifact: (Arc<str>, Digest),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    sources: Vec<String>,
    owner: String,
    #[serde(default)]
    subjectless: bool,
    collected_under: CollectedUnder,
    latency: Option<BoundsSource>,
    expected_every: Option<BoundsSource>,
    lateness: Lateness,
    retention: Period,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CollectedUnder {
    purpose: PurposeKey,
    basis: Basis,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BoundsSource {
    warn: Period,
    error: Period,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lateness {
    within: Period,
    beyond: Beyond,
}

/// The contract of one artifact; what is wrong with it is added to the findings.
pub(crate) fn compile(artifact: &ArtifactRef<'_>, findings: &mut Vec<Finding>) -> Option<Contract> {
    let mut wrong = |pointer: &str, rule: &str, message: String| {
        findings.push(Finding::at(artifact, pointer, rule, message));
    };
    let source = Source::deserialize(artifact.body)
        .map_err(|it| wrong("", "contract.shape", it.to_string()))
        .ok()?;
    let kind = EventType::new(artifact.name)
        .map_err(|it| wrong("", "contract.name", it.to_string()))
        .ok()?;
    if !(1..=SOURCES_MAX).contains(&source.sources.len()) {
        wrong("/sources", "contract.sources", format!("name 1 to {SOURCES_MAX} sources"));
    }
    let bounds = |it: &BoundsSource| Bounds { warn: it.warn.span(), error: it.error.span() };
    let pairs = [("/latency", &source.latency), ("/expected_every", &source.expected_every)];
    for (pointer, pair) in pairs {
        let ordered = |it: Bounds| TimeDelta::zero() < it.warn && it.warn <= it.error;
        if pair.as_ref().is_some_and(|it| !ordered(bounds(it))) {
            wrong(pointer, "contract.bounds", "`warn` must be positive and at most `error`".into());
        }
    }
    Some(Contract {
        kind,
        sources: source.sources.iter().map(|it| SystemId::new(it)).collect(),
        owner: source.owner,
        subjectless: source.subjectless,
        purpose: source.collected_under.purpose,
        basis: source.collected_under.basis,
        latency: source.latency.as_ref().map(bounds),
        expected_every: source.expected_every.as_ref().map(bounds),
        lateness: source.lateness.within.span(),
        beyond: source.lateness.beyond,
        retention: source.retention,
        artifact: (format!("{}/{}", artifact.kind, artifact.name).into(), artifact.digest),
    })
}
