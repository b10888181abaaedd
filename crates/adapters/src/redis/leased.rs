//! What a whole tenant shares, kept in each process for a lease: nothing on the wire, and a change
//! is acknowledged once every copy from before it has run out.

use std::{hash::Hash, time::Duration};

use quick_cache::sync::Cache;
use tokio::time::Instant;

use crate::activation::{Generations, Stamp};

/// Values that may be gone by until a lease after their reading began.
pub(super) struct Leased<K, V> {
    kept: Cache<K, (V, Instant, Option<Stamp>)>,
    generations: Option<Generations>,
    lease: Duration,
}

impl<K: Eq + Hash + Clone + Send + Sync, V: Clone + Send + Sync> Leased<K, V> {
    pub(super) fn new(entries: usize, lease: Duration) -> Self {
        Self { kept: Cache::new(entries), generations: None, lease }
    }

    /// What this process itself raises is read again at once.
    pub(super) fn watching(self, generations: Generations) -> Self {
        Self { generations: Some(generations), ..self }
    }

    /// What this process itself raises, if it is watched.
    pub(super) const fn generations(&self) -> Option<&Generations> {
        self.generations.as_ref()
    }

    fn stamp(&self, key: &K) -> Option<Stamp> {
        self.generations.as_ref().map(|it| it.stamp([key]))
    }

    /// The value of a key, read again if its lease is over.
    pub(super) async fn get<E: Send>(
        &self,
        key: &K,
        read: impl Future<Output = Result<V, E>> + Send,
    ) -> Result<V, E> {
        if let Some((value, until, stamp)) = self.kept.get(key)
            && Instant::now() < until
            && stamp == self.stamp(key)
        {
            return Ok(value);
        }
        let (began, stamp) = (Instant::now(), self.stamp(key));
        let value = read.await?;
        self.kept.insert(key.clone(), (value.clone(), began + self.lease, stamp));
        Ok(value)
    }
}
