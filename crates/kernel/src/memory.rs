//! The reference implementation of the feed, with outages that can be switched on; of leases and of
//! hints.

mod hint;
mod lease;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;

pub use hint::MemoryHints;
pub use lease::MemoryLeases;

use crate::{Fact, FactFeed, Fault, Limit, Positioned};

/// Facts in memory; memory ports of every domain push their transitions' facts here.
#[derive(Debug, Default)]
pub struct MemoryFeed {
    state: Mutex<State>,
    outage: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    facts: Vec<Fact>,
    done: BTreeMap<String, u64>,
}

impl MemoryFeed {
    /// Keeps facts, in order.
    pub fn push(&self, facts: &[Fact]) {
        self.locked(|it| it.facts.extend_from_slice(facts));
    }

    /// Every fact so far, in order.
    pub fn facts(&self) -> Vec<Fact> {
        self.locked(|it| it.facts.clone())
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }

    fn locked<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn available(&self) -> Result<(), Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry("reading the feed"));
        }
        Ok(())
    }
}

#[async_trait]
impl FactFeed for MemoryFeed {
    async fn take(&self, consumer: &str, limit: Limit) -> Result<Vec<Positioned>, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let after = it.done.get(consumer).copied().unwrap_or(0);
            (1_u64..)
                .zip(&it.facts)
                .filter(|(position, _)| *position > after)
                .take(usize::from(limit.get()))
                .map(|(position, fact)| Positioned { position, fact: fact.clone() })
                .collect()
        }))
    }

    async fn done(&self, consumer: &str, through: u64) -> Result<(), Fault> {
        self.available()?;
        self.locked(|it| {
            let at = it.done.entry(consumer.to_owned()).or_default();
            *at = through.max(*at);
        });
        Ok(())
    }

    async fn lag(&self, consumers: &[&str]) -> Result<u64, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let done = |consumer: &&str| it.done.get(*consumer).copied().unwrap_or(0);
            let written = u64::try_from(it.facts.len()).unwrap_or(u64::MAX);
            consumers.iter().map(done).min().map_or(0, |after| written.saturating_sub(after))
        }))
    }
}
