//! Nodes: one identifier of one system each, named by a blind key and never by its value.

use std::{fmt, sync::Arc};

use hmac::{Hmac, KeyInit, Mac};
use kernel::{NodeId, TenantId};
use sha2::Sha256;

/// A namespace of identifiers (`crm_id`, `email`), as the artifact names it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespaceId(Arc<str>);

impl NamespaceId {
    /// The namespace of this name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NamespaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NamespaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The left 128 bits of an HMAC-SHA-256 over a normalised value: equal values, equal keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlindKey([u8; 16]);

impl BlindKey {
    /// The key with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for BlindKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|it| write!(f, "{it:02x}"))
    }
}

impl fmt::Debug for BlindKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Turns normalised values into blind keys, under a secret that never leaves it.
#[derive(Clone)]
pub struct Blinder(Hmac<Sha256>);

impl Blinder {
    /// A blinder under this secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        // A block-sized key is the one length HMAC takes as it is; shorter ones are zero-padded.
        let mut block = [0_u8; 64];
        for (to, from) in block.iter_mut().zip(secret) {
            *to = *from;
        }
        Self(Hmac::new(&block.into()))
    }

    /// The key of a normalised value: HMAC over tenant, namespace and value, zero-separated.
    pub fn key(&self, tenant: &TenantId, namespace: &NamespaceId, normal: &str) -> BlindKey {
        let mut mac = self.0.clone();
        for part in [tenant.as_str(), namespace.as_str()] {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        mac.update(normal.as_bytes());
        let mut bytes = [0_u8; 16];
        for (to, from) in bytes.iter_mut().zip(mac.finalize().into_bytes()) {
            *to = from;
        }
        BlindKey(bytes)
    }
}

impl fmt::Debug for Blinder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blinder(..)")
    }
}

/// What makes a node the same node: its namespace and blind key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeKey {
    /// The namespace.
    pub namespace: NamespaceId,
    /// The blind key of the value.
    pub key: BlindKey,
}

/// One identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its id, minted at first sight.
    pub id: NodeId,
    /// What it stands for.
    pub key: NodeKey,
    /// Its place in the order in which nodes were first seen.
    pub first_seq: u64,
}
