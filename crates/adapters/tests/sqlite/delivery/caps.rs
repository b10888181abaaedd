//! Caps under gates that race.

#![expect(clippy::indexing_slicing, reason = "a broken law panics")]

use std::sync::Arc;

use adapters::sql::delivery::{SqlContactLedger, SqlDeliveryStore, SqlSendGate};
use delivery::{
    caps::{Cap, CapWindow, Counts},
    contract::sample::{self, EPOCHS},
    gate::Judgement,
    ports::{ContactLedger as _, DeliveryStore as _, Planned, SendGate as _},
};
use kernel::{Instant, Period};

use super::super::fresh;

/// This many gates race for one person under a cap of so many; how many pass, and are counted.
async fn race(n: u64, k: u32) -> (usize, usize) {
    let fresh = fresh().await;
    let database = &fresh.database;
    let person = sample::person(1);
    let write = database.begin("test").await.unwrap();
    super::set_identity(&*write, &sample::tenant(), &person, EPOCHS.identity).await;
    super::set_choices(&*write, &sample::tenant(), person.nodes[0], EPOCHS.person).await;
    super::set_policy(&*write, &sample::tenant(), EPOCHS.policy).await;
    write.commit().await.unwrap();
    let store = SqlDeliveryStore::new(database.clone());
    let gate = Arc::new(SqlSendGate::new(database.clone()));
    let cap = Cap {
        name: "cap".to_owned(),
        counts: Counts::default(),
        limit: k,
        window: CapWindow::Rolling(Period::days(1)),
        min_gap: Period::default(),
    };
    let mut racing = tokio::task::JoinSet::new();
    for i in 0..n {
        let delivery = sample::delivery(i, &person);
        let planned = Planned { delivery: delivery.clone(), facts: Vec::new() };
        store.plan(vec![planned], Vec::new()).await.unwrap();
        let mut request = sample::request(&delivery, &person);
        request.contact = person.nodes[usize::from(i % 2 == 0)];
        request.caps = vec![cap.clone()];
        let gate = Arc::clone(&gate);
        racing.spawn(
            async move { gate.pass(sample::noon(), &[request]).await.unwrap().pop().unwrap() },
        );
    }
    let judged = racing.join_all().await;
    let passed = judged.iter().filter(|it| matches!(it, Judgement::Passed(..))).count();
    let ledger = SqlContactLedger::new(database.clone());
    let history = ledger.history(&sample::tenant(), &person.nodes, Instant::EPOCH).await.unwrap();
    (passed, history.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n_racing_gates_grant_exactly_k() {
    for (n, k) in [(1, 1), (8, 1), (16, 3), (24, 5), (5, 5), (4, 9), (8, 0)] {
        let expected = usize::try_from(u64::from(k).min(n)).unwrap();
        assert_eq!(race(n, k).await, (expected, expected), "{n} gates, cap {k}");
    }
}
