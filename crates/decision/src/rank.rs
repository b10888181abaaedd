//! Arbitration: exact integers and an order without ties.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use kernel::{Class, Instant};

use crate::node::{Action, Node};

/// The factor of nothing, and the unit of all factors.
const ONE: i64 = 1_000_000;
/// What one point is worth in a factor.
const POINT: i64 = 10_000;
/// The largest factor.
const FACTOR_MAX: i64 = 10_000_000;

/// `(P·V − cost·10⁶)·C·L`, with its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    /// The probability of success in millionths.
    pub p_ppm: u32,
    /// The value of success in minor units.
    pub value: i64,
    /// The cost in minor units.
    pub cost: i64,
    /// The context factor in millionths.
    pub c_ppm: i64,
    /// The lever factor in millionths.
    pub l_ppm: i64,
    /// The expected net worth in millionths of minor units.
    pub net: i128,
    /// The product.
    pub total: i128,
}

/// Scores an action at a moment. |total| stays below 10³³, so that nothing is ever rounded.
pub fn score(node: &Node, action: &Action, hints: &BTreeMap<Arc<str>, Arc<str>>) -> Score {
    let weights = &node.arbitration;
    let matched = weights.context.iter().filter(|it| hints.get(&it.key) == Some(&it.value));
    let points = matched.fold(0_i64, |sum, it| sum.saturating_add(it.points));
    let c_ppm = factor(points);
    let l_ppm = factor(weights.levers);
    let net = i128::from(weights.prior_ppm) * i128::from(action.value)
        - i128::from(action.cost) * i128::from(ONE);
    Score {
        p_ppm: weights.prior_ppm,
        value: action.value,
        cost: action.cost,
        c_ppm,
        l_ppm,
        net,
        total: net * i128::from(c_ppm) * i128::from(l_ppm),
    }
}

fn factor(points: i64) -> i64 {
    ONE.saturating_add(points.saturating_mul(POINT)).clamp(0, FACTOR_MAX)
}

/// The place of a candidate: the smallest goes first, and no two are equal.
pub type Place<'a> = (Class, Reverse<i128>, Instant, u8, &'a str, &'a str);

/// Class, score descending, earliest expiry, rank, node name, action id.
pub fn place<'a>(node: &'a Node, action: &'a Action, total: i128, as_of: Instant) -> Place<'a> {
    let expires_at = as_of.plus(action.ttl.span());
    let rank = node.arbitration.rank;
    (node.class, Reverse(total), expires_at, rank, node.name.as_str(), &action.id)
}
