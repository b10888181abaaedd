//! The purposes that stand now: what data collected earlier may be looked at for.

use kernel::{Epoch, Instant, Known, PersonAt, PurposeRef, RuleId};

use crate::{Artifacts, Ask, Label, Snapshot, evaluate};

/// A purpose that may be pursued for the person, whatever the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingPurpose {
    /// Which.
    pub purpose: PurposeRef,
    /// The categories of data it may use.
    pub categories: Vec<Label>,
}

/// What stands at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The purposes, ascending by key.
    pub purposes: Vec<StandingPurpose>,
    /// The state of the person's choices it was judged from.
    pub person: Epoch,
    /// The identity epoch it was judged at.
    pub identity: Epoch,
    /// Until when the same epochs give the same answer.
    pub good_until: Instant,
}

/// Judges every purpose of the registry without a channel and without data.
pub fn standing(snapshot: &Snapshot, artifacts: &Artifacts, as_of: Instant) -> Standing {
    let person =
        PersonAt { subject: snapshot.subject, nodes: Vec::new(), identity: snapshot.identity };
    let mut good_until = as_of.plus(evaluate::GOOD_FOR_MAX);
    let mut purposes = Vec::new();
    for purpose in artifacts.purposes() {
        let ask = Ask {
            bundle: Known::NotApplicable(RuleId::new("consent.standing")),
            signals: Known::NotApplicable(RuleId::new("consent.standing")),
            ..Ask::about(purpose.reference(), &person)
        };
        let verdict = evaluate(&ask, snapshot, artifacts, as_of);
        good_until = good_until.min(verdict.good_until);
        if verdict.is_permitted() {
            purposes.push(StandingPurpose {
                purpose: ask.purpose,
                categories: purpose.categories.clone(),
            });
        }
    }
    Standing { purposes, person: snapshot.person, identity: snapshot.identity, good_until }
}
