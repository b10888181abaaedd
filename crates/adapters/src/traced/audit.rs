//! Spans around the ports of `audit`.

use audit::{
    entry::{EntryKind, Leaf},
    key::{Key, KeyOwner, Kid},
    note::Origin,
    ports::{CommitError, Committed, Head, Journal, Keyring, Records, Signer, Stored},
    sequence::{Batch, Token},
};
use kernel::{Fault, Limit, TenantId};

use super::traced_port;

traced_port! {
    impl Journal as "audit.journal" {
        fn take_over(tenant: &TenantId, origin: &Origin) -> Result<Head, Fault>;
        fn head(tenant: &TenantId) -> Result<Option<Head>, Fault>;
        fn commit(batch: &Batch) -> Result<Committed, CommitError>;
        fn leaves(tenant: &TenantId, from: u64, limit: usize) -> Result<Vec<Leaf>, Fault>;
    }
}

traced_port! {
    impl Records as "audit.records" {
        fn stored(tenant: &TenantId, indices: &[u64]) -> Result<Vec<Stored>, Fault>;
        fn locate(
            tenant: &TenantId,
            token: &Token,
            after: Option<u64>,
            limit: Limit,
        ) -> Result<Vec<u64>, Fault>;
        fn page(
            tenant: &TenantId,
            kind: Option<EntryKind>,
            after: Option<u64>,
            limit: Limit,
        ) -> Result<Vec<Stored>, Fault>;
    }
}

traced_port! {
    impl Keyring as "audit.keyring" {
        fn find(tenant: &TenantId, owners: &[KeyOwner]) -> Result<Vec<Option<Key>>, Fault>;
        fn keep(tenant: &TenantId, minted: &[(KeyOwner, Key)]) -> Result<Vec<Key>, Fault>;
        fn open(tenant: &TenantId, kids: &[Kid]) -> Result<Vec<Option<Key>>, Fault>;
        fn close(tenant: &TenantId, kids: &[Kid]) -> Result<(), Fault>;
        fn destroy(tenant: &TenantId, kids: &[Kid]) -> Result<(), Fault>;
    }
}

traced_port! {
    impl Signer as "audit.signer" {
        fn public_key() -> Result<[u8; 32], Fault>;
        fn sign(body: &[u8]) -> Result<[u8; 64], Fault>;
    }
}
