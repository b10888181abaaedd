//! The ports of `audit` on SQL.

use super::migration::Step;

/// The tables of `audit`.
pub(crate) fn schema() -> Step {
    Step { name: "0009_audit", ..Step::default() }
}
