//! The month can be told again: every decision from its record, every number from its seed.

use crate::month::live;

#[tokio::test]
async fn every_decision_of_a_month_is_reproduced_bit_for_bit() {
    let lived = live(1).await;
    let replayed = lived.assent.reading.replay_all(&lived.tenant).await.unwrap();
    assert!(replayed.differ.is_empty(), "{:?}", replayed.differ);
    assert!(replayed.same > 50, "{} decisions", replayed.same);
    assert_eq!(lived.summary.sends_after_withdrawal, 0);
    assert!(lived.summary.log.verified);
}

#[tokio::test]
async fn the_same_seed_lives_the_same_month_byte_for_byte() {
    let first = live(7).await.summary.json().unwrap();
    let second = live(7).await.summary.json().unwrap();
    assert_eq!(first, second);
}
