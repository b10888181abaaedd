//! The decision: a pure, total function of a release and its inputs.
//!
//! Asked, gathered, permitted, qualified, guarded, ranked, decided: each stage consumes the one
//! before, so that no rule runs before permission and nothing becomes a record unranked.

mod guard;
mod permit;
mod settle;
mod stage;

use std::sync::Arc;

use kernel::{Channel, Epochs, Instant, Reason};

use crate::{
    inputs::Inputs,
    node::{Action, Node, Treatment},
    ports::Release,
    record::Record,
};

pub(crate) use stage::{Candidate, NodeWork, Reached, Work};

/// Decides. The same release and inputs give the same bytes, whatever the order of nodes asked.
pub fn decide(release: &Release, inputs: &Inputs) -> Decided {
    stage::Asked::new(release, inputs).gather().permit().qualify().guard().rank().decide()
}

/// A decision, ready to be appended.
#[derive(Debug, Clone)]
pub struct Decided {
    /// Everything it rests on.
    pub record: Record,
    /// What came of it.
    pub outcome: Outcome,
    /// What becomes of each node's occasion, in the order of [`Inputs::nodes`].
    pub fates: Vec<Fate>,
}

/// What came of a decision.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Do this.
    Act(Chosen),
    /// Do nothing.
    None(Reason),
    /// Do nothing, so that it can be measured what this would have done.
    Holdout(Chosen),
}

/// An action out of a node's allow-list; only the pipeline makes one.
#[derive(Debug, Clone)]
pub struct Chosen {
    // Invariant: the indices lie within the node's own lists.
    node: Arc<Node>,
    input: usize,
    action: usize,
    treatment: usize,
    expires_at: Instant,
    epochs: Epochs,
    good_until: Option<Instant>,
}

impl Chosen {
    /// The node.
    pub const fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// The place of the node in [`Inputs::nodes`].
    pub const fn input(&self) -> usize {
        self.input
    }

    /// The action.
    #[expect(clippy::indexing_slicing, reason = "the pipeline made the index from this list")]
    pub fn action(&self) -> &Action {
        &self.node.actions[self.action]
    }

    /// The treatment.
    #[expect(clippy::indexing_slicing, reason = "the pipeline made the index from this list")]
    pub fn treatment(&self) -> &Treatment {
        &self.node.treatments[self.treatment]
    }

    /// The channel.
    pub fn channel(&self) -> Channel {
        self.treatment().channel
    }

    /// When the action stops being sensible.
    pub const fn expires_at(&self) -> Instant {
        self.expires_at
    }

    /// What must not have moved when it is handed over.
    pub const fn epochs(&self) -> Epochs {
        self.epochs
    }

    /// Until when the verdict holds by itself.
    pub const fn good_until(&self) -> Option<Instant> {
        self.good_until
    }
}

/// What becomes of a node's occasion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its action won.
    Act,
    /// Its action won and is withheld.
    Holdout,
    /// Nothing.
    None(Reason),
    /// It is decided afresh then.
    Again {
        /// When.
        at: Instant,
        /// Why not now.
        reason: Reason,
    },
}
