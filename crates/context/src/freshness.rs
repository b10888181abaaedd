//! How fresh a source is: a pure state over what arrived and when.

use std::collections::BTreeMap;

use kernel::{Instant, SystemId};

use crate::{EventType, terms::Contract};

/// The type of event by which a quiet source says that it lives.
pub const HEARTBEAT: &str = "assent.heartbeat.v1";

/// How fresh the events of one type from one source are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Freshness {
    /// Nothing ever arrived.
    Never,
    /// Within its contract.
    Fresh,
    /// Past the warning bound.
    Warn,
    /// Past the error bound: its values are not present.
    Stale,
}

impl Freshness {
    /// The word in listings and facts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Fresh => "fresh",
            Self::Warn => "warn",
            Self::Stale => "stale",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Never, Self::Fresh, Self::Warn, Self::Stale]
            .into_iter()
            .find(|it| it.as_str() == text)
    }

    /// Whether values from there may be used.
    pub const fn usable(self) -> bool {
        matches!(self, Self::Fresh | Self::Warn)
    }
}

/// What arrived of one type from one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrivals {
    /// The system.
    pub source: SystemId,
    /// The type.
    pub kind: EventType,
    /// When the newest event arrived.
    pub received_at: Instant,
    /// The lag of that arrival, in microseconds: received minus happened.
    pub lag_micros: i64,
    /// The state last announced by a fact.
    pub announced: Freshness,
}

/// The state at an instant: a heartbeat of the source counts as an arrival of every type.
pub fn observe(
    contract: &Contract,
    arrivals: Option<&Arrivals>,
    heartbeat: Option<&Arrivals>,
    now: Instant,
) -> Freshness {
    let Some(arrivals) = arrivals else { return Freshness::Never };
    let alive =
        heartbeat.map_or(arrivals.received_at, |it| it.received_at.max(arrivals.received_at));
    let silence = now.since(alive);
    let silent = contract.expected_every.as_ref().map_or(Freshness::Fresh, |it| it.judge(silence));
    let lag = chrono::TimeDelta::microseconds(arrivals.lag_micros);
    let slow = match contract.latency.as_ref().map(|it| it.judge(lag)) {
        // A slow arrival is a warning: the value is there, and says itself how old it is.
        Some(Freshness::Warn | Freshness::Stale) => Freshness::Warn,
        _ => Freshness::Fresh,
    };
    silent.max(slow)
}

/// The arrivals of a tenant, by source and type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Board(BTreeMap<SystemId, BTreeMap<EventType, Arrivals>>);

impl Board {
    /// The board of these arrivals.
    pub fn new(arrivals: impl IntoIterator<Item = Arrivals>) -> Self {
        let mut out: BTreeMap<SystemId, BTreeMap<EventType, Arrivals>> = BTreeMap::new();
        for it in arrivals {
            out.entry(it.source.clone()).or_default().insert(it.kind.clone(), it);
        }
        Self(out)
    }

    /// Every arrival, by source and type.
    pub fn arrivals(&self) -> impl Iterator<Item = &Arrivals> {
        self.0.values().flat_map(BTreeMap::values)
    }

    /// The arrivals of one type from one source.
    pub fn of(&self, source: &SystemId, kind: &EventType) -> Option<&Arrivals> {
        self.0.get(source)?.get(kind)
    }

    /// The state of a contract's type from one source, at an instant.
    pub fn state(&self, source: &SystemId, contract: &Contract, now: Instant) -> Freshness {
        let Some(arrivals) = self.0.get(source) else { return Freshness::Never };
        observe(contract, arrivals.get(&contract.kind), arrivals.get(HEARTBEAT), now)
    }
}
