//! The ports of `context` on SQL.

use super::migration::Step;

/// The tables of `context`.
pub(crate) fn schema() -> Step {
    Step { name: "0004_context", ..Step::default() }
}
