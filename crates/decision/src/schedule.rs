//! When an occurrence is due: local dates, times of day, spread and pauses. Pure.

use chrono::{NaiveDate, TimeDelta, TimeZone};
use chrono_tz::Tz;
use kernel::{Instant, Known, OccurrenceKey, Period, Value, window::local_instant};

use crate::{
    inputs::ZoneUsed,
    node::{Calendar, Node, Trigger},
};

/// A zone and how it was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone {
    /// The zone.
    pub tz: Tz,
    /// Whether it is the node's assumption.
    pub assumed: bool,
}

impl Zone {
    /// The zone as inputs carry it.
    pub fn used(self) -> ZoneUsed {
        ZoneUsed { name: self.tz.name().into(), assumed: self.assumed }
    }

    /// The local date of an instant.
    pub fn date(self, at: Instant) -> NaiveDate {
        self.tz.from_utc_datetime(&at.utc().naive_utc()).date_naive()
    }
}

/// The zone dates are reckoned in: the person's own where the cut knows it, else the node's
/// assumption; a node without a calendar reckons in UTC.
pub fn zone(node: &Node, fields: &[Known<Value>]) -> Zone {
    let calendar = match &node.trigger {
        Trigger::Date(it) => &it.calendar,
        Trigger::Inactivity(it) => &it.calendar,
        Trigger::Event(_) => return Zone { tz: Tz::UTC, assumed: true },
    };
    let own = calendar.zone.and_then(|it| fields.get(it)).and_then(Known::value);
    match own {
        Some(Value::Text(name)) => match name.parse() {
            Ok(tz) => Zone { tz, assumed: false },
            Err(_) => Zone { tz: calendar.zone_unknown, assumed: true },
        },
        _ => Zone { tz: calendar.zone_unknown, assumed: true },
    }
}

/// The date an anchor stands for, in a zone.
pub fn anchor_date(value: &Value, zone: Zone) -> Option<NaiveDate> {
    match value {
        Value::Date(it) => Some(*it),
        Value::At(it) => Some(zone.date(*it)),
        _ => None,
    }
}

/// The anchor's date moved by an offset, at the local time of day, plus the key's own share of the
/// spread. A time the clocks skip is the first instant after the gap, one they show twice the
/// first of the two.
pub fn date_due(
    calendar: &Calendar,
    offset: Period,
    anchor: NaiveDate,
    zone: Zone,
    key: OccurrenceKey,
) -> Option<Instant> {
    let day = offset.shift(anchor)?;
    let at = local_instant(zone.tz, day, calendar.at)?;
    Some(at.plus(offset.clock_part()).plus(share(calendar.spread, key)))
}

/// The first local time of day at or after the end of the pause, plus the key's share of the
/// spread.
pub fn pause_due(
    calendar: &Calendar,
    after: Period,
    last: Instant,
    zone: Zone,
    key: OccurrenceKey,
) -> Option<Instant> {
    let over = last.plus(after.span());
    let mut day = zone.date(over);
    loop {
        let at = local_instant(zone.tz, day, calendar.at)?;
        if at >= over {
            return Some(at.plus(share(calendar.spread, key)));
        }
        day = day.succ_opt()?;
    }
}

/// A span between nothing and the whole spread, fixed by the key.
fn share(spread: Period, key: OccurrenceKey) -> TimeDelta {
    let seconds = u64::try_from(spread.span().num_seconds()).unwrap_or(0);
    let hash = key.0.iter().take(8).fold(0_u64, |hash, it| hash << 8 | u64::from(*it));
    let share = (u128::from(hash) * u128::from(seconds)) >> 64;
    TimeDelta::seconds(i64::try_from(share).unwrap_or(0))
}
