//! Witnesses: what they vouch for travels with receipts, and a log that has lost entries stops.

use std::sync::Arc;

use kernel::ManualClock;
use proptest::prelude::*;

use super::{World, acme, now, record, submission, verify as verified};
use crate::{
    contract::witness::{WitnessFixture, log_key},
    memory::{MemorySigner, MemoryWitness, MemoryWitnessStore},
    note::{CosignedAt, Origin, SignedCheckpoint, VerifierKey, WitnessKey},
    service::{
        AppendError, CosignError, Disclose, KnownWitness, Round, WitnessService, WitnessingService,
    },
    tree::{PROOF_HASHES_MAX, leaf_hash},
    verify::{self, Exit, QUORUM_SHORT, Trust},
    witness::{ADD_CHECKPOINT_BYTES_MAX, AddCheckpoint, Refusal},
};

fn service(name: &str, seed: u8, logs: Vec<VerifierKey>) -> WitnessService {
    WitnessService::new(
        Origin::new(name).unwrap(),
        logs,
        Arc::new(MemoryWitnessStore::default()),
        Arc::new(MemorySigner::new([seed; 32])),
        Arc::new(ManualClock::at(now())),
    )
}

pub(super) async fn fixture() -> WitnessFixture<MemoryWitness> {
    let service = service("witness.example/w1", 9, vec![log_key()]);
    WitnessFixture { key: service.key().await.unwrap(), witness: MemoryWitness::new(service) }
}

struct Witnesses {
    keys: Vec<WitnessKey>,
    witnesses: Vec<Arc<MemoryWitness>>,
}

/// Three witnesses of the world's log.
async fn witnesses(world: &World) -> Witnesses {
    let log = world.prove().verifier_key(&acme()).await.unwrap();
    let (mut keys, mut witnesses) = (Vec::new(), Vec::new());
    for n in 0..3 {
        let service = service(&format!("witness.example/w{n}"), 10 + n, vec![log.clone()]);
        keys.push(service.key().await.unwrap());
        witnesses.push(Arc::new(MemoryWitness::new(service)));
    }
    Witnesses { keys, witnesses }
}

impl Witnesses {
    fn of(&self, world: &World) -> WitnessingService {
        let known = self.keys.iter().zip(&self.witnesses).map(|(key, witness)| KnownWitness {
            key: key.clone(),
            witness: Arc::<MemoryWitness>::clone(witness),
        });
        WitnessingService::new(Arc::clone(&world.trail), known.collect())
    }

    fn trust(&self, key: &VerifierKey, quorum: usize) -> Trust {
        Trust { witnesses: self.keys.clone(), quorum, ..Trust::in_key(key.clone()) }
    }
}

async fn receipt(world: &World, n: u64) -> Vec<u8> {
    let receipt = world.prove().receipt(&acme(), record(n), Disclose::All).await.unwrap();
    receipt.unwrap().to_bytes().unwrap()
}

#[tokio::test]
async fn a_receipt_carries_what_witnesses_vouch_for() {
    let world = World::new();
    world.append().append_all((0..300).map(submission).collect()).await.unwrap();
    let key = world.prove().verifier_key(&acme()).await.unwrap();
    let witnesses = witnesses(&world).await;
    let witnessing = witnesses.of(&world);
    let before = receipt(&world, 3).await;
    assert_eq!(verify::document(&before, &witnesses.trust(&key, 1)).exit, Exit::QuorumShort);
    witnesses.witnesses[2].set_outage(true);
    let round = witnessing.round(&acme()).await.unwrap();
    assert_eq!((round.cosigned, round.silent), (2, vec!["witness.example/w2".to_owned()]));
    let after = receipt(&world, 3).await;
    let report = verify::document(&after, &witnesses.trust(&key, 2));
    assert_eq!((report.exit.code(), report.witnesses), (0, Some(2)), "{report}");
    let report = verify::document(&after, &witnesses.trust(&key, 3));
    assert_eq!((report.exit.code(), report.broken), (11, Some(QUORUM_SHORT)));
    assert_eq!(verified(&after, Some(&key)).exit, Exit::Unwitnessed, "nobody's word was asked for");
    assert_eq!(verified(&after, None).exit, Exit::KeyUnknown);
    assert!(after.len() < 3 * 1_024, "{} bytes", after.len());
    // A witness that was silent is asked again.
    witnesses.witnesses[2].set_outage(false);
    assert_eq!(witnessing.round(&acme()).await.unwrap().cosigned, 3);
    let report = verify::document(&receipt(&world, 3).await, &witnesses.trust(&key, 3));
    assert_eq!(report.exit, Exit::Verified);
    // What is newer than the cosigned head is proven under one that is not cosigned yet.
    world.append().append(submission(300)).await.unwrap();
    let newest = receipt(&world, 300).await;
    assert_eq!(verify::document(&newest, &witnesses.trust(&key, 1)).exit, Exit::QuorumShort);
    assert_eq!(witnessing.round(&acme()).await.unwrap().cosigned, 3);
    let newest = receipt(&world, 300).await;
    assert_eq!(verify::document(&newest, &witnesses.trust(&key, 3)).exit, Exit::Verified);
    let again = witnessing.round(&acme()).await.unwrap();
    assert_eq!(again, Round { cosigned: 3, ..Round::default() }, "nothing is new");
}

#[tokio::test]
async fn any_changed_byte_of_a_witnessed_receipt_is_noticed() {
    let world = World::new();
    world.append().append_all((0..3).map(submission).collect()).await.unwrap();
    let key = world.prove().verifier_key(&acme()).await.unwrap();
    let witnesses = witnesses(&world).await;
    witnesses.of(&world).round(&acme()).await.unwrap();
    let (bytes, trust) = (receipt(&world, 1).await, witnesses.trust(&key, 3));
    assert_eq!(verify::document(&bytes, &trust).exit, Exit::Verified);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let exit = verify::document(&changed, &trust).exit;
        assert_ne!(exit, Exit::Verified, "byte {at}");
        assert_ne!(exit, Exit::Unwitnessed, "byte {at}");
    }
}

#[tokio::test]
async fn a_log_that_a_witness_is_ahead_of_stops_and_signs_nothing() {
    let world = World::new();
    world.append().append_all((0..5).map(submission).collect()).await.unwrap();
    let witnesses = witnesses(&world).await;
    witnesses.of(&world).round(&acme()).await.unwrap();
    // The database comes back as it was before: with the same key, and fewer entries.
    let mut restored = World::new();
    restored.append().append_all((0..3).map(submission).collect()).await.unwrap();
    restored.restart();
    let round = witnesses.of(&restored).round(&acme()).await.unwrap();
    assert_eq!((round.cosigned, round.ahead.len()), (0, 3));
    assert_eq!(round.ahead[0], ("witness.example/w0".to_owned(), 5));
    let refused = restored.append().append(submission(9)).await;
    assert!(matches!(refused, Err(AppendError::Amnesia)), "{refused:?}");
    assert!(restored.prove().checkpoint(&acme()).await.is_err());
}

#[tokio::test]
async fn a_log_with_another_history_of_the_same_size_stops() {
    let world = World::new();
    world.append().append_all((0..5).map(submission).collect()).await.unwrap();
    let witnesses = witnesses(&world).await;
    witnesses.of(&world).round(&acme()).await.unwrap();
    let other = World::new();
    other.append().append_all((1..6).map(submission).collect()).await.unwrap();
    let round = witnesses.of(&other).round(&acme()).await.unwrap();
    assert_eq!(round.ahead.len(), 3);
    assert!(matches!(other.append().append(submission(9)).await, Err(AppendError::Amnesia)));
}

#[tokio::test]
async fn witnesses_that_say_nothing_hold_nobody_up() {
    let world = World::new();
    world.append().append(submission(0)).await.unwrap();
    let witnesses = witnesses(&world).await;
    witnesses.witnesses.iter().for_each(|it| it.set_outage(true));
    let round = witnesses.of(&world).round(&acme()).await.unwrap();
    assert_eq!((round.cosigned, round.silent.len()), (0, 3));
    world.append().append(submission(1)).await.unwrap();
    let none = WitnessingService::new(Arc::clone(&world.trail), Vec::new());
    assert_eq!(none.round(&acme()).await.unwrap(), Round::default());
}

#[tokio::test]
async fn a_witness_that_forgets_does_not_answer() {
    let store = Arc::new(MemoryWitnessStore::default());
    let (signer, clock) = (MemorySigner::new([9; 32]), ManualClock::at(now()));
    let name = Origin::new("witness.example/w1").unwrap();
    let service = WitnessService::new(
        name,
        vec![log_key()],
        store.clone(),
        Arc::new(signer),
        Arc::new(clock),
    );
    store.set_outage(true);
    let head = crate::note::Checkpoint {
        origin: log_key().name().clone(),
        size: 0,
        root: crate::tree::empty_root(),
    };
    let refused = service.cosign(&format!("old 0\n\n{}\n", head.body())).await;
    assert!(matches!(refused, Err(CosignError::Refused(Refusal::Malformed))));
}

#[test]
fn a_witness_key_and_a_cosignature_read_back() {
    let key = WitnessKey::new(Origin::new("witness.example/w1").unwrap(), [5; 32]);
    let text = key.to_string();
    assert_eq!(text.parse(), Ok(key.clone()));
    assert!(text.replacen("w1", "w2", 1).parse::<WitnessKey>().is_err());
    assert!(text.parse::<VerifierKey>().is_err(), "a witness is not a log");
    assert!(log_key().to_string().parse::<WitnessKey>().is_err());
    let at = CosignedAt::of("2023-03-20T13:32:27Z".parse().unwrap());
    assert_eq!(at.seconds(), 1_679_319_147);
    assert!(key.line(at, &[0; 64]).starts_with("\u{2014} witness.example/w1 "));
}

#[test]
fn a_cosignature_of_the_specification_is_read() {
    let note = "example.com/behind-the-sofa\n20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    assert_eq!(SignedCheckpoint::parse(note).unwrap().checkpoint().size, 20_852_163);
}

#[test]
fn a_request_reads_back_up_to_its_limits() {
    let request = |n| AddCheckpoint {
        old: 7,
        proof: vec![leaf_hash(b"sibling"); n],
        note: "note\n\n\u{2014} a b\n".to_owned(),
    };
    for n in [0, 3, PROOF_HASHES_MAX] {
        assert_eq!(AddCheckpoint::parse(&request(n).to_text()), Some(request(n)));
    }
    assert_eq!(AddCheckpoint::parse(&request(PROOF_HASHES_MAX + 1).to_text()), None);
    let text = request(1).to_text();
    for (from, to) in [("old 7", "old 07"), ("old 7", "new 7"), ("old 7", "old -7")] {
        assert_eq!(AddCheckpoint::parse(&text.replacen(from, to, 1)), None, "{to}");
    }
    let long = format!("old 0\n\n{}", "x".repeat(ADD_CHECKPOINT_BYTES_MAX - 7));
    assert!(AddCheckpoint::parse(&long).is_some());
    assert!(AddCheckpoint::parse(&format!("{long}x")).is_none());
}

proptest! {
    #[test]
    fn any_text_is_a_request_or_none(text in "(old [0-9]{0,3}\n)?[A-Za-z0-9+/=\n]{0,200}") {
        if let Some(request) = AddCheckpoint::parse(&text) {
            prop_assert_eq!(request.to_text(), text);
        }
    }
}
