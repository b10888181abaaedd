//! Spans around the ports of `identity`.

use std::sync::Arc;

use identity::{
    Artifacts, NamespaceId, RawValue,
    assertion::Assertion,
    node::{Node, NodeKey},
    ports::{
        AppendError, ArtifactSource, AssertionLog, Components, Counts, Directory, Person,
        Transition, Vault,
    },
};
use kernel::{Digest, Fault, Instant, Limit, NodeId, TenantId};

use super::traced_port;

traced_port! {
    impl AssertionLog as "identity.assertion_log" {
        fn components(tenant: &TenantId, keys: &[NodeKey]) -> Result<Components, Fault>;
        fn unheard(tenant: &TenantId, claims: &[(Digest, Instant)]) -> Result<Vec<(Digest, Instant)>, Fault>;
        fn append(tenant: &TenantId, transition: Transition) -> Result<u64, AppendError>;
        fn page(tenant: &TenantId, after: u64, limit: Limit) -> Result<Vec<Assertion>, Fault>;
    }
}

traced_port! {
    impl Directory as "identity.directory" {
        fn nodes(tenant: &TenantId, keys: &[NodeKey]) -> Result<Vec<Node>, Fault>;
        fn persons(tenant: &TenantId, nodes: &[NodeId]) -> Result<Vec<(NodeId, Person)>, Fault>;
        fn key(tenant: &TenantId, node: NodeId) -> Result<Option<NodeKey>, Fault>;
        fn namespaces(tenant: &TenantId) -> Result<Vec<(NamespaceId, u64)>, Fault>;
        fn counts(tenant: &TenantId) -> Result<Counts, Fault>;
    }
}

traced_port! {
    impl Vault as "identity.vault" {
        fn open(tenant: &TenantId, node: NodeId) -> Result<Option<RawValue>, Fault>;
    }
}

traced_port! {
    impl ArtifactSource as "identity.artifact_source" {
        fn live(tenant: &TenantId) -> Result<Arc<Artifacts>, Fault>;
    }
}
