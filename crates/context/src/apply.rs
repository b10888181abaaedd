//! What an event says about a person's fields. Pure, and free of order.

use kernel::NodeId;

use crate::{Artifacts, Event, schema::typed, view::Contribution};

/// The contributions of an event said about a node.
///
/// A field that is an object's is kept under the object the event names; without one it is not
/// kept. A leaf that cannot be read as its field's type was refused at admission.
pub fn contributions(event: &Event, node: NodeId, artifacts: &Artifacts) -> Vec<Contribution> {
    let Some(schema) = artifacts.schema(&event.kind) else { return Vec::new() };
    let leaves = schema.leaves.iter().filter_map(|leaf| {
        let value = typed(event.data.get(&leaf.member)?, leaf.value)?;
        Some((&leaf.field, value))
    });
    let sets = schema.sets.iter().map(|(field, value)| (field, value.clone()));
    let keep = |(field, value)| {
        let entry = artifacts.field(field)?;
        let object = match &entry.object {
            Some(kind) => Some(event.object.clone().filter(|it| it.kind == *kind)?),
            None => None,
        };
        Some(Contribution {
            node,
            object,
            field: field.clone(),
            value,
            time: event.time,
            received_at: event.received_at,
            source: event.source.clone(),
            kind: event.kind.clone(),
            ce_id: event.ce_id.clone(),
            event: event.id,
            collected_under: event.collected_under.clone(),
        })
    };
    leaves.chain(sets).filter_map(keep).collect()
}

/// Whether an event may set something in motion at an instant.
pub fn triggers(event: &Event, now: kernel::Instant) -> bool {
    !event.late && event.expires_at.is_none_or(|it| now < it)
}
