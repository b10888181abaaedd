//! The ports of `delivery` on SQL.

use super::migration::Step;

/// The tables of `delivery`.
pub(crate) fn schema() -> Step {
    Step { name: "0007_delivery", ..Step::default() }
}
