//! What is kept about some nodes: every contribution, newest first, never merged.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{EventId, Instant, NodeId, PurposeKey, SystemId, Value};

use crate::{EventType, FieldKey, ObjectRef};

/// The most contributions one view holds.
pub const VIEW_VALUES_MAX: usize = 10_000;

/// The state of a person's fields: the sum of the versions of the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ViewVersion(pub u64);

/// One contribution of one event to one field of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// The node it was said about.
    pub node: NodeId,
    /// The object it belongs to, if the field is an object's.
    pub object: Option<ObjectRef>,
    /// The field.
    pub field: FieldKey,
    /// The value.
    pub value: Value,
    /// When it was true: the event's time.
    pub time: Instant,
    /// When it arrived.
    pub received_at: Instant,
    /// The system that sent it.
    pub source: SystemId,
    /// The type of the event.
    pub kind: EventType,
    /// The id of the event at its source.
    pub ce_id: String,
    /// The event.
    pub event: EventId,
    /// The purpose it was collected under.
    pub collected_under: PurposeKey,
}

impl Contribution {
    /// The total, clock-free order of contributions to one field.
    pub fn order(&self) -> (Instant, &str, &str, NodeId) {
        (self.time, self.source.as_str(), &self.ce_id, self.node)
    }
}

/// Everything kept about some nodes and at most one object, ready to be read at any instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    version: ViewVersion,
    /// Contributions older than this were left out.
    complete_since: Option<Instant>,
    // Invariant: each list is sorted by order, newest first, without repetitions.
    // Shared, because every decision takes a copy of a view that is kept.
    fields: Arc<BTreeMap<FieldKey, Vec<Contribution>>>,
}

/// What a view says about one field at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading<'v> {
    /// The newest contribution not after the instant.
    Is(&'v Contribution),
    /// No contribution.
    Missing,
    /// The instant lies before what the view holds.
    Overflow,
}

impl View {
    /// The view of these contributions, in whatever order they come.
    ///
    /// Past [`VIEW_VALUES_MAX`] the oldest are left out and the view knows since when it is whole.
    pub fn fold(version: ViewVersion, mut contributions: Vec<Contribution>) -> Self {
        contributions.sort_by(|a, b| b.order().cmp(&a.order()));
        let complete_since = contributions.get(VIEW_VALUES_MAX).map(|it| it.time);
        contributions.truncate(VIEW_VALUES_MAX);
        let mut fields: BTreeMap<FieldKey, Vec<Contribution>> = BTreeMap::new();
        for it in contributions {
            let list = fields.entry(it.field.clone()).or_default();
            let repeated = |last: &Contribution| {
                last.order() == it.order() && last.event == it.event && last.object == it.object
            };
            if !list.last().is_some_and(repeated) {
                list.push(it);
            }
        }
        Self { version, complete_since, fields: Arc::new(fields) }
    }

    /// Its version.
    pub const fn version(&self) -> ViewVersion {
        self.version
    }

    /// Whether nothing was left out: only such a view can be made again from its contributions.
    pub const fn is_whole(&self) -> bool {
        self.complete_since.is_none()
    }

    /// Every contribution kept, field by field, newest first.
    pub fn contributions(&self) -> impl Iterator<Item = &Contribution> {
        self.fields.values().flatten()
    }

    /// What was known of a field at an instant, of the person or of an object.
    pub fn read(
        &self,
        field: &FieldKey,
        object: Option<&ObjectRef>,
        as_of: Instant,
    ) -> Reading<'_> {
        let list = self.fields.get(field).map(Vec::as_slice).unwrap_or_default();
        let found = list.iter().find(|it| it.time <= as_of && it.object.as_ref() == object);
        match (found, self.complete_since) {
            (Some(it), _) => Reading::Is(it),
            (None, Some(_)) => Reading::Overflow,
            (None, None) => Reading::Missing,
        }
    }
}
