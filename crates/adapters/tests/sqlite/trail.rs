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
    service::{Disclose, Trail, TrailPorts},
    verify::{Exit, verify},
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
        let trail = Trail::new(ports, "example.org", clock, Arc::new(SystemEntropy));
        Self { trail: Arc::new(trail), database }
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
        let report = verify(&receipt.unwrap().to_bytes().unwrap(), Some(&key));
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
