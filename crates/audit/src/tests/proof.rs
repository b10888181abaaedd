//! A receipt convinces a stranger, and stops doing so when any byte of it changes.

use super::{World, acme, record, submission, verify};
use crate::{
    receipt::{RECEIPT_BYTES_MAX, Receipt, TlogProof},
    service::Disclose,
    tree::{PROOF_HASHES_MAX, leaf_hash, verify_consistency},
    verify::{ENCODING, Exit, INCLUSION, LEAF, LOG_KEY_UNKNOWN, NOTE, SIGNATURE},
};

async fn world(n: u64) -> World {
    let world = World::new();
    world.append().append_all((0..n).map(submission).collect()).await.unwrap();
    world
}

async fn receipt(world: &World, n: u64, disclose: Disclose<'_>) -> Receipt {
    world.prove().receipt(&acme(), record(n), disclose).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_receipt_convinces_a_stranger() {
    let mut world = world(300).await;
    let key = world.prove().verifier_key(&acme()).await.unwrap();
    for n in [0, 1, 255, 256, 299] {
        let bytes = receipt(&world, n, Disclose::All).await.to_bytes().unwrap();
        let report = verify(&bytes, Some(&key));
        assert_eq!((report.exit, report.exit.code()), (Exit::Unwitnessed, 10));
        assert_eq!((report.index, report.size), (Some(n), Some(300)));
        assert_eq!(report.kind, Some("decision"));
        assert_eq!(report.checks.len(), 5);
        assert!(report.groups.iter().all(|it| it.json.is_some()));
    }
    let before = receipt(&world, 7, Disclose::All).await.to_bytes().unwrap();
    world.restart();
    world.append().append(submission(300)).await.unwrap();
    assert_eq!(verify(&before, Some(&key)).exit, Exit::Unwitnessed, "old receipts stay valid");
    let after = receipt(&world, 300, Disclose::All).await.to_bytes().unwrap();
    assert_eq!(verify(&after, Some(&key)).exit, Exit::Unwitnessed);
}

#[tokio::test]
async fn a_receipt_shows_only_what_is_asked_and_proves_all() {
    let world = world(3).await;
    let key = world.prove().verifier_key(&acme()).await.unwrap();
    let receipt = receipt(&world, 1, Disclose::Only(&["core"])).await;
    let bytes = receipt.to_bytes().unwrap();
    assert!(!String::from_utf8(bytes.clone()).unwrap().contains("tenure"));
    let report = verify(&bytes, Some(&key));
    assert_eq!(report.exit, Exit::Unwitnessed);
    let shown: Vec<_> =
        report.groups.iter().map(|it| (it.name.as_str(), it.json.is_some())).collect();
    assert_eq!(shown, [("core", true), ("inputs", false), ("subject", false)]);
}

#[tokio::test]
async fn any_changed_byte_of_a_receipt_is_noticed() {
    let world = world(3).await;
    let key = world.prove().verifier_key(&acme()).await.unwrap();
    let receipt = receipt(&world, 1, Disclose::Only(&["core", "subject"])).await;
    let bytes = receipt.to_bytes().unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let report = verify(&changed, Some(&key));
            assert!(matches!(report.exit, Exit::Invalid | Exit::KeyUnknown), "byte {at} bit {bit}");
            assert!(report.broken.is_some());
        }
    }
}

#[tokio::test]
async fn what_broke_is_named() {
    let world = world(5).await;
    let key = world.prove().verifier_key(&acme()).await.unwrap();
    let good = receipt(&world, 1, Disclose::All).await;
    let check = |receipt: &Receipt| {
        let report = verify(&receipt.to_bytes().unwrap(), Some(&key));
        (report.exit, report.broken)
    };
    let with_proof = |f: &dyn Fn(&mut TlogProof)| {
        let mut proof = TlogProof::parse(&good.proof).unwrap();
        f(&mut proof);
        Receipt { proof: proof.to_text(), ..good.clone() }
    };
    let mut changed = good.clone();
    changed.groups[0].json = Some(serde_json::json!({ "n": 2 }));
    assert_eq!(check(&changed), (Exit::Invalid, Some(LEAF)));
    let mut fewer = good.clone();
    fewer.groups.pop();
    assert_eq!(check(&fewer), (Exit::Invalid, Some(LEAF)));
    let other = Receipt { leaf: "00".repeat(34), ..good.clone() };
    assert_eq!(check(&other), (Exit::Invalid, Some(LEAF)));
    let moved = with_proof(&|it| it.index = 2);
    assert_eq!(check(&moved), (Exit::Invalid, Some(INCLUSION)));
    let sibling = with_proof(&|it| it.hashes[0] = leaf_hash(b"other"));
    assert_eq!(check(&sibling), (Exit::Invalid, Some(INCLUSION)));
    let resized = with_proof(&|it| it.note = it.note.replacen("\n5\n", "\n6\n", 1));
    assert_eq!(check(&resized), (Exit::Invalid, Some(SIGNATURE)));
    let unsigned = with_proof(&|it| it.note = "nothing".to_owned());
    assert_eq!(check(&unsigned), (Exit::Invalid, Some(NOTE)));
    let spaced = [b" ".as_slice(), &good.to_bytes().unwrap()].concat();
    assert_eq!(verify(&spaced, Some(&key)).broken, Some(ENCODING));
    assert_eq!(verify(&[], Some(&key)).exit.code(), 40);
}

#[tokio::test]
async fn a_key_from_elsewhere_is_needed_for_trust() {
    let world = world(2).await;
    let bytes = receipt(&world, 1, Disclose::All).await.to_bytes().unwrap();
    let other = World::new();
    let mut foreign = other.prove().verifier_key(&acme()).await.unwrap();
    for trusted in [None, Some(&foreign)] {
        if trusted.is_some() {
            assert_eq!(verify(&bytes, trusted).exit, Exit::Unwitnessed, "the same seed");
        } else {
            let report = verify(&bytes, None);
            assert_eq!((report.exit.code(), report.broken), (20, Some(LOG_KEY_UNKNOWN)));
        }
    }
    foreign = crate::note::VerifierKey::new(foreign.name().clone(), [5; 32]);
    assert_eq!(verify(&bytes, Some(&foreign)).exit, Exit::KeyUnknown);
}

#[tokio::test]
async fn a_later_head_extends_every_earlier_one() {
    let world = World::new();
    let mut heads = vec![world.prove().checkpoint(&acme()).await.unwrap()];
    for round in 0..4 {
        let more = (round * 150..(round + 1) * 150).map(submission).collect();
        world.append().append_all(more).await.unwrap();
        heads.push(world.prove().checkpoint(&acme()).await.unwrap());
    }
    for earlier in &heads {
        let from = &earlier.checkpoint;
        let (proof, head) = world.prove().consistency(&acme(), from.size).await.unwrap().unwrap();
        let to = &head.checkpoint;
        assert!(verify_consistency((from.size, &from.root), (to.size, &to.root), &proof));
    }
    assert_eq!(world.prove().consistency(&acme(), 601).await.unwrap(), None);
}

#[tokio::test]
async fn nothing_is_proven_of_what_is_not_there() {
    let world = world(1).await;
    let none = world.prove().receipt(&acme(), record(9), Disclose::All).await.unwrap();
    assert_eq!(none, None);
    let zenith = kernel::TenantId::new("zenith").unwrap();
    let none = world.prove().receipt(&zenith, record(0), Disclose::All).await.unwrap();
    assert_eq!(none, None);
}

#[test]
fn a_proof_reads_back_up_to_its_limits() {
    let hash = leaf_hash(b"sibling");
    let proof = |n| TlogProof { index: 5, hashes: vec![hash; n], note: "note\n".to_owned() };
    for n in [0, 2, PROOF_HASHES_MAX] {
        assert_eq!(TlogProof::parse(&proof(n).to_text()), Some(proof(n)));
    }
    assert_eq!(TlogProof::parse(&proof(PROOF_HASHES_MAX + 1).to_text()), None);
    let text = proof(1).to_text();
    for (from, to) in [("index 5", "index 05"), ("index 5", "extra AA==\nindex 5"), ("@v1", "@v2")]
    {
        assert_eq!(TlogProof::parse(&text.replacen(from, to, 1)), None, "{to}");
    }
}

#[tokio::test]
async fn a_receipt_larger_than_any_is_not_read() {
    let world = world(1).await;
    let mut receipt = receipt(&world, 0, Disclose::All).await;
    let room = RECEIPT_BYTES_MAX - receipt.to_bytes().unwrap().len();
    receipt.proof.push_str(&"x".repeat(room));
    assert!(Receipt::from_bytes(&receipt.to_bytes().unwrap()).is_some());
    receipt.proof.push('x');
    assert!(Receipt::from_bytes(&receipt.to_bytes().unwrap()).is_none());
}
