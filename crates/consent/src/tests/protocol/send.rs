//! One withdrawal and the sends: verdicts, the gate, hand-offs, deadlines, crashes.

use stateright::{Model, Property};

use super::{ACKNOWLEDGED, NO_LATE_HAND_OFF};

/// How many sends there are.
const SENDS: usize = 2;

/// Which safeguards a protocol has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Protocol {
    /// Open attempts are waited for before the acknowledgement.
    pub(super) drain: bool,
    /// The gate compares the epochs of the verdict with those of the record.
    pub(super) epoch_compare: bool,
}

/// The protocol as it is.
pub(super) const SAFE: Protocol = Protocol { drain: true, epoch_compare: true };

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Withdrawal {
    /// Not begun, or crashed: the person will ask again.
    Asked,
    Committed,
    /// The attempts that were open at that moment are waited for.
    Draining {
        waited: [bool; SENDS],
    },
    Acknowledged,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Send {
    Queued,
    /// Permitted by a verdict on the record.
    Judged,
    Acquired,
    Handing,
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Attempt {
    None,
    Open,
    /// Concluded, or past its deadline.
    Ended,
}

/// Everything there is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct House {
    // The system of record.
    withdrawn: bool,
    attempts: [Attempt; SENDS],
    // The processes.
    withdrawal: Withdrawal,
    sends: [Send; SENDS],
    // What may still go wrong.
    crashes_left: u8,
    // What must be able to happen, and what must not have.
    handed_off: bool,
    handed_off_late: bool,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Act {
    Commit,
    Drain,
    Acknowledge,
    CrashWithdrawer,
    Judge(usize),
    Acquire(usize),
    HandOff(usize),
    Release(usize),
    DeadlinePasses(usize),
    CrashSender(usize),
}

impl House {
    fn of_withdrawal(&self, protocol: Protocol, acts: &mut Vec<Act>) {
        match self.withdrawal {
            Withdrawal::Asked => acts.push(Act::Commit),
            Withdrawal::Committed => acts.push(Act::Drain),
            Withdrawal::Draining { waited } => {
                let open = waited
                    .iter()
                    .zip(self.attempts)
                    .any(|(waited, attempt)| *waited && attempt == Attempt::Open);
                acts.extend((!open || !protocol.drain).then_some(Act::Acknowledge));
            }
            Withdrawal::Acknowledged => return,
        }
        let begun = self.withdrawal != Withdrawal::Asked;
        acts.extend((begun && self.crashes_left > 0).then_some(Act::CrashWithdrawer));
    }

    fn of_send(&self, i: usize, acts: &mut Vec<Act>) {
        let (send, attempt) = (self.sends[i], self.attempts[i]);
        match send {
            Send::Queued => acts.push(Act::Judge(i)),
            Send::Judged => acts.push(Act::Acquire(i)),
            Send::Acquired => acts.push(Act::HandOff(i)),
            Send::Handing => acts.push(Act::Release(i)),
            Send::Over => {}
        }
        acts.extend((attempt == Attempt::Open).then_some(Act::DeadlinePasses(i)));
        let running = !matches!(send, Send::Queued | Send::Over);
        acts.extend((running && self.crashes_left > 0).then_some(Act::CrashSender(i)));
    }
}

impl Model for Protocol {
    type State = House;
    type Action = Act;

    fn init_states(&self) -> Vec<House> {
        vec![House {
            withdrawn: false,
            attempts: [Attempt::None; SENDS],
            withdrawal: Withdrawal::Asked,
            sends: [Send::Queued; SENDS],
            crashes_left: 2,
            handed_off: false,
            handed_off_late: false,
        }]
    }

    fn actions(&self, state: &House, acts: &mut Vec<Act>) {
        state.of_withdrawal(*self, acts);
        (0..SENDS).for_each(|i| state.of_send(i, acts));
    }

    fn next_state(&self, last: &House, act: Act) -> Option<House> {
        let mut next = last.clone();
        let it = &mut next;
        match act {
            Act::Commit => {
                it.withdrawn = true;
                it.withdrawal = Withdrawal::Committed;
            }
            Act::Drain => {
                let waited = it.attempts.map(|it| it == Attempt::Open);
                it.withdrawal = Withdrawal::Draining { waited };
            }
            Act::Acknowledge => it.withdrawal = Withdrawal::Acknowledged,
            Act::CrashWithdrawer => {
                it.crashes_left -= 1;
                it.withdrawal = Withdrawal::Asked;
            }
            Act::Judge(i) => it.sends[i] = if it.withdrawn { Send::Over } else { Send::Judged },
            Act::Acquire(i) if it.withdrawn && self.epoch_compare => it.sends[i] = Send::Queued,
            Act::Acquire(i) => {
                it.sends[i] = Send::Acquired;
                it.attempts[i] = Attempt::Open;
            }
            Act::HandOff(i) => {
                it.sends[i] = Send::Handing;
                it.handed_off = true;
                it.handed_off_late |= it.withdrawal == Withdrawal::Acknowledged;
            }
            // A hand-off that has not ended by its deadline is given up before it.
            Act::Release(i) | Act::DeadlinePasses(i) => {
                it.attempts[i] = Attempt::Ended;
                it.sends[i] = Send::Over;
            }
            Act::CrashSender(i) => {
                it.crashes_left -= 1;
                // What is queued is found again; what was acquired waits for its deadline.
                let judged = it.sends[i] == Send::Judged;
                it.sends[i] = if judged { Send::Queued } else { Send::Over };
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(NO_LATE_HAND_OFF, |_, it: &House| !it.handed_off_late),
            Property::always(ACKNOWLEDGED, |model: &Self, it: &House| {
                let mut acts = Vec::new();
                model.actions(it, &mut acts);
                !acts.is_empty() || it.withdrawal == Withdrawal::Acknowledged
            }),
            Property::sometimes("a send goes out", |_, it: &House| it.handed_off),
        ]
    }
}
