//! A probable link never widens a permission and never feeds eligibility, pricing or disclosure.

use kernel::{NodeId, PersonAt, SubjectId};

use crate::{
    Sighting, Strength,
    assertion::{Assertion, Evidence, Kind},
    identifier::{Identifier, Resolved},
    matching::{
        model::Weight,
        pattern::Pattern,
        probable::{AggregateAnalytics, DuplicateReview, ProbableLink, ProbableUse},
        row::RecordKey,
    },
    node::{Node, NodeKey},
    ports::{Link, Member, Person, Transition},
};

/// Compiles only while the first type turns into none of the others: were there a way, the method
/// below would exist twice and the call would be ambiguous.
macro_rules! never_becomes {
    ($from:ty: $($to:ty),+ $(,)?) => { $({
        trait Unlessways<A> { fn holds() {} }
        impl<T> Unlessways<()> for T {}
        struct Way;
        impl<T: Into<$to>> Unlessways<Way> for T {}
        <$from as Unlessways<_>>::holds();
        <&$from as Unlessways<_>>::holds();
    })+ };
}

#[test]
fn a_probable_link_becomes_nothing_that_decides_about_a_person() {
    never_becomes!(ProbableLink<DuplicateReview>:
        NodeId, SubjectId, PersonAt, Person, Member, Link, Resolved, Node, NodeKey,
        Kind, Evidence, Assertion, Strength, Sighting, Identifier, Transition,
        ProbableLink<AggregateAnalytics>);
    never_becomes!(ProbableLink<AggregateAnalytics>:
        NodeId, SubjectId, PersonAt, Person, Member, Link, Resolved, Node, NodeKey,
        Kind, Evidence, Assertion, Strength, Sighting, Identifier, Transition,
        ProbableLink<DuplicateReview>);
    never_becomes!(RecordKey: NodeId, SubjectId, NodeKey, u64);
    never_becomes!(Pattern: NodeId, Strength, u64);
    never_becomes!(Weight: Strength, Link);
}

/// A model has no strength to claim: the log could not hold its word if somebody wrote it there.
#[test]
fn no_strength_is_a_model_s() {
    for it in Strength::ALL {
        match it {
            Strength::Stated | Strength::Proven | Strength::Owner | Strength::Steward => {}
        }
    }
    assert_eq!(Strength::named("model"), None);
    assert_eq!(Link::named("probable"), None);
}

#[test]
fn the_uses_of_a_probable_link_are_two() {
    fn name<U: ProbableUse>() -> &'static str {
        U::NAME
    }
    assert_eq!(
        [name::<DuplicateReview>(), name::<AggregateAnalytics>()],
        ["duplicate_review", "aggregate_analytics"]
    );
}
