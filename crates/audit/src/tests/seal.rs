//! What is sealed opens to itself under its own keys, and to nothing otherwise.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::SeededEntropy;
use sha2::Sha256;

use super::{group, now, record};
use crate::{
    entry::{
        CLASS_BYTES_MAX, Custody, EntryKind, GROUP_NAME_BYTES_MAX, GROUPS_MAX, Group,
        RetentionClass,
    },
    key::{self, Key, KeyOwner, Kid, WrapError},
    seal::{
        CodecError, Keys, OpenError, PAD_BYTES, RecordHead, SealError, SealedRecord, decode,
        encode, seal,
    },
};

fn keys(seed: u64) -> Keys {
    let entropy = SeededEntropy::new(seed);
    Keys { subject: Some(Key::mint(&entropy)), period: Some(Key::mint(&entropy)) }
}

fn head() -> RecordHead {
    let class = RetentionClass::of("decision");
    RecordHead { record: record(1), kind: EntryKind::Decision, class, at: now() }
}

fn groups() -> Vec<Group> {
    vec![
        group("subject", Custody::Subject, r#"{"minor":false}"#),
        group("core", Custody::Period, r#"{"n":1}"#),
        group("note", Custody::Plain, r#"{"open":true}"#),
    ]
}

fn sealed(keys: &Keys) -> SealedRecord {
    seal(head(), groups(), keys, &SeededEntropy::new(3)).unwrap()
}

fn opened(record: &SealedRecord, keys: &Keys) -> Vec<Result<Vec<u8>, OpenError>> {
    record.groups.iter().map(|it| record.open(it, keys).map(|it| it.json)).collect()
}

#[test]
fn what_is_sealed_opens_to_itself() {
    let keys = keys(1);
    let record = sealed(&keys);
    let names: Vec<_> = record.groups.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["core", "note", "subject"], "by rising name");
    let json = |it: &str| Ok(it.as_bytes().to_vec());
    let expected = [json(r#"{"n":1}"#), json(r#"{"open":true}"#), json(r#"{"minor":false}"#)];
    assert_eq!(opened(&record, &keys), expected);
}

#[test]
fn without_either_key_a_subjects_group_stays_closed() {
    let both = keys(1);
    let record = sealed(&both);
    let cases = [
        (Keys { subject: None, ..both.clone() }, [true, true, false]),
        (Keys { period: None, ..both }, [false, true, false]),
        (Keys { subject: None, period: None }, [false, true, false]),
    ];
    for (keys, expected) in cases {
        let is_open: Vec<_> = opened(&record, &keys).iter().map(Result::is_ok).collect();
        assert_eq!(is_open, expected);
    }
}

#[test]
fn nothing_opens_under_another_key_record_name_or_commitment() {
    let keys = keys(1);
    let record = sealed(&keys);
    let group = &record.groups[2];
    assert!(record.open(group, &keys).is_ok());
    assert_eq!(record.open(group, &self::keys(2)), Err(OpenError::Broken));
    let mut other = group.clone();
    other.name = "other".to_owned();
    assert_eq!(record.open(&other, &keys), Err(OpenError::Broken));
    let mut other = group.clone();
    other.commitment = record.groups[0].commitment;
    assert_eq!(record.open(&other, &keys), Err(OpenError::Broken));
    let moved = SealedRecord { record: super::record(2), ..record.clone() };
    assert_eq!(moved.open(group, &keys), Err(OpenError::Broken));
    for at in 0..group.body.len() {
        let mut other = group.clone();
        other.body[at] ^= 1;
        assert_eq!(record.open(&other, &keys), Err(OpenError::Broken));
    }
    let mut plain = record.groups[1].clone();
    plain.body[2] ^= 1;
    assert_eq!(record.open(&plain, &keys), Err(OpenError::Broken));
}

#[test]
fn a_one_bit_field_looks_the_same_either_way_until_it_is_opened() {
    let keys = keys(1);
    let body = |json| {
        let groups = vec![group("subject", Custody::Subject, json)];
        let record = seal(head(), groups, &keys, &SeededEntropy::new(3)).unwrap();
        (record.groups[0].body.clone(), record.groups[0].commitment)
    };
    let (yes, no) = (body(r#"{"minor":true}"#), body(r#"{"minor":false}"#));
    assert_eq!(yes.0.len(), no.0.len());
    assert_eq!(yes.0.len(), PAD_BYTES + 16);
    assert_ne!(yes, no);
}

#[test]
fn salts_and_commitments_never_repeat_across_records() {
    let keys = keys(1);
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..64 {
        let head = RecordHead { record: record(n), ..head() };
        let record = seal(head, groups(), &keys, &SeededEntropy::new(n)).unwrap();
        for group in &record.groups {
            assert!(seen.insert(*group.commitment.as_bytes()));
            assert!(seen.insert(record.open(group, &keys).unwrap().salt));
        }
    }
}

#[test]
fn derived_secrets_are_hkdf_and_hmac_as_specified() {
    let keys = keys(1);
    let record = sealed(&keys);
    let (subject, period) = (keys.subject.clone().unwrap(), keys.period.clone().unwrap());
    let expand = |hkdf: Hkdf<Sha256>| {
        let mut secret = [0; 32];
        let record = super::record(1).uuid();
        let info = [b"assent/audit/record/1\0", record.as_bytes().as_slice()].concat();
        hkdf.expand(&info, &mut secret).unwrap();
        secret
    };
    let salt = |secret: [u8; 32], name: &str| -> [u8; 32] {
        let mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
        mac.chain_update(b"salt\0").chain_update(name).finalize().into_bytes().into()
    };
    let of_subject = expand(Hkdf::new(Some(period.secret()), subject.secret()));
    let of_period = expand(Hkdf::new(Some(b"assent/audit/c/1"), period.secret()));
    let found = |at: usize| record.open(&record.groups[at], &keys).unwrap().salt;
    assert_eq!(found(2), salt(of_subject, "subject"));
    assert_eq!(found(0), salt(of_period, "core"));
}

const NAMES: [&str; GROUPS_MAX + 1] =
    ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q"];
const LONGEST: &str = "bcdefghijklmnopqrstuvwxyz0123456";
const TOO_LONG: &str = "abcdefghijklmnopqrstuvwxyz0123456";

#[test]
fn contradictions_are_refused() {
    let keys = keys(1);
    let entropy = SeededEntropy::new(3);
    let of = |groups, keys: &Keys| seal(head(), groups, keys, &entropy).map(|_| ());
    let named = |name| vec![group(name, Custody::Period, "{}")];
    assert_eq!(of(vec![], &keys), Err(SealError::GroupCount));
    let many = |n: usize| NAMES[..n].iter().map(|it| group(it, Custody::Period, "{}")).collect();
    assert_eq!(of(many(GROUPS_MAX), &keys), Ok(()));
    assert_eq!(of(many(GROUPS_MAX + 1), &keys), Err(SealError::GroupCount));
    let twice = || named("a").into_iter().chain(named("a")).collect();
    assert_eq!(of(twice(), &keys), Err(SealError::GroupName));
    assert_eq!(TOO_LONG.len(), GROUP_NAME_BYTES_MAX + 1);
    assert_eq!(of(named(LONGEST), &keys), Ok(()));
    assert_eq!(of(named(TOO_LONG), &keys), Err(SealError::GroupName));
    assert_eq!(of(named("Core"), &keys), Err(SealError::GroupName));
    assert_eq!(of(named(""), &keys), Err(SealError::GroupName));
    let nobody = Keys { subject: None, ..keys.clone() };
    assert_eq!(of(groups(), &nobody), Err(SealError::KeyMissing));
    let timeless = Keys { period: None, ..keys };
    assert_eq!(of(named("core"), &timeless), Err(SealError::KeyMissing));
    assert_eq!(TOO_LONG.len(), CLASS_BYTES_MAX + 1);
    assert!(RetentionClass::new(LONGEST).is_ok());
    assert!(RetentionClass::new(TOO_LONG).is_err());
}

#[test]
fn the_bytes_of_a_record_read_back_whole_or_not_at_all() {
    let record = sealed(&keys(1));
    let bytes = encode(&record);
    assert_eq!(decode(&bytes), Ok(record));
    for n in 0..bytes.len() {
        assert_eq!(decode(&bytes[..n]), Err(CodecError));
    }
    assert_eq!(decode(&[bytes.as_slice(), &[0]].concat()), Err(CodecError));
}

#[test]
fn a_wrapped_key_opens_only_where_it_belongs() {
    let key = Key::mint(&SeededEntropy::new(1));
    let wrapped = key::wrap(&[1; 32], [2; 12], &key, b"owner").unwrap();
    assert_eq!(key::unwrap(&[1; 32], key.kid(), &wrapped, b"owner"), Ok(key.clone()));
    assert_eq!(key::unwrap(&[2; 32], key.kid(), &wrapped, b"owner"), Err(WrapError));
    let kid = Kid::from_bytes([0; 16]);
    assert_eq!(key::unwrap(&[1; 32], kid, &wrapped, b"owner"), Err(WrapError));
    assert_eq!(key::unwrap(&[1; 32], key.kid(), &wrapped, b"other"), Err(WrapError));
    assert_eq!(key::unwrap(&[1; 32], key.kid(), &wrapped[..9], b"owner"), Err(WrapError));
    assert!(!format!("{key:?}").contains(&hex::encode(key.secret())));
}

#[test]
fn a_period_is_a_month_of_one_class_in_utc() {
    let class = RetentionClass::of("decision");
    let of = |text: &str| KeyOwner::period(text.parse().unwrap(), &class);
    assert_eq!(of("2026-01-01T00:00:00Z"), of("2026-01-31T23:59:59.999999Z"));
    assert_ne!(of("2026-01-31T23:59:59.999999Z"), of("2026-02-01T00:00:00Z"));
    assert_ne!(of("2025-01-01T00:00:00Z"), of("2026-01-01T00:00:00Z"));
    let other = KeyOwner::period(now(), &RetentionClass::of("fact"));
    assert_ne!(of("2026-01-05T10:00:00Z"), other);
    assert_ne!(of("2026-01-05T10:00:00Z").label(), other.label());
}
