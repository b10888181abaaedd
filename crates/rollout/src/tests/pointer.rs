//! The chain of moves.

use kernel::{Digest, Instant, StaffId, TenantId};
use proptest::prelude::*;

use crate::pointer::{
    ChainError, DEPLOYMENT_BYTES_MAX, DeploymentId, Move, MoveReason, Pointer, REASON_CHARS_MAX,
    continues, follows,
};

fn pointer(seq: u64, prev: Option<&Pointer>, content: &str) -> Pointer {
    Pointer {
        tenant: TenantId::new("acme").unwrap(),
        deployment: DeploymentId::new("main").unwrap(),
        seq,
        prev: prev.map(|it| it.digest().unwrap()),
        bundle: Digest::of(content.as_bytes()),
        back: None,
        moved: Move::Activated,
        by: StaffId::new("ana").unwrap(),
        reason: MoveReason::new("because").unwrap(),
        at: Instant::from_micros(1_764_000_000_000_000),
    }
}

/// What the chain digests is a promise: these bytes never change.
#[test]
fn a_pointer_has_these_bytes() {
    let mut it = pointer(2, None, "b");
    it.prev = Some(Digest::of(b"a"));
    it.back = Some(1);
    let text = String::from_utf8(kernel::canonical(&it).unwrap()).unwrap();
    let wanted = format!(
        concat!(
            r#"{{"at":"2025-11-24T16:00:00.000000Z","back":1,"bundle":"{}","by":"ana","#,
            r#""deployment":"main","moved":"activated","prev":"{}","reason":"because","#,
            r#""seq":2,"tenant":"acme"}}"#
        ),
        Digest::of(b"b"),
        Digest::of(b"a")
    );
    assert_eq!(text, wanted);
    let bare = String::from_utf8(kernel::canonical(&pointer(1, None, "b")).unwrap()).unwrap();
    assert!(!bare.contains("prev") && !bare.contains("back"));
}

#[test]
fn a_lower_sequence_is_refused_and_an_equal_one_with_other_content() {
    let second = pointer(2, None, "a");
    let lower = pointer(1, None, "a");
    assert_eq!(follows(Some(&second), &lower), Err(ChainError::Lower { current: 2, next: 1 }));
    let other = pointer(2, None, "b");
    assert_eq!(follows(Some(&second), &other), Err(ChainError::Equivocation(2)));
    assert_eq!(follows(Some(&second), &second.clone()), Ok(()));
    assert_eq!(follows(Some(&second), &pointer(9, None, "c")), Ok(()));
    assert_eq!(follows(None, &second), Ok(()));
}

#[test]
fn the_next_move_names_its_predecessor() {
    let first = pointer(1, None, "a");
    let second = pointer(2, Some(&first), "b");
    assert_eq!(continues(None, &first), Ok(()));
    assert_eq!(continues(Some(&first), &second), Ok(()));
    assert_eq!(continues(None, &second), Err(ChainError::Unchained(2)));
    let unnamed = pointer(2, None, "b");
    assert_eq!(continues(Some(&first), &unnamed), Err(ChainError::Unchained(2)));
    let gap = pointer(3, Some(&first), "b");
    assert_eq!(continues(Some(&first), &gap), Err(ChainError::Unchained(3)));
    assert_eq!(continues(Some(&second), &second.clone()), Err(ChainError::Unchained(2)));
}

#[test]
fn reasons_and_deployments_have_limits() {
    assert!(MoveReason::new(&"é".repeat(REASON_CHARS_MAX)).is_ok());
    assert!(MoveReason::new(&"é".repeat(REASON_CHARS_MAX + 1)).is_err());
    for text in ["", "  \n", "e\u{301}"] {
        assert!(MoveReason::new(text).is_err(), "{text:?}");
    }
    assert!(DeploymentId::new(&"a".repeat(DEPLOYMENT_BYTES_MAX)).is_ok());
    assert!(DeploymentId::new(&"a".repeat(DEPLOYMENT_BYTES_MAX + 1)).is_err());
    for it in [Move::Activated, Move::RolledBack] {
        assert_eq!(it.to_string().parse(), Ok(it));
    }
    assert!("moved".parse::<Move>().is_err());
    assert!(DeploymentId::new("").is_err());
    assert!(DeploymentId::new("Main").is_err());
}

proptest! {
    /// A node that takes over only what follows never goes back, whatever reaches it and how often.
    #[test]
    fn the_served_sequence_never_falls(offers in proptest::collection::vec((1_u64..6, 0_u8..3), 0..40)) {
        let mut served: Option<Pointer> = None;
        for (seq, content) in offers {
            let next = pointer(seq, None, &content.to_string());
            let before = served.clone();
            if follows(served.as_ref(), &next).is_ok() {
                served = Some(next);
            }
            if let (Some(before), Some(now)) = (before, &served) {
                prop_assert!(now.seq >= before.seq);
                prop_assert!(now.seq > before.seq || *now == before);
            }
        }
    }
}
