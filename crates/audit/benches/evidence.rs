//! What checking costs: a pack of 10,000 records, a whole log, a proof in ten million entries; each
//! beside a floor of the same run.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints and may stop")]

use std::{hint::black_box, sync::Arc, time::Instant as Stopwatch};

use audit::{
    AppendService, Custody, EntryKind, Group, IdemKey, ProveService, RecordId, RetentionClass,
    Submission,
    bag::Bag,
    entry::Leaf,
    memory::{MemoryKeyring, MemoryLog, MemorySigner},
    note::{Checkpoint, CosignedAt, Origin, WitnessKey},
    receipt::TlogProof,
    service::{Ask, PackRequest, PackService, Trail, TrailPorts},
    tree::{BLOCK_LEAVES, Block, Hash, Tree, leaf_hash, verify_inclusion},
    verify::{self, Exit, Trust},
};
use kernel::{
    Digest, Instant, ManualClock, SeededEntropy, SubjectId, TenantId, memory::MemoryFeed,
};

const RECORDS: u64 = 10_000;
const REPLAYED: u64 = 1_000_000;
const LARGE: u64 = 10_000_000;
const PROOFS: u64 = 2_000;

fn at() -> Instant {
    Instant::from_micros(1_767_225_600_000_000)
}

fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn submission(n: u64) -> Submission {
    let names =
        ["consent", "core", "inputs", "model", "outcome", "policies", "rationale", "subject"];
    let json = format!("{{\"text\":\"{}\"}}", "x".repeat(140)).into_bytes();
    let group = |name| Group { name, custody: Custody::Subject, json: json.clone() };
    let id = uuid::Uuid::from_u64_pair(7, n);
    Submission {
        tenant: tenant(),
        record: RecordId::from_uuid(id),
        kind: EntryKind::Decision,
        class: RetentionClass::of("decision"),
        at: at(),
        subject: Some(SubjectId::from_uuid(uuid::Uuid::from_u64_pair(9, n % 20))),
        idem: IdemKey::new(*id.as_bytes(), at()),
        fingerprint: Digest::of(&n.to_be_bytes()),
        groups: names.map(group).into(),
        facts: Vec::new(),
        companion: None,
    }
}

fn seconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begun = Stopwatch::now();
    let out = black_box(work());
    (begun.elapsed().as_secs_f64(), out)
}

async fn pack() -> (Bag, Trust) {
    let log = Arc::new(MemoryLog::new(Arc::new(MemoryFeed::default()), |_| None));
    let ports = TrailPorts {
        journal: Arc::<MemoryLog>::clone(&log),
        records: log,
        keyring: Arc::new(MemoryKeyring::default()),
        signer: Arc::new(MemorySigner::new([1; 32])),
    };
    let clock = Arc::new(ManualClock::at(at()));
    let trail = Arc::new(Trail::new(ports, "example.org", clock, Arc::new(SeededEntropy::new(1))));
    let append = AppendService::new(Arc::clone(&trail));
    for from in (0..RECORDS).step_by(1_000) {
        append.append_all((from..from + 1_000).map(submission).collect()).await.unwrap();
    }
    let key = ProveService::new(Arc::clone(&trail)).verifier_key(&tenant()).await.unwrap();
    let request = PackRequest {
        tenant: tenant(),
        by: "bench".to_owned(),
        basis: "bench".to_owned(),
        ask: Ask::Sample { nonce: [7; 32], count: RECORDS },
        groups: Vec::new(),
        account: false,
    };
    let packs = PackService::new(trail);
    let draft = packs.draft(request).await.unwrap();
    (packs.close(draft).await.unwrap(), Trust::in_key(key))
}

async fn verifying() {
    let (bag, trust) = pack().await;
    let n_bytes: usize = bag.files().values().map(Vec::len).sum();
    let (floor, ()) = seconds(|| {
        for bytes in bag.files().values() {
            black_box(Digest::of(bytes));
            black_box(serde_json::from_slice::<serde_json::Value>(bytes).ok());
        }
    });
    let (taken, report) = seconds(|| verify::pack(&bag, &trust));
    assert_eq!((report.exit, report.records), (Exit::Unwitnessed, Some(RECORDS)));
    println!(
        "verify a pack of {RECORDS} records ({:.1} MB): {taken:.2} s, {:.2} × parsing and hashing it",
        f64::from(u32::try_from(n_bytes).unwrap()) / 1e6,
        taken / floor
    );
}

fn leaf(n: u64) -> Leaf {
    Leaf::new(EntryKind::Decision, &leaf_hash(&n.to_be_bytes()))
}

fn replaying() {
    let leaves: Vec<_> = (0..REPLAYED).map(leaf).collect();
    let (floor, ()) = seconds(|| {
        for n in 0..REPLAYED {
            let mut bytes = [0; 64];
            bytes.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
            black_box(Digest::of(&bytes));
        }
    });
    let (taken, tree) = seconds(|| {
        let mut tree = Tree::default();
        tree.extend(leaves.iter().map(Leaf::hash));
        tree
    });
    black_box(tree.root());
    println!(
        "replay a log: {:.2} M leaves/s, {:.2} × SHA-256 of 64 bytes a leaf",
        1e-6 * f64::from(u32::try_from(REPLAYED).unwrap()) / taken,
        taken / floor
    );
}

fn proving() {
    let mut tree = Tree::default();
    tree.extend((0..LARGE).map(|n| leaf_hash(&n.to_be_bytes())));
    let root = tree.root();
    let entries: Vec<_> = (0..PROOFS).map(|n| n * 4_999 % LARGE).collect();
    let blocks: Vec<(u64, Vec<Hash>)> = entries
        .iter()
        .map(|index| {
            let number = Tree::block_of(*index);
            let first = number * BLOCK_LEAVES;
            (number, (first..first + BLOCK_LEAVES).map(|n| leaf_hash(&n.to_be_bytes())).collect())
        })
        .collect();
    let prove = |(index, (number, leaves)): (&u64, &(u64, Vec<Hash>))| {
        tree.inclusion(*index, Block { number: *number, leaves }).unwrap()
    };
    let (making, proofs) = seconds(|| entries.iter().zip(&blocks).map(prove).collect::<Vec<_>>());
    let (checking, all) = seconds(|| {
        entries.iter().zip(&proofs).all(|(index, proof)| {
            verify_inclusion(&leaf_hash(&index.to_be_bytes()), *index, LARGE, proof, &root)
        })
    });
    assert!(all);
    let each = |it: f64| 1e6 * it / f64::from(u32::try_from(PROOFS).unwrap());
    println!(
        "in {LARGE} entries, make a proof: {:.1} µs; check it: {:.1} µs",
        each(making),
        each(checking)
    );
    let origin = Origin::new("audit.example.org/acme/2026h1").unwrap();
    let head = Checkpoint { origin, size: LARGE, root };
    let mut note = head.signed([1; 32], &[2; 64]);
    for n in 0..2 {
        let name = Origin::new(&format!("witness.example.org/w{n}")).unwrap();
        note.push_str(&WitnessKey::new(name, [3; 32]).line(CosignedAt::of(at()), &[4; 64]));
    }
    let hashes = proofs.into_iter().next().unwrap();
    let proof = TlogProof { index: 4_999, hashes, note }.to_text();
    println!("a proof in {LARGE} entries with two cosignatures: {} bytes", proof.len());
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    verifying().await;
    replaying();
    proving();
}
