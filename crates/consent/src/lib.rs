//! Who allowed what, on which basis, and how we know.
//!
//! One question, when deciding and again when sending: *may we do this, to this person, for this
//! purpose, over this channel, now, and on what ground?* The answer is a pure function of an
//! append-only log, released artifacts and an instant, and it carries its evidence.
//!
//! **Invariants.** Absence is never permission: what is missing, unknown, unreadable or stale
//! refuses with a code that names it. State is a pure fold of the log: deterministic, idempotent,
//! insensitive to the order of arrival. Refusal overrides, and every reason is collected. One
//! purpose version binds one basis per jurisdiction; there is no fall-through to another. Grants
//! match exactly, denials by prefix. Adding a restriction never turns a refusal into a permission.
//! A restrictive event is never rejected. No hand-off starts after an acknowledged withdrawal.
//!
//! **Map.** [`event`] is the vocabulary of the log and [`chain`] its keeping; [`artifacts`] the
//! registry; [`fold()`] makes a [`snapshot`] of a person's logs, [`evaluate()`] answers an [`Ask`]
//! from it and [`explain`] says what would have to change; [`signal`] reads what is sent on a person's
//! behalf; [`service`] records, withdraws and answers over the [`ports`].

pub mod artifacts;
pub mod chain;
pub mod document;
pub mod evaluate;
pub mod event;
pub mod explain;
pub mod fold;
pub mod grant;
pub mod import;
pub mod label;
pub mod minor;
pub mod overlay;
pub mod ports;
pub mod preference;
pub mod purpose;
pub mod reason;
pub mod receipt;
pub mod ropa;
pub mod scope;
pub mod service;
pub mod signal;
pub mod snapshot;
pub mod standing;
pub mod verdict;
pub mod withdrawal;

#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(any(test, feature = "testing"))]
pub mod memory;

#[cfg(test)]
mod tests;

pub use artifacts::Artifacts;
pub use chain::{ConsentEvent, EventRef, NodeLog};
pub use evaluate::evaluate;
pub use event::{
    EventKind, Limb, NewEvent, RestrictionGround, Statement, SuppressionReason, SuppressionScope,
};
pub use explain::{Case, Change, Explanation, Who};
pub use fold::fold;
pub use grant::{Actor, Expression, Grant, Method, NoticeShown, Proof};
pub use label::{Jurisdiction, Label};
pub use overlay::Overlay;
pub use preference::{Choice, FrequencyLimit, Quiet, Zone};
pub use purpose::{
    Assessment, Basis, BasisSpec, ConsentTerms, Flag, Law, Notice, Purpose, ReleasedNotice,
    SpecialCondition,
};
pub use scope::{ChannelSet, PurposeScope};
pub use signal::{Practice, Signals};
pub use snapshot::{Snapshot, State};
pub use standing::{Standing, standing};
pub use verdict::{
    Ask, BundleFacts, Exception, ExceptionGround, Ground, Grounds, Obligations, Outcome, Verdict,
};
pub use withdrawal::{Acknowledgement, Certificate, Effect, WithdrawalScope};
