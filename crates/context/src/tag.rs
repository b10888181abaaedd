//! What may be done with a field, and the algebra that never widens it.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};
use kernel::{Instant, Period, PurposeKey};
use serde::{Deserialize, Serialize};

use crate::{DataAction, Region, name::CategoryKey};

/// How closely a field is guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Classification {
    /// Anybody may know.
    Public,
    /// The house may know.
    Internal,
    /// Who needs it may know.
    Confidential,
    /// Named readers may know.
    Restricted,
}

/// From when a retention period runs; both starts are known for every value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionClock {
    /// When the value was true.
    EventDate,
    /// When it arrived.
    CollectedAt,
}

/// What may be done with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// What kinds of data it is or tells.
    pub categories: BTreeSet<CategoryKey>,
    /// How closely it is guarded.
    pub classification: Classification,
    /// The purposes it may serve; empty means none.
    pub purposes_allowed: BTreeSet<PurposeKey>,
    /// Purposes it may not serve, with everything under them.
    pub purposes_denied: BTreeSet<PurposeKey>,
    /// What may be done with it.
    pub actions: BTreeSet<DataAction>,
    /// Where it may be read.
    pub regions: BTreeSet<Region>,
    /// When it ends; the earliest end wins. Empty means at once.
    pub retention: BTreeSet<(RetentionClock, Period)>,
    /// The oldest age at which it counts as known.
    pub max_age: TimeDelta,
    /// The day from which nobody vouches for this tag.
    pub review_by: NaiveDate,
}

/// One question asked of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'q> {
    /// For what.
    pub purpose: &'q PurposeKey,
    /// To do what.
    pub action: DataAction,
    /// Where.
    pub region: &'q Region,
    /// On which day.
    pub on: NaiveDate,
}

impl Tag {
    /// The tag of what is made from two fields: at most as usable as each.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self {
            categories: &self.categories | &other.categories,
            classification: self.classification.max(other.classification),
            purposes_allowed: &self.purposes_allowed & &other.purposes_allowed,
            purposes_denied: &self.purposes_denied | &other.purposes_denied,
            actions: &self.actions & &other.actions,
            regions: &self.regions & &other.regions,
            retention: &self.retention | &other.retention,
            max_age: self.max_age.min(other.max_age),
            review_by: self.review_by.min(other.review_by),
        }
    }

    /// Whether the question may be answered from the field.
    pub fn permits(&self, question: Question<'_>) -> bool {
        self.serves(question.purpose)
            && self.actions.contains(&question.action)
            && self.regions.contains(question.region)
            && question.on < self.review_by
    }

    /// Whether the field may serve a purpose.
    pub fn serves(&self, purpose: &PurposeKey) -> bool {
        self.purposes_allowed.contains(purpose)
            && !self.purposes_denied.iter().any(|it| purpose.is_or_under(it))
    }

    /// When a value ends that was true and arrived at these instants.
    pub fn ends(&self, time: Instant, received_at: Instant) -> Option<Instant> {
        let end = |(clock, period): &(RetentionClock, Period)| match clock {
            RetentionClock::EventDate => time.plus(period.span()),
            RetentionClock::CollectedAt => received_at.plus(period.span()),
        };
        self.retention.iter().map(end).min()
    }
}
