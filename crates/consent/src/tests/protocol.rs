//! The withdrawal protocol, every interleaving of it: checked by exhaustion, and each safeguard
//! shown to be needed by what is found without it.
//!
//! Two models share the withdrawal. One has the sends, which never look at what is kept close; the
//! other has what is kept close, which no send looks at: so neither can be hurt by what only the
//! other has. Time is the adversary's: a mark lapses and a deadline passes whenever that hurts, and
//! only what the code waits for is waited for. A process that stands still is one that crashed;
//! where a crash leaves something behind or starts something anew, it is an act of its own.
//!
//! | act | code |
//! |---|---|
//! | `Block` | `Layer::begin` of `adapters::redis::change`, under `FencedLedger::append` |
//! | `Commit` | `SqlLedger::append`: one transaction with the facts |
//! | `Apply` | `Layer::end`: tells the layer, or replaces its charter and waits its grace out |
//! | `Drain` | `ConsentService::settle`, where `SqlSendGate::settle` reads the open attempts |
//! | `Acknowledge` | `ConsentService::acknowledge` with `Effect::Effective` |
//! | `Judge` | the uncached verdict under `Preparer`, which stamps the send |
//! | `Acquire` | `SqlSendGate::pass`, with `gate::judge` in its transaction |
//! | `HandOff` | `DispatchService`: starts only what has time left before its deadline |
//! | `Release`, `DeadlinePasses` | `SqlSendGate::conclude`, for an attempt that ended or is overdue |
//! | `Ask`, `Read`, `Fill` | `Layer::find`, `LedgerSnapshots::snapshot`, `Layer::fill` under `RedisSnapshots` |
//! | `Renew`, `Advance` | `Layer::renew`, `Layer::advance` at each beat |
//! | `FailOver` | a replica that may lack the last write answers, and names itself otherwise |

use stateright::{Checker as _, Model};

mod layer;
mod send;

const NO_LATE_HAND_OFF: &str = "no hand-off starts after an acknowledged withdrawal";
const NO_LATE_PERMISSION: &str = "no kept permission decides after an acknowledged withdrawal";
const ACKNOWLEDGED: &str = "where nothing can happen any more, the withdrawal is acknowledged";

/// Checks every property in every state, and that there are as many states as there should be:
/// fewer would mean that part of the protocol never ran.
fn holds<M>(model: M, states_min: usize)
where
    M: Model + Send + Sync + 'static,
    M::State: std::fmt::Debug + std::hash::Hash + PartialEq + Clone + Send + Sync,
    M::Action: std::fmt::Debug + Clone + PartialEq,
{
    let checker = model.checker().spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.is_done());
    let n_states = checker.unique_state_count();
    assert!(n_states >= states_min, "{n_states}");
}

/// The act that breaks a property, on a way the checker found.
fn breaks<M>(model: M, property: &'static str) -> M::Action
where
    M: Model + Send + Sync + 'static,
    M::State: std::fmt::Debug + std::hash::Hash + PartialEq + Clone + Send + Sync,
    M::Action: std::fmt::Debug + Clone + PartialEq + Copy,
{
    let finish_when = stateright::HasDiscoveries::AnyOf([property].into());
    let checker = model.checker().finish_when(finish_when).spawn_bfs().join();
    let way = checker.discovery(property).expect("a safeguard nobody needs").into_vec();
    let model = checker.model();
    let holds = |state: &M::State| (model.property(property).condition)(model, state);
    let sound = way.iter().take_while(|it| holds(&it.0)).last().expect("the beginning is sound");
    sound.1.expect("an act after it")
}

#[test]
fn no_interleaving_hands_off_after_an_acknowledged_withdrawal() {
    holds(send::SAFE, 700);
}

#[test]
fn without_the_drain_a_send_goes_out_after_the_acknowledgement() {
    let without = send::Protocol { drain: false, ..send::SAFE };
    assert!(matches!(breaks(without, NO_LATE_HAND_OFF), send::Act::HandOff(_)));
}

#[test]
fn without_the_comparison_of_epochs_a_send_passes_the_gate_too_late() {
    let without = send::Protocol { epoch_compare: false, ..send::SAFE };
    assert!(matches!(breaks(without, NO_LATE_HAND_OFF), send::Act::HandOff(_)));
}

#[test]
fn no_interleaving_permits_from_what_is_kept_after_an_acknowledged_withdrawal() {
    holds(layer::SAFE, 90_000);
}

#[test]
fn without_leases_a_late_fill_brings_the_old_permission_back() {
    let without = layer::Protocol { leases: false, ..layer::SAFE };
    assert_eq!(breaks(without, NO_LATE_PERMISSION), layer::Act::Ask);
}

#[test]
fn without_the_name_of_the_servers_a_failover_brings_the_old_permission_back() {
    let without = layer::Protocol { identity: false, ..layer::SAFE };
    assert_eq!(breaks(without, NO_LATE_PERMISSION), layer::Act::Ask);
}

#[test]
fn without_the_grace_a_process_goes_on_by_the_charter_that_was_replaced() {
    let without = layer::Protocol { grace: false, ..layer::SAFE };
    assert_eq!(breaks(without, NO_LATE_PERMISSION), layer::Act::Ask);
}

#[test]
fn without_the_rest_a_change_tells_the_next_layer_while_the_last_one_still_answers() {
    let without = layer::Protocol { rest: false, ..layer::SAFE };
    assert_eq!(breaks(without, NO_LATE_PERMISSION), layer::Act::Ask);
}

#[test]
fn without_telling_the_layer_again_a_repeat_acknowledges_what_a_crash_kept_from_it() {
    let without = layer::Protocol { repeat_tells: false, ..layer::SAFE };
    assert_eq!(breaks(without, NO_LATE_PERMISSION), layer::Act::Ask);
}
