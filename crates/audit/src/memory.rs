//! The reference implementations, with outages that can be switched on.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use ed25519_dalek::{Signer as _, SigningKey};
use kernel::{Digest, Fault, Limit, Reason, TenantId, memory::MemoryFeed};

use crate::{
    entry::{Companion, EntryKind, Leaf},
    key::{Key, KeyOwner, Kid},
    note::Origin,
    ports::{
        CommitError, Committed, Drop, Dropped, Head, Journal, Keyring, Records, Signer, Stored,
    },
    seal,
    sequence::{Batch, Prepared, Token},
    tree,
};

mod witness;

pub use witness::{MemoryWitness, MemoryWitnessStore};

/// Judges a companion: `None` applies it.
pub type Companions = fn(&Companion) -> Option<Reason>;

/// Logs and records in memory.
pub struct MemoryLog {
    logs: Mutex<BTreeMap<TenantId, Log>>,
    feed: Arc<MemoryFeed>,
    companions: Companions,
    applied: Mutex<Vec<Companion>>,
    outage: AtomicBool,
}

struct Log {
    head: Head,
    items: Vec<Arc<Prepared>>,
    slots: BTreeMap<[u8; 20], (u64, Digest)>,
}

impl fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLog").finish_non_exhaustive()
    }
}

impl MemoryLog {
    /// Empty logs that push their facts to this feed and ask this rule about companions.
    pub fn new(feed: Arc<MemoryFeed>, companions: Companions) -> Self {
        Self {
            logs: Mutex::default(),
            feed,
            companions,
            applied: Mutex::default(),
            outage: AtomicBool::new(false),
        }
    }

    /// The companions applied so far.
    pub fn applied(&self) -> Vec<Companion> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }

    /// Replaces a stored leaf, as a disk or an intruder would.
    pub fn corrupt(&self, tenant: &TenantId, index: usize) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(item) = logs.get_mut(tenant).and_then(|it| it.items.get_mut(index)) {
            let item = Arc::make_mut(item);
            let mut bytes = *item.leaf.as_bytes();
            bytes.iter_mut().rev().take(1).for_each(|it| *it ^= 1);
            item.leaf = Leaf::from_bytes(bytes);
        }
    }

    fn locked<T>(
        &self,
        what: &'static str,
        f: impl FnOnce(&mut BTreeMap<TenantId, Log>) -> T,
    ) -> Result<T, Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry(what));
        }
        Ok(f(&mut self.logs.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn read<T>(
        &self,
        tenant: &TenantId,
        f: impl Fn(u64, &Prepared) -> Option<T>,
    ) -> Result<Vec<T>, Fault> {
        self.locked("reading the log", |it| {
            let items = it.get(tenant).map(|it| it.items.as_slice()).unwrap_or_default();
            (0..).zip(items).filter_map(|(index, it)| f(index, it)).collect()
        })
    }

    fn keep(&self, log: &mut Log, batch: &Batch) -> Committed {
        let drop_of = |item: &Arc<Prepared>| -> Option<Drop> {
            if let Some((index, fingerprint)) = log.slots.get(&item.slot) {
                return Some(Drop::Known { index: *index, fingerprint: *fingerprint });
            }
            item.companion.as_ref().and_then(self.companions).map(Drop::Vetoed)
        };
        let drops = batch.items.iter().map(drop_of).enumerate();
        let dropped: Vec<_> =
            drops.filter_map(|(item, why)| Some(Dropped { item, why: why? })).collect();
        let kept = batch.without(&dropped);
        log.head = kept.head(&log.head);
        for (index, item) in (kept.first()..).zip(&kept.items) {
            log.slots.insert(item.slot, (index, item.fingerprint));
            self.feed.push(&item.facts);
            let mut applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
            applied.extend(item.companion.clone());
        }
        log.items.extend(kept.items);
        Committed { head: log.head.clone(), dropped }
    }
}

#[async_trait]
impl Journal for MemoryLog {
    async fn take_over(&self, tenant: &TenantId, origin: &Origin) -> Result<Head, Fault> {
        self.locked("taking over the log", |logs| {
            let log = logs.entry(tenant.clone()).or_insert_with(|| Log {
                head: Head { origin: origin.clone(), epoch: 0, size: 0, root: tree::empty_root() },
                items: Vec::new(),
                slots: BTreeMap::new(),
            });
            log.head.epoch += 1;
            log.head.clone()
        })
    }

    async fn head(&self, tenant: &TenantId) -> Result<Option<Head>, Fault> {
        self.locked("reading the head", |it| it.get(tenant).map(|it| it.head.clone()))
    }

    async fn commit(&self, batch: &Batch) -> Result<Committed, CommitError> {
        self.locked("committing a batch", |logs| {
            let log = logs.get_mut(&batch.tenant).ok_or(CommitError::Fenced)?;
            if (log.head.epoch, log.head.size) != (batch.epoch, batch.first()) {
                return Err(CommitError::Fenced);
            }
            Ok(self.keep(log, batch))
        })?
    }

    async fn leaves(&self, tenant: &TenantId, from: u64, limit: usize) -> Result<Vec<Leaf>, Fault> {
        let mut leaves = self.read(tenant, |index, it| (index >= from).then_some(it.leaf))?;
        leaves.truncate(limit);
        Ok(leaves)
    }
}

#[async_trait]
impl Records for MemoryLog {
    async fn stored(&self, tenant: &TenantId, indices: &[u64]) -> Result<Vec<Stored>, Fault> {
        self.read(tenant, |index, it| indices.contains(&index).then(|| stored(index, it)))?
            .into_iter()
            .collect()
    }

    async fn locate(
        &self,
        tenant: &TenantId,
        token: &Token,
        after: Option<u64>,
        limit: Limit,
    ) -> Result<Vec<u64>, Fault> {
        let is_after = |index| after.is_none_or(|it| index > it);
        let mut indices = self.read(tenant, |index, it| {
            (is_after(index) && it.tokens.contains(token)).then_some(index)
        })?;
        indices.truncate(usize::from(limit.get()));
        Ok(indices)
    }

    async fn page(
        &self,
        tenant: &TenantId,
        kind: Option<EntryKind>,
        after: Option<u64>,
        limit: Limit,
    ) -> Result<Vec<Stored>, Fault> {
        let is_after = |index| after.is_none_or(|it| index > it);
        let is_kind = |it: &Prepared| kind.is_none_or(|kind| it.leaf.kind() == Some(kind));
        let mut records = self.read(tenant, |index, it| {
            (is_after(index) && is_kind(it)).then(|| stored(index, it))
        })?;
        records.truncate(usize::from(limit.get()));
        records.into_iter().collect()
    }
}

fn stored(index: u64, item: &Prepared) -> Result<Stored, Fault> {
    let sealed = seal::decode(&item.sealed)
        .map_err(|it| Fault::escalate("reading a sealed record").because(it))?;
    Ok(Stored { index, sealed })
}

/// Keys in memory.
#[derive(Debug, Default)]
pub struct MemoryKeyring {
    keys: Mutex<BTreeMap<(TenantId, KeyOwner), Key>>,
    closed: Mutex<Vec<(TenantId, Key)>>,
    outage: AtomicBool,
}

impl MemoryKeyring {
    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }

    /// Forgets the key of this owner, as its destruction would.
    pub fn forget(&self, tenant: &TenantId, owner: &KeyOwner) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&(tenant.clone(), owner.clone()));
    }

    fn locked<T>(
        &self,
        f: impl FnOnce(&mut BTreeMap<(TenantId, KeyOwner), Key>) -> T,
    ) -> Result<T, Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry("asking the keyring"));
        }
        Ok(f(&mut self.keys.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[async_trait]
impl Keyring for MemoryKeyring {
    async fn find(
        &self,
        tenant: &TenantId,
        owners: &[KeyOwner],
    ) -> Result<Vec<Option<Key>>, Fault> {
        self.locked(|keys| {
            let find = |owner: &KeyOwner| keys.get(&(tenant.clone(), owner.clone())).cloned();
            owners.iter().map(find).collect()
        })
    }

    async fn keep(&self, tenant: &TenantId, minted: &[(KeyOwner, Key)]) -> Result<Vec<Key>, Fault> {
        self.locked(|keys| {
            let mut keep = |(owner, key): &(KeyOwner, Key)| {
                keys.entry((tenant.clone(), owner.clone())).or_insert_with(|| key.clone()).clone()
            };
            minted.iter().map(&mut keep).collect()
        })
    }

    async fn open(&self, tenant: &TenantId, kids: &[Kid]) -> Result<Vec<Option<Key>>, Fault> {
        self.locked(|keys| {
            let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
            let open = |kid: &Kid| {
                let live = keys.iter().map(|((it, _), key)| (it, key));
                let mut all = live.chain(closed.iter().map(|(it, key)| (it, key)));
                all.find(|(it, key)| *it == tenant && key.kid() == *kid).map(|(_, key)| key.clone())
            };
            kids.iter().map(open).collect()
        })
    }

    async fn close(&self, tenant: &TenantId, kids: &[Kid]) -> Result<(), Fault> {
        self.locked(|keys| {
            let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
            keys.retain(|(it, _), key| {
                let is_meant = it == tenant && kids.contains(&key.kid());
                if is_meant {
                    closed.push((tenant.clone(), key.clone()));
                }
                !is_meant
            });
        })
    }

    async fn destroy(&self, tenant: &TenantId, kids: &[Kid]) -> Result<(), Fault> {
        self.locked(|keys| {
            let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
            closed.retain(|(it, key)| it != tenant || !kids.contains(&key.kid()));
            keys.retain(|(it, _), key| it != tenant || !kids.contains(&key.kid()));
        })
    }
}

/// A signing key in memory.
pub struct MemorySigner {
    key: SigningKey,
    outage: AtomicBool,
}

impl fmt::Debug for MemorySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySigner").finish_non_exhaustive()
    }
}

impl MemorySigner {
    /// The key of this seed.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { key: SigningKey::from_bytes(&seed), outage: AtomicBool::new(false) }
    }

    /// Fails every signature until switched off.
    pub fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }
}

#[async_trait]
impl Signer for MemorySigner {
    async fn public_key(&self) -> Result<[u8; 32], Fault> {
        Ok(self.key.verifying_key().to_bytes())
    }

    async fn sign(&self, body: &[u8]) -> Result<[u8; 64], Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry("signing a checkpoint"));
        }
        Ok(self.key.sign(body).to_bytes())
    }
}
