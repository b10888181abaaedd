//! What one entry costs in CPU before it reaches the database: seal, commit, encode, append.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints and may stop")]

use std::{hint::black_box, sync::Arc, time::Instant as Stopwatch};

use audit::{
    AppendService, Custody, EntryKind, Group, IdemKey, RecordId, RetentionClass, Submission,
    key::Key,
    memory::{MemoryKeyring, MemoryLog, MemorySigner},
    seal::{Keys, RecordHead, encode, seal},
    service::{Trail, TrailPorts},
};
use kernel::{
    Digest, Instant, ManualClock, SeededEntropy, SubjectId, TenantId, memory::MemoryFeed,
};

const ROUNDS: u64 = 20_000;
const NAMES: [(&str, Custody); 8] = [
    ("consent", Custody::Subject),
    ("core", Custody::Period),
    ("inputs", Custody::Subject),
    ("model", Custody::Period),
    ("outcome", Custody::Period),
    ("policies", Custody::Period),
    ("rationale", Custody::Subject),
    ("subject", Custody::Subject),
];

fn at() -> Instant {
    Instant::from_micros(1_767_225_600_000_000)
}

fn groups() -> Vec<Group> {
    let json = format!("{{\"text\":\"{}\"}}", "x".repeat(140)).into_bytes();
    NAMES.map(|(name, custody)| Group { name, custody, json: json.clone() }).into()
}

fn submission(n: u64) -> Submission {
    let id = uuid::Uuid::from_u64_pair(7, n);
    Submission {
        tenant: TenantId::new("acme").unwrap(),
        record: RecordId::from_uuid(id),
        kind: EntryKind::Decision,
        class: RetentionClass::of("decision"),
        at: at(),
        subject: Some(SubjectId::from_uuid(uuid::Uuid::from_u64_pair(9, n % 1_000))),
        idem: IdemKey::new(*id.as_bytes(), at()),
        fingerprint: Digest::of(&n.to_be_bytes()),
        groups: groups(),
        facts: Vec::new(),
        companion: None,
    }
}

fn micros(begun: Stopwatch, rounds: u64) -> f64 {
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(rounds).unwrap())
}

fn sealing() {
    let entropy = SeededEntropy::new(1);
    let keys = Keys { subject: Some(Key::mint(&entropy)), period: Some(Key::mint(&entropy)) };
    let begun = Stopwatch::now();
    for n in 0..ROUNDS {
        let head = RecordHead {
            record: RecordId::from_uuid(uuid::Uuid::from_u64_pair(7, n)),
            kind: EntryKind::Decision,
            class: RetentionClass::of("decision"),
            at: at(),
        };
        let sealed = seal(head, groups(), &keys, &entropy).unwrap();
        black_box((sealed.leaf(), encode(&sealed)));
    }
    println!("seal, commit and encode 8 groups: {:.2} µs", micros(begun, ROUNDS));
}

async fn appending() {
    let log = Arc::new(MemoryLog::new(Arc::new(MemoryFeed::default()), |_| None));
    let ports = TrailPorts {
        journal: Arc::<MemoryLog>::clone(&log),
        records: log,
        keyring: Arc::new(MemoryKeyring::default()),
        signer: Arc::new(MemorySigner::new([1; 32])),
    };
    let clock = Arc::new(ManualClock::at(at()));
    let trail = Trail::new(ports, "example.org", clock, Arc::new(SeededEntropy::new(1)));
    let append = AppendService::new(Arc::new(trail));
    append.append_all((0..1_000).map(submission).collect()).await.unwrap();
    let begun = Stopwatch::now();
    for batch in 0..ROUNDS / 250 {
        let from = 1_000 + batch * 250;
        append.append_all((from..from + 250).map(submission).collect()).await.unwrap();
    }
    println!("the same and append in batches of 250: {:.2} µs", micros(begun, ROUNDS));
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    sealing();
    appending().await;
}
