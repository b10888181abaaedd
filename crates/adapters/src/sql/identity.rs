//! The ports of `identity` on SQL.

use super::migration::Step;

/// The tables of `identity`.
pub(crate) fn schema() -> Step {
    Step { name: "0002_identity", ..Step::default() }
}
