//! Caps over entries: how often is too often.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;
use kernel::{
    ArtifactRef, Channel, Class, Finding, Instant, JourneyNode, Period, Reason, Zones,
    window::local_instant,
};
use serde::Deserialize;

use crate::{contact::Entry, reason};

/// The longest span a cap may look back over, in days.
pub const CAP_WINDOW_DAYS_MAX: u32 = 92;
/// The most entries a gate counts; a person with more is not contacted.
pub const ENTRIES_READ_MAX: usize = 2_000;
/// How long a person with too many entries is left alone before they are counted again.
const OVERFLOW_PAUSE: Period = Period::days(1);

/// One cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// Its name.
    pub name: String,
    /// What it counts.
    pub counts: Counts,
    /// The most contacts in its window.
    pub limit: u32,
    /// Its window.
    pub window: CapWindow,
    /// The least time between two contacts.
    pub min_gap: Period,
}

/// Which contacts a cap counts; an empty set counts all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Of these classes.
    pub classes: BTreeSet<Class>,
    /// On these channels.
    pub channels: BTreeSet<Channel>,
    /// By these journey nodes.
    pub nodes: BTreeSet<JourneyNode>,
}

/// The span a cap counts over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapWindow {
    /// This long before now.
    Rolling(Period),
    /// Since the person's local midnight, on which this unit began.
    Calendar(Unit),
}

/// A calendar unit; weeks begin on Monday (ISO 8601).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
}

/// What the caps say, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CapVerdict {
    /// One more contact is within every cap.
    Grant,
    /// It is not.
    Deny {
        /// The cap that frees last.
        cap: String,
        /// A full cap, or a gap too short.
        reason: Reason,
        /// The first instant that passes if nothing else happens.
        frees_at: Instant,
    },
}

/// Whether one more contact now is within every cap.
///
/// An entry leaves a rolling window exactly when the window's span has passed. A calendar window
/// begins at the earliest local midnight of the candidate zones.
pub fn evaluate(caps: &[Cap], entries: &[Entry], now: Instant, zones: &Zones) -> CapVerdict {
    if entries.len() > ENTRIES_READ_MAX && !caps.is_empty() {
        return CapVerdict::Deny {
            cap: caps.first().map(|it| it.name.clone()).unwrap_or_default(),
            reason: reason::CAP,
            frees_at: now.plus(OVERFLOW_PAUSE.span()),
        };
    }
    let latest = caps
        .iter()
        .filter_map(|cap| frees_at(cap, entries, zones).map(|(reason, at)| (at, reason, cap)))
        .filter(|(at, ..)| *at > now)
        .max_by_key(|(at, ..)| *at);
    match latest {
        None => CapVerdict::Grant,
        Some((frees_at, reason, cap)) => {
            CapVerdict::Deny { cap: cap.name.clone(), reason, frees_at }
        }
    }
}

/// The first instant at which one cap alone passes; `None` is always.
fn frees_at(cap: &Cap, entries: &[Entry], zones: &Zones) -> Option<(Reason, Instant)> {
    let mut counted: Vec<Instant> =
        entries.iter().filter(|it| cap.counts.holds(it)).map(|it| it.at).collect();
    counted.sort_unstable_by(|a, b| b.cmp(a));
    let full = match usize::try_from(cap.limit).unwrap_or(usize::MAX).checked_sub(1) {
        None => Some(NEVER),
        Some(nth) => counted.get(nth).map(|at| match cap.window {
            CapWindow::Rolling(span) => at.plus(span.span()),
            CapWindow::Calendar(unit) => zones
                .as_slice()
                .iter()
                .map(|zone| next_begin(unit, *zone, *at).unwrap_or(NEVER))
                .max()
                .unwrap_or(NEVER),
        }),
    };
    let gap = counted
        .first()
        .filter(|_| cap.min_gap != Period::default())
        .map(|at| at.plus(cap.min_gap.span()));
    match (full, gap) {
        (None, None) => None,
        (Some(full), Some(gap)) if gap > full => Some((reason::GAP, gap)),
        (Some(full), _) => Some((reason::CAP, full)),
        (None, Some(gap)) => Some((reason::GAP, gap)),
    }
}

const NEVER: Instant = Instant::from_micros(i64::MAX);

/// The beginning of the unit after the one an instant lies in.
fn next_begin(unit: Unit, zone: Tz, at: Instant) -> Option<Instant> {
    let day = zone.from_utc_datetime(&at.utc().naive_utc()).date_naive();
    let next = match unit {
        Unit::Day => day.succ_opt()?,
        Unit::Week => {
            day.checked_add_days(Days::new(7 - u64::from(day.weekday().num_days_from_monday())))?
        }
        Unit::Month => {
            let (year, month) =
                if day.month() == 12 { (day.year() + 1, 1) } else { (day.year(), day.month() + 1) };
            NaiveDate::from_ymd_opt(year, month, 1)?
        }
    };
    local_instant(zone, next, NaiveTime::MIN)
}

impl Counts {
    fn holds(&self, entry: &Entry) -> bool {
        (self.classes.is_empty() || self.classes.contains(&entry.class))
            && (self.channels.is_empty() || self.channels.contains(&entry.channel))
            && (self.nodes.is_empty()
                || entry.journey.as_ref().is_some_and(|it| self.nodes.contains(it)))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    schema: String,
    #[serde(default)]
    counts: CountsSource,
    limit: u32,
    window: WindowSource,
    min_gap: Option<Period>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CountsSource {
    #[serde(default)]
    class: Selection<Class>,
    #[serde(default)]
    channel: Selection<Channel>,
    #[serde(default)]
    node: Selection<JourneyNode>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum All {
    #[default]
    All,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Selection<T> {
    All(All),
    Some(Vec<T>),
}

impl<T> Default for Selection<T> {
    fn default() -> Self {
        Self::All(All::All)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum WindowSource {
    Rolling(Period),
    Calendar(Unit),
}

impl Cap {
    /// Reads an artifact of kind `cap`.
    pub(crate) fn compile(source: &ArtifactRef<'_>) -> Result<Self, Vec<Finding>> {
        let read: Source = crate::content::read(source, "cap/1", |it: &Source| &it.schema)?;
        let mut findings = Vec::new();
        let mut find = |pointer: &str, rule: &str, message: &str| {
            findings.push(Finding::at(source, pointer, rule, message));
        };
        let longest = Period::days(CAP_WINDOW_DAYS_MAX).span();
        let zero = Period::default().span();
        let window = match read.window {
            WindowSource::Rolling(span) => {
                if span.span() > longest || span.span() <= zero {
                    find("/window/rolling", "cap.window", "a window lasts up to 92 days");
                }
                CapWindow::Rolling(span)
            }
            WindowSource::Calendar(unit) => {
                if read.min_gap.is_none() {
                    let message = "a calendar window names its gap: 23:00 and 00:00 are two days";
                    find("/min_gap", "cap.gap", message);
                }
                CapWindow::Calendar(unit)
            }
        };
        let min_gap = read.min_gap.unwrap_or_default();
        if min_gap.span() > longest || min_gap.span() < zero {
            find("/min_gap", "cap.gap", "a gap lasts from nothing to 92 days");
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Self {
            name: source.name.to_owned(),
            counts: Counts {
                classes: read.counts.class.set(),
                channels: read.counts.channel.set(),
                nodes: read.counts.node.set(),
            },
            limit: read.limit,
            window,
            min_gap,
        })
    }
}

impl<T: Ord> Selection<T> {
    fn set(self) -> BTreeSet<T> {
        match self {
            Self::All(All::All) => BTreeSet::new(),
            Self::Some(items) => items.into_iter().collect(),
        }
    }
}
