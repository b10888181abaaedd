//! Notes and checkpoints are read strictly and verified strictly.

use std::fmt::Write as _;

use ed25519_dalek::{Signer as _, SigningKey};

use super::{acme, now};
use crate::{
    note::{
        Checkpoint, NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, NoteError, ORIGIN_BYTES_MAX, Origin,
        SignedCheckpoint, VerifierKey,
    },
    tree::{Hash, leaf_hash},
};

fn checkpoint() -> Checkpoint {
    let origin = Origin::of("example.org", &acme(), now()).unwrap();
    Checkpoint { origin, size: 42, root: leaf_hash(b"root") }
}

fn signed(seed: u8) -> (String, VerifierKey) {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let checkpoint = checkpoint();
    let signature = key.sign(checkpoint.body().as_bytes()).to_bytes();
    let public = key.verifying_key().to_bytes();
    (checkpoint.signed(public, &signature), VerifierKey::new(checkpoint.origin, public))
}

#[test]
fn a_checkpoint_is_three_lines_and_a_signature() {
    let (note, key) = signed(1);
    let lines: Vec<_> = note.split('\n').collect();
    assert_eq!(lines[..2], ["audit.example.org/acme/2026h1", "42"]);
    assert_eq!(lines[3], "");
    assert!(lines[4].starts_with("\u{2014} audit.example.org/acme/2026h1 "));
    assert_eq!(lines[5..], [""]);
    let read = SignedCheckpoint::parse(&note).unwrap();
    assert_eq!(read.checkpoint(), &checkpoint());
    assert_eq!(read.verify(&key), Ok(()));
}

#[test]
fn a_verifier_key_reads_back_and_its_hash_is_checked() {
    let (_, key) = signed(1);
    let text = key.to_string();
    assert_eq!(text.parse(), Ok(key));
    let wrong = text.replacen('+', "+0", 1);
    assert_eq!(wrong.parse::<VerifierKey>(), Err(NoteError::Malformed));
    for junk in ["", "a", "a+b", "a+b+c", "audit.example.org+00000000+AQ=="] {
        assert_eq!(junk.parse::<VerifierKey>(), Err(NoteError::Malformed), "{junk}");
    }
}

/// The vkey of the signed-note specification hashes name, newline, type and key.
#[test]
fn a_published_verifier_key_is_read() {
    let text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    let key: VerifierKey = text.parse().unwrap();
    assert_eq!(key.to_string(), text);
    assert_eq!(key.name().as_str(), "sum.golang.org");
}

#[test]
fn only_the_trusted_key_counts() {
    let (note, _) = signed(1);
    let (_, other) = signed(2);
    let note = SignedCheckpoint::parse(&note).unwrap();
    assert_eq!(note.verify(&other), Err(NoteError::UnknownKey));
}

#[test]
fn one_bad_signature_of_a_known_key_refuses_the_note() {
    let (note, key) = signed(1);
    let forged = SigningKey::from_bytes(&[1; 32]).sign(b"another body").to_bytes();
    let public = SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes();
    let forged = checkpoint().signed(public, &forged);
    let line = forged.split("\n\n").nth(1).unwrap();
    let read = SignedCheckpoint::parse(&format!("{note}{line}")).unwrap();
    assert_eq!(read.verify(&key), Err(NoteError::BadSignature));
}

#[test]
fn foreign_signatures_are_carried_up_to_the_limit() {
    let (note, key) = signed(1);
    let with = |n| {
        let mut note = note.clone();
        (0..n).for_each(|it| writeln!(note, "\u{2014} witness{it} AAAAAAA=").unwrap());
        SignedCheckpoint::parse(&note)
    };
    assert_eq!(with(NOTE_SIGNATURES_MAX - 1).unwrap().verify(&key), Ok(()));
    assert_eq!(with(NOTE_SIGNATURES_MAX), Err(NoteError::Malformed));
}

#[test]
fn a_note_is_read_up_to_its_longest() {
    let (note, key) = signed(1);
    let of = |n_bytes: usize| {
        let name = "w".repeat(n_bytes - note.len() - "\u{2014}  AAAAAAA=\n".len());
        let note = format!("{note}\u{2014} {name} AAAAAAA=\n");
        assert_eq!(note.len(), n_bytes);
        SignedCheckpoint::parse(&note)
    };
    assert_eq!(of(NOTE_BYTES_MAX).unwrap().verify(&key), Ok(()));
    assert_eq!(of(NOTE_BYTES_MAX + 1), Err(NoteError::Malformed));
}

#[test]
fn malformed_notes_are_refused() {
    let (note, _) = signed(1);
    let swap = |from: &str, to: &str| note.replacen(from, to, 1);
    let cases = [
        String::new(),
        swap("\n42\n", "\n042\n"),
        swap("\n42\n", "\n+42\n"),
        swap("\n42\n", "\n42\r\n"),
        swap("\n42\n", "\n42\nextra\n"),
        swap("\n42\n", "\n"),
        swap("audit", "Audit"),
        swap("\n\n", "\n"),
        swap("\u{2014}", "-"),
        note.trim_end().to_owned(),
        format!("{note}\n"),
    ];
    for case in cases {
        assert_eq!(SignedCheckpoint::parse(&case), Err(NoteError::Malformed), "{case:?}");
    }
}

#[test]
fn an_origin_names_operator_tenant_and_half_year() {
    let july = "2026-07-01T00:00:00Z".parse().unwrap();
    let of = |at| Origin::of("example.org", &acme(), at).unwrap().to_string();
    assert_eq!(of(now()), "audit.example.org/acme/2026h1");
    assert_eq!(of(july), "audit.example.org/acme/2026h2");
    let long = "a".repeat(ORIGIN_BYTES_MAX);
    assert!(Origin::new(&long).is_ok());
    assert!(Origin::new(&format!("{long}a")).is_err());
    assert!(Origin::new("").is_err());
    assert!(Origin::new("a+b").is_err());
}

#[test]
fn a_hash_prints_in_hexadecimal() {
    assert_eq!(Hash::from_bytes([0xab; 32]).to_string(), "ab".repeat(32));
}
