//! A permission and its proof: who acted, what was shown, what was done.

use kernel::{Digest, Instant, PurposeRef, StaffId};
use serde::{Deserialize, Serialize};

use crate::{ChannelSet, Label};

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Actor {
    /// The person.
    Subject,
    /// A holder of parental responsibility, with the reference of the proof.
    Guardian {
        /// Where the proof is kept.
        proof: Label,
    },
    /// A member of staff at the person's request.
    Staff {
        /// Who.
        id: StaffId,
        /// Why.
        reason: Label,
    },
    /// A signal sent on the person's behalf (one-click, complaint, bounce).
    Signal {
        /// Which kind of signal.
        kind: Label,
    },
    /// A batch taken over from another system.
    Import {
        /// Which batch.
        batch: Label,
    },
}

/// How the person expressed a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expression {
    /// By a clear act.
    Expressed,
    /// By an explicit statement.
    Explicit,
}

/// What the person did to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// One control for everything on offer.
    AcceptAll,
    /// A form with single controls.
    Save,
    /// A single control.
    Toggle,
    /// In words, to a person.
    Verbal,
    /// On paper.
    Paper,
    /// Through a programming interface of ours.
    Api,
    /// Nothing but closing the question; never a grant.
    Dismiss,
}

/// The notice the person saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeShown {
    /// The notice.
    pub name: Label,
    /// Its version.
    pub version: u32,
    /// SHA-256 of what was rendered, where the source keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendered: Option<Digest>,
}

/// What binds the notice shown to the choice made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// What was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<NoticeShown>,
    /// What was done.
    pub method: Method,
    /// Whether the control was ticked beforehand; if so the grant is void.
    pub prechecked: bool,
    /// Whether a contract or a service was made to depend on it (Art. 7(4)); if so it is not free.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub condition_of_service: bool,
}

impl Proof {
    /// Whether every member a grant requires is there and valid.
    pub fn is_complete(&self) -> bool {
        self.notice.is_some() && !self.prechecked && self.method != Method::Dismiss
    }
}

/// A permission given by the person: exact in purpose and channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The purpose at the version that was shown.
    pub purpose: PurposeRef,
    /// Over which channels.
    pub channels: ChannelSet,
    /// How it was expressed.
    pub expression: Expression,
    /// When it ends by itself, if the notice said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// The evidence.
    pub proof: Proof,
}
