//! Being a witness: cosigning heads of logs, each only if it extends the one before.

use std::sync::Arc;

use kernel::{Clock, Fault};

use crate::{
    note::{CosignedAt, Origin, VerifierKey, WitnessKey},
    ports::{Signer, WitnessStore},
    witness::{self, AddCheckpoint, Refusal},
};

/// Why a head was not cosigned.
#[derive(Debug, thiserror::Error)]
pub enum CosignError {
    /// It may not be, by the protocol.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It may be later.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A witness of some logs.
#[derive(Debug, Clone)]
pub struct WitnessService {
    name: Origin,
    logs: Arc<[VerifierKey]>,
    store: Arc<dyn WitnessStore>,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
}

impl WitnessService {
    /// The witness of this name over these logs.
    pub fn new(
        name: Origin,
        logs: Vec<VerifierKey>,
        store: Arc<dyn WitnessStore>,
        signer: Arc<dyn Signer>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { name, logs: logs.into(), store, signer, clock }
    }

    /// The key that readers check its cosignatures with.
    pub async fn key(&self) -> Result<WitnessKey, Fault> {
        Ok(WitnessKey::new(self.name.clone(), self.signer.public_key().await?))
    }

    /// Cosigns the head of a request; the answer is a signature line, and the head is kept first.
    pub async fn cosign(&self, request: &str) -> Result<String, CosignError> {
        let request = AddCheckpoint::parse(request).ok_or(Refusal::Malformed)?;
        let head = witness::asked(&request, &self.logs)?;
        let last = self.store.latest(&head.origin).await?;
        witness::judge(&request, &head, last.as_ref())?;
        if !self.store.advance(last.as_ref(), &head).await? {
            // Another head was kept meanwhile: the asker is told which.
            let size = self.store.latest(&head.origin).await?.map_or(0, |it| it.size);
            return Err(Refusal::Conflict(size).into());
        }
        let at = CosignedAt::of(self.clock.now());
        let signature = self.signer.sign(at.message(&head).as_bytes()).await?;
        Ok(self.key().await?.line(at, &signature))
    }
}
