//! The ports of `consent` on SQL.

use super::migration::Step;

/// The tables of `consent`.
pub(crate) fn schema() -> Step {
    Step { name: "0003_consent", ..Step::default() }
}
