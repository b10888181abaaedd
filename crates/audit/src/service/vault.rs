//! Keys in process: found, minted where there is none, and cached.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, mem,
    sync::{Arc, Mutex, PoisonError},
};

use kernel::{Entropy, Fault, TenantId};

use crate::{
    key::{Key, KeyOwner, Kid},
    ports::Keyring,
};

/// The most keys of one of the cache's two generations.
const GENERATION_KEYS: usize = 65_536;

type Owned = (TenantId, KeyOwner);

/// The keyring behind a cache of two generations: what is not used twice in a while falls out.
pub(super) struct Vault {
    keyring: Arc<dyn Keyring>,
    entropy: Arc<dyn Entropy>,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    young: HashMap<Owned, Key>,
    old: HashMap<Owned, Key>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("keyring", &self.keyring).finish_non_exhaustive()
    }
}

impl Vault {
    pub(super) fn new(keyring: Arc<dyn Keyring>, entropy: Arc<dyn Entropy>) -> Self {
        Self { keyring, entropy, cache: Mutex::default() }
    }

    pub(super) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// The owner's key, if it is in the cache.
    pub(super) fn cached(&self, tenant: &TenantId, owner: &KeyOwner) -> Option<Key> {
        let entry = (tenant.clone(), owner.clone());
        self.locked(|it| {
            if let Some(key) = it.young.get(&entry) {
                return Some(key.clone());
            }
            let key = it.old.remove(&entry)?;
            it.keep(entry, key.clone());
            Some(key)
        })
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
        self.locked(|it| {
            for (owner, key) in &keys {
                it.keep((tenant.clone(), owner.clone()), key.clone());
            }
        });
        Ok(keys)
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
    fn keep(&mut self, owned: Owned, key: Key) {
        if self.young.len() >= GENERATION_KEYS {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(owned, key);
    }
}
