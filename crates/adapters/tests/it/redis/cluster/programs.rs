//! The cluster of the run is made of processes: needs the program `redis-server`.

use kernel::Epoch;
use testkit::servers::RedisCluster;

use super::super::{Layer, PATIENT, faults, fresh, hints, opened, over, wire};

#[path = "../../../sqlite/activation/races.rs"]
mod races;
#[path = "../shared.rs"]
mod shared;

async fn layer() -> Layer {
    let fresh = fresh().await;
    let redis = opened(&fresh.database, testkit::redis::cluster().as_str(), PATIENT).await;
    over(fresh, redis)
}

identity::identity_suite!(people, super::layer());
consent::ledger_suite!(choices, super::layer());
consent::snapshot_suite!(snapshots, super::layer());
consent::policy_suite!(policy, super::layer());
context::context_suite!(events_fields_and_board, super::layer());
delivery::send_gate_suite!(gate, super::layer());
delivery::contact_ledger_suite!(contacts, super::layer());
rollout::release_suite!(releases, super::layer());
kernel::hint_suite!(hints_on_it, super::hints::over(&testkit::redis::cluster()));

#[tokio::test]
async fn a_withdrawal_while_any_primary_is_dead_holds_then_and_after_it_is_back_without_its_keys() {
    let mut cluster = RedisCluster::start().await.unwrap();
    let url = cluster.url.to_string();
    let pair = faults::pair(&url, &url, &testkit::redis::prefix()).await;
    let mut withdrawn = 0;
    for primary in 0..cluster.nodes().count() {
        assert_eq!(pair.reads_from_the_layer().await, Epoch(withdrawn));
        cluster.kill(primary).await.unwrap();
        withdrawn += 1;
        pair.withdraw(withdrawn).await;
        assert_eq!(pair.reads().await, Epoch(withdrawn));
        cluster.start_again(primary).await.unwrap();
        assert_eq!(pair.reads_from_the_layer().await, Epoch(withdrawn));
    }
}
