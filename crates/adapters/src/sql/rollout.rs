//! The ports of `rollout` on SQL.

use super::migration::Step;

/// The tables of `rollout`.
pub(crate) fn schema() -> Step {
    Step { name: "0006_rollout", ..Step::default() }
}
