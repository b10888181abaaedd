//! Spans around the ports of `context`.

use std::{collections::BTreeMap, sync::Arc};

use context::{
    Artifacts, Event, ObjectRef,
    event::{EventKey, Seen},
    freshness::Board,
    ports::{
        Admission, AnnounceError, Announcement, AppendError, Application, ApplyError,
        ArtifactSource, Asked, ContextStore, DeadLetterGroup, DeadLetters, EventLog,
        FreshnessBoard, Pending, Resolved, Standing, StandingSource, SubjectResolver, Tally,
    },
    view::View,
};
use kernel::{EventId, Fault, Limit, NodeId, PersonAt, TenantId};

use super::traced_port;

traced_port! {
    impl EventLog as "context.event_log" {
        fn seen(tenant: &TenantId, keys: &[EventKey]) -> Result<Vec<Seen>, Fault>;
        fn admit(admission: &Admission) -> Result<(), AppendError>;
        fn events(tenant: &TenantId, ids: &[EventId]) -> Result<Vec<Event>, Fault>;
        fn pending(limit: Limit) -> Result<Pending, Fault>;
    }
}

traced_port! {
    impl ContextStore as "context.context_store" {
        fn view(
            tenant: &TenantId,
            nodes: &[NodeId],
            objects: &[ObjectRef],
        ) -> Result<View, Fault>;
        fn versions(
            tenant: &TenantId,
            nodes: &[NodeId],
        ) -> Result<BTreeMap<NodeId, u64>, Fault>;
        fn apply(application: &Application) -> Result<(), ApplyError>;
    }
}

traced_port! {
    impl DeadLetters as "context.dead_letters" {
        fn groups(tenant: &TenantId, limit: Limit) -> Result<Vec<DeadLetterGroup>, Fault>;
        fn tallies(tenant: &TenantId) -> Result<Vec<Tally>, Fault>;
    }
}

traced_port! {
    impl FreshnessBoard as "context.freshness_board" {
        fn board(tenant: &TenantId) -> Result<Board, Fault>;
        fn tenants() -> Result<Vec<TenantId>, Fault>;
        fn announce(announcement: &Announcement) -> Result<(), AnnounceError>;
    }
}

traced_port! {
    impl SubjectResolver as "context.subject_resolver" {
        fn resolve(tenant: &TenantId, asked: &[Asked]) -> Result<Vec<Resolved>, Fault>;
    }
}

traced_port! {
    impl StandingSource as "context.standing_source" {
        fn standing(tenant: &TenantId, person: &PersonAt) -> Result<Standing, Fault>;
    }
}

traced_port! {
    impl ArtifactSource as "context.artifact_source" {
        fn live(tenant: &TenantId) -> Result<Arc<Artifacts>, Fault>;
    }
}
