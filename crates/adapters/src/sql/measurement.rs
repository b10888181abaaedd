//! The ports of `measurement` on SQL.

use super::migration::Step;

/// The tables of `measurement`.
pub(crate) fn schema() -> Step {
    Step { name: "0008_measurement", ..Step::default() }
}
