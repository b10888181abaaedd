//! Instants and the clock that hands them out.

use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time: UTC, whole microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

/// A text that is not an RFC 3339 instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 instant between the years 1 and 9999")]
pub struct InstantError;

/// 0001-01-01 and 9999-12-31 in microseconds: outside them no RFC 3339 text exists.
const MICROS_MIN: i64 = -62_135_596_800_000_000;
const MICROS_MAX: i64 = 253_402_300_799_999_999;

impl Instant {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The instant this many microseconds after the epoch, clamped to the years 1 to 9999.
    pub const fn from_micros(micros: i64) -> Self {
        if micros < MICROS_MIN {
            Self(MICROS_MIN)
        } else if micros > MICROS_MAX {
            Self(MICROS_MAX)
        } else {
            Self(micros)
        }
    }

    /// Microseconds after the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This instant moved by a span; saturates at the years 1 and 9999.
    #[must_use]
    pub fn plus(self, span: TimeDelta) -> Self {
        Self::from_micros(self.0.saturating_add(span.num_microseconds().unwrap_or(i64::MAX)))
    }

    /// This instant moved back by a span; saturates at the years 1 and 9999.
    #[must_use]
    pub fn minus(self, span: TimeDelta) -> Self {
        Self::from_micros(self.0.saturating_sub(span.num_microseconds().unwrap_or(i64::MAX)))
    }

    /// The span from an earlier instant to this one (negative if it is later).
    pub fn since(self, earlier: Self) -> TimeDelta {
        TimeDelta::microseconds(self.0.saturating_sub(earlier.0))
    }

    /// As chrono's UTC date and time.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

impl From<DateTime<Utc>> for Instant {
    fn from(at: DateTime<Utc>) -> Self {
        Self::from_micros(at.timestamp_micros())
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Instant {
    type Err = InstantError;

    fn from_str(text: &str) -> Result<Self, InstantError> {
        let at = DateTime::parse_from_rfc3339(text).map_err(|_| InstantError)?;
        let micros = at.timestamp_micros();
        if (MICROS_MIN..=MICROS_MAX).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(InstantError)
        }
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Where the present comes from; injected everywhere, so that a year runs in milliseconds.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present.
    fn now(&self) -> Instant;
}

/// A clock that stands still until told otherwise.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows this instant.
    pub const fn at(instant: Instant) -> Self {
        Self(AtomicI64::new(instant.micros()))
    }

    /// Shows this instant from now on.
    pub fn set(&self, instant: Instant) {
        self.0.store(instant.micros(), Ordering::SeqCst);
    }

    /// Moves on by a span and shows where that led.
    pub fn advance(&self, span: TimeDelta) -> Instant {
        let next = self.now().plus(span);
        self.set(next);
        next
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        Instant::from_micros(self.0.load(Ordering::SeqCst))
    }
}
