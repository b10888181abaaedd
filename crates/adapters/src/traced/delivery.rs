//! Spans around the ports of `delivery`.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use delivery::{
    attempt::Attempt,
    contact::Entry,
    content::Artifacts,
    gate::{GateRequest, Judgement},
    message::Delivery,
    permission::{Ask, Verdict},
    ports::{
        AddressBook, ArtifactSource, Change, Conclusion, ContactLedger, Content, DeliveryStore,
        Filter, HandOffError, Inbox, Letter, LinkAsk, Links, MessageLinks, Overdue,
        PermissionSource, PersonSource, Planned, SendGate, Sender, Settled, Trail,
    },
    sender::{Accepted, Address, AddressRef, Destination, Rendered},
    zone::ZoneEvidence,
};
use kernel::{
    Channel, Cursor, DecisionId, DeliveryId, Digest, Fact, Fault, Instant, Known, Limit, NodeId,
    Page, PersonAt, SubjectId, TenantId, Value,
};
use tracing::Instrument as _;

use super::{Traced, traced_port};
use crate::telemetry;

traced_port! {
    impl DeliveryStore as "delivery.delivery_store" {
        fn plan(planned: Vec<Planned>, notes: Vec<Fact>) -> Result<usize, Fault>;
        fn due(now: Instant, limit: usize) -> Result<Vec<Delivery>, Fault>;
        fn get(tenant: &TenantId, id: DeliveryId) -> Result<Option<Trail>, Fault>;
        fn append(tenant: &TenantId, changes: Vec<Change>) -> Result<Vec<bool>, Fault>;
        fn page(tenant: &TenantId, filter: &Filter, after: Option<Cursor>, limit: Limit) -> Result<Page<Delivery>, Fault>;
    }
}

traced_port! {
    impl SendGate as "delivery.send_gate" {
        fn pass(now: Instant, requests: &[GateRequest]) -> Result<Vec<Judgement>, Fault>;
        fn rehearse(now: Instant, request: &GateRequest) -> Result<Judgement, Fault>;
        fn conclude(conclusions: Vec<Conclusion>) -> Result<Vec<bool>, Fault>;
        fn settle(tenant: &TenantId, nodes: &[NodeId], now: Instant, until: Instant) -> Result<Vec<Settled>, Fault>;
        fn overdue(now: Instant, limit: usize) -> Result<Vec<Overdue>, Fault>;
    }
}

traced_port! {
    impl ContactLedger as "delivery.contact_ledger" {
        fn history(tenant: &TenantId, nodes: &[NodeId], since: Instant) -> Result<Vec<Entry>, Fault>;
        fn record(tenant: &TenantId, contacts: Vec<(Entry, Fact)>) -> Result<usize, Fault>;
    }
}

traced_port! {
    impl Inbox as "delivery.inbox" {
        fn put(letter: Letter) -> Result<(), Fault>;
        fn get(tenant: &TenantId, id: DeliveryId) -> Result<Option<Letter>, Fault>;
        fn page(tenant: &TenantId, subject: Option<SubjectId>, after: Option<Cursor>, limit: Limit) -> Result<Page<Letter>, Fault>;
    }
}

traced_port! {
    impl PermissionSource as "delivery.permission_source" {
        fn verdict(tenant: &TenantId, ask: &Ask) -> Result<Verdict, Fault>;
    }
}

traced_port! {
    impl PersonSource as "delivery.person_source" {
        fn person(tenant: &TenantId, subject: SubjectId) -> Result<Option<PersonAt>, Fault>;
    }
}

traced_port! {
    impl AddressBook as "delivery.address_book" {
        fn address(tenant: &TenantId, person: &PersonAt, channel: Channel) -> Result<Option<AddressRef>, Fault>;
        fn open(tenant: &TenantId, node: NodeId) -> Result<Option<Address>, Fault>;
        fn zones(tenant: &TenantId, person: &PersonAt) -> Result<ZoneEvidence, Fault>;
    }
}

traced_port! {
    impl Links as "delivery.links" {
        fn mint(tenant: &TenantId, asks: &[LinkAsk]) -> Result<Vec<MessageLinks>, Fault>;
    }
}

traced_port! {
    impl Content as "delivery.content" {
        fn released(tenant: &TenantId, release: &Digest) -> Result<Option<Arc<Artifacts>>, Fault>;
        fn values(tenant: &TenantId, decision: DecisionId) -> Result<BTreeMap<String, Known<Value>>, Fault>;
    }
}

traced_port! {
    impl ArtifactSource as "delivery.artifact_source" {
        fn live(tenant: &TenantId) -> Result<Arc<Artifacts>, Fault>;
    }
}

/// A hand-off continues the trace of what led to it, not that of the round that sends it.
#[async_trait]
impl<S: Sender> Sender for Traced<S> {
    async fn hand_off(
        &self,
        attempt: &Attempt,
        message: &Rendered,
        destination: &Destination,
    ) -> Result<Accepted, HandOffError> {
        let span = tracing::debug_span!(
            target: "assent::port",
            "delivery.sender.hand_off",
            error = tracing::field::Empty
        );
        if let Some(trace) = attempt.trace() {
            telemetry::continue_trace(&span, trace);
        }
        let begun = std::time::Instant::now();
        let handing = self.inner().hand_off(attempt, message, destination);
        let answer = handing.instrument(span.clone()).await;
        if answer.is_err() {
            span.record("error", true);
        }
        let seconds = begun.elapsed().as_secs_f64();
        telemetry::port_called("delivery.sender.hand_off", answer.is_err(), seconds);
        answer
    }
}
