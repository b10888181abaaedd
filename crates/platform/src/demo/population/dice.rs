//! Dice keyed by what they decide: no throw depends on how many came before it.

use kernel::{EventId, Instant, SeededEntropy};

/// A sequence of throws for one question about one thing.
#[derive(Debug)]
pub struct Dice(SeededEntropy);

impl Dice {
    /// The dice for a question about a thing.
    pub fn of(seed: u64, question: &str, thing: &str) -> Self {
        // FNV-1a over both texts, with a byte that occurs in neither between them.
        let bytes = question.bytes().chain([0xff]).chain(thing.bytes());
        let key = bytes.fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash: u64, it| {
            (hash ^ u64::from(it)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(SeededEntropy::new(key))
    }

    /// The dice for a question about the thing with this number.
    pub fn about(seed: u64, question: &str, number: u32) -> Self {
        Self::of(seed, question, &number.to_string())
    }

    /// A number below the bound; 0 for a bound of 0.
    pub fn below(&self, bound: u16) -> u16 {
        let thrown = self.0.next_u64() >> 16;
        u16::try_from(thrown % u64::from(bound.max(1))).unwrap_or(0)
    }

    /// A number from one to the other, both included.
    pub fn between(&self, from: u16, to: u16) -> u16 {
        from + self.below(to.saturating_sub(from).saturating_add(1))
    }

    /// True so many times in a thousand.
    pub fn in_thousand(&self, times: u16) -> bool {
        self.below(1_000) < times
    }

    /// One of these; the default for none.
    pub fn pick<T: Copy + Default>(&self, from: &[T]) -> T {
        let bound = u16::try_from(from.len()).unwrap_or(u16::MAX);
        from.get(usize::from(self.below(bound))).copied().unwrap_or_default()
    }

    /// One of these by weight.
    pub fn weighted<'a, T>(&self, from: &'a [(T, u16)]) -> Option<&'a T> {
        let mut thrown = self.below(from.iter().map(|(_, weight)| weight).sum());
        from.iter()
            .find(|(_, weight)| {
                let is_it = thrown < *weight;
                thrown = thrown.saturating_sub(*weight);
                is_it
            })
            .map(|(it, _)| it)
    }

    /// A `UUIDv7` of the instant.
    pub fn uuid(&self, at: Instant) -> String {
        EventId::mint(at, &self.0).uuid().to_string()
    }
}
