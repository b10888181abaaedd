//! The state machine.

use chrono::TimeDelta;
use proptest::prelude::*;

use crate::{
    contract::sample::{delivery, noon, person},
    message::{Delivery, OnHold},
    reason,
    state::{Event, Receipt, State, apply},
};

fn at(state: State) -> Delivery {
    Delivery { state, ..delivery(1, &person(1)) }
}

fn states() -> Vec<State> {
    let until = noon().plus(TimeDelta::hours(1));
    vec![
        State::Ready,
        State::Held { reason: reason::WINDOW, until },
        State::InFlight { deadline: until },
        State::RetryWait { reason: reason::RETRYABLE, until },
        State::Unknown { reason: reason::AMBIGUOUS, until },
        State::Accepted,
        State::Delivered,
        State::Bounced,
        State::Complained,
        State::Returned { reason: reason::CAP },
        State::Suppressed { reasons: vec![reason::BLOCKED] },
        State::Failed { reason: reason::EXHAUSTED },
        State::Expired,
        State::Abandoned,
    ]
}

fn events() -> Vec<Event> {
    let until = noon().plus(TimeDelta::hours(2));
    vec![
        Event::Due,
        Event::Held { reason: reason::CAP, until },
        Event::Wait { reason: reason::GATE_DOWN, until },
        Event::Unfit { reason: reason::FIELD },
        Event::Refused { reasons: vec![reason::BLOCKED] },
        Event::Passed { deadline: until },
        Event::Accepted,
        Event::Retry { reason: reason::RETRYABLE, until },
        Event::Failed { reason: reason::PERMANENT },
        Event::NotStarted,
        Event::Ambiguous { reason: reason::AMBIGUOUS, until },
        Event::Receipt(Receipt::Delivered),
        Event::Receipt(Receipt::Bounced),
        Event::Receipt(Receipt::Complained),
        Event::Expired,
        Event::Horizon,
    ]
}

#[test]
fn every_name_is_listed_once() {
    let names: Vec<_> = states().iter().map(State::name).collect();
    assert_eq!(names, State::NAMES);
    assert!(State::SERVING.iter().all(|it| State::NAMES.contains(it)));
}

#[test]
fn only_the_gate_puts_a_delivery_in_flight() {
    for state in states() {
        for event in events() {
            let passed = matches!(event, Event::Passed { .. });
            let moved = apply(&at(state.clone()), event);
            if let Ok(moved) = moved
                && matches!(moved.state, State::InFlight { .. })
            {
                assert!(passed && state == State::Ready, "{state:?}");
            }
        }
    }
}

#[test]
fn terminal_is_terminal() {
    let terminal = ["returned", "suppressed", "failed", "expired"];
    for state in states().into_iter().filter(|it| terminal.contains(&it.name())) {
        for event in events() {
            assert!(apply(&at(state.clone()), event.clone()).is_err(), "{state:?} {event:?}");
        }
    }
}

#[test]
fn leaving_a_hold_means_the_gate_again() {
    for state in ["held", "retry_wait"] {
        let state = states().into_iter().find(|it| it.name() == state).unwrap();
        assert!(apply(&at(state.clone()), Event::Passed { deadline: noon() }).is_err());
        assert_eq!(apply(&at(state), Event::Due).unwrap().state, State::Ready);
    }
}

#[test]
fn a_business_hold_follows_the_author_and_an_outage_waits() {
    let until = noon().plus(TimeDelta::hours(1));
    let reason = reason::CAP;
    let held =
        |on_hold, event| apply(&Delivery { on_hold, ..at(State::Ready) }, event).unwrap().state;
    let business = Event::Held { reason: reason.clone(), until };
    assert_eq!(held(OnHold::Wait, business.clone()), State::Held { reason: reason.clone(), until });
    assert_eq!(
        held(OnHold::Redecide, business.clone()),
        State::Returned { reason: reason.clone() }
    );
    assert_eq!(held(OnHold::Drop, business), State::Suppressed { reasons: vec![reason.clone()] });
    for on_hold in OnHold::ALL {
        let outage = Event::Wait { reason: reason.clone(), until };
        assert_eq!(held(*on_hold, outage), State::Held { reason: reason.clone(), until });
    }
}

#[test]
fn a_receipt_before_the_hand_off_is_illegal() {
    for state in ["ready", "held", "in_flight"] {
        let state = states().into_iter().find(|it| it.name() == state).unwrap();
        assert!(apply(&at(state), Event::Receipt(Receipt::Delivered)).is_err());
    }
}

fn receipt() -> impl Strategy<Value = Receipt> {
    prop_oneof![Just(Receipt::Delivered), Just(Receipt::Bounced), Just(Receipt::Complained)]
}

proptest! {
    #[test]
    fn receipts_in_any_order_give_the_same_state(
        receipts in proptest::collection::vec(receipt(), 0..6),
        seed in any::<u64>(),
    ) {
        let fold = |receipts: &[Receipt]| {
            receipts.iter().fold(at(State::Accepted), |it, receipt| {
                let state = apply(&it, Event::Receipt(*receipt)).unwrap().state;
                Delivery { state, ..it }
            })
        };
        let mut shuffled = receipts.clone();
        let n = shuffled.len();
        for i in (1..n).rev() {
            let j = usize::try_from(seed.wrapping_mul(i as u64 + 7) % (i as u64 + 1)).unwrap();
            shuffled.swap(i, j);
        }
        shuffled.extend(receipts.first().copied());
        prop_assert_eq!(fold(&receipts).state, fold(&shuffled).state);
    }
}
