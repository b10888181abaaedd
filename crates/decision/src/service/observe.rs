//! What happened elsewhere, turned into timers: armed, moved, cancelled, handed to a survivor.

mod plan;

use std::{collections::BTreeMap, sync::Arc};

use kernel::{EventId, Fact, Fault, Instant, OccurrenceKey, SubjectId, TenantId};
use serde::Deserialize;

use self::plan::{Happened, Plan};
use super::{
    Sources,
    facts::{Moved, Teller},
};
use crate::{
    occurrence::{Occurrence, REDECIDE_MAX, Settlement, State},
    ports::{Change, ContextAsk, CutAsk, Lookup, Release},
    reasons,
};

/// What this domain reads of `context.event.applied`.
#[derive(Debug, Deserialize)]
struct Applied {
    event_id: EventId,
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// The fields it set; without them every anchor may have moved.
    fields: Option<Vec<Arc<str>>>,
    /// Whether it is recent enough to set something off.
    #[serde(default = "yes")]
    triggers: bool,
}

const fn yes() -> bool {
    true
}

/// What this domain reads of `action.returned`.
#[derive(Debug, Deserialize)]
struct Returned {
    occurrence: OccurrenceKey,
    not_before: Option<Instant>,
}

pub(super) async fn observe(sources: &Sources, facts: &[Fact]) -> Result<(), Fault> {
    let mut by_tenant = BTreeMap::<&TenantId, Vec<&Fact>>::new();
    for fact in facts {
        by_tenant.entry(&fact.tenant).or_default().push(fact);
    }
    for (tenant, facts) in by_tenant {
        rekey(sources, tenant, &facts).await?;
        returned(sources, tenant, &facts).await?;
        if let Some(release) = sources.releases.current(tenant).await? {
            applied(sources, tenant, &release, &facts).await?;
        }
    }
    Ok(())
}

/// After a merge or split, every occurrence belongs to whom its origin belongs to now.
async fn rekey(sources: &Sources, tenant: &TenantId, facts: &[&Fact]) -> Result<(), Fault> {
    let moved = facts.iter().filter(|it| matches!(&*it.name, "identity.merged" | "identity.split"));
    let mut origins: Vec<SubjectId> = moved
        .flat_map(|it| {
            it.nodes.iter().map(|node| SubjectId::from_uuid(node.uuid())).chain(it.subject)
        })
        .collect();
    origins.sort_unstable();
    origins.dedup();
    if origins.is_empty() {
        return Ok(());
    }
    let persons = sources.persons.persons(tenant, &origins).await?;
    let rekey = (origins.into_iter().zip(persons))
        .filter_map(|(origin, person)| Some((origin, person?.at.subject)))
        .collect();
    sources.timetable.change(tenant, Change { rekey, ..Change::default() }).await
}

/// A returned action is decided afresh, as often as the law allows.
async fn returned(sources: &Sources, tenant: &TenantId, facts: &[&Fact]) -> Result<(), Fault> {
    let returned: BTreeMap<OccurrenceKey, Option<Instant>> = facts
        .iter()
        .filter(|it| it.name == "action.returned")
        .filter_map(|it| Returned::deserialize(&it.body).ok())
        .map(|it| (it.occurrence, it.not_before))
        .collect();
    if returned.is_empty() {
        return Ok(());
    }
    let now = sources.clock.now();
    let retry = sources.releases.current(tenant).await?;
    let keys: Vec<_> = returned.keys().copied().collect();
    let found = sources.timetable.find(tenant, Lookup::Keys(&keys)).await?;
    let settle = found
        .iter()
        .filter(|it| it.state == State::Act && it.attempts < REDECIDE_MAX)
        .map(|it| {
            let node = retry.as_ref().and_then(|r| r.artifacts.node(&it.occasion.node));
            let wait = node.map(|it| it.degraded.retry.span()).unwrap_or_default();
            let wanted = returned.get(&it.key).copied().flatten();
            let due = wanted.unwrap_or_else(|| now.plus(wait)).max(now);
            Settlement::of(it, State::Armed, now).due(due)
        })
        .collect();
    sources.timetable.change(tenant, Change { settle, ..Change::default() }).await
}

/// Events that set off, move or end journeys.
async fn applied(
    sources: &Sources,
    tenant: &TenantId,
    release: &Release,
    facts: &[&Fact],
) -> Result<(), Fault> {
    let mut wanted: Vec<(&Fact, SubjectId, Applied)> = Vec::new();
    for fact in facts.iter().filter(|it| it.name == "context.event.applied") {
        let Ok(body) = Applied::deserialize(&fact.body) else { continue };
        if let Some(subject) = fact.subject.filter(|_| concerns(release, &body)) {
            wanted.push((fact, subject, body));
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = wanted.iter().map(|(_, _, it)| it.event_id).collect();
    let events = sources.context.events(tenant, &ids).await?;
    let subjects: Vec<_> = wanted.iter().map(|(_, it, _)| *it).collect();
    let persons = sources.persons.persons(tenant, &subjects).await?;
    let happened: Vec<Happened<'_>> = (wanted.into_iter().zip(events).zip(persons))
        .filter_map(|(((fact, _, body), event), person)| {
            let Applied { fields, triggers, .. } = body;
            Some(Happened { fact, event: event?, person: person?, fields, triggers })
        })
        .collect();
    let now = sources.clock.now();
    let cuts = cuts(sources, tenant, release, &happened, now).await?;
    let open = open(sources, tenant, &happened).await?;
    let mut plan = Plan::new(tenant, release, open, now);
    for (it, cuts) in happened.iter().zip(&cuts) {
        plan.take(it, cuts);
    }
    commit(sources, tenant, plan, &happened, now).await
}

/// Whether any live node could care, judged by what the fact itself says.
fn concerns(release: &Release, body: &Applied) -> bool {
    let artifacts = &release.artifacts;
    let by_type = body.event_type.as_ref().is_none_or(|it| artifacts.moved_by(it).next().is_some());
    let by_field = body
        .fields
        .as_ref()
        .is_none_or(|it| it.iter().any(|field| artifacts.anchored_at(field).next().is_some()));
    by_type || by_field
}

/// For each event, a cut per node whose timer needs an anchor or a zone.
async fn cuts(
    sources: &Sources,
    tenant: &TenantId,
    release: &Release,
    happened: &[Happened<'_>],
    now: Instant,
) -> Result<Vec<Vec<crate::inputs::Cut>>, Fault> {
    let asks: Vec<ContextAsk> = happened
        .iter()
        .map(|it| ContextAsk {
            person: it.person.at.clone(),
            as_of: now,
            cuts: plan::asks(release, it)
                .map(|(node, object)| CutAsk { spec: Arc::clone(&node.timing), object })
                .collect(),
        })
        .collect();
    let silent = asks.iter().all(|it| it.cuts.is_empty());
    if silent {
        return Ok(vec![Vec::new(); happened.len()]);
    }
    sources.context.gather(tenant, &asks).await
}

async fn open(
    sources: &Sources,
    tenant: &TenantId,
    happened: &[Happened<'_>],
) -> Result<Vec<Occurrence>, Fault> {
    let mut subjects: Vec<_> = happened.iter().map(|it| it.person.at.subject).collect();
    subjects.sort_unstable();
    subjects.dedup();
    sources.timetable.find(tenant, Lookup::OpenOf(&subjects)).await
}

/// Writes a plan, leaving out what the timetable already knows.
async fn commit(
    sources: &Sources,
    tenant: &TenantId,
    plan: Plan<'_>,
    happened: &[Happened<'_>],
    now: Instant,
) -> Result<(), Fault> {
    let (armed, cancelled) = plan.into_parts();
    let keys: Vec<_> = armed.iter().map(|(_, it)| it.key).collect();
    let known = if keys.is_empty() {
        Vec::new()
    } else {
        sources.timetable.find(tenant, Lookup::Keys(&keys)).await?
    };
    let tell = |moved: &Moved, i: usize, occurrence: &Occurrence| {
        let Happened { fact, person, .. } = happened.get(i)?;
        let cause = Some(fact.id);
        let (entropy, trace) = (&*sources.entropy, fact.trace.as_deref());
        let teller = Teller { tenant, at: now, entropy, cause, trace };
        Some(teller.timer(moved, &person.at, occurrence))
    };
    let mut change = Change::default();
    for (i, occurrence) in armed {
        if known.iter().any(|it| it.key == occurrence.key) {
            continue;
        }
        let moved = match occurrence.state {
            // Only dates have anchors: this is an event older than the node accepts.
            State::Missed if occurrence.occasion.anchor.is_none() => {
                Moved::Missed(reasons::TRG_TOO_LATE)
            }
            State::Missed => Moved::Missed(reasons::TRG_MISSED),
            _ => Moved::Armed,
        };
        change.facts.extend(tell(&moved, i, &occurrence));
        change.arm.push(occurrence);
    }
    for (i, occurrence) in cancelled {
        change.facts.extend(tell(&Moved::Cancelled, i, &occurrence));
        change.settle.push(Settlement::of(&occurrence, State::Cancelled, now));
    }
    if change.is_empty() {
        return Ok(());
    }
    sources.timetable.change(tenant, change).await
}
