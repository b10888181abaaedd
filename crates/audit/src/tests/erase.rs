//! An erased person: nothing readable, every proof valid, and the reason logged.

use chrono::TimeDelta;

use super::{World, acme, now, record, subject, submission, verify as verified};
use crate::{
    entry::{RetentionClass, SUBJECT_CLASSES},
    key::KeyOwner,
    ports::Keyring as _,
    service::{
        Ask, Disclose, Erase, EraseService, Finished, KEY_LEASE_SECONDS_MAX, PackRequest,
        PackService,
    },
    verify::{self, Exit, Trust},
};

fn erase(n: u8) -> Erase {
    Erase {
        tenant: acme(),
        subjects: vec![subject(n)],
        by: "dpo@example.org".to_owned(),
        basis: "GDPR Art. 17(1)(b)".to_owned(),
    }
}

fn service(world: &World) -> EraseService {
    EraseService::new(world.trail.clone())
}

/// Erases and lets every lease run out.
async fn erased(world: &World, n: u8) {
    let begun = service(world).begin(&erase(n)).await.unwrap();
    assert!(begun.keys > 0);
    world.clock.set(begun.due);
    let finished = service(world).finish(&acme()).await.unwrap();
    assert_eq!(finished, Finished { destroyed: 1, waiting: 0 });
}

async fn world() -> World {
    let world = World::new();
    world.append().append_all((0..30).map(submission).collect()).await.unwrap();
    world
}

#[tokio::test]
async fn an_erased_person_is_unreadable_and_every_proof_holds() {
    let world = world().await;
    let key = world.prove().verifier_key(&acme()).await.unwrap();
    let before = world.prove().receipt(&acme(), record(4), Disclose::All).await.unwrap().unwrap();
    erased(&world, 1).await;
    let theirs = world.records().get(&acme(), record(4)).await.unwrap().unwrap();
    assert_eq!(theirs.closed, ["inputs", "subject"]);
    assert!(theirs.group("core").is_some(), "what is about no person stays");
    let others = world.records().get(&acme(), record(3)).await.unwrap().unwrap();
    assert_eq!(others.closed, [""; 0]);
    assert_eq!(world.prove().verify_log(&acme()).await.unwrap().broken_at, None);
    let after = world.prove().receipt(&acme(), record(4), Disclose::All).await.unwrap().unwrap();
    assert_eq!(verified(&after.to_bytes().unwrap(), Some(&key)).exit, Exit::Unwitnessed);
    assert_eq!(after.leaf, before.leaf);
    assert_eq!(verified(&before.to_bytes().unwrap(), Some(&key)).exit, Exit::Unwitnessed);
}

#[tokio::test]
async fn a_pack_shows_that_what_is_withheld_was_erased() {
    let world = world().await;
    let key = world.prove().verifier_key(&acme()).await.unwrap();
    erased(&world, 1).await;
    let request = PackRequest {
        tenant: acme(),
        by: "auditor".to_owned(),
        basis: "audit plan".to_owned(),
        ask: Ask::Subject(vec![subject(1)]),
        groups: Vec::new(),
        account: true,
    };
    let packs = PackService::new(world.trail.clone());
    let draft = packs.draft(request).await.unwrap();
    assert_eq!(draft.scope.withheld["inputs"], 10);
    assert_eq!(draft.scope.counts["erasure.done"], 1);
    let bag = packs.close(draft).await.unwrap();
    let report = verify::pack(&bag, &Trust::in_key(key));
    assert_eq!((report.exit, report.records), (Exit::Unwitnessed, Some(11)), "{report}");
    assert!(report.checks.contains(&"absences"));
}

#[tokio::test]
async fn keys_are_destroyed_only_when_no_process_can_hold_them() {
    let mut world = world().await;
    let other = world.append();
    world.restart();
    let begun = service(&world).begin(&erase(1)).await.unwrap();
    // The other process has the key on lease, and this one has a new one already.
    other.append(submission(31)).await.unwrap();
    world.append().append(submission(34)).await.unwrap();
    let waiting = Finished { destroyed: 0, waiting: 1 };
    assert_eq!(service(&world).finish(&acme()).await.unwrap(), waiting);
    let theirs = world.records().get(&acme(), record(4)).await.unwrap().unwrap();
    assert_eq!(theirs.closed, [""; 0], "not yet");
    world.clock.set(begun.due.minus(TimeDelta::microseconds(1)));
    assert_eq!(service(&world).finish(&acme()).await.unwrap(), waiting);
    world.clock.set(begun.due);
    other.append(submission(37)).await.unwrap();
    assert_eq!(service(&world).finish(&acme()).await.unwrap().destroyed, 1);
    let closed = async |n| world.records().get(&acme(), record(n)).await.unwrap().unwrap().closed;
    assert_eq!(closed(4).await, ["inputs", "subject"]);
    assert_eq!(closed(31).await, ["inputs", "subject"], "sealed on the old lease");
    assert_eq!(closed(34).await, [""; 0], "who comes back is somebody new");
    assert_eq!(closed(37).await, [""; 0], "a lease ends");
    assert!(begun.due >= now().plus(TimeDelta::seconds(KEY_LEASE_SECONDS_MAX)));
}

#[tokio::test]
async fn an_erasure_is_finished_after_a_crash_and_only_once() {
    let mut world = world().await;
    let begun = service(&world).begin(&erase(1)).await.unwrap();
    world.restart();
    world.clock.set(begun.due);
    world.keyring.set_outage(true);
    assert!(service(&world).finish(&acme()).await.is_err());
    world.keyring.set_outage(false);
    assert_eq!(service(&world).finish(&acme()).await.unwrap().destroyed, 1);
    assert_eq!(service(&world).finish(&acme()).await.unwrap(), Finished::default());
    let again = service(&world).begin(&erase(1)).await.unwrap();
    assert_eq!((again.record, again.keys), (None, 0), "there is nothing left to erase");
    let unknown = service(&world).begin(&erase(9)).await.unwrap();
    assert_eq!(unknown.record, None);
    let size = world.prove().checkpoint(&acme()).await.unwrap().checkpoint.size;
    assert_eq!(size, 32);
}

#[tokio::test]
async fn every_class_a_person_has_keys_in_is_erased() {
    let world = world().await;
    world.append().subject_key(&acme(), subject(1)).await.unwrap();
    let owner =
        |class: &RetentionClass| KeyOwner::Subject { subject: subject(1), class: class.clone() };
    let owners: Vec<_> = SUBJECT_CLASSES.iter().map(owner).collect();
    let keys = async || {
        let found = world.keyring.find(&acme(), &owners).await.unwrap();
        found.into_iter().flatten().count()
    };
    assert_eq!(keys().await, 2);
    let before = world.append().subject_key(&acme(), subject(1)).await.unwrap();
    erased(&world, 1).await;
    assert_eq!(keys().await, 0);
    let after = world.append().subject_key(&acme(), subject(1)).await.unwrap();
    assert_ne!(before, after);
}
