//! The laws of [`Sender`], for channels that deduplicate on our key.

use async_trait::async_trait;

use super::sample::{EPOCHS, delivery, noon, person, request};
use crate::{
    attempt::Attempt,
    gate::{GateRequest, GateView, Heads, Judgement, judge},
    message::Delivery,
    ports::Sender,
    sender::{Address, Destination},
};

/// A sender under test, and what arrived at the other end.
#[async_trait]
pub trait SenderFixture: Send + Sync {
    /// The sender.
    fn sender(&self) -> &dyn Sender;
    /// The texts that arrived, in order.
    async fn arrived(&self) -> Vec<String>;
}

/// An attempt as a gate would have made it.
fn attempt(i: u64, n: u8) -> (Attempt, GateRequest) {
    let person = person(i);
    let request = request(&Delivery { attempts: n - 1, ..delivery(i, &person) }, &person);
    let view = GateView {
        version: Some(0),
        heads: Heads {
            identity: Some(EPOCHS.identity),
            person: EPOCHS.person,
            policy: EPOCHS.policy,
        },
        served: false,
        entries: Vec::new(),
    };
    let Judgement::Passed(grant, _) = judge(&request, &view, noon()) else { panic!("it passes") };
    (Attempt::committed(*grant), request)
}

fn destination() -> Destination {
    Destination::Contact(Address::new("ada@example.test".to_owned()))
}

/// What is handed off arrives.
pub async fn what_is_handed_off_arrives(fixture: &dyn SenderFixture) {
    for i in 1..=2 {
        let (attempt, request) = attempt(i, 1);
        fixture.sender().hand_off(&attempt, &request.message, &destination()).await.unwrap();
    }
    assert_eq!(fixture.arrived().await, ["Good day.", "Good day."]);
}

/// A second attempt of a delivery whose first arrived arrives as the same message.
pub async fn a_repeated_hand_off_arrives_once(fixture: &dyn SenderFixture) {
    for n in 1..=2 {
        let (attempt, request) = attempt(1, n);
        fixture.sender().hand_off(&attempt, &request.message, &destination()).await.unwrap();
    }
    assert_eq!(fixture.arrived().await, ["Good day."]);
}
