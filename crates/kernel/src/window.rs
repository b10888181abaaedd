//! When a door next opens: wall-clock windows over every zone a person may be in.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::Instant;

/// The most windows a set may hold.
pub const WINDOWS_MAX: usize = 32;
/// The most candidate zones.
pub const ZONES_MAX: usize = 64;
/// The farthest look ahead, in days.
pub const HORIZON_DAYS_MAX: i64 = 31;

/// One allowed stretch of local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Bit 0 is Monday; the day on which the stretch begins.
    pub days: u8,
    /// Local minute of the day at which it opens, 0 to 1,439.
    pub from_minute: u16,
    /// Local minute at which it closes, 1 to 1,440; at or before `from_minute` means the next day.
    pub to_minute: u16,
}

/// The allowed stretches; empty means never.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Windows(Vec<Window>);

/// The zones a person may be in, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zones(Vec<Tz>);

/// Windows or zones outside their limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at most 32 windows of the day and 1 to 64 zones")]
pub struct WindowError;

impl Windows {
    /// At most [`WINDOWS_MAX`] stretches within the day.
    pub fn new(windows: Vec<Window>) -> Result<Self, WindowError> {
        let legal = |it: &Window| it.from_minute < 1_440 && (1..=1_440).contains(&it.to_minute);
        if windows.len() <= WINDOWS_MAX && windows.iter().all(legal) {
            Ok(Self(windows))
        } else {
            Err(WindowError)
        }
    }

    /// Every day between two local minutes (past midnight where `to` is not after `from`).
    pub fn daily(from_minute: u16, to_minute: u16) -> Result<Self, WindowError> {
        Self::new(vec![Window { days: 0x7f, from_minute, to_minute }])
    }
}

impl Zones {
    /// One to [`ZONES_MAX`] candidates; duplicates fold.
    pub fn new(mut zones: Vec<Tz>) -> Result<Self, WindowError> {
        zones.sort_by_key(|it| it.name());
        zones.dedup();
        if (1..=ZONES_MAX).contains(&zones.len()) { Ok(Self(zones)) } else { Err(WindowError) }
    }

    /// A single known zone.
    pub fn known(zone: Tz) -> Self {
        Self(vec![zone])
    }

    /// The candidates.
    pub fn as_slice(&self) -> &[Tz] {
        &self.0
    }
}

/// When the door is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// Now.
    Open,
    /// First at this instant.
    At(Instant, Proof),
    /// Not within the horizon.
    Never,
}

/// What an opening rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The zones in all of which it is open then.
    pub zones: Vec<&'static str>,
}

/// The first instant at or after `now`, within the horizon, at which a window is open in *every*
/// candidate zone. A local time that a clock change skips becomes the next valid instant; one that
/// occurs twice is the first.
pub fn next_open(now: Instant, windows: &Windows, zones: &Zones, horizon: TimeDelta) -> Opening {
    let horizon = horizon.clamp(TimeDelta::zero(), TimeDelta::days(HORIZON_DAYS_MAX));
    let end = now.plus(horizon);
    let mut open = vec![(now, end.plus(TimeDelta::microseconds(1)))];
    for zone in &zones.0 {
        open = intersect(&open, &stretches(*zone, windows, now, end));
    }
    match open.first() {
        None => Opening::Never,
        Some((from, _)) if *from == now => Opening::Open,
        Some((from, _)) => {
            Opening::At(*from, Proof { zones: zones.0.iter().map(|it| it.name()).collect() })
        }
    }
}

/// The merged stretches of one zone that may touch `[now, end]`, ascending.
fn stretches(zone: Tz, windows: &Windows, now: Instant, end: Instant) -> Vec<(Instant, Instant)> {
    let mut out = Vec::new();
    let Some(mut day) = zone.from_utc_datetime(&now.utc().naive_utc()).date_naive().pred_opt()
    else {
        return out;
    };
    let last = zone.from_utc_datetime(&end.utc().naive_utc()).date_naive();
    while day <= last {
        for window in &windows.0 {
            if window.days >> day.weekday().num_days_from_monday() & 1 == 0 {
                continue;
            }
            let closes = u64::from(window.to_minute <= window.from_minute);
            let Some(close_day) = day.checked_add_days(Days::new(closes)) else { continue };
            let from = local(zone, day, window.from_minute);
            let to = local(zone, close_day, window.to_minute);
            if let (Some(from), Some(to)) = (from, to)
                && from < to
            {
                out.push((from, to));
            }
        }
        let Some(next) = day.succ_opt() else { break };
        day = next;
    }
    out.sort_unstable();
    merge(out)
}

fn merge(sorted: Vec<(Instant, Instant)>) -> Vec<(Instant, Instant)> {
    let mut out: Vec<(Instant, Instant)> = Vec::with_capacity(sorted.len());
    for (from, to) in sorted {
        match out.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => out.push((from, to)),
        }
    }
    out
}

fn intersect(a: &[(Instant, Instant)], b: &[(Instant, Instant)]) -> Vec<(Instant, Instant)> {
    let mut out = Vec::new();
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(x), Some(y)) = (left.peek(), right.peek()) {
        let (from, to) = (x.0.max(y.0), x.1.min(y.1));
        if from < to {
            out.push((from, to));
        }
        if x.1 <= y.1 {
            left.next();
        } else {
            right.next();
        }
    }
    out
}

/// The instant of a local minute: the first of two, or the first after a gap.
fn local(zone: Tz, day: NaiveDate, minute: u16) -> Option<Instant> {
    let (day, minute) =
        if minute == 1_440 { (day.succ_opt()?, 0) } else { (day, u32::from(minute)) };
    local_instant(zone, day, NaiveTime::from_hms_opt(minute / 60, minute % 60, 0)?)
}

/// The instant at which a zone's clocks show a date and time: the first where they show it twice,
/// the first valid instant after a gap where they never do.
pub fn local_instant(zone: Tz, day: NaiveDate, time: NaiveTime) -> Option<Instant> {
    let wanted = day.and_time(time);
    // The longest gap on record is the day Pacific/Apia skipped; minutes suffice inside it.
    (0..=1_441)
        .find_map(|it| zone.from_local_datetime(&(wanted + TimeDelta::minutes(it))).earliest())
        .map(|it| Instant::from(it.to_utc()))
}
