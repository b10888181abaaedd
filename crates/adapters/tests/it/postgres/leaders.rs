//! Several processes at once on one database: one log, and every timer claimed once.

use std::{path::Path, sync::Arc};

use adapters::{
    sql::{
        Database,
        audit::{SqlJournal, SqlKeyring, SqlRecords, companion::Companions},
        decision::SqlTimetable,
    },
    system::SystemEntropy,
};
use audit::{
    AppendService, Appended, Custody, EntryKind, Group, IdemKey, ProveService, RecordId,
    RetentionClass, Submission,
    service::{Disclose, Trail, TrailPorts},
    verify::{Exit, Trust, document},
};
use chrono::TimeDelta;
use decision::{
    contract::timetable::{acme, armed},
    ports::{Change, ClaimAsk, Timetable as _},
};
use kernel::{Digest, Instant, ManualClock};
use tokio::task::JoinSet;
use url::Url;

use super::{
    audit::{kek, signer},
    database,
};

/// Processes at once.
const PROCESSES: u64 = 3;
/// What each of them appends.
const EACH: u64 = 200;

fn now() -> Instant {
    Instant::from_micros(1_790_000_600_000_000)
}

/// The trail of one process.
async fn trail(url: &Url, keys: &Url, secrets: &Path) -> Arc<Trail> {
    let database = Database::connect(url).await.unwrap();
    let ports = TrailPorts {
        journal: Arc::new(SqlJournal::new(Arc::clone(&database), Companions::new())),
        records: Arc::new(SqlRecords::new(database)),
        keyring: Arc::new(SqlKeyring::new(Database::connect(keys).await.unwrap(), kek(secrets))),
        signer: Arc::new(signer(secrets)),
    };
    let clock = Arc::new(ManualClock::at(now()));
    Arc::new(Trail::new(ports, "example.org", clock, Arc::new(SystemEntropy)))
}

fn record(n: u64) -> RecordId {
    RecordId::from_uuid(uuid::Uuid::from_u64_pair(1, n))
}

fn submission(n: u64) -> Submission {
    let json = format!("{{\"n\":{n}}}").into_bytes();
    Submission {
        tenant: acme(),
        record: record(n),
        kind: EntryKind::Decision,
        class: RetentionClass::of("decision"),
        at: now(),
        subject: None,
        idem: IdemKey::new(*record(n).uuid().as_bytes(), now()),
        fingerprint: Digest::of(&n.to_be_bytes()),
        groups: vec![Group { name: "core", custody: Custody::Period, json }],
        facts: Vec::new(),
        companion: None,
    }
}

/// Where it was appended, if it is new.
const fn position(appended: &Appended) -> Option<u64> {
    match appended {
        Appended::New(position) => Some(position.index),
        _ => None,
    }
}

/// Appends what a process has to append; one that is dropped half way has died.
async fn append(trail: Arc<Trail>, process: u64) -> Vec<u64> {
    let append = AppendService::new(trail);
    let mut indices = Vec::new();
    for n in 0..EACH {
        let appended = append.append(submission(process * EACH + n)).await.unwrap();
        indices.extend(position(&appended));
    }
    indices
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_lead_in_turn_make_one_log_without_fork_or_gap() {
    let (url, keys, secrets) = (database().await, database().await, tempfile::tempdir().unwrap());
    let mut processes = JoinSet::new();
    for process in 0..PROCESSES {
        processes.spawn(append(trail(&url, &keys, secrets.path()).await, process));
    }
    let mut indices = processes.join_all().await.concat();
    indices.sort_unstable();
    assert_eq!(indices, (0..PROCESSES * EACH).collect::<Vec<_>>());
    let late = trail(&url, &keys, secrets.path()).await;
    let check = ProveService::new(late).verify_log(&acme()).await.unwrap();
    assert_eq!((check.size, check.broken_at), (PROCESSES * EACH, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_dies_under_load_is_followed_by_another() {
    let (url, keys, secrets) = (database().await, database().await, tempfile::tempdir().unwrap());
    let mut dying = JoinSet::new();
    dying.spawn(append(trail(&url, &keys, secrets.path()).await, 0));
    let next = trail(&url, &keys, secrets.path()).await;
    let first = AppendService::new(Arc::clone(&next)).append(submission(EACH)).await.unwrap();
    assert!(matches!(first, Appended::New(_)));
    // Wherever it is: between two appends, or in the middle of a transition.
    dying.shutdown().await;
    let mut indices = Vec::new();
    for n in EACH + 1..2 * EACH {
        let append = AppendService::new(Arc::clone(&next));
        indices.extend(position(&append.append(submission(n)).await.unwrap()));
    }
    assert_eq!(indices.len(), usize::try_from(EACH - 1).unwrap());
    assert!(indices.is_sorted(), "{indices:?}");
    let prove = ProveService::new(next);
    let check = prove.verify_log(&acme()).await.unwrap();
    assert_eq!((check.size, check.broken_at), (indices[indices.len() - 1] + 1, None));
}

#[tokio::test]
async fn what_one_process_appended_another_proves() {
    let (url, keys, secrets) = (database().await, database().await, tempfile::tempdir().unwrap());
    let one = AppendService::new(trail(&url, &keys, secrets.path()).await);
    let other = trail(&url, &keys, secrets.path()).await;
    let prove = ProveService::new(Arc::clone(&other));
    AppendService::new(other).append(submission(0)).await.unwrap();
    one.append(submission(1)).await.unwrap();
    let key = prove.verifier_key(&acme()).await.unwrap();
    let receipt = prove.receipt(&acme(), record(1), Disclose::All).await.unwrap().unwrap();
    let report = document(&receipt.to_bytes().unwrap(), &Trust::in_key(key.clone()));
    assert_eq!(report.exit, Exit::Unwitnessed, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_race_claim_every_timer_once() {
    let url = database().await;
    let first = SqlTimetable::new(Database::connect(&url).await.unwrap());
    let arm = (0..64).map(|n| armed(n, u128::from(n % 16), 5)).collect();
    first.change(&acme(), Change { arm, ..Change::default() }).await.unwrap();
    let mut workers = JoinSet::new();
    for _ in 0..PROCESSES {
        let timetable = SqlTimetable::new(Database::connect(&url).await.unwrap());
        workers.spawn(async move {
            let lease_until = now().plus(TimeDelta::minutes(1));
            let mut taken = Vec::new();
            loop {
                let ask = ClaimAsk { now: now(), lease_until, people: 2 };
                let claimed = timetable.claim(ask).await.unwrap();
                if claimed.is_empty() {
                    return taken;
                }
                taken.extend(claimed.into_iter().map(|it| it.key));
            }
        });
    }
    let mut taken = workers.join_all().await.concat();
    taken.sort_unstable();
    assert_eq!(taken.len(), 64);
    taken.dedup();
    assert_eq!(taken.len(), 64);
}
