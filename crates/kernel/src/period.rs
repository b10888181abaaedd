//! ISO 8601 durations as artifacts write them: `P90D`, `-P90D`, `PT2H`, `P1M`.

use std::{fmt, str::FromStr};

use chrono::{Days, Months, NaiveDate, TimeDelta};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration: months and days follow the calendar, the rest is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Period {
    negative: bool,
    months: u32,
    days: u32,
    seconds: u32,
}

/// A text that is not a duration, or one past a hundred years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 8601 duration of at most a hundred years")]
pub struct PeriodError;

const DAYS_MAX: u32 = 36_600;
const SECONDS_MAX: u32 = 86_400 * 366;

impl Period {
    /// Exactly this many days.
    pub const fn days(days: u32) -> Self {
        Self { negative: false, months: 0, days, seconds: 0 }
    }

    /// Exactly this many seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self { negative: false, months: 0, days: 0, seconds }
    }

    /// The exact span, counting a day as 24 hours and a month as 30 days.
    pub fn span(self) -> TimeDelta {
        let days = i64::from(self.months) * 30 + i64::from(self.days);
        let span = TimeDelta::seconds(days * 86_400 + i64::from(self.seconds));
        if self.negative { -span } else { span }
    }

    /// The date moved by the calendar part: months clamp to the last day, then days.
    pub fn shift(self, date: NaiveDate) -> Option<NaiveDate> {
        let (months, days) = (Months::new(self.months), Days::new(u64::from(self.days)));
        if self.negative {
            date.checked_sub_months(months)?.checked_sub_days(days)
        } else {
            date.checked_add_months(months)?.checked_add_days(days)
        }
    }

    /// The exact part alone, for adding to an instant after [`Self::shift`].
    pub fn clock_part(self) -> TimeDelta {
        let span = TimeDelta::seconds(i64::from(self.seconds));
        if self.negative { -span } else { span }
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |it| (true, it));
        let rest = rest.strip_prefix('P').ok_or(PeriodError)?;
        let (date, time) = rest.split_once('T').map_or((rest, None), |(d, t)| (d, Some(t)));
        if time == Some("") || (date.is_empty() && time.is_none()) {
            return Err(PeriodError);
        }
        let [years, months, weeks, days] = parts(date, ['Y', 'M', 'W', 'D'])?;
        let [hours, minutes, seconds, _] = parts(time.unwrap_or_default(), ['H', 'M', 'S', '\0'])?;
        let months = years * 12 + months;
        let days = weeks * 7 + days;
        let seconds = hours * 3_600 + minutes * 60 + seconds;
        if months > 1_200 || days > u64::from(DAYS_MAX) || seconds > u64::from(SECONDS_MAX) {
            return Err(PeriodError);
        }
        let narrow = |n: u64| u32::try_from(n).map_err(|_| PeriodError);
        Ok(Self {
            negative,
            months: narrow(months)?,
            days: narrow(days)?,
            seconds: narrow(seconds)?,
        })
    }
}

fn parts(text: &str, units: [char; 4]) -> Result<[u64; 4], PeriodError> {
    let mut out = [0; 4];
    let mut rest = text;
    for (slot, unit) in out.iter_mut().zip(units) {
        if let Some((number, after)) = rest.split_once(unit) {
            if number.is_empty() || number.len() > 6 || !number.bytes().all(|b| b.is_ascii_digit())
            {
                return Err(PeriodError);
            }
            *slot = number.parse().map_err(|_| PeriodError)?;
            rest = after;
        }
    }
    if rest.is_empty() { Ok(out) } else { Err(PeriodError) }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.negative { "-P" } else { "P" })?;
        if self.months > 0 {
            write!(f, "{}M", self.months)?;
        }
        if self.days > 0 || (self.months == 0 && self.seconds == 0) {
            write!(f, "{}D", self.days)?;
        }
        if self.seconds > 0 {
            f.write_str("T")?;
            let (hours, minutes, seconds) =
                (self.seconds / 3_600, self.seconds / 60 % 60, self.seconds % 60);
            for (n, unit) in [(hours, 'H'), (minutes, 'M'), (seconds, 'S')] {
                if n > 0 {
                    write!(f, "{n}{unit}")?;
                }
            }
        }
        Ok(())
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
