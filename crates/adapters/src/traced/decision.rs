//! Spans around the ports of `decision`.

use std::sync::Arc;

use decision::{
    Artifacts,
    inputs::{Cut, Verdict},
    occurrence::Occurrence,
    person::Person,
    ports::{
        Appended, Change, ClaimAsk, ContactHistory, ContextAsk, ContextSource, Entered, Entry,
        EventData, HistoryAsk, Identifier, Journal, Lookup, NodeHistory, PermissionAsk,
        PermissionSource, PersonSource, Release, ReleaseSource, Timetable,
    },
    record::StoredRecord,
};
use kernel::{
    Cursor, DecisionId, Digest, EventId, Fault, Instant, Limit, Page, PersonAt, SubjectId, TenantId,
};

use super::traced_port;

traced_port! {
    impl Timetable as "decision.timetable" {
        fn change(tenant: &TenantId, change: Change) -> Result<(), Fault>;
        fn claim(ask: ClaimAsk) -> Result<Vec<Occurrence>, Fault>;
        fn find(tenant: &TenantId, lookup: Lookup<'_>) -> Result<Vec<Occurrence>, Fault>;
        fn entered(
            tenant: &TenantId,
            subjects: &[SubjectId],
            since: Instant,
        ) -> Result<Vec<Entered>, Fault>;
        fn next_due() -> Result<Option<Instant>, Fault>;
    }
}

traced_port! {
    impl Journal as "decision.journal" {
        fn append(tenant: &TenantId, entry: Entry) -> Result<Appended, Fault>;
        fn get(tenant: &TenantId, id: DecisionId) -> Result<Option<StoredRecord>, Fault>;
        fn of_person(
            tenant: &TenantId,
            person: &PersonAt,
            after: Option<&Cursor>,
            limit: Limit,
        ) -> Result<Page<StoredRecord>, Fault>;
        fn range(
            tenant: &TenantId,
            after: Option<&Cursor>,
            limit: Limit,
        ) -> Result<Page<StoredRecord>, Fault>;
    }
}

traced_port! {
    impl ReleaseSource as "decision.release_source" {
        fn current(tenant: &TenantId) -> Result<Option<Arc<Release>>, Fault>;
        fn by_digest(tenant: &TenantId, digest: Digest) -> Result<Option<Arc<Artifacts>>, Fault>;
    }
}

traced_port! {
    impl PersonSource as "decision.person_source" {
        fn find(
            tenant: &TenantId,
            identifiers: &[Identifier],
        ) -> Result<Option<Person>, Fault>;
        fn persons(
            tenant: &TenantId,
            subjects: &[SubjectId],
        ) -> Result<Vec<Option<Person>>, Fault>;
    }
}

traced_port! {
    impl ContextSource as "decision.context_source" {
        fn gather(tenant: &TenantId, asks: &[ContextAsk]) -> Result<Vec<Vec<Cut>>, Fault>;
        fn events(
            tenant: &TenantId,
            ids: &[EventId],
        ) -> Result<Vec<Option<EventData>>, Fault>;
    }
}

traced_port! {
    impl PermissionSource as "decision.permission_source" {
        fn verdicts(
            tenant: &TenantId,
            person: &PersonAt,
            asks: &[PermissionAsk],
            as_of: Instant,
        ) -> Result<Vec<Verdict>, Fault>;
    }
}

traced_port! {
    impl ContactHistory as "decision.contact_history" {
        fn history(
            tenant: &TenantId,
            person: &PersonAt,
            asks: &[HistoryAsk],
            since: Instant,
            as_of: Instant,
        ) -> Result<Vec<NodeHistory>, Fault>;
    }
}
