//! Turns admitted events into fields: resolve who, one transaction per stretch of the log.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kernel::{Clock, Entropy, EventId, Fact, FactId, Fault, Instant, Limit, NodeId, TenantId};
use serde_json::{Value, json};

use crate::{
    Artifacts, Code, Event,
    apply::{contributions, triggers},
    ports::{
        Application, ApplyError, ArtifactSource, Asked, ContextStore, DeadLetter, EventLog,
        Pending, Resolved, SubjectResolver,
    },
    view::Contribution,
};

/// The most events of one transaction.
pub const STRETCH_MAX: u16 = 256;

/// Applies admitted events, in the order of the log.
#[derive(Debug, Clone)]
pub struct ApplyService {
    log: Arc<dyn EventLog>,
    store: Arc<dyn ContextStore>,
    resolver: Arc<dyn SubjectResolver>,
    artifacts: Arc<dyn ArtifactSource>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl ApplyService {
    /// The use case over its ports.
    pub fn new(
        log: Arc<dyn EventLog>,
        store: Arc<dyn ContextStore>,
        resolver: Arc<dyn SubjectResolver>,
        artifacts: Arc<dyn ArtifactSource>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { log, store, resolver, artifacts, clock, entropy }
    }

    /// Applies up to `limit` events and says how many; a stretch that cannot be resolved stays.
    pub async fn run_once(&self, limit: usize) -> Result<usize, Fault> {
        let mut n_applied = 0;
        while n_applied < limit {
            let n = u16::try_from(limit - n_applied).unwrap_or(u16::MAX).min(STRETCH_MAX);
            let Ok(n) = Limit::new(n) else { break };
            let pending = self.log.pending(n).await?;
            let Some((through, _)) = pending.events.last() else { break };
            let application = self.application(&pending, *through).await?;
            match self.store.apply(&application).await {
                Ok(()) => {
                    n_applied += pending.events.len();
                    // A short stretch was the last one.
                    if pending.events.len() < usize::from(n.get()) {
                        break;
                    }
                }
                // Another worker was faster; the log says what is left.
                Err(ApplyError::Moved) => {}
                Err(ApplyError::Fault(fault)) => return Err(fault),
            }
        }
        Ok(n_applied)
    }

    /// The payload of an admitted event, for triggers that read it.
    pub async fn event_data(&self, tenant: &TenantId, id: EventId) -> Result<Option<Value>, Fault> {
        let found = self.log.events(tenant, &[id]).await?;
        Ok(found.into_iter().next().map(|it| it.data))
    }

    /// Admitted events by id, in the order asked.
    pub async fn events(
        &self,
        tenant: &TenantId,
        ids: &[EventId],
    ) -> Result<Vec<Option<Event>>, Fault> {
        let found = self.log.events(tenant, ids).await?;
        let mut found: BTreeMap<_, _> = found.into_iter().map(|it| (it.id, it)).collect();
        Ok(ids.iter().map(|it| found.remove(it)).collect())
    }

    async fn application(&self, pending: &Pending, through: u64) -> Result<Application, Fault> {
        let mut tenants: BTreeMap<&TenantId, Vec<&Event>> = BTreeMap::new();
        for (_, event) in &pending.events {
            tenants.entry(&event.tenant).or_default().push(event);
        }
        let mut out = Application {
            after: pending.after,
            through,
            values: Vec::new(),
            dead: Vec::new(),
            facts: Vec::new(),
        };
        for (tenant, events) in tenants {
            self.apply_tenant(tenant, &events, &mut out).await?;
        }
        Ok(out)
    }

    async fn apply_tenant(
        &self,
        tenant: &TenantId,
        events: &[&Event],
        out: &mut Application,
    ) -> Result<(), Fault> {
        let artifacts = self.artifacts.live(tenant).await?;
        let now = self.clock.now();
        let about: Vec<_> =
            events.iter().filter(|it| !it.identifiers.is_empty()).copied().collect();
        let asked: Vec<_> = about.iter().map(|it| asked(it)).collect();
        let resolved = if asked.is_empty() {
            Vec::new()
        } else {
            self.resolver.resolve(tenant, &asked).await?
        };
        if resolved.len() != asked.len() {
            return Err(Fault::escalate("resolving the people of events"));
        }
        let nodes: BTreeSet<NodeId> = resolved.iter().flat_map(nodes_of).collect();
        let nodes: Vec<_> = nodes.into_iter().collect();
        let mut versions = self.store.versions(tenant, &nodes).await?;
        let mut values: Vec<Contribution> = Vec::new();
        for (event, resolved) in about.iter().zip(&resolved) {
            let (Some(node), Some(_)) = (resolved.node, &resolved.person) else {
                out.dead.push((tenant.clone(), dead(event, now)));
                continue;
            };
            let gained = contributions(event, node, &artifacts);
            if !gained.is_empty() {
                *versions.entry(node).or_default() += 1;
            }
            out.facts.push(self.fact(event, resolved, &gained, &versions, now, &artifacts));
            values.extend(gained);
        }
        out.values.push((tenant.clone(), values));
        Ok(())
    }

    fn fact(
        &self,
        event: &Event,
        resolved: &Resolved,
        gained: &[Contribution],
        versions: &BTreeMap<NodeId, u64>,
        now: Instant,
        artifacts: &Artifacts,
    ) -> Fact {
        let person = resolved.person.as_ref();
        let nodes = person.map(|it| it.nodes.clone()).unwrap_or_default();
        let version: u64 = nodes.iter().filter_map(|it| versions.get(it)).sum();
        let fields: BTreeSet<_> = gained.iter().map(|it| it.field.as_str()).collect();
        let mut body = json!({
            "event_id": event.id,
            "type": event.kind,
            "source": event.source,
            "time": event.time,
            "view_version": version,
            "triggers": triggers(event, now) && artifacts.contract(&event.kind).is_some(),
            "fields": fields,
        });
        if let (Some(object), Some(body)) = (&event.object, body.as_object_mut()) {
            body.insert("object_kind".into(), object.kind.as_str().into());
            body.insert("object_id".into(), object.id.as_str().into());
        }
        Fact {
            id: FactId::mint(now, &*self.entropy),
            tenant: event.tenant.clone(),
            name: "context.event.applied".to_owned(),
            at: now,
            subject: person.map(|it| it.subject),
            nodes: resolved.node.into_iter().collect(),
            cause: None,
            trace: event.trace.clone(),
            body,
        }
    }
}

fn asked(event: &Event) -> Asked {
    Asked {
        event: event.id,
        source: event.source.clone(),
        kind: event.kind.clone(),
        at: event.time,
        identifiers: event.identifiers.clone(),
    }
}

fn nodes_of(resolved: &Resolved) -> Vec<NodeId> {
    let person = resolved.person.iter().flat_map(|it| it.nodes.iter().copied());
    person.chain(resolved.node).collect()
}

fn dead(event: &Event, now: Instant) -> DeadLetter {
    DeadLetter {
        id: event.id,
        source: Some(event.source.clone()),
        kind: Some(event.kind.clone()),
        ce_id: Some(event.ce_id.clone()),
        code: Code::IdentityUnresolvable,
        pointer: "/subject".to_owned(),
        received_at: now,
        // The log keeps the event itself.
        raw: None,
    }
}
