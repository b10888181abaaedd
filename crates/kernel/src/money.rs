//! Amounts in minor units of one currency.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An ISO 4217 alphabetic code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
// Invariant: three ASCII capitals.
pub struct Currency([u8; 3]);

/// Why an amount could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies met in one sum.
    #[error("two currencies in one sum")]
    Currencies,
    /// The sum leaves 64 bits.
    #[error("amount out of range")]
    Range,
    /// Not three capital letters.
    #[error("not an ISO 4217 code")]
    Code,
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match *text.as_bytes() {
            [a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(MoneyError::Code),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.to_string()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or("XXX"))
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An amount; arithmetic is checked and one sum has one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// ISO 4217.
    pub currency: Currency,
    /// Minor units (cents).
    pub minor: i64,
}

impl Money {
    /// The sum of two amounts of one currency.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Currencies);
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Range)?;
        Ok(Self { currency: self.currency, minor })
    }
}
