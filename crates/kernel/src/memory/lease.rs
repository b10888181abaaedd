//! Leases in memory, by a clock of the test's.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use chrono::TimeDelta;
use uuid::Uuid;

use crate::{Clock, Fault, Instant, LeaseBook, Taken};

/// [`LeaseBook`] in memory.
#[derive(Debug)]
pub struct MemoryLeases {
    clock: Arc<dyn Clock>,
    held: Mutex<BTreeMap<String, (Uuid, Instant)>>,
}

impl MemoryLeases {
    /// No lease is held.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, held: Mutex::default() }
    }
}

#[async_trait]
impl LeaseBook for MemoryLeases {
    async fn take(&self, name: &str, holder: Uuid, lasts: TimeDelta) -> Result<Taken, Fault> {
        let now = self.clock.now();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((whose, until)) = held.get(name)
            && *whose != holder
            && *until > now
        {
            return Ok(Taken::Others(until.since(now)));
        }
        held.insert(name.to_owned(), (holder, now.plus(lasts)));
        Ok(Taken::Mine)
    }

    async fn give_back(&self, name: &str, holder: Uuid) -> Result<(), Fault> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.get(name).is_some_and(|it| it.0 == holder) {
            held.remove(name);
        }
        Ok(())
    }
}
