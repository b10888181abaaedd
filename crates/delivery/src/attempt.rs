//! The permission to hand off once: made by the gate and by nothing else.
//!
//! [`Attempt`] is what a sender takes. Its members are private; it is neither `Clone`, `Default` nor
//! `Deserialize`; and the one place that builds it consumes a [`Grant`] that came back from a
//! committed [`SendGate::pass`](crate::ports::SendGate::pass). A grant is built in one place too: by
//! [`judge`](crate::gate::judge), from a [`Stamp`], after comparing the stamp with the heads read in
//! the gate's own transaction. And a stamp is built only from a verdict that permits. So whoever
//! wants to write a send without a permission has no value to write it with.

use kernel::{
    Channel, DecisionId, DeliveryId, Digest, Epochs, Instant, NodeId, SubjectId, TenantId,
};

use crate::permission::{Outcome, Verdict};

/// Names one attempt of one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The attempt's number, from 1.
    pub n: u8,
}

/// What a permitting verdict leaves behind for the gate to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
// Invariant: made from a verdict that permits.
pub struct Stamp {
    epochs: Epochs,
    verdict: Digest,
    good_until: Instant,
}

impl Stamp {
    /// The stamp of a verdict, if it permits.
    pub fn of(verdict: &Verdict) -> Option<Self> {
        matches!(verdict.outcome, Outcome::Permitted).then_some(Self {
            epochs: verdict.epochs,
            verdict: verdict.digest,
            good_until: verdict.good_until,
        })
    }

    /// The epochs the verdict was made at.
    pub const fn epochs(&self) -> Epochs {
        self.epochs
    }

    /// Names the verdict.
    pub const fn verdict(&self) -> Digest {
        self.verdict
    }

    /// The gate may rely on the verdict before this instant.
    pub const fn good_until(&self) -> Instant {
        self.good_until
    }
}

/// A gate's yes before its transaction commits: what to write, and what an attempt is made of.
#[derive(Debug, PartialEq, Eq)]
// Invariant: made by `gate::judge` alone.
pub struct Grant {
    pub(crate) id: AttemptId,
    pub(crate) tenant: TenantId,
    pub(crate) subject: SubjectId,
    pub(crate) nodes: Vec<NodeId>,
    pub(crate) decision: DecisionId,
    pub(crate) channel: Channel,
    pub(crate) contact: NodeId,
    pub(crate) stamp: Stamp,
    pub(crate) rendered: Digest,
    pub(crate) committed_at: Instant,
    pub(crate) deadline: Instant,
    pub(crate) windows: Vec<&'static str>,
    pub(crate) trace: Option<String>,
}

macro_rules! getters {
    ($name:ident) => {
        impl $name {
            /// Names the attempt.
            pub const fn id(&self) -> AttemptId {
                self.grant().id
            }

            /// Whose it is.
            pub const fn tenant(&self) -> &TenantId {
                &self.grant().tenant
            }

            /// The person it was gated for.
            pub const fn subject(&self) -> SubjectId {
                self.grant().subject
            }

            /// Every node of that person when it was gated.
            pub fn nodes(&self) -> &[NodeId] {
                &self.grant().nodes
            }

            /// The decision it carries out.
            pub const fn decision(&self) -> DecisionId {
                self.grant().decision
            }

            /// The channel.
            pub const fn channel(&self) -> Channel {
                self.grant().channel
            }

            /// The node its contact counts on.
            pub const fn contact(&self) -> NodeId {
                self.grant().contact
            }

            /// What its verdict left to compare.
            pub const fn stamp(&self) -> &Stamp {
                &self.grant().stamp
            }

            /// Names the rendered message.
            pub const fn rendered(&self) -> Digest {
                self.grant().rendered
            }

            /// When the gate let it through.
            pub const fn committed_at(&self) -> Instant {
                self.grant().committed_at
            }

            /// By when it has ended: withdrawals wait no longer.
            pub const fn deadline(&self) -> Instant {
                self.grant().deadline
            }

            /// The trace it continues (W3C `traceparent`).
            pub fn trace(&self) -> Option<&str> {
                self.grant().trace.as_deref()
            }

            /// The zones in all of which its window was open.
            pub fn windows(&self) -> &[&'static str] {
                &self.grant().windows
            }
        }
    };
}

impl Grant {
    const fn grant(&self) -> &Self {
        self
    }
}
getters!(Grant);

/// The permission to hand off once, from a committed gate.
#[derive(Debug)]
// Invariant: made in `Attempt::committed` alone, from a grant a gate returned after its commit.
pub struct Attempt(Grant);

impl Attempt {
    /// The one place that makes an attempt; only the dispatcher calls it, with what
    /// [`SendGate::pass`](crate::ports::SendGate::pass) returned.
    pub(crate) const fn committed(grant: Grant) -> Self {
        Self(grant)
    }

    const fn grant(&self) -> &Grant {
        &self.0
    }
}
getters!(Attempt);
