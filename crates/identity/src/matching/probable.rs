//! Probable links: what a model finds likely, and the few things that may be done with it.
//!
//! A probable link names two records by keys that no permission, event or person hangs on. There is
//! no way from it to a node, a sighting, an assertion or a person, and no [`Strength`] a model may
//! claim: what decides who somebody is, what they permit and what they are offered cannot take one.
//! A steward who looked at it may assert a link of their own; that link is theirs.
//!
//! [`Strength`]: crate::Strength

use std::marker::PhantomData;

use kernel::Digest;

use super::{model::Weight, pattern::Pattern, row::RecordKey};

mod sealed {
    pub trait Sealed {}
}

/// A use a probable link may have. The list is closed: eligibility, pricing, claims, disclosure and
/// authentication are not on it, and nothing can put them there.
pub trait ProbableUse: sealed::Sealed {
    /// The name as shown.
    const NAME: &'static str;
}

/// Somebody looks at both records and decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuplicateReview;

/// Counts over many, never an answer about one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AggregateAnalytics;

impl sealed::Sealed for DuplicateReview {}
impl sealed::Sealed for AggregateAnalytics {}

impl ProbableUse for DuplicateReview {
    const NAME: &'static str = "duplicate_review";
}

impl ProbableUse for AggregateAnalytics {
    const NAME: &'static str = "aggregate_analytics";
}

/// Two records that are probably one person, for one use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbableLink<U: ProbableUse> {
    /// One record.
    pub left: RecordKey,
    /// The other.
    pub right: RecordKey,
    /// What comparing them said.
    pub pattern: Pattern,
    /// How likely that makes them one person.
    pub weight: Weight,
    /// The model that says so.
    pub model: Digest,
    usage: PhantomData<U>,
}

impl<U: ProbableUse> ProbableLink<U> {
    pub(super) const fn new(
        (left, right): (RecordKey, RecordKey),
        pattern: Pattern,
        weight: Weight,
        model: Digest,
    ) -> Self {
        Self { left, right, pattern, weight, model, usage: PhantomData }
    }
}
