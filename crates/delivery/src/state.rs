//! Where a delivery stands, and the only ways it may move.

use kernel::{Instant, Reason};

use crate::{Delivery, message::OnHold, reason};

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// To be prepared and gated.
    Ready,
    /// Held back for a reason, until an instant.
    Held {
        /// Why.
        reason: Reason,
        /// Until when.
        until: Instant,
    },
    /// An attempt passed the gate and has not ended.
    InFlight {
        /// By when the attempt ends.
        deadline: Instant,
    },
    /// An attempt failed in a way that may pass.
    RetryWait {
        /// What failed.
        reason: Reason,
        /// When to try again.
        until: Instant,
    },
    /// A hand-off may or may not have happened.
    Unknown {
        /// What was ambiguous.
        reason: Reason,
        /// When it is given up.
        until: Instant,
    },
    /// The provider took it.
    Accepted,
    /// The provider says it arrived.
    Delivered,
    /// The provider says it came back.
    Bounced,
    /// The person complained about it.
    Complained,
    /// Sent back to be decided anew.
    Returned {
        /// Why.
        reason: Reason,
    },
    /// Refused; every reason.
    Suppressed {
        /// Every reason, the first first.
        reasons: Vec<Reason>,
    },
    /// Tried and failed for good.
    Failed {
        /// What failed.
        reason: Reason,
    },
    /// Its time passed.
    Expired,
    /// Unknown for so long that a person must look.
    Abandoned,
}

impl State {
    /// The name as written in bodies and filters.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Held { .. } => "held",
            Self::InFlight { .. } => "in_flight",
            Self::RetryWait { .. } => "retry_wait",
            Self::Unknown { .. } => "unknown",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Returned { .. } => "returned",
            Self::Suppressed { .. } => "suppressed",
            Self::Failed { .. } => "failed",
            Self::Expired => "expired",
            Self::Abandoned => "abandoned",
        }
    }

    /// Every name, for filters.
    pub const NAMES: &'static [&'static str] = &[
        "ready",
        "held",
        "in_flight",
        "retry_wait",
        "unknown",
        "accepted",
        "delivered",
        "bounced",
        "complained",
        "returned",
        "suppressed",
        "failed",
        "expired",
        "abandoned",
    ];

    /// The names of the states that serve an occurrence, for stores that filter.
    pub const SERVING: &'static [&'static str] = &[
        "in_flight",
        "retry_wait",
        "unknown",
        "accepted",
        "delivered",
        "bounced",
        "complained",
        "abandoned",
    ];

    /// When the dispatcher must look at it next, if ever.
    pub const fn due_at(&self, not_before: Instant) -> Option<Instant> {
        match self {
            Self::Ready => Some(not_before),
            Self::Held { until, .. }
            | Self::RetryWait { until, .. }
            | Self::Unknown { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// Whether it has, or may have, reached the person: its occurrence is served.
    pub fn serves(&self) -> bool {
        Self::SERVING.contains(&self.name())
    }

    /// Why it stands here, where there is a reason.
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Held { reason, .. }
            | Self::RetryWait { reason, .. }
            | Self::Unknown { reason, .. }
            | Self::Returned { reason }
            | Self::Failed { reason } => std::slice::from_ref(reason),
            Self::Suppressed { reasons } => reasons,
            Self::Expired => const { &[reason::EXPIRED] },
            Self::Abandoned => const { &[reason::HORIZON] },
            _ => &[],
        }
    }
}

/// What may happen to a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Its time to be looked at has come.
    Due,
    /// A cap, a window or a moved epoch holds it: what follows is the author's choice.
    Held {
        /// Why.
        reason: Reason,
        /// Until when.
        until: Instant,
    },
    /// Something of ours is out of reach: it waits, whatever the author chose.
    Wait {
        /// Why.
        reason: Reason,
        /// Until when.
        until: Instant,
    },
    /// The message cannot be made as decided; another might.
    Unfit {
        /// Why.
        reason: Reason,
    },
    /// It may not be sent.
    Refused {
        /// Every reason, the first first.
        reasons: Vec<Reason>,
    },
    /// The gate let an attempt through.
    Passed {
        /// By when the attempt ends.
        deadline: Instant,
    },
    /// The provider took it.
    Accepted,
    /// The attempt failed and may be repeated.
    Retry {
        /// What failed.
        reason: Reason,
        /// When.
        until: Instant,
    },
    /// The attempt failed for good.
    Failed {
        /// What failed.
        reason: Reason,
    },
    /// The attempt did not start.
    NotStarted,
    /// The attempt may have happened.
    Ambiguous {
        /// What was ambiguous.
        reason: Reason,
        /// When it is given up.
        until: Instant,
    },
    /// The provider reports what became of it.
    Receipt(Receipt),
    /// Its time to live passed.
    Expired,
    /// Nobody settled it in time.
    Horizon,
}

/// What a provider reports after it took a message, by rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receipt {
    /// It arrived.
    Delivered,
    /// It came back.
    Bounced,
    /// The person complained.
    Complained,
}

impl Receipt {
    const fn rank(self) -> u8 {
        match self {
            Self::Delivered => 3,
            Self::Bounced => 4,
            Self::Complained => 5,
        }
    }

    const fn state(self) -> State {
        match self {
            Self::Delivered => State::Delivered,
            Self::Bounced => State::Bounced,
            Self::Complained => State::Complained,
        }
    }
}

/// A legal move, from one version to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The version it moves from.
    pub expected: u32,
    /// Where it moves.
    pub state: State,
}

/// A move the state machine does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a delivery that is {from} cannot take `{event}`")]
pub struct Illegal {
    /// Where it stands.
    pub from: &'static str,
    /// What was to happen.
    pub event: &'static str,
}

/// Where a delivery goes when something happens to it; everything not written here is illegal.
///
/// A receipt that does not outrank what is known leaves the state as it is.
pub fn apply(delivery: &Delivery, event: Event) -> Result<Transition, Illegal> {
    use State as S;
    let from = &delivery.state;
    let name = event.name();
    let state = match (from, event) {
        (S::Held { .. } | S::RetryWait { .. } | S::Ready, Event::Due)
        | (S::InFlight { .. }, Event::NotStarted) => S::Ready,
        (S::Ready, Event::Held { reason, until }) => match delivery.on_hold {
            OnHold::Wait => S::Held { reason, until },
            OnHold::Redecide => S::Returned { reason },
            OnHold::Drop => S::Suppressed { reasons: vec![reason] },
        },
        (S::Ready, Event::Wait { reason, until }) => S::Held { reason, until },
        (S::Ready, Event::Unfit { reason }) => S::Returned { reason },
        (S::Ready, Event::Refused { reasons }) => S::Suppressed { reasons },
        (S::Ready, Event::Passed { deadline }) => S::InFlight { deadline },
        (S::InFlight { .. }, Event::Accepted) => S::Accepted,
        (S::InFlight { .. }, Event::Retry { reason, until }) => S::RetryWait { reason, until },
        (S::InFlight { .. }, Event::Failed { reason }) => S::Failed { reason },
        (S::InFlight { .. }, Event::Ambiguous { reason, until }) => S::Unknown { reason, until },
        (S::Unknown { .. }, Event::Horizon) => S::Abandoned,
        (S::Ready | S::Held { .. } | S::RetryWait { .. }, Event::Expired) => S::Expired,
        (from, Event::Receipt(receipt)) => match rank(from) {
            Some(known) if receipt.rank() > known => receipt.state(),
            Some(_) => from.clone(),
            None => return Err(Illegal { from: from.name(), event: name }),
        },
        (from, _) => return Err(Illegal { from: from.name(), event: name }),
    };
    Ok(Transition { expected: delivery.version, state })
}

/// How much is known of a message that may have left; `None` where none has.
const fn rank(state: &State) -> Option<u8> {
    match state {
        State::Unknown { .. } | State::RetryWait { .. } | State::Abandoned => Some(0),
        State::Accepted => Some(1),
        State::Delivered => Some(3),
        State::Bounced => Some(4),
        State::Complained => Some(5),
        _ => None,
    }
}

impl Event {
    const fn name(&self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Held { .. } => "held",
            Self::Wait { .. } => "wait",
            Self::Unfit { .. } => "unfit",
            Self::Refused { .. } => "refused",
            Self::Passed { .. } => "passed",
            Self::Accepted => "accepted",
            Self::Retry { .. } => "retry",
            Self::Failed { .. } => "failed",
            Self::NotStarted => "not_started",
            Self::Ambiguous { .. } => "ambiguous",
            Self::Receipt(_) => "receipt",
            Self::Expired => "expired",
            Self::Horizon => "horizon",
        }
    }
}
