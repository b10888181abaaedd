//! Bucketing version 1, frozen: who falls where in a ramp, a holdout or an experiment.

use std::{fmt, hash::Hasher};

use siphasher::sip::SipHasher24;
use unicode_normalization::UnicodeNormalization;

/// A tenant's secret bucketing key, so that nobody outside computes an arm from an id.
#[derive(Clone, Copy)]
pub struct BucketKey([u8; 16]);

impl BucketKey {
    /// The key with these bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for BucketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BucketKey(..)")
    }
}

/// The bucket of a unit, 0 to 999,999: SipHash-2-4 of the zero-separated names, scaled.
///
/// `layer`, `seed` and `unit_type` are `[a-z0-9:._-]{1,64}`; `unit_id` is normalised to NFC.
pub fn bucket(key: &BucketKey, layer: &str, seed: &str, unit_type: &str, unit_id: &str) -> u32 {
    scale(hash(key, layer, seed, unit_type, unit_id))
}

/// The 64 bits behind [`bucket`].
pub fn hash(key: &BucketKey, layer: &str, seed: &str, unit_type: &str, unit_id: &str) -> u64 {
    let mut hasher = SipHasher24::new_with_key(&key.0);
    for part in ["v1", layer, seed, unit_type] {
        hasher.write(part.as_bytes());
        hasher.write(&[0]);
    }
    if unit_id.is_ascii() {
        hasher.write(unit_id.as_bytes());
    } else {
        hasher.write(unit_id.nfc().collect::<String>().as_bytes());
    }
    hasher.finish()
}

fn scale(hash: u64) -> u32 {
    u32::try_from((u128::from(hash) * 1_000_000) >> 64).unwrap_or(999_999)
}
