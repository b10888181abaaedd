//! Proofs while the log grows.

use std::sync::{Arc, Mutex, OnceLock, Weak};

use async_trait::async_trait;
use kernel::{Fault, ManualClock, SeededEntropy, TenantId, memory::MemoryFeed};

use super::{acme, now, record, submission, verify};
use crate::{
    contract,
    entry::{Leaf, Submission},
    memory::{MemoryKeyring, MemoryLog, MemorySigner},
    note::Origin,
    ports::{CommitError, Committed, Head, Journal},
    sequence::Batch,
    service::{AppendService, Disclose, ProveService, Trail, TrailPorts},
    verify::Exit,
};

/// A journal in which others append while the next leaves are on their way.
#[derive(Debug)]
struct Overtaken {
    inner: Arc<MemoryLog>,
    trail: OnceLock<Weak<Trail>>,
    others: Mutex<Vec<Submission>>,
}

#[async_trait]
impl Journal for Overtaken {
    async fn take_over(&self, tenant: &TenantId, origin: &Origin) -> Result<Head, Fault> {
        self.inner.take_over(tenant, origin).await
    }

    async fn head(&self, tenant: &TenantId) -> Result<Option<Head>, Fault> {
        self.inner.head(tenant).await
    }

    async fn commit(&self, batch: &Batch) -> Result<Committed, CommitError> {
        self.inner.commit(batch).await
    }

    async fn leaves(&self, tenant: &TenantId, from: u64, limit: usize) -> Result<Vec<Leaf>, Fault> {
        let read = self.inner.leaves(tenant, from, limit).await;
        let others = std::mem::take(&mut *self.others.lock().unwrap());
        if !others.is_empty() {
            let trail = self.trail.get().and_then(Weak::upgrade).unwrap();
            AppendService::new(trail).append_all(others).await.unwrap();
        }
        read
    }
}

#[tokio::test]
async fn a_block_finished_while_it_is_read_is_proven_all_the_same() {
    let feed = Arc::new(MemoryFeed::default());
    let log = Arc::new(MemoryLog::new(feed, contract::judged));
    let (trail, others) = (OnceLock::new(), Mutex::default());
    let journal = Arc::new(Overtaken { inner: log.clone(), trail, others });
    let ports = TrailPorts {
        journal: journal.clone(),
        records: log,
        keyring: Arc::new(MemoryKeyring::default()),
        signer: Arc::new(MemorySigner::new([1; 32])),
    };
    let (clock, entropy) = (ManualClock::at(now()), SeededEntropy::new(7));
    let trail = Arc::new(Trail::new(ports, "example.org", Arc::new(clock), Arc::new(entropy)));
    journal.trail.set(Arc::downgrade(&trail)).unwrap();
    let (append, prove) = (AppendService::new(trail.clone()), ProveService::new(trail));
    append.append_all((0..200).map(submission).collect()).await.unwrap();
    let key = prove.verifier_key(&acme()).await.unwrap();
    *journal.others.lock().unwrap() = (200..300).map(submission).collect();
    let receipt = prove.receipt(&acme(), record(7), Disclose::All).await.unwrap();
    let bytes = receipt.expect("it was acknowledged").to_bytes().unwrap();
    let report = verify(&bytes, Some(&key));
    assert_eq!((report.exit, report.size), (Exit::Unwitnessed, Some(300)));
    *journal.others.lock().unwrap() = (300..600).map(submission).collect();
    let consistency = prove.consistency(&acme(), 290).await.unwrap();
    assert_eq!(consistency.map(|(_, head)| head.checkpoint.size), Some(600));
}
