//! Golden signals: how often each thing happened, per day; names and reasons only.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kernel::FactId;

/// What sort of thing was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignalKind {
    /// An event came in; the state is what became of it.
    Event,
    /// A decision was made; the state is its outcome.
    Decision,
    /// A delivery moved; the state is where to.
    Delivery,
    /// A person took permission away; the state is the fact's name.
    Withdrawal,
    /// A fact that should have been measured could not be; the state is its name.
    Unmeasured,
}

impl SignalKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Event, Self::Decision, Self::Delivery, Self::Withdrawal, Self::Unmeasured];

    /// The name as written in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Decision => "decision",
            Self::Delivery => "delivery",
            Self::Withdrawal => "withdrawal",
            Self::Unmeasured => "unmeasured",
        }
    }
}

/// One counter: a thing with its labels, empty where they do not apply.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal {
    /// The day it happened, in UTC.
    pub day: NaiveDate,
    /// What sort of thing.
    pub kind: SignalKind,
    /// The journey node.
    pub node: String,
    /// What became of it.
    pub state: String,
    /// Why.
    pub reason: String,
}

/// What one fact says was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// What it is deduplicated on.
    pub fact: FactId,
    /// What was seen.
    pub signal: Signal,
    /// How often: a fact may speak for many events of one batch.
    pub n: u64,
}

/// A counter and how far it got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The counter.
    pub signal: Signal,
    /// How often.
    pub n: u64,
}

/// Every counter of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signals {
    /// Ascending by day, kind, node, state and reason.
    pub counts: Vec<Count>,
}

impl Signals {
    /// How often things of a kind happened.
    pub fn total(&self, kind: SignalKind) -> u64 {
        self.sum(|it| it.kind == kind)
    }

    /// How often things of a kind came to a state.
    pub fn in_state(&self, kind: SignalKind, state: &str) -> u64 {
        self.sum(|it| it.kind == kind && it.state == state)
    }

    /// Hand-offs that began after an acknowledged withdrawal.
    pub fn late_handoffs(&self) -> u64 {
        self.in_state(SignalKind::Delivery, "late_handoff")
    }

    /// How often, by node, state and reason, over all days.
    pub fn by_label(&self, kind: SignalKind) -> BTreeMap<(&str, &str, &str), u64> {
        let mut out = BTreeMap::<_, u64>::new();
        for it in self.counts.iter().filter(|it| it.signal.kind == kind) {
            let signal = &it.signal;
            let at = out.entry((&*signal.node, &*signal.state, &*signal.reason)).or_default();
            *at = at.saturating_add(it.n);
        }
        out
    }

    /// How often things of a kind came to a state, by day.
    pub fn by_day(&self, kind: SignalKind, state: &str) -> BTreeMap<NaiveDate, u64> {
        let mut out = BTreeMap::<_, u64>::new();
        for it in &self.counts {
            if it.signal.kind == kind && it.signal.state == state {
                let at = out.entry(it.signal.day).or_default();
                *at = at.saturating_add(it.n);
            }
        }
        out
    }

    fn sum(&self, is: impl Fn(&Signal) -> bool) -> u64 {
        self.counts.iter().filter(|it| is(&it.signal)).fold(0, |sum, it| sum.saturating_add(it.n))
    }
}
