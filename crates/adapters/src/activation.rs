//! The activation layer in process: what decisions read, kept close, never trusted to permit.
//!
//! An entry carries the generations of everything it was read from, taken *before* the read. A
//! change raises the generations of what it touches before it commits and again after; so a fill
//! that began before either cannot be served after it. Nothing is stamped with the time of filling,
//! and nothing here is ever asked by the send gate.

use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use quick_cache::sync::Cache;

mod board;
mod choices;
mod contacts;
mod fields;
mod people;
mod policy;
pub(crate) mod touched;

pub use board::{BOARDS_MAX, CachedBoard, RaisingEventLog};
pub use choices::{CachedSnapshots, RaisingLedger, SNAPSHOTS_MAX};
pub use contacts::{CachedContacts, HISTORIES_MAX, Histories, RaisingGate, RaisingJournal};
pub use fields::{CachedContext, VIEWS_MAX};
pub use people::{CachedDirectory, NODES_MAX, PERSONS_MAX, RaisingAssertionLog};
pub use policy::{CachedPolicyHead, POLICIES_MAX, RaisingReleaseLedger};

/// How many generation counters there are; two keys that share one only miss more often.
const STRIPES: usize = 1 << 18;
/// How often a write raises each of its keys: before it commits and again after.
const RAISES: u64 = 2;
/// Set for good on a counter whose change was abandoned half-way: nobody knows when it commits.
const CLOSED: u64 = 1 << 63;

/// Counters that rise when what they stand for may have changed.
#[derive(Clone)]
pub struct Generations {
    stripes: Arc<[AtomicU64]>,
    hasher: RandomState,
}

impl fmt::Debug for Generations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Generations")
    }
}

impl Default for Generations {
    fn default() -> Self {
        Self {
            stripes: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }
}

/// The generations of a set of keys at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp(Vec<(usize, u64)>);

impl Generations {
    fn stripe<K: Hash>(&self, key: &K) -> usize {
        usize::try_from(self.hasher.hash_one(key) % STRIPES as u64).unwrap_or(0)
    }

    fn at(&self, stripe: usize) -> u64 {
        self.stripes.get(stripe).map_or(u64::MAX, |it| it.load(Ordering::SeqCst))
    }

    /// The generations of these keys now; take it before reading what depends on them.
    pub fn stamp<K: Hash>(&self, keys: impl IntoIterator<Item = K>) -> Stamp {
        Stamp(keys.into_iter().map(|it| self.stripe(&it)).map(|it| (it, self.at(it))).collect())
    }

    /// What depends on these keys may have changed: before the commit and again after it.
    pub fn raise<K: Hash>(&self, keys: impl IntoIterator<Item = K>) {
        for key in keys {
            if let Some(it) = self.stripes.get(self.stripe(&key)) {
                it.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// Whether nothing has been raised since the stamp, nor closed.
    pub fn holds(&self, stamp: &Stamp) -> bool {
        stamp.0.iter().all(|(stripe, at)| at & CLOSED == 0 && self.at(*stripe) == *at)
    }

    /// The stamp as it is when since it was taken only one write has been made, of these keys.
    fn past<K: Hash>(&self, stamp: &Stamp, keys: &[K]) -> Stamp {
        let written: Vec<_> = keys.iter().map(|it| self.stripe(it)).collect();
        let moved =
            |stripe| written.iter().map(|it| u64::from(*it == stripe) * RAISES).sum::<u64>();
        Stamp(stamp.0.iter().map(|&(stripe, at)| (stripe, at + moved(stripe))).collect())
    }

    /// What depends on these keys is never kept again in this process.
    pub fn close<K: Hash>(&self, keys: impl IntoIterator<Item = K>) {
        for key in keys {
            if let Some(it) = self.stripes.get(self.stripe(&key)) {
                it.fetch_or(CLOSED, Ordering::SeqCst);
            }
        }
    }
}

/// Values with the stamps they were read under.
pub struct Activated<K, V> {
    entries: Cache<K, (V, Stamp)>,
    generations: Generations,
}

impl<K, V> fmt::Debug for Activated<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Activated")
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Activated<K, V> {
    /// At most `entries` values over these generations, and what dividing them evenly among shards
    /// adds; past that, what was used least goes.
    pub fn new(entries: usize, generations: Generations) -> Self {
        Self { entries: Cache::new(entries), generations }
    }

    /// The value, if nothing it was read from has moved.
    pub fn get(&self, key: &K) -> Option<V> {
        let (value, stamp) = self.entries.get(key)?;
        if self.generations.holds(&stamp) {
            Some(value)
        } else {
            self.entries.remove(key);
            None
        }
    }

    /// The value with its stamp, if nothing it was read from has moved: to be carried past a write.
    pub(crate) fn before(&self, key: &K) -> Option<(V, Stamp)> {
        self.entries.get(key).filter(|(_, stamp)| self.generations.holds(stamp))
    }

    /// Keeps what a value from [`Self::before`] has become by one write of these keys that
    /// committed, unless something else has moved since.
    pub(crate) fn carry<T: Hash>(&self, key: K, value: V, before: &Stamp, written: &[T]) {
        self.fill(key, value, self.generations.past(before, written));
    }

    /// Keeps a value read after the stamp was taken, unless something has moved since.
    pub fn fill(&self, key: K, value: V, stamp: Stamp) {
        if self.generations.holds(&stamp) {
            self.entries.insert(key, (value, stamp));
        }
    }

    /// The counters this layer watches.
    pub const fn generations(&self) -> &Generations {
        &self.generations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many values, filled one after another, are kept.
    fn kept(entries: usize, values: usize) -> usize {
        let layer = Activated::new(entries, Generations::default());
        for key in 0..values {
            layer.fill(key, (), layer.generations().stamp([key]));
        }
        (0..values).filter(|key| layer.get(key).is_some()).count()
    }

    #[test]
    fn as_many_are_kept_as_the_limit_says_and_one_more_drives_one_out() {
        for entries in [1, 16, 31] {
            assert_eq!(kept(entries, entries), entries);
            assert_eq!(kept(entries, entries + 1), entries);
            assert_eq!(kept(entries, 3 * entries), entries);
        }
    }

    #[test]
    fn no_cache_outgrows_its_limit() {
        // At most one a shard more, and shards hold at least 32.
        let bound = |limit: usize| limit..=limit + limit / 32;
        assert!(kept(BOARDS_MAX, 2 * BOARDS_MAX) <= *bound(BOARDS_MAX).end());
        for (name, limit) in [
            ("boards", BOARDS_MAX),
            ("histories", HISTORIES_MAX),
            ("nodes", NODES_MAX),
            ("persons", PERSONS_MAX),
            ("policies", POLICIES_MAX),
            ("snapshots", SNAPSHOTS_MAX),
            ("views", VIEWS_MAX),
        ] {
            let layer: Activated<usize, ()> = Activated::new(limit, Generations::default());
            let capacity = usize::try_from(layer.entries.capacity()).unwrap();
            assert!(bound(limit).contains(&capacity), "{name}: {capacity}");
        }
    }

    fn layer() -> Activated<&'static str, u32> {
        Activated::new(16, Generations::default())
    }

    #[test]
    fn a_value_is_served_until_something_it_rests_on_is_raised() {
        let layer = layer();
        let stamp = layer.generations().stamp(["a", "b"]);
        layer.fill("k", 1, stamp);
        assert_eq!(layer.get(&"k"), Some(1));
        layer.generations().raise(["b"]);
        assert_eq!(layer.get(&"k"), None);
    }

    #[test]
    fn a_value_is_carried_past_one_write_and_no_other() {
        let layer = layer();
        let written = ["a", "a", "c"];
        for others in [0, 1] {
            layer.fill("k", 1, layer.generations().stamp(["a", "b"]));
            let (value, stamp) = layer.before(&"k").unwrap();
            layer.generations().raise(written);
            assert_eq!(layer.before(&"k"), None);
            for _ in 0..others {
                layer.generations().raise(["b"]);
            }
            layer.generations().raise(written);
            layer.carry("k", value + 1, &stamp, &written);
            assert_eq!(layer.get(&"k"), (others == 0).then_some(2));
        }
    }

    #[test]
    fn a_late_fill_loses() {
        let layer = layer();
        let stamp = layer.generations().stamp(["a"]);
        layer.generations().raise(["a"]);
        layer.fill("k", 1, stamp);
        assert_eq!(layer.get(&"k"), None);
    }

    #[test]
    fn a_fill_between_the_two_raises_of_a_change_is_void_after_the_second() {
        let layer = layer();
        layer.generations().raise(["a"]);
        let stamp = layer.generations().stamp(["a"]);
        layer.fill("k", 1, stamp);
        layer.generations().raise(["a"]);
        assert_eq!(layer.get(&"k"), None);
    }
}
