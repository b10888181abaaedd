//! Decision asks what is known; context answers, one cut per node.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use context::{
    BoundaryId, Bundle, BundleRefusal, DataAction, FieldKey, ObjectKind, ObjectRef, Want,
    select::Narrowing,
    service::{ApplyService, BundleService},
};
use decision::{
    inputs::Cut,
    ports::{ContextAsk, ContextSource, CutAsk, EventData},
};
use kernel::{EventId, Fault, Reason, TenantId, Why};

/// A node asks for something the catalogue has no name for.
const UNTAGGED: Reason = Reason::of("FD.UNTAGGED");
/// A node names a boundary that is none.
const NO_BOUNDARY: Reason = Reason::of("BN.NO_BOUNDARY");

/// What is known, as context keeps it.
#[derive(Clone)]
pub struct ContextKnowledge {
    bundles: Arc<BundleService>,
    events: Arc<ApplyService>,
}

impl fmt::Debug for ContextKnowledge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContextKnowledge")
    }
}

impl ContextKnowledge {
    /// Answered by these services.
    pub const fn new(bundles: Arc<BundleService>, events: Arc<ApplyService>) -> Self {
        Self { bundles, events }
    }

    async fn one(&self, tenant: &TenantId, ask: &ContextAsk) -> Result<Vec<Cut>, Fault> {
        let asked: Vec<_> = ask.cuts.iter().map(cut).collect();
        let cuts = asked.iter().filter_map(|it| it.as_ref().ok()).cloned().collect();
        let question = context::Ask { person: ask.person.clone(), as_of: ask.as_of, cuts };
        let mut answers = self.bundles.bundle(tenant, &question).await?.into_iter();
        Ok(ask
            .cuts
            .iter()
            .zip(asked)
            .map(|(cut, asked)| match asked {
                Ok(_) => match answers.next() {
                    Some(Ok(bundle)) => told(cut, &bundle),
                    Some(Err(refusal)) => refused(cut, refusal),
                    None => Cut::refused(cut.spec.fields.len(), Why::SourceDown, NO_BOUNDARY),
                },
                Err(reason) => Cut::refused(cut.spec.fields.len(), Why::Withheld, reason),
            })
            .collect())
    }
}

/// A node's question in context's words.
fn cut(ask: &CutAsk) -> Result<context::Cut, Reason> {
    let spec = &ask.spec;
    let wanted = spec
        .fields
        .iter()
        .map(|it| {
            Ok(Want {
                field: FieldKey::new(&it.name).map_err(|_| UNTAGGED)?,
                required: it.required,
                max_age: Some(it.max_age.span()),
            })
        })
        .collect::<Result<_, _>>()?;
    let object = ask
        .object
        .as_ref()
        .map(|it| ObjectKind::new(&it.kind).map(|kind| ObjectRef { kind, id: it.id.to_string() }))
        .transpose();
    Ok(context::Cut {
        purpose: spec.purpose.key.clone(),
        action: DataAction::Read,
        boundary: BoundaryId::new(&spec.boundary).map_err(|_| NO_BOUNDARY)?,
        narrowing: Narrowing {
            systems: (!spec.systems.is_empty()).then(|| spec.systems.clone()),
            deny_fields: spec.deny_fields.clone(),
            fields_max: Some(spec.max_fields),
        },
        object: object.map_err(|_| UNTAGGED)?,
        wanted,
    })
}

fn told(ask: &CutAsk, bundle: &Bundle) -> Cut {
    let fields = ask
        .spec
        .fields
        .iter()
        .map(|it| match FieldKey::new(&it.name) {
            Ok(key) => bundle.known(&key),
            Err(_) => kernel::Known::Unknown(Why::Withheld),
        })
        .collect();
    let digests = bundle.artifacts.iter().map(|(name, digest)| (name.clone(), *digest)).collect();
    Cut { fields, withheld: withheld(&bundle.withheld), refusal: None, digests }
}

fn refused(ask: &CutAsk, refusal: BundleRefusal) -> Cut {
    let known: BTreeMap<_, _> =
        refusal.withheld.iter().map(|(key, reasons)| (key.as_str(), reasons)).collect();
    let fields = ask
        .spec
        .fields
        .iter()
        .map(|it| {
            let lacking = known
                .get(&*it.name)
                .is_some_and(|it| it.first().is_some_and(|first| first.code() == "FD.MISSING"));
            kernel::Known::Unknown(if lacking { Why::Missing } else { Why::Withheld })
        })
        .collect();
    Cut {
        fields,
        withheld: withheld(&refusal.withheld),
        refusal: Some(refusal.reason),
        digests: Vec::new(),
    }
}

/// One entry per reason, so that a field withheld for several is told with all of them.
fn withheld(fields: &[(FieldKey, Vec<Reason>)]) -> Vec<(Arc<str>, Reason)> {
    let of_field = |(key, reasons): &(FieldKey, Vec<Reason>)| {
        let key: Arc<str> = key.as_str().into();
        reasons.iter().map(move |it| (Arc::clone(&key), it.clone())).collect::<Vec<_>>()
    };
    fields.iter().flat_map(of_field).collect()
}

#[async_trait]
impl ContextSource for ContextKnowledge {
    async fn gather(&self, tenant: &TenantId, asks: &[ContextAsk]) -> Result<Vec<Vec<Cut>>, Fault> {
        let mut out = Vec::with_capacity(asks.len());
        for ask in asks {
            out.push(self.one(tenant, ask).await?);
        }
        Ok(out)
    }

    async fn events(
        &self,
        tenant: &TenantId,
        ids: &[EventId],
    ) -> Result<Vec<Option<EventData>>, Fault> {
        let events = self.events.events(tenant, ids).await?;
        Ok(events.into_iter().map(|it| it.map(data)).collect())
    }
}

fn data(event: context::Event) -> EventData {
    let objects = event
        .object
        .iter()
        .map(|it| decision::ObjectRef::new(it.kind.as_str(), it.id.as_str()))
        .collect();
    EventData {
        id: event.id,
        event_type: event.kind.as_str().into(),
        at: event.time,
        objects,
        data: event.data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_for_which_a_field_is_withheld_is_told() {
        let field = |name: &str| FieldKey::new(name).unwrap();
        let fields = [
            (field("policy.status"), vec![context::select::PURPOSE, context::select::STALE]),
            (field("person.language"), vec![context::select::MISSING]),
        ];
        let told = withheld(&fields);
        let told: Vec<_> = told.iter().map(|(key, it)| (&**key, it.code())).collect();
        assert_eq!(
            told,
            [
                ("policy.status", "FD.PURPOSE"),
                ("policy.status", "FD.STALE"),
                ("person.language", "FD.MISSING"),
            ]
        );
    }
}
