//! Numbers as reports carry them: decimal strings, never floats.

use std::fmt;

use serde::Serialize;

/// Significant digits of a reported number.
const DIGITS: usize = 10;

/// A number rounded half-even to ten significant digits, without an exponent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
// Invariant: digits with at most one leading minus and one point.
pub struct Decimal(String);

impl Decimal {
    /// The decimal of a finite number; anything else has none.
    pub fn new(x: f64) -> Option<Self> {
        if !x.is_finite() {
            return None;
        }
        if x == 0.0 {
            return Some(Self("0".to_owned()));
        }
        // The standard library prints the exact value, rounded half-even, on every platform.
        let scientific = format!("{:.*e}", DIGITS - 1, x.abs());
        let (mantissa, exponent) = scientific.split_once('e')?;
        let exponent: i32 = exponent.parse().ok()?;
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let sign = if x < 0.0 { "-" } else { "" };
        Some(Self(format!("{sign}{}", plain(&digits, exponent))))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number again, for drawing.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(0.0)
    }
}

/// Places the point: `digits` times ten to `exponent`, counted after the first digit.
fn plain(digits: &str, exponent: i32) -> String {
    let point = exponent.saturating_add(1);
    let text = match usize::try_from(point) {
        Err(_) | Ok(0) => {
            let zeros = usize::try_from(point.unsigned_abs()).unwrap_or(0);
            format!("0.{}{digits}", "0".repeat(zeros))
        }
        Ok(whole) => match digits.split_at_checked(whole) {
            Some((whole, fraction)) => format!("{whole}.{fraction}"),
            None => format!("{digits}{}", "0".repeat(whole.saturating_sub(digits.len()))),
        },
    };
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
