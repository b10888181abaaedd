//! The ports of `decision` on SQL.

use super::migration::Step;

/// The tables of `decision`.
pub(crate) fn schema() -> Step {
    Step { name: "0005_decision", ..Step::default() }
}
