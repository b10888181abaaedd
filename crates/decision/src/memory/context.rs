//! Facts about people, in memory.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use kernel::{Digest, EventId, Fault, Instant, Known, SubjectId, TenantId, Value, Why};

use super::Shelf;
use crate::{
    inputs::Cut,
    occurrence::ObjectRef,
    ports::{ContextAsk, ContextSource, CutAsk, EventData},
};

/// Fields and events in memory; a field lives at a person, or at one of their objects.
#[derive(Debug, Default)]
pub struct MemoryContext(Shelf<State>);

type Place = (TenantId, SubjectId, Option<ObjectRef>, Arc<str>);

#[derive(Debug, Default)]
struct State {
    fields: BTreeMap<Place, Known<Value>>,
    events: BTreeMap<(TenantId, EventId), EventData>,
}

impl MemoryContext {
    /// Keeps a field.
    pub fn set(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        object: Option<ObjectRef>,
        name: &str,
        value: Known<Value>,
    ) {
        self.0.with(|it| {
            it.fields.insert((tenant.clone(), subject, object, name.into()), value);
        });
    }

    /// Keeps an event.
    pub fn put(&self, tenant: &TenantId, event: EventData) {
        self.0.with(|it| it.events.insert((tenant.clone(), event.id), event));
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.0.set_outage(on);
    }
}

impl State {
    fn cut(&self, tenant: &TenantId, subject: SubjectId, ask: &CutAsk, as_of: Instant) -> Cut {
        let find = |object: Option<ObjectRef>, name: &Arc<str>| {
            self.fields.get(&(tenant.clone(), subject, object, Arc::clone(name)))
        };
        let fields = ask
            .spec
            .fields
            .iter()
            .map(|field| {
                let found = find(ask.object.clone(), &field.name);
                match found.or_else(|| find(None, &field.name)) {
                    Some(Known::Is { as_of: then, .. })
                        if as_of.since(*then) > field.max_age.span() =>
                    {
                        Known::Unknown(Why::Stale)
                    }
                    Some(known) => known.clone(),
                    None => Known::Unknown(Why::Missing),
                }
            })
            .collect();
        Cut {
            fields,
            withheld: Vec::new(),
            refusal: None,
            digests: vec![("catalogue".into(), Digest::of(b"catalogue"))],
        }
    }
}

#[async_trait]
impl ContextSource for MemoryContext {
    async fn gather(&self, tenant: &TenantId, asks: &[ContextAsk]) -> Result<Vec<Vec<Cut>>, Fault> {
        self.0.asked(|it| {
            asks.iter()
                .map(|ask| {
                    let cut = |cut| it.cut(tenant, ask.person.subject, cut, ask.as_of);
                    ask.cuts.iter().map(cut).collect()
                })
                .collect()
        })
    }

    async fn events(
        &self,
        tenant: &TenantId,
        ids: &[EventId],
    ) -> Result<Vec<Option<EventData>>, Fault> {
        self.0.asked(|it| {
            ids.iter().map(|id| it.events.get(&(tenant.clone(), *id)).cloned()).collect()
        })
    }
}
