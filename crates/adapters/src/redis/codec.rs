//! Payloads: a version, a seal, postcard. What is not exactly that is a miss.

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use super::tag::Tag;

/// Raised when any payload changes its shape; another version is a miss.
const VERSION: u8 = 2;
/// How much of the SHA-256 over place and payload is kept.
const SEAL_BYTES: usize = 8;
/// The longest payload; anything longer is read from the system of record each time.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1_024;

/// The bytes of a value at its place; none if they are too many.
pub(super) fn encode<T: Serialize>(tag: &Tag, field: &str, value: &T) -> Option<Vec<u8>> {
    let payload = postcard::to_allocvec(value)
        .inspect_err(|it| tracing::error!(error = %it, field, "a value has no payload"))
        .ok()?;
    if payload.len() > PAYLOAD_BYTES_MAX {
        return None;
    }
    let mut bytes = Vec::with_capacity(1 + SEAL_BYTES + payload.len());
    bytes.push(VERSION);
    bytes.extend(seal(tag, field, &payload));
    bytes.extend(payload);
    Some(bytes)
}

/// The value of these bytes, if they were written by this version for this place and whole.
pub(super) fn decode<T: DeserializeOwned>(tag: &Tag, field: &str, bytes: &[u8]) -> Option<T> {
    let rest = bytes.strip_prefix(&[VERSION])?;
    let (found, payload) = rest.split_at_checked(SEAL_BYTES)?;
    if found != seal(tag, field, payload) {
        return None;
    }
    let (value, rest) = postcard::take_from_bytes(payload).ok()?;
    rest.is_empty().then_some(value)
}

fn seal(tag: &Tag, field: &str, payload: &[u8]) -> [u8; SEAL_BYTES] {
    let mut digest = Sha256::new();
    for part in [&[VERSION], tag.as_str().as_bytes(), &[0], field.as_bytes(), &[0], payload] {
        digest.update(part);
    }
    let mut out = [0; SEAL_BYTES];
    out.iter_mut().zip(digest.finalize()).for_each(|(to, from)| *to = from);
    out
}

#[cfg(test)]
mod tests {
    use kernel::{NodeId, TenantId};
    use uuid::Uuid;

    use super::*;

    fn tag(uuid: u128) -> Tag {
        Tag::of_node(&TenantId::new("acme").unwrap(), NodeId::from_uuid(Uuid::from_u128(uuid)))
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = encode(&tag(1), "s", &("yes", 7_u64)).unwrap();
        assert_eq!(decode(&tag(1), "s", &bytes), Some(("yes".to_owned(), 7_u64)));
    }

    #[test]
    fn any_changed_added_or_missing_byte_is_a_miss() {
        let bytes = encode(&tag(1), "s", &("yes", 7_u64)).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert_eq!(decode::<(String, u64)>(&tag(1), "s", &changed), None);
            }
            assert_eq!(decode::<(String, u64)>(&tag(1), "s", &bytes[..at]), None);
        }
        let longer = [bytes, vec![0]].concat();
        assert_eq!(decode::<(String, u64)>(&tag(1), "s", &longer), None);
    }

    #[test]
    fn an_unknown_version_is_a_miss() {
        let mut bytes = encode(&tag(1), "s", &7_u64).unwrap();
        bytes[0] = VERSION + 1;
        assert_eq!(decode::<u64>(&tag(1), "s", &bytes), None);
    }

    #[test]
    fn a_value_is_of_its_place_and_no_other() {
        let bytes = encode(&tag(1), "s", &7_u64).unwrap();
        assert_eq!(decode::<u64>(&tag(2), "s", &bytes), None);
        assert_eq!(decode::<u64>(&tag(1), "p", &bytes), None);
    }

    #[test]
    fn a_payload_past_the_limit_is_not_kept() {
        let head = postcard::to_allocvec(&PAYLOAD_BYTES_MAX).unwrap().len();
        let longest = "x".repeat(PAYLOAD_BYTES_MAX - head);
        assert!(encode(&tag(1), "v", &longest).is_some());
        assert!(encode(&tag(1), "v", &format!("{longest}x")).is_none());
    }
}
