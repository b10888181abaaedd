//! Spans around the ports of `consent`.

use std::sync::Arc;

use consent::{
    Artifacts, ConsentEvent, NodeLog, Snapshot,
    ports::{
        AppendError, ArtifactSource, InFlight, Ledger, Member, PersonSource, PolicyHead, Settled,
        SnapshotSource, Transition,
    },
};
use kernel::{Cursor, Epoch, Fault, Instant, Limit, NodeId, Page, PersonAt, TenantId};
use uuid::Uuid;

use super::traced_port;

traced_port! {
    impl Ledger as "consent.ledger" {
        fn append(tenant: &TenantId, transition: Transition) -> Result<(), AppendError>;
        fn logs(tenant: &TenantId, nodes: &[NodeId]) -> Result<Vec<NodeLog>, Fault>;
        fn find(tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<ConsentEvent>, Fault>;
        fn page(
            tenant: &TenantId,
            nodes: &[NodeId],
            after: Option<&Cursor>,
            limit: Limit,
        ) -> Result<Page<ConsentEvent>, Fault>;
    }
}

traced_port! {
    impl SnapshotSource as "consent.snapshot_source" {
        fn snapshot(tenant: &TenantId, person: &PersonAt) -> Result<Snapshot, Fault>;
    }
}

traced_port! {
    impl InFlight as "consent.in_flight" {
        fn settle(tenant: &TenantId, nodes: &[NodeId], until: Instant) -> Result<Settled, Fault>;
    }
}

traced_port! {
    impl PersonSource as "consent.person_source" {
        fn members(tenant: &TenantId, person: &PersonAt) -> Result<Vec<Member>, Fault>;
    }
}

traced_port! {
    impl ArtifactSource as "consent.artifact_source" {
        fn live(tenant: &TenantId) -> Result<Arc<Artifacts>, Fault>;
    }
}

traced_port! {
    impl PolicyHead as "consent.policy_head" {
        fn policy(tenant: &TenantId) -> Result<Epoch, Fault>;
    }
}
