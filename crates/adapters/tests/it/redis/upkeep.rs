//! The layer rebuilt from the systems of record, compared with them, and repaired.

use std::{sync::Arc, time::Duration};

use adapters::{
    redis::{Sources, Timing, Upkeep},
    sql::{
        activation::{Phase, SqlCharter},
        consent::SqlLedger,
        context::SqlContext,
        delivery::SqlContactLedger,
        identity::SqlDirectory,
    },
};
use consent::ports::{Ledger as _, SnapshotSource as _};
use kernel::{Epoch, NodeId};

use super::{
    Beating, Layer, PATIENT,
    faults::withdrawal,
    layer,
    wire::{acme, gather, known, person},
};

fn upkeep(layer: &Layer, redis: &Beating) -> Upkeep {
    let database = || layer.fresh.database.clone();
    let record = Sources {
        directory: Arc::new(SqlDirectory::new(database())),
        snapshots: layer.folded.clone(),
        fields: Arc::new(SqlContext::new(database())),
        contacts: Arc::new(SqlContactLedger::new(database())),
    };
    Upkeep::new(&redis.layer, record, layer.clock.clone())
}

#[tokio::test]
async fn a_rebuilt_layer_answers_without_the_systems_of_record() {
    let layer = layer().await;
    let person = person(&layer).await;
    let upkeep = upkeep(&layer, &layer.redis);
    assert_eq!(upkeep.heads(&acme(), None).await.unwrap(), [person.subject]);
    assert!(upkeep.heads(&acme(), Some(person.subject)).await.unwrap().is_empty());
    upkeep.refill(&acme(), &[person.subject]).await.unwrap();
    let found = known(&layer, NodeId::from_uuid(person.subject.uuid())).await;
    layer.snapshots.snapshot(&acme(), &found).await.unwrap();
    assert_eq!((found, layer.pause.readings()), (person, 0));
}

#[tokio::test]
async fn drift_is_named_and_repaired_and_what_is_alike_is_left_alone() {
    let layer = layer().await;
    let person = person(&layer).await;
    gather(&layer, &person).await;
    let upkeep = upkeep(&layer, &layer.redis);
    assert!(upkeep.verify(&acme(), &[person.subject]).await.unwrap().is_empty());
    // A choice written past the layer, which nothing that runs can do.
    let past = SqlLedger::new(layer.fresh.database.clone());
    past.append(&acme(), withdrawal(person.nodes[0], 1, None)).await.unwrap();
    let stale = layer.snapshots.snapshot(&acme(), &person).await.unwrap();
    assert_eq!(stale.person, Epoch(0));
    assert_eq!(upkeep.verify(&acme(), &[person.subject]).await.unwrap(), ["choices"]);
    assert!(upkeep.verify(&acme(), &[person.subject]).await.unwrap().is_empty());
    let snapshot = layer.snapshots.snapshot(&acme(), &person).await.unwrap();
    assert_eq!(snapshot.person, Epoch(1));
}

#[tokio::test]
async fn beginning_anew_forgets_everything_kept_before() {
    let layer = layer().await;
    let before = layer.redis.layer.charter().unwrap().epoch;
    let timing = Timing { lease: Duration::from_millis(100), rest: Duration::ZERO, ..PATIENT };
    let prefix = layer.redis.prefix.clone();
    let url = testkit::redis::server();
    let mut quick = Beating::new(&layer.fresh.database, url.as_str(), &prefix, timing);
    quick.stop();
    upkeep(&layer, &quick).begin_anew().await.unwrap();
    assert!(quick.layer.is_serving());
    let charter = SqlCharter::new(layer.fresh.database.clone(), "it").read().await.unwrap();
    assert_eq!((charter.epoch, charter.phase), (before + 2, Phase::Open));
}
