//! Views of fields on Redis: changed by each application of events.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use context::{
    EventType, FieldKey, ObjectKind, ObjectRef,
    ports::{Application, ApplyError, ContextStore},
    view::{Contribution, View, ViewVersion},
};
use kernel::{EventId, Fault, Instant, NodeId, PurposeKey, SystemId, TenantId, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    change::{Kind, Touched},
    layer::{Layer, Place},
};

/// How many views of one person are kept at once: each about other objects of theirs.
pub const VIEWS_PER_PERSON: usize = 4;

/// Where they are; which objects go where is a matter of their names.
pub(super) const SLOTS: [&str; VIEWS_PER_PERSON] = ["v0", "v1", "v2", "v3"];

/// [`ContextStore`] that reads a view again only when one of its nodes may have moved.
pub struct RedisContext {
    inner: Arc<dyn ContextStore>,
    layer: Layer,
}

impl fmt::Debug for RedisContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisContext")
    }
}

impl RedisContext {
    /// A cache before this store.
    pub fn new(inner: Arc<dyn ContextStore>, layer: Layer) -> Self {
        Self { inner, layer }
    }
}

/// The slot of a view about these objects, the same in every process.
fn slot(objects: &[ObjectRef]) -> &'static str {
    let names = objects.iter().flat_map(|it| [it.kind.as_str(), it.id.as_str()]);
    // FNV-1a; a collision costs a reading.
    let hash = names
        .flat_map(str::bytes)
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let [low, ..] = hash.to_le_bytes();
    match low % 4 {
        0 => "v0",
        1 => "v1",
        2 => "v2",
        _ => "v3",
    }
}

#[async_trait]
impl ContextStore for RedisContext {
    async fn view(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        objects: &[ObjectRef],
    ) -> Result<View, Fault> {
        let (mut nodes, mut objects) = (nodes.to_vec(), objects.to_vec());
        nodes.sort_unstable();
        objects.sort_unstable();
        let Some(tag) = self.layer.home(tenant, &nodes) else {
            return self.inner.view(tenant, &nodes, &objects).await;
        };
        let kinds = &[Kind::Fields, Kind::Membership];
        let place = Place { tag: &tag, field: slot(&objects), kinds };
        let found = self.layer.find(place, |it: Row| it.view(&nodes, &objects)).await;
        let stamp = match found.or_lease() {
            Ok(view) => return Ok(view),
            Err(stamp) => stamp,
        };
        let keeps = stamp.is_some() && self.layer.is_one_person(tenant, &nodes, None).await?;
        let view = self.inner.view(tenant, &nodes, &objects).await?;
        if let Some(stamp) = stamp.filter(|_| keeps && view.is_whole()) {
            self.layer.fill(place, &Row::new(&nodes, &objects, &view), stamp).await;
        }
        Ok(view)
    }

    async fn versions(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
    ) -> Result<BTreeMap<NodeId, u64>, Fault> {
        self.inner.versions(tenant, nodes).await
    }

    async fn apply(&self, application: &Application) -> Result<(), ApplyError> {
        let touched = application.values.iter().fold(Touched::default(), |touched, it| {
            touched.nodes(Kind::Fields, &it.0, it.1.iter().map(|it| it.node))
        });
        self.layer.changing(touched, self.inner.apply(application)).await?
    }
}

type Object = (String, String);
type Said = (Uuid, Option<Object>, FieldKey, Kept, [i64; 2], String, EventType, String, Uuid);

/// A value as it is kept.
#[derive(Serialize, Deserialize)]
enum Kept {
    At(i64),
    Other(Value),
}

/// A view as it is kept.
#[derive(Serialize, Deserialize)]
struct Row {
    nodes: Vec<Uuid>,
    objects: Vec<Object>,
    version: u64,
    said: Vec<(Said, PurposeKey)>,
}

fn kept(object: &ObjectRef) -> Object {
    (object.kind.as_str().to_owned(), object.id.clone())
}

impl Row {
    fn new(nodes: &[NodeId], objects: &[ObjectRef], view: &View) -> Self {
        let said = view.contributions().map(|it| {
            let value = match &it.value {
                Value::At(at) => Kept::At(at.micros()),
                other => Kept::Other(other.clone()),
            };
            let times = [it.time.micros(), it.received_at.micros()];
            let (node, object) = (it.node.uuid(), it.object.as_ref().map(kept));
            let source = it.source.as_str().to_owned();
            let (field, kind, ce_id) = (it.field.clone(), it.kind.clone(), it.ce_id.clone());
            let said = (node, object, field, value, times, source, kind, ce_id, it.event.uuid());
            (said, it.collected_under.clone())
        });
        Self {
            nodes: nodes.iter().map(|it| it.uuid()).collect(),
            objects: objects.iter().map(kept).collect(),
            version: view.version().0,
            said: said.collect(),
        }
    }

    /// The view, if it is of these nodes and objects.
    fn view(self, nodes: &[NodeId], objects: &[ObjectRef]) -> Option<View> {
        let same = self.nodes.iter().copied().eq(nodes.iter().map(|it| it.uuid()))
            && self.objects.iter().cloned().eq(objects.iter().map(kept));
        if !same {
            return None;
        }
        let said = self.said.into_iter().map(|(said, collected_under)| {
            let (node, object, field, value, times, source, kind, ce_id, event) = said;
            let [time, received_at] = times.map(Instant::from_micros);
            let object = match object {
                Some((kind, id)) => Some(ObjectRef { kind: ObjectKind::new(&kind).ok()?, id }),
                None => None,
            };
            let value = match value {
                Kept::At(at) => Value::At(Instant::from_micros(at)),
                Kept::Other(value) => value,
            };
            let (node, event) = (NodeId::from_uuid(node), EventId::from_uuid(event));
            let source = SystemId::new(&source);
            Some(Contribution {
                node,
                object,
                field,
                value,
                time,
                received_at,
                source,
                kind,
                ce_id,
                event,
                collected_under,
            })
        });
        Some(View::fold(ViewVersion(self.version), said.collect::<Option<_>>()?))
    }
}

#[cfg(test)]
mod tests {
    use kernel::Money;

    use super::{super::codec, *};
    use crate::redis::tag::Tag;

    fn said(n: u128, object: Option<ObjectRef>, value: Value) -> Contribution {
        Contribution {
            node: NodeId::from_uuid(Uuid::from_u128(1)),
            object,
            field: FieldKey::new("person.first_name").unwrap(),
            value,
            time: Instant::from_micros(7),
            received_at: Instant::from_micros(9),
            source: SystemId::new("crm"),
            kind: EventType::new("crm.record.v1").unwrap(),
            ce_id: n.to_string(),
            event: EventId::from_uuid(Uuid::from_u128(n)),
            collected_under: PurposeKey::new("service.recovery").unwrap(),
        }
    }

    #[test]
    fn a_view_comes_back_with_every_kind_of_value() {
        let object = ObjectRef { kind: ObjectKind::new("policy").unwrap(), id: "P-1".to_owned() };
        let values = [
            Value::Bool(true),
            Value::Int(-3),
            Value::Text("Ada".to_owned()),
            Value::At(Instant::from_micros(-1)),
            Value::Date(chrono::NaiveDate::from_ymd_opt(2026, 2, 28).unwrap()),
            Value::Money(Money { minor: -5, currency: "EUR".parse().unwrap() }),
            Value::List(vec![Value::At(Instant::EPOCH), Value::Text(String::new())]),
        ];
        let about = |(value, n)| said(n, Some(object.clone()), value);
        let all = values.into_iter().zip(1..).map(about).chain([said(9, None, Value::Int(1))]);
        let view = View::fold(ViewVersion(7), all.collect());
        let node = NodeId::from_uuid(Uuid::from_u128(1));
        let tag = Tag::of_node(&TenantId::new("acme").unwrap(), node);
        let (nodes, objects) = ([node], [object]);
        let bytes = codec::encode(&tag, "v0", &Row::new(&nodes, &objects, &view)).unwrap();
        let row: Row = codec::decode(&tag, "v0", &bytes).unwrap();
        assert_eq!(row.view(&nodes, &objects), Some(view.clone()));
        assert_eq!(Row::new(&nodes, &objects, &view).view(&nodes, &[]), None);
    }
}
