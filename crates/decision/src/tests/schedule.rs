//! Due instants: zones, gaps, folds, leap days, spread.

use chrono::NaiveTime;
use kernel::{Instant, OccurrenceKey, Period};
use proptest::prelude::*;

use super::world::{at, date};
use crate::{
    node::Calendar,
    schedule::{Zone, date_due, pause_due},
};

fn calendar(time: &str, spread: &str) -> Calendar {
    Calendar {
        at: NaiveTime::parse_from_str(time, "%H:%M").unwrap(),
        spread: spread.parse().unwrap(),
        zone: None,
        zone_unknown: chrono_tz::UTC,
        missed: Period::days(1),
    }
}

fn zone(name: &str) -> Zone {
    Zone { tz: name.parse().unwrap(), assumed: false }
}

fn due(time: &str, zone_name: &str, offset: &str, anchor: &str) -> Instant {
    let offset = offset.parse().unwrap();
    let key = OccurrenceKey([0; 32]);
    let calendar = calendar(time, "PT0S");
    date_due(&calendar, offset, date(anchor), zone(zone_name), key).unwrap()
}

#[test]
fn dates_fall_due_in_local_time() {
    for (time, zone, offset, anchor, expected) in [
        ("10:00", "Europe/Paris", "-P90D", "2026-09-29", "2026-07-01T08:00:00Z"),
        ("10:00", "Europe/Paris", "-P90D", "2027-03-01", "2026-12-01T09:00:00Z"),
        ("09:30", "Europe/Dublin", "P3D", "2026-01-01", "2026-01-04T09:30:00Z"),
        // The clocks skip 02:00 to 03:00: the first instant after the gap.
        ("02:30", "Europe/Berlin", "P1D", "2027-03-27", "2027-03-28T01:00:00Z"),
        // The clocks show 02:30 twice: the first.
        ("02:30", "Europe/Berlin", "P1D", "2026-10-24", "2026-10-25T00:30:00Z"),
        // Half an hour is skipped.
        ("02:15", "Australia/Lord_Howe", "P1D", "2026-10-03", "2026-10-03T15:30:00Z"),
        // A whole day never happened.
        ("10:00", "Pacific/Apia", "P1D", "2011-12-29", "2011-12-30T10:00:00Z"),
        // Months clamp to the last day; 29 February falls to the 28th.
        ("10:00", "UTC", "P1Y", "2028-02-29", "2029-02-28T10:00:00Z"),
        ("10:00", "UTC", "-P1M", "2026-03-31", "2026-02-28T10:00:00Z"),
        // The exact part follows the calendar part.
        ("10:00", "UTC", "P1DT2H", "2026-03-31", "2026-04-01T12:00:00Z"),
    ] {
        assert_eq!(due(time, zone, offset, anchor), at(expected), "{zone} {anchor} {offset}");
    }
}

#[test]
fn a_pause_ends_at_the_next_local_time_of_day() {
    let calendar = calendar("17:00", "PT0S");
    let key = OccurrenceKey([0; 32]);
    for (last, expected) in [
        ("2026-06-01T10:00:00Z", "2026-06-04T15:00:00Z"),
        ("2026-06-01T15:00:00Z", "2026-06-04T15:00:00Z"),
        ("2026-06-01T15:00:01Z", "2026-06-05T15:00:00Z"),
    ] {
        let after = "P3D".parse().unwrap();
        let due = pause_due(&calendar, after, at(last), zone("Europe/Paris"), key);
        assert_eq!(due, Some(at(expected)), "{last}");
    }
}

proptest! {
    /// The share of the spread is fixed by the key and never leaves the spread.
    #[test]
    fn the_spread_is_bounded_and_fixed_by_the_key(bytes in any::<[u8; 32]>()) {
        let key = OccurrenceKey(bytes);
        let calendar = calendar("10:00", "PT2H");
        let once = || date_due(&calendar, Period::days(0), date("2026-06-01"), zone("UTC"), key);
        let due = once().unwrap();
        prop_assert_eq!(Some(due), once());
        let base = at("2026-06-01T10:00:00Z");
        prop_assert!(due >= base && due < at("2026-06-01T12:00:00Z"));
    }
}
