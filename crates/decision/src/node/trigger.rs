//! When a node is set off, ends and may begin again.

use std::sync::Arc;

use chrono::NaiveTime;
use chrono_tz::Tz;
use kernel::Period;

use crate::condition::{Program, Type};

/// What sets a node off.
#[derive(Debug, Clone)]
pub enum Trigger {
    /// Something happened.
    Event(EventTrigger),
    /// A date is near.
    Date(DateTrigger),
    /// Nothing happened for a while.
    Inactivity(InactivityTrigger),
}

impl Trigger {
    /// How long after its due instant an occurrence may still be decided.
    pub const fn missed(&self) -> Period {
        match self {
            Self::Event(it) => it.missed,
            Self::Date(it) => it.calendar.missed,
            Self::Inactivity(it) => it.calendar.missed,
        }
    }
}

/// An event, perhaps after a delay.
#[derive(Debug, Clone)]
pub struct EventTrigger {
    /// The event type.
    pub event: Arc<str>,
    /// Which of them.
    pub when: Option<Program>,
    /// The payload members the condition reads, by slot.
    pub payload: Vec<Arc<str>>,
    /// The types they are used as, by slot.
    pub types: Vec<Option<Type>>,
    /// How long to wait.
    pub delay: Period,
    /// Older events are too late.
    pub max_age: Period,
    /// How late it may be decided.
    pub missed: Period,
}

/// A date of the person's, moved by offsets.
#[derive(Debug, Clone)]
pub struct DateTrigger {
    /// The field that holds the date, as a slot of the cut.
    pub anchor: usize,
    /// The offsets, each an occurrence of its own.
    pub offsets: Vec<Offset>,
    /// The local time of day.
    pub calendar: Calendar,
}

/// One offset and its label.
#[derive(Debug, Clone)]
pub struct Offset {
    /// As written.
    pub label: Arc<str>,
    /// How far from the anchor.
    pub period: Period,
}

/// A pause after activity.
#[derive(Debug, Clone)]
pub struct InactivityTrigger {
    /// The activity.
    pub since: Arc<str>,
    /// The field that holds its last instant, as a slot of the cut.
    pub last: usize,
    /// How long a pause.
    pub after: Period,
    /// The local time of day.
    pub calendar: Calendar,
}

/// Local time: hour, spread and zone.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// The local time of day.
    pub at: NaiveTime,
    /// Occurrences spread evenly over this span, by their key.
    pub spread: Period,
    /// The field that holds the person's zone, as a slot of the cut.
    pub zone: Option<usize>,
    /// The zone assumed where it is not known; for the date only.
    pub zone_unknown: Tz,
    /// How late it may be decided.
    pub missed: Period,
}

/// When a journey ends and may begin again.
#[derive(Debug, Clone)]
pub struct Life {
    /// Events that end it.
    pub cancel_on: Vec<Arc<str>>,
    /// What re-entry counts per.
    pub per: Per,
    /// The least time between two entries.
    pub cooldown: Period,
    /// The most entries within the window.
    pub max: u32,
    /// The window.
    pub window: Period,
}

/// What re-entry counts per.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// The business object.
    Object,
    /// The object at one anchor date.
    ObjectAnchor,
    /// The object at one offset.
    ObjectOffset,
    /// The person.
    Episode,
}

/// What a later step needs of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// The offset this governs.
    pub label: Arc<str>,
    /// The earlier offset.
    pub after: Arc<str>,
    /// The state of contact it needs.
    pub state: Arc<str>,
    /// What happens without it.
    pub otherwise: Otherwise,
}

/// What happens when an earlier step is not in the state a later one needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// The duty stands.
    Act,
    /// The step is left out.
    Skip,
}
