//! Two proportions, their difference, and whether the arms have the sizes they should have.

/// The two-sided 95 % quantile of the normal distribution.
pub const Z_95: f64 = 1.959_963_984_540_054;
/// The fewest units expected in either arm before their sizes are tested (Cochran's rule).
pub const SRM_EXPECTED_MIN: f64 = 5.0;

/// A share: `hits` of `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
// Invariant: 0 < n, hits <= n.
pub struct Share {
    hits: u64,
    n: u64,
}

impl Share {
    /// `hits` of `n`; there is no share of nothing.
    pub const fn new(hits: u64, n: u64) -> Option<Self> {
        if n > 0 && hits <= n { Some(Self { hits, n }) } else { None }
    }

    /// The share itself.
    pub fn estimate(self) -> f64 {
        real(self.hits) / real(self.n)
    }

    /// Wilson's score interval at 95 %.
    pub fn wilson(self) -> (f64, f64) {
        let (n, p, z) = (real(self.n), self.estimate(), Z_95);
        let middle = 2.0_f64.mul_add(n * p, z * z);
        let half = z * (4.0 * n * p).mul_add(1.0 - p, z * z).sqrt();
        let below = 2.0 * z.mul_add(z, n);
        // The ends are exact where nobody or everybody hit; subtraction would leave a residue.
        let lower = if self.hits == 0 { 0.0 } else { (middle - half) / below };
        let upper = if self.hits == self.n { 1.0 } else { (middle + half) / below };
        (lower, upper)
    }
}

/// A difference of two shares with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// First minus second.
    pub estimate: f64,
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

/// Newcombe's hybrid score interval of `a - b` (1998, method 10): never of zero width, never
/// outside ±1.
pub fn newcombe(a: Share, b: Share) -> Difference {
    let (p, q) = (a.estimate(), b.estimate());
    let ((p_lower, p_upper), (q_lower, q_upper)) = (a.wilson(), b.wilson());
    let estimate = p - q;
    let below = norm(p - p_lower, q_upper - q);
    let above = norm(p_upper - p, q - q_lower);
    Difference { estimate, lower: estimate - below, upper: estimate + above }
}

/// The two-sided p of "both shares are equal": pooled z. `None` where nobody or everybody hit.
pub fn pooled_z(a: Share, b: Share) -> Option<f64> {
    let pooled = Share::new(a.hits.checked_add(b.hits)?, a.n.checked_add(b.n)?)?.estimate();
    let variance = pooled * (1.0 - pooled) * (real(a.n).recip() + real(b.n).recip());
    if variance <= 0.0 {
        return None;
    }
    Some(two_sided((a.estimate() - b.estimate()) / variance.sqrt()))
}

/// The p of the arms' sizes under the logged probabilities: chi-square with one degree of freedom.
///
/// `strata` are units and their probability of treatment in millionths. `None` where either arm
/// expects fewer than [`SRM_EXPECTED_MIN`] units: too few to tell.
pub fn srm(treated: u64, strata: impl Iterator<Item = (u64, u32)>) -> Option<f64> {
    let (mut expected, mut against, mut variance) = (0.0, 0.0, 0.0);
    for (units, ppm) in strata {
        let (n, p) = (real(units), f64::from(ppm) / 1e6);
        expected += n * p;
        against += n * (1.0 - p);
        variance += n * p * (1.0 - p);
    }
    if expected < SRM_EXPECTED_MIN || against < SRM_EXPECTED_MIN || variance <= 0.0 {
        return None;
    }
    Some(two_sided((real(treated) - expected) / variance.sqrt()))
}

/// The chance that a normal deviate lies at least this far out, on either side; equally that a
/// chi-square of one degree of freedom reaches `z²`.
pub fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() * std::f64::consts::FRAC_1_SQRT_2)
}

/// Not `hypot`: square roots are exact on every platform, `hypot` is not.
fn norm(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
const fn real(n: u64) -> f64 {
    n as f64
}
