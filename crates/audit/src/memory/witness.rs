//! Witnesses in memory: what one remembers, and one that is asked without a network.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use kernel::Fault;

use crate::{
    note::{Checkpoint, Origin},
    ports::{Witness, WitnessStore, Witnessed},
    service::{CosignError, WitnessService},
    witness::{AddCheckpoint, Refusal},
};

/// The heads a witness cosigned last, in memory.
#[derive(Debug, Default)]
pub struct MemoryWitnessStore {
    heads: Mutex<BTreeMap<Origin, Checkpoint>>,
    outage: AtomicBool,
}

impl MemoryWitnessStore {
    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }

    fn with<T>(&self, f: impl FnOnce(&mut BTreeMap<Origin, Checkpoint>) -> T) -> Result<T, Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry("asking what a witness remembers"));
        }
        Ok(f(&mut self.heads.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[async_trait]
impl WitnessStore for MemoryWitnessStore {
    async fn latest(&self, log: &Origin) -> Result<Option<Checkpoint>, Fault> {
        self.with(|it| it.get(log).cloned())
    }

    async fn advance(
        &self,
        before: Option<&Checkpoint>,
        after: &Checkpoint,
    ) -> Result<bool, Fault> {
        self.with(|it| {
            let is_last = it.get(&after.origin) == before;
            if is_last {
                it.insert(after.origin.clone(), after.clone());
            }
            is_last
        })
    }
}

/// A witness that is asked in process.
#[derive(Debug)]
pub struct MemoryWitness {
    service: WitnessService,
    outage: AtomicBool,
}

impl MemoryWitness {
    /// This witness.
    pub const fn new(service: WitnessService) -> Self {
        Self { service, outage: AtomicBool::new(false) }
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }
}

#[async_trait]
impl Witness for MemoryWitness {
    async fn add_checkpoint(&self, request: &AddCheckpoint) -> Result<Witnessed, Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry("asking a witness"));
        }
        match self.service.cosign(&request.to_text()).await {
            Ok(line) => Ok(Witnessed::Cosigned(line)),
            Err(CosignError::Refused(Refusal::Conflict(size))) => Ok(Witnessed::At(size)),
            Err(CosignError::Refused(_)) => Ok(Witnessed::Refused),
            Err(CosignError::Fault(fault)) => Err(fault),
        }
    }
}
