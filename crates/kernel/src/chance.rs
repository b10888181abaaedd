//! Chance as an input.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

/// Where random bytes come from: ids, tokens, salts.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills the buffer with unpredictable bytes (predictable ones in tests and the demo).
    fn fill(&self, buffer: &mut [u8]);
}

/// Chance that replays: the same seed gives the same bytes in the same order (`SplitMix64`).
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl SeededEntropy {
    /// The sequence of this seed, from its beginning.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next 64 bits.
    pub fn next_u64(&self) -> u64 {
        let mut z = self.0.fetch_add(GOLDEN_GAMMA, Ordering::SeqCst).wrapping_add(GOLDEN_GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let bytes = self.next_u64().to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(bytes) {
                *to = from;
            }
        }
    }
}
