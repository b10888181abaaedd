//! Raw values at rest: AES-256-GCM under one key, bound to tenant and node.

use std::{fmt, sync::Arc};

use aes_gcm::{
    Aes256Gcm, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use async_trait::async_trait;
use identity::{RawValue, ports::Vault};
use kernel::{Digest, Fault, NodeId, TenantId};
use sea_orm::ConnectionTrait;

use super::{NODE, at, eq, of_tenant, select};
use crate::sql::{Database, fault};

/// What seals and opens values.
#[derive(Clone)]
pub(super) struct Seal(Aes256Gcm);

impl Seal {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self(Aes256Gcm::new(&key.into()))
    }

    pub(super) fn seal(
        &self,
        tenant: &TenantId,
        node: NodeId,
        value: &RawValue,
    ) -> Result<Vec<u8>, Fault> {
        let bound = bound(tenant, node);
        let payload = Payload { msg: value.expose().as_bytes(), aad: &bound };
        self.0
            .encrypt(&nonce(&bound), payload)
            .map_err(|_| Fault::escalate("sealing a contact value"))
    }

    fn open(&self, tenant: &TenantId, node: NodeId, sealed: &[u8]) -> Result<RawValue, Fault> {
        let what = "opening a contact value";
        let bound = bound(tenant, node);
        let opened = self
            .0
            .decrypt(&nonce(&bound), Payload { msg: sealed, aad: &bound })
            .map_err(|_| Fault::escalate(what))?;
        let text = String::from_utf8(opened).map_err(|_| Fault::escalate(what))?;
        Ok(RawValue::new(text))
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(..)")
    }
}

fn bound(tenant: &TenantId, node: NodeId) -> Vec<u8> {
    let mut bound = tenant.as_str().as_bytes().to_vec();
    bound.push(0);
    bound.extend_from_slice(node.uuid().as_bytes());
    bound
}

/// A node is sealed once in its life, so a nonce of its name is never used twice.
fn nonce(bound: &[u8]) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut bytes = [0_u8; 12];
    for (to, from) in bytes.iter_mut().zip(Digest::of(bound).as_bytes()) {
        *to = *from;
    }
    bytes.into()
}

/// Raw values, sealed in their node's row.
pub struct SqlVault {
    database: Arc<Database>,
    seal: Seal,
}

impl fmt::Debug for SqlVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlVault")
    }
}

impl SqlVault {
    /// The values in this database, sealed under this key.
    pub fn new(database: Arc<Database>, key: [u8; 32]) -> Self {
        Self { database, seal: Seal::new(key) }
    }
}

#[async_trait]
impl Vault for SqlVault {
    async fn open(&self, tenant: &TenantId, node: NodeId) -> Result<Option<RawValue>, Fault> {
        let fault = fault("reading a contact value");
        let query = select(NODE, ["sealed"])
            .and_where(of_tenant(tenant))
            .and_where(eq("id", node.uuid()))
            .to_owned();
        let row = self.database.reader().query_one(&query).await.map_err(&fault)?;
        let Some(row) = row else { return Ok(None) };
        let sealed: Option<Vec<u8>> = at(&row, "sealed").map_err(&fault)?;
        sealed.map(|it| self.seal.open(tenant, node, &it)).transpose()
    }
}
