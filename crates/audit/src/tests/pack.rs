//! A pack convinces a stranger, says when something is missing, and stops convincing when any byte
//! of it changes.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use kernel::{DecisionId, Digest};
use proptest::prelude::*;
use uuid::Uuid;

use super::{World, acme, group, now, subject, submission};
use crate::{
    bag::{BAG_FILES_MAX, Bag},
    entry::{Custody, EntryKind, IdemKey, RecordId, RetentionClass, Submission},
    evidence::{
        ACCOUNT_CONSISTENCY_PATH, ACCOUNT_PATH, ASKED_BYTES_MAX, EXPORT_CONSISTENCY_PATH,
        EXPORT_PATH, HEAD_PATH, SCOPE_PATH, Scope, record_path,
    },
    key::KeyOwner,
    note::VerifierKey,
    sample::{self, SAMPLE_ENTRIES_MAX},
    service::{ASKED_MALFORMED, Ask, NOTHING, PackError, PackRequest, PackService},
    tree::leaf_hash,
    verify::{
        self, ABSENCE_UNPROVEN, ENCODING, Exit, Files as _, INCOMPLETE, Report, SAMPLE, SCOPE,
        Trust,
    },
};

/// The `n`th minute's decision of one of two nodes, about one of three people.
fn decision(n: u64) -> Submission {
    let at = now().plus(TimeDelta::minutes(i64::try_from(n).unwrap()));
    let node = if n.is_multiple_of(2) { "renewal" } else { "claim" };
    let record = RecordId::from_uuid(Uuid::from_u64_pair(0xdec, n));
    let id = DecisionId::from_uuid(record.uuid());
    let core = format!(r#"{{"as_of_us":{},"id":"{id}","nodes":["{node}"]}}"#, at.micros());
    Submission {
        record,
        at,
        groups: vec![
            group("core", Custody::Period, &core),
            group("inputs", Custody::Subject, r#"{"tenure":36}"#),
            group("outcome", Custody::Period, r#"{"kind":"act"}"#),
            group("subject", Custody::Subject, r#"{"ref":"abc"}"#),
        ],
        ..submission(n)
    }
}

/// Another thing that happened to the person of the `n`th decision.
fn fact(n: u64) -> Submission {
    Submission {
        record: RecordId::from_uuid(Uuid::from_u64_pair(0xfac7, n)),
        kind: EntryKind::Consent,
        class: RetentionClass::of("fact"),
        idem: IdemKey::new(Uuid::from_u64_pair(0xfac7, n).into_bytes(), now()),
        fingerprint: Digest::of(&n.to_be_bytes()),
        groups: vec![
            group("core", Custody::Period, r#"{"kind":"consent","schema":"fact/1"}"#),
            group("fact", Custody::Subject, r#"{"said":"yes"}"#),
        ],
        ..decision(n)
    }
}

/// A log in which every third entry is a fact, and the key to it.
async fn world(n: u64) -> (World, VerifierKey) {
    let world = World::new();
    let entries = (0..n).map(|it| if it % 3 == 2 { fact(it) } else { decision(it) });
    world.append().append_all(entries.collect()).await.unwrap();
    let key = world.prove().verifier_key(&acme()).await.unwrap();
    (world, key)
}

fn request(ask: Ask) -> PackRequest {
    PackRequest {
        tenant: acme(),
        by: "auditor@example.org".to_owned(),
        basis: "GDPR Art. 58(1)(e)".to_owned(),
        account: matches!(ask, Ask::Subject(_)),
        ask,
        groups: Vec::new(),
    }
}

fn service(world: &World) -> PackService {
    PackService::new(world.trail.clone())
}

async fn pack(world: &World, request: PackRequest) -> Bag {
    let service = service(world);
    let draft = service.draft(request).await.unwrap();
    service.close(draft).await.unwrap()
}

fn minutes(from: i64, until: i64) -> Ask {
    let at = |it| now().plus(TimeDelta::minutes(it));
    Ask::Node { node: "renewal".to_owned(), from: at(from), until: at(until) }
}

fn verified(bag: &Bag, key: &VerifierKey) -> Report {
    verify::pack(bag, &Trust::in_key(key.clone()))
}

/// The same files after a change, with manifests that fit them.
fn changed(bag: &Bag, change: impl FnOnce(&mut Bag)) -> Bag {
    let mut again = Bag::default();
    let payload = bag.files().iter().filter(|(path, _)| path.starts_with("data/"));
    payload.for_each(|(path, bytes)| again.put(path.clone(), bytes.clone()));
    change(&mut again);
    again.closed()
}

/// The same pack without a file.
fn without(bag: &Bag, path: &str) -> Bag {
    let mut fewer = Bag::default();
    let rest = bag.files().iter().filter(|(it, _)| it.starts_with("data/") && *it != path);
    rest.for_each(|(path, bytes)| fewer.put(path.clone(), bytes.clone()));
    fewer.closed()
}

fn scope(bag: &Bag) -> Scope {
    Scope::from_bytes(&bag.read(SCOPE_PATH).unwrap()).unwrap()
}

#[tokio::test]
async fn a_pack_of_each_kind_convinces_a_stranger() {
    let (world, key) = world(400).await;
    let asks = [
        Ask::Decision(DecisionId::from_uuid(Uuid::from_u64_pair(0xdec, 300))),
        Ask::Subject(vec![subject(1)]),
        minutes(100, 130),
        Ask::Sample { nonce: [9; 32], count: 20 },
    ];
    for (ask, expected) in asks.into_iter().zip([1, 133, 10, 20]) {
        let bag = pack(&world, request(ask)).await;
        let report = verified(&bag, &key);
        assert_eq!((report.exit, report.records), (Exit::Unwitnessed, Some(expected)), "{report}");
        assert_eq!(verify::pack(&bag, &Trust::default()).exit, Exit::KeyUnknown);
        assert_eq!(scope(&bag).records, expected);
    }
    let head = world.thin().head(&acme()).await.unwrap().unwrap();
    assert_eq!(head.checkpoint.size, 404, "each export is an entry");
}

#[tokio::test]
async fn nothing_a_pack_does_not_ask_for_is_shown() {
    let (world, key) = world(90).await;
    let request = PackRequest {
        groups: vec!["core".to_owned(), "outcome".to_owned()],
        ..request(minutes(0, 90))
    };
    let bag = pack(&world, request).await;
    assert_eq!(verified(&bag, &key).exit, Exit::Unwitnessed);
    let all: Vec<u8> = bag.files().values().flatten().copied().collect();
    let text = String::from_utf8(all).unwrap();
    assert!(!text.contains("tenure") && text.contains(r#""kind":"act""#));
    // A decision of another node is shown so far that it can be seen to be one.
    let other = String::from_utf8(bag.read(&record_path(1)).unwrap()).unwrap();
    assert!(other.contains("claim") && !other.contains(r#""kind":"act""#));
}

#[tokio::test]
async fn a_person_s_pack_has_everything_about_them_or_says_that_it_has_not() {
    let (world, key) = world(60).await;
    let bag = pack(&world, request(Ask::Subject(vec![subject(1)]))).await;
    let report = verified(&bag, &key);
    assert!(report.checks.contains(&"nothing left out"), "{report}");
    let theirs: BTreeSet<_> = (0..60).filter(|it| it % 3 == 1).map(record_path).collect();
    assert!(theirs.iter().all(|it| bag.files().contains_key(it)));
    // A record left out, its groups put among the others: its key gives it away.
    let index = 31;
    let mut account: serde_json::Value =
        serde_json::from_slice(&bag.read(ACCOUNT_PATH).unwrap()).unwrap();
    let receipt = crate::receipt::Receipt::from_bytes(&bag.read(&record_path(index)).unwrap());
    let withheld: Vec<_> = receipt
        .unwrap()
        .groups
        .into_iter()
        .map(|it| {
            let salt = crate::receipt::bytes(it.salt.as_deref().unwrap()).unwrap();
            let json = kernel::canonical(&it.json.unwrap()).unwrap();
            let commitment = crate::seal::commit(&it.name, &salt, &json).to_string();
            serde_json::json!({ "commitment": commitment, "kids": it.kids, "name": it.name })
        })
        .collect();
    account["others"][format!("{index:012}")] = withheld.into();
    let hidden = changed(&without(&bag, &record_path(index)), |it| {
        it.put(ACCOUNT_PATH, kernel::canonical(&account).unwrap());
    });
    let report = relogged(&world, &hidden, &key).await;
    assert_eq!(report.broken, Some(INCOMPLETE), "{report}");
    let report = relogged(&world, &without(&bag, &record_path(index)), &key).await;
    assert_eq!(report.broken, Some(INCOMPLETE), "{report}");
}

/// A forged pack, exported and logged as if it were an honest one: only the records are not ours.
async fn relogged(world: &World, forged: &Bag, key: &VerifierKey) -> Report {
    let service = service(world);
    let size = scope(forged).size;
    let honest = service.draft(request(Ask::Sample { nonce: [0; 32], count: 1 })).await.unwrap();
    let mut draft = honest;
    draft.rebase(world.thin().head_at(&acme(), size).await.unwrap().unwrap());
    draft.scope = scope(forged);
    draft.bag = Bag::default();
    let exported = [SCOPE_PATH, EXPORT_PATH, EXPORT_CONSISTENCY_PATH];
    for (path, bytes) in forged.files() {
        if path.starts_with("data/") && !exported.contains(&path.as_str()) {
            draft.bag.put(path.clone(), bytes.clone());
        }
    }
    let bag = service.close(draft).await.unwrap();
    verified(&bag, key)
}

#[tokio::test]
async fn a_decision_of_the_period_that_is_left_out_is_missed() {
    let (world, key) = world(400).await;
    let bag = pack(&world, request(minutes(100, 130))).await;
    assert!(bag.files().contains_key(ACCOUNT_CONSISTENCY_PATH));
    let left_out = relogged(&world, &without(&bag, &record_path(102)), &key).await;
    assert_eq!(left_out.broken, Some(INCOMPLETE), "{left_out}");
    assert_eq!(left_out.place, Some(record_path(102)));
    let unaccounted = relogged(&world, &without(&bag, ACCOUNT_PATH), &key).await;
    assert_eq!(unaccounted.broken, Some(INCOMPLETE), "{unaccounted}");
    assert_eq!(relogged(&world, &bag, &key).await.exit, Exit::Unwitnessed, "nothing else is wrong");
}

#[tokio::test]
async fn a_period_begins_and_ends_with_decisions_of_another_time_whatever_lies_between() {
    let (world, key) = world(1_500).await;
    // Facts of long ago, and decisions an hour late, lie among the others.
    let late = |n: u64| Submission {
        record: RecordId::from_uuid(Uuid::from_u64_pair(0x1a7e, n)),
        idem: IdemKey::new(Uuid::from_u64_pair(0x1a7e, n).into_bytes(), now()),
        fingerprint: Digest::of(&n.to_le_bytes()),
        ..decision(n)
    };
    let more = (1_500..1_700).map(|n| match n % 3 {
        0 => late(n - 50),
        1 => decision(n),
        _ => Submission { at: now(), ..fact(n) },
    });
    world.append().append_all(more.collect()).await.unwrap();
    for (from, until) in [(1_400, 1_460), (0, 5), (-500, -400), (1_560, 1_600), (1_699, 9_000)] {
        let bag = pack(&world, request(minutes(from, until))).await;
        let report = verified(&bag, &key);
        assert_eq!(report.exit, Exit::Unwitnessed, "{from} to {until}: {report}");
    }
}

#[tokio::test]
async fn a_sample_is_what_the_nonce_draws() {
    let (world, key) = world(300).await;
    let bag = pack(&world, request(Ask::Sample { nonce: [7; 32], count: 9 })).await;
    let mut other = scope(&bag);
    other.question = crate::evidence::Question::Sample { count: 9, nonce: hex::encode([8; 32]) };
    let swapped = changed(&bag, |it| it.put(SCOPE_PATH, other.to_bytes().unwrap()));
    assert_eq!(verified(&swapped, &key).broken, Some(SCOPE), "the export names another content");
    assert_eq!(relogged(&world, &swapped, &key).await.broken, Some(SAMPLE));
    let drawn = sample::indices(&[7; 32], &leaf_hash(b"root"), 300, 9);
    let again = sample::indices(&[7; 32], &leaf_hash(b"another root"), 300, 9);
    assert!(drawn.len() == 9 && drawn != again);
    assert_eq!(sample::indices(&[7; 32], &leaf_hash(b"root"), 5, 9), (0..5).collect());
    assert!(sample::indices(&[7; 32], &leaf_hash(b"root"), 0, 9).is_empty());
    let most = sample::indices(&[7; 32], &leaf_hash(b"root"), 20_000, SAMPLE_ENTRIES_MAX + 1);
    assert_eq!(most.len() as u64, SAMPLE_ENTRIES_MAX);
}

#[tokio::test]
async fn what_is_withheld_without_a_logged_reason_is_said() {
    let (world, key) = world(30).await;
    let class = RetentionClass::of("decision");
    world.keyring.forget(&acme(), &KeyOwner::Subject { subject: subject(1), class });
    let bag = pack(&world, request(minutes(0, 30))).await;
    let report = verified(&bag, &key);
    assert_eq!((report.exit.code(), report.broken), (31, Some(ABSENCE_UNPROVEN)));
    assert_eq!(scope(&bag).withheld["inputs"], 5);
    // Out of scope is not withheld.
    let groups = vec!["core".to_owned(), "outcome".to_owned()];
    let bag = pack(&world, PackRequest { groups, ..request(minutes(0, 30)) }).await;
    assert_eq!(verified(&bag, &key).exit, Exit::Unwitnessed);
}

#[tokio::test]
async fn any_changed_byte_of_a_pack_is_noticed_and_named() {
    let (world, key) = world(20).await;
    let bag = pack(&world, request(Ask::Subject(vec![subject(0)]))).await;
    for (path, bytes) in bag.files() {
        // Every byte of small files, every 13th of the others.
        for at in (0..bytes.len()).filter(|at| bytes.len() < 300 || at % 13 == 0) {
            let mut files = Bag::default();
            bag.files().iter().for_each(|(path, it)| files.put(path.clone(), it.clone()));
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            files.put(path.clone(), flipped);
            let report = verified(&files, &key);
            assert_eq!(report.exit, Exit::Invalid, "{path} byte {at}: {report}");
            assert!(report.broken.is_some() && report.place.is_some(), "{path} byte {at}");
        }
        let mut fewer = Bag::default();
        let rest = bag.files().iter().filter(|it| it.0 != path);
        rest.for_each(|(path, it)| fewer.put(path.clone(), it.clone()));
        assert_eq!(verified(&fewer, &key).broken, Some(ENCODING), "without {path}");
    }
    let mut more = bag;
    more.put("data/more.txt", "besides");
    let report = verified(&more, &key);
    assert_eq!((report.broken, report.place.as_deref()), (Some(ENCODING), Some("data/more.txt")));
}

#[tokio::test]
async fn any_changed_file_with_manifests_that_fit_is_noticed() {
    let (world, key) = world(20).await;
    let bag = pack(&world, request(Ask::Subject(vec![subject(0)]))).await;
    for (path, bytes) in bag.files().iter().filter(|it| it.0.starts_with("data/")) {
        for at in (0..bytes.len()).step_by(29) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            let report = verified(&changed(&bag, |it| it.put(path.clone(), flipped)), &key);
            assert_ne!(report.exit, Exit::Unwitnessed, "{path} byte {at}: {report}");
        }
        let fewer = without(&bag, path);
        assert_ne!(verified(&fewer, &key).exit, Exit::Unwitnessed, "without {path}");
    }
    assert_eq!(verified(&changed(&bag, |_| {}), &key).exit, Exit::Unwitnessed);
    let another = changed(&bag, |it| it.put("data/index.html", "<p>all is well</p>"));
    assert_eq!(verified(&another, &key).broken, Some(SCOPE), "nothing is put in afterwards");
    assert!(bag.files().contains_key(HEAD_PATH));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let (world, _) = world(3).await;
    let refusal = async |request| match service(&world).draft(request).await.unwrap_err() {
        PackError::Refused(reason) => reason,
        PackError::Fault(fault) => panic!("{fault}"),
    };
    let nobody = DecisionId::from_uuid(Uuid::from_u64_pair(1, 1));
    assert_eq!(refusal(request(Ask::Decision(nobody))).await, NOTHING);
    assert_eq!(refusal(request(Ask::Subject(vec![subject(9)]))).await, NOTHING);
    let of_elsewhere = PackRequest {
        tenant: kernel::TenantId::new("zenith").unwrap(),
        ..request(Ask::Subject(vec![subject(1)]))
    };
    assert_eq!(refusal(of_elsewhere).await, NOTHING);
    for ask in [
        Ask::Subject(Vec::new()),
        minutes(5, 5),
        Ask::Sample { nonce: [0; 32], count: 0 },
        Ask::Sample { nonce: [0; 32], count: SAMPLE_ENTRIES_MAX + 1 },
    ] {
        assert_eq!(refusal(request(ask)).await, ASKED_MALFORMED);
    }
    let long = "x".repeat(ASKED_BYTES_MAX + 1);
    let by =
        |by: &str| PackRequest { by: by.to_owned(), ..request(Ask::Subject(vec![subject(1)])) };
    assert_eq!(refusal(by(&long)).await, ASKED_MALFORMED);
    assert_eq!(refusal(by(" ")).await, ASKED_MALFORMED);
    let accounted = PackRequest { account: true, ..request(minutes(0, 9)) };
    assert_eq!(refusal(accounted).await, ASKED_MALFORMED);
}

#[test]
fn a_bag_of_more_files_than_any_is_not_read() {
    let mut bag = Bag::default();
    for i in 0..=BAG_FILES_MAX {
        bag.put(format!("data/{i}"), "");
    }
    assert!(crate::bag::check(&bag.closed()).is_err());
}

proptest! {
    #[test]
    fn no_files_make_the_verifier_panic(
        files in prop::collection::btree_map(
            "(data/(records/[0-9]{0,13}(.json)?|pack.json|account.json|checkpoint.note|x)|bagit.txt)",
            prop::collection::vec(any::<u8>(), 0..200),
            0..6,
        ),
        is_closed in any::<bool>(),
    ) {
        let mut bag = Bag::default();
        for (path, bytes) in files {
            bag.put(path, bytes);
        }
        let bag = if is_closed { bag.closed() } else { bag };
        prop_assert_eq!(verify::pack(&bag, &Trust::default()).exit, Exit::Invalid);
    }
}
