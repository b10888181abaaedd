//! Keys in process: found, minted where there is none, and cached.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, mem,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::TimeDelta;
use kernel::{Clock, Entropy, Fault, Instant, TenantId};

use crate::{
    key::{Key, KeyOwner, Kid},
    ports::Keyring,
};

/// The most keys of one of the cache's two generations.
const GENERATION_KEYS: usize = 65_536;
/// How long a key may be used without being asked for again: a key that was closed elsewhere seals
/// nothing after this.
pub const KEY_LEASE_SECONDS_MAX: i64 = 30;

type Owned = (TenantId, KeyOwner);

/// The keyring behind a cache of two generations: what is not used twice in a while falls out.
pub(super) struct Vault {
    keyring: Arc<dyn Keyring>,
    entropy: Arc<dyn Entropy>,
    clock: Arc<dyn Clock>,
    cache: Mutex<Cache>,
}

/// A key and until when it may be used.
#[derive(Clone)]
struct Leased {
    key: Key,
    until: Instant,
}

#[derive(Default)]
struct Cache {
    young: HashMap<Owned, Leased>,
    old: HashMap<Owned, Leased>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("keyring", &self.keyring).finish_non_exhaustive()
    }
}

impl Vault {
    pub(super) fn new(
        keyring: Arc<dyn Keyring>,
        entropy: Arc<dyn Entropy>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { keyring, entropy, clock, cache: Mutex::default() }
    }

    pub(super) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// The owner's key, if it is in the cache.
    pub(super) fn cached(&self, tenant: &TenantId, owner: &KeyOwner) -> Option<Key> {
        let entry = (tenant.clone(), owner.clone());
        let now = self.clock.now();
        let leased = self.locked(|it| {
            if let Some(leased) = it.young.get(&entry) {
                return Some(leased.clone());
            }
            let leased = it.old.remove(&entry)?;
            it.keep(entry, leased.clone());
            Some(leased)
        })?;
        (now < leased.until).then_some(leased.key)
    }

    /// The key of every owner; those without one get one, durably, in one step.
    pub(super) async fn keys(
        &self,
        tenant: &TenantId,
        owners: &[KeyOwner],
    ) -> Result<BTreeMap<KeyOwner, Key>, Fault> {
        let mut keys = BTreeMap::new();
        let mut absent = Vec::new();
        for owner in owners {
            match self.cached(tenant, owner) {
                Some(key) => _ = keys.insert(owner.clone(), key),
                None => absent.push(owner.clone()),
            }
        }
        absent.sort();
        absent.dedup();
        if absent.is_empty() {
            return Ok(keys);
        }
        // A lease begins before the key is read: whoever closes it afterwards waits for its end.
        let (asked_at, asked) = (self.clock.now(), absent.clone());
        let found = self.keyring.find(tenant, &absent).await?;
        let mut minted = Vec::new();
        for (owner, key) in absent.into_iter().zip(found) {
            match key {
                Some(key) => _ = keys.insert(owner, key),
                None => minted.push((owner, Key::mint(&*self.entropy))),
            }
        }
        if !minted.is_empty() {
            let kept = self.keyring.keep(tenant, &minted).await?;
            keys.extend(minted.into_iter().map(|(owner, _)| owner).zip(kept));
        }
        let until = asked_at.plus(TimeDelta::seconds(KEY_LEASE_SECONDS_MAX));
        self.locked(|it| {
            for (owner, key) in keys.iter().filter(|(owner, _)| asked.contains(owner)) {
                let leased = Leased { key: key.clone(), until };
                it.keep((tenant.clone(), owner.clone()), leased);
            }
        });
        Ok(keys)
    }

    /// The owners' keys that exist; nobody gets one.
    pub(super) async fn existing(
        &self,
        tenant: &TenantId,
        owners: &[KeyOwner],
    ) -> Result<Vec<Kid>, Fault> {
        let found = self.keyring.find(tenant, owners).await?;
        Ok(found.into_iter().flatten().map(|it| it.kid()).collect())
    }

    /// Takes keys from their owners, here at once and elsewhere when leases have run out.
    pub(super) async fn close(&self, tenant: &TenantId, kids: &[Kid]) -> Result<(), Fault> {
        self.keyring.close(tenant, kids).await?;
        self.locked(|it| {
            it.young.retain(|_, leased| !kids.contains(&leased.key.kid()));
            it.old.retain(|_, leased| !kids.contains(&leased.key.kid()));
        });
        Ok(())
    }

    /// Destroys keys for good.
    pub(super) async fn destroy(&self, tenant: &TenantId, kids: &[Kid]) -> Result<(), Fault> {
        self.keyring.destroy(tenant, kids).await
    }

    /// The keys of these names that exist.
    pub(super) async fn open(
        &self,
        tenant: &TenantId,
        mut kids: Vec<Kid>,
    ) -> Result<BTreeMap<Kid, Key>, Fault> {
        kids.sort();
        kids.dedup();
        let keys = self.keyring.open(tenant, &kids).await?;
        Ok(kids.into_iter().zip(keys).filter_map(|(kid, key)| Some((kid, key?))).collect())
    }

    fn locked<T>(&self, f: impl FnOnce(&mut Cache) -> T) -> T {
        f(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Cache {
    fn keep(&mut self, owned: Owned, leased: Leased) {
        if self.young.len() >= GENERATION_KEYS {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(owned, leased);
    }
}
