//! The whole trail on files: the log on SQLite, its keys apart, its secrets beside them.

use std::{os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use adapters::{
    keys::FileSigner,
    sql::{
        Database,
        audit::{SqlJournal, SqlKeyring, SqlRecords, companion::Companions},
    },
    system::SystemEntropy,
};
use audit::{
    AppendError, AppendService, Appended, Custody, EntryKind, Group, IdemKey, ProveService,
    RecordId, RecordService, RetentionClass, Submission,
    service::{Disclose, Erase, EraseService, Trail, TrailPorts},
    verify::{Exit, Trust, document},
};
use kernel::{Digest, Instant, Limit, ManualClock, SubjectId, TenantId};
use sea_orm::ConnectionTrait as _;

use super::audit::{kek, signer};

#[test]
fn a_secret_is_made_once_and_only_its_owner_reads_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("signer");
    let open = || FileSigner::open(&path, &SystemEntropy);
    open().unwrap();
    let made = std::fs::read(&path).unwrap();
    open().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), made);
    assert_eq!(made.len(), 32);
    let permissions = std::fs::Permissions::from_mode;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, permissions(0o640)).unwrap();
    assert!(open().is_err(), "a secret others can read is no secret");
    std::fs::set_permissions(&path, permissions(0o600)).unwrap();
    std::fs::write(&path, b"short").unwrap();
    assert!(open().is_err());
}

/// Everything a process would open from one directory.
struct Process {
    trail: Arc<Trail>,
    clock: Arc<ManualClock>,
    database: Arc<Database>,
}

impl Process {
    async fn start(directory: &Path) -> Self {
        let database = Database::open(&directory.join("assent.db")).await.unwrap();
        let keys = Database::open(&directory.join("keys.db")).await.unwrap();
        let ports = TrailPorts {
            journal: Arc::new(SqlJournal::new(Arc::clone(&database), Companions::new())),
            records: Arc::new(SqlRecords::new(Arc::clone(&database))),
            keyring: Arc::new(SqlKeyring::new(keys, kek(directory))),
            signer: Arc::new(signer(directory)),
        };
        let clock = Arc::new(ManualClock::at(now()));
        let entropy = Arc::new(SystemEntropy);
        let trail = Trail::new(ports, "example.org", Arc::clone(&clock) as _, entropy);
        Self { trail: Arc::new(trail), clock, database }
    }

    fn append(&self) -> AppendService {
        AppendService::new(Arc::clone(&self.trail))
    }

    fn prove(&self) -> ProveService {
        ProveService::new(Arc::clone(&self.trail))
    }

    fn records(&self) -> RecordService {
        RecordService::new(Arc::clone(&self.trail))
    }
}

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn now() -> Instant {
    Instant::from_micros(1_767_225_600_000_000)
}

fn record(n: u64) -> RecordId {
    RecordId::from_uuid(uuid::Uuid::from_u64_pair(1, n))
}

fn subject(n: u64) -> SubjectId {
    SubjectId::from_uuid(uuid::Uuid::from_u64_pair(2, n))
}

fn submission(n: u64) -> Submission {
    let group = |name, custody, json: String| Group { name, custody, json: json.into_bytes() };
    Submission {
        tenant: acme(),
        record: record(n),
        kind: EntryKind::Decision,
        class: RetentionClass::of("decision"),
        at: now(),
        subject: Some(subject(n % 10)),
        idem: IdemKey::new(*record(n).uuid().as_bytes(), now()),
        fingerprint: Digest::of(&n.to_be_bytes()),
        groups: vec![
            group("core", Custody::Period, format!("{{\"n\":{n}}}")),
            group("inputs", Custody::Subject, "{\"tenure\":36}".to_owned()),
        ],
        facts: Vec::new(),
        companion: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trail_on_files_survives_a_restart_and_proves_every_entry() {
    let directory = tempfile::tempdir().unwrap();
    let first = Process::start(directory.path()).await;
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..600 {
        let append = first.append();
        callers.spawn(async move { append.append(submission(n)).await.unwrap() });
    }
    let mut indices: Vec<_> = callers
        .join_all()
        .await
        .into_iter()
        .map(|it| match it {
            Appended::New(position) => position.index,
            other => panic!("{other:?}"),
        })
        .collect();
    indices.sort_unstable();
    assert_eq!(indices, (0..600).collect::<Vec<_>>());
    let key = first.prove().verifier_key(&acme()).await.unwrap();
    drop(first);

    let second = Process::start(directory.path()).await;
    let check = second.prove().verify_log(&acme()).await.unwrap();
    assert_eq!((check.size, check.broken_at), (600, None));
    for n in [0, 299, 599] {
        let receipt = second.prove().receipt(&acme(), record(n), Disclose::All).await.unwrap();
        let report = document(&receipt.unwrap().to_bytes().unwrap(), &Trust::in_key(key.clone()));
        assert_eq!(report.exit, Exit::Unwitnessed, "{report}");
        let again = second.append().append(submission(n)).await.unwrap();
        assert!(matches!(again, Appended::Existing(_, opened) if opened.record == record(n)));
    }
    let of = second.records().of_subjects(&acme(), &[subject(3)], None, Limit::MAX).await.unwrap();
    assert_eq!(of.len(), 60);
    assert!(of.iter().all(|it| it.groups.len() == 2));
}

#[tokio::test]
async fn a_changed_leaf_stops_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let first = Process::start(directory.path()).await;
    first.append().append_all((0..300).map(submission).collect()).await.unwrap();
    let write = first.database.begin("test").await.unwrap();
    let tamper = "update audit_batch set leaves = \
        substr(leaves, 1, 33) || x'00' || substr(leaves, 35) where first = 256";
    write.execute_unprepared(tamper).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(first.prove().verify_log(&acme()).await.unwrap().broken_at, Some(256));
    let second = Process::start(directory.path()).await;
    assert!(matches!(second.append().open(&acme()).await, Err(AppendError::Amnesia)));
}

#[tokio::test]
async fn without_the_key_of_keys_nothing_opens() {
    let directory = tempfile::tempdir().unwrap();
    let first = Process::start(directory.path()).await;
    first.append().append(submission(1)).await.unwrap();
    assert!(first.records().get(&acme(), record(1)).await.unwrap().is_some());
    std::fs::remove_file(directory.path().join("kek")).unwrap();
    let second = Process::start(directory.path()).await;
    let opened = second.records().get(&acme(), record(1)).await;
    assert!(opened.map_or(true, |it| it.is_some_and(|it| it.groups.is_empty())));
}

/// The file of a database that nobody has open, with everything in it.
async fn closed(process: Process, directory: &Path, to: &Path) {
    let writer = process.database.writer();
    writer.execute_unprepared("pragma wal_checkpoint(truncate)").await.unwrap();
    process.database.close().await.unwrap();
    drop(process);
    std::fs::copy(directory.join("assent.db"), to).unwrap();
}

#[tokio::test]
async fn an_old_backup_of_the_records_brings_no_erased_person_back() {
    let directory = tempfile::tempdir().unwrap();
    let backup = directory.path().join("backup.db");
    let first = Process::start(directory.path()).await;
    first.append().append_all((0..30).map(submission).collect()).await.unwrap();
    let theirs = first.records().get(&acme(), record(4)).await.unwrap().unwrap();
    assert_eq!(theirs.group("inputs").unwrap()["tenure"], 36);
    let kid = kid_of(&first).await;
    assert!(holds(directory.path(), &kid));
    closed(first, directory.path(), &backup).await;

    let second = Process::start(directory.path()).await;
    let erase = Erase {
        tenant: acme(),
        subjects: vec![subject(4)],
        by: "dpo@example.org".to_owned(),
        basis: "GDPR Art. 17".to_owned(),
    };
    let service = EraseService::new(Arc::clone(&second.trail));
    let begun = service.begin(&erase).await.unwrap();
    assert_eq!(begun.keys, 1);
    second.clock.set(begun.due);
    assert_eq!(service.finish(&acme()).await.unwrap().destroyed, 1);
    assert!(!holds(directory.path(), &kid), "not in the key store's file, nor in its log");
    closed(second, directory.path(), &directory.path().join("after.db")).await;

    std::fs::copy(&backup, directory.path().join("assent.db")).unwrap();
    let third = Process::start(directory.path()).await;
    for n in [4, 14, 24] {
        let theirs = third.records().get(&acme(), record(n)).await.unwrap().unwrap();
        assert_eq!((theirs.groups.len(), theirs.closed), (1, vec!["inputs".to_owned()]));
    }
    let others = third.records().get(&acme(), record(5)).await.unwrap().unwrap();
    assert_eq!(others.group("inputs").unwrap()["tenure"], 36);
    let check = third.prove().verify_log(&acme()).await.unwrap();
    assert_eq!((check.size, check.broken_at), (30, None), "the tree verifies");
}

/// The name of the key the fourth record's inputs are sealed under.
async fn kid_of(process: &Process) -> Vec<u8> {
    let receipt =
        process.prove().receipt(&acme(), record(4), Disclose::All).await.unwrap().unwrap();
    let inputs = receipt.groups.iter().find(|it| it.name == "inputs").unwrap();
    let digits = inputs.kids.first().unwrap();
    u128::from_str_radix(digits, 16).unwrap().to_be_bytes().into()
}

/// Whether a file of the key store has these bytes.
fn holds(directory: &Path, bytes: &[u8]) -> bool {
    ["keys.db", "keys.db-wal"].iter().any(|it| {
        let file = std::fs::read(directory.join(it)).unwrap_or_default();
        file.windows(bytes.len()).any(|it| it == bytes)
    })
}
