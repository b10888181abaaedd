//! Spans around the ports of `rollout`.

use kernel::{Digest, Epoch, Fault, Limit, Page, TenantId};
use rollout::{
    Artifact, ArtifactStore, DeploymentId, LoadedBundle, Pointer, ReleaseLedger,
    ports::{AppendError, Submission, Transition},
};

use super::traced_port;

traced_port! {
    impl ArtifactStore as "rollout.artifact_store" {
        fn put(submission: &Submission) -> Result<usize, Fault>;
        fn artifact(tenant: &TenantId, digest: Digest) -> Result<Option<Artifact>, Fault>;
        fn bundle(tenant: &TenantId, digest: Digest) -> Result<Option<LoadedBundle>, Fault>;
    }
}

traced_port! {
    impl ReleaseLedger as "rollout.release_ledger" {
        fn head(tenant: &TenantId, deployment: &DeploymentId) -> Result<Option<Pointer>, Fault>;
        fn at(
            tenant: &TenantId,
            deployment: &DeploymentId,
            seq: u64,
        ) -> Result<Option<Pointer>, Fault>;
        fn append(transition: &Transition) -> Result<(), AppendError>;
        fn history(
            tenant: &TenantId,
            deployment: &DeploymentId,
            before: Option<u64>,
            limit: Limit,
        ) -> Result<Page<Pointer>, Fault>;
        fn policy(tenant: &TenantId) -> Result<Epoch, Fault>;
    }
}
