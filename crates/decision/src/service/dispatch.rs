//! Making a decision: the append that carries record, facts, settlements and hand-off.

use kernel::{Digest, Fault, Instant, TenantId};

use super::{Sources, facts::Teller};
use crate::{
    inputs::Inputs,
    occurrence::Settlement,
    pipeline::Decided,
    ports::{Appended, Entry, Handoff, Release},
    record::RecordError,
};

/// A decision on its way to the journal.
pub(super) struct Parcel<'a> {
    pub(super) release: &'a Release,
    pub(super) inputs: &'a Inputs,
    pub(super) decided: &'a Decided,
    /// What makes a second append the same one.
    pub(super) key: Digest,
    /// When that was minted.
    pub(super) key_at: Instant,
    pub(super) settlements: Vec<Settlement>,
    pub(super) handoff: Option<Handoff>,
    /// Whether delivery acts on the facts; an answer is its own hand-off.
    pub(super) sent: bool,
    /// The trace it continues; absent where it happens within one.
    pub(super) trace: Option<&'a str>,
}

/// Appends, and says what became of it.
pub(super) async fn append(
    sources: &Sources,
    tenant: &TenantId,
    parcel: Parcel<'_>,
) -> Result<Appended, Fault> {
    let Parcel { release, inputs, decided, .. } = parcel;
    let record = decided.record.store().map_err(unwritable)?;
    let teller = Teller {
        tenant,
        at: inputs.as_of,
        entropy: &*sources.entropy,
        cause: None,
        trace: parcel.trace,
    };
    let entry = Entry {
        id: inputs.id,
        key: parcel.key,
        key_at: parcel.key_at,
        subject: inputs.person.subject,
        nodes: inputs.person.nodes.clone(),
        journeys: inputs.nodes.iter().map(|it| it.node.clone()).collect(),
        at: inputs.as_of,
        record,
        facts: teller.decided(release, inputs, decided, parcel.sent),
        settlements: parcel.settlements,
        handoff: parcel.handoff,
    };
    sources.journal.append(tenant, entry).await
}

fn unwritable(error: RecordError) -> Fault {
    Fault::escalate("writing a decision record").because(error)
}
