//! Days of the month as instants, and back.

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use kernel::Instant;

/// Midnight UTC of the day so many days after the first; negative days lie before it.
pub(super) fn midnight(start: NaiveDate, day: i64) -> Instant {
    let first = Instant::from(start.and_time(NaiveTime::MIN).and_utc());
    first.plus(TimeDelta::days(day))
}

/// Noon UTC of a day.
pub fn noon(start: NaiveDate, day: i64) -> Instant {
    midnight(start, day).plus(TimeDelta::hours(12))
}

/// A minute of a day, with this many milliseconds.
pub(super) fn minute(start: NaiveDate, day: i64, minute: u16, millis: u16) -> Instant {
    let span = TimeDelta::minutes(i64::from(minute)) + TimeDelta::milliseconds(i64::from(millis));
    midnight(start, day).plus(span)
}

/// Which day the instant lies in, counted from the first.
pub fn day_of(start: NaiveDate, at: Instant) -> i64 {
    at.since(midnight(start, 0)).num_seconds().div_euclid(86_400)
}

/// The date so many days later.
pub(super) fn later(date: NaiveDate, days: u16) -> NaiveDate {
    date.checked_add_days(Days::new(u64::from(days))).unwrap_or(date)
}

/// The date so many days earlier.
pub(super) fn earlier(date: NaiveDate, days: u16) -> NaiveDate {
    date.checked_sub_days(Days::new(u64::from(days))).unwrap_or(date)
}
