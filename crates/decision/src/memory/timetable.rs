//! Timers in memory.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use kernel::{Fault, Instant, OccurrenceKey, SubjectId, TenantId, memory::MemoryFeed};

use super::Shelf;
use crate::{
    occurrence::{Occurrence, Settlement, State},
    ports::{Change, ClaimAsk, Entered, Lookup, Timetable},
};

type Rows = BTreeMap<(TenantId, OccurrenceKey), Occurrence>;

/// The timetable in memory.
#[derive(Debug)]
pub struct MemoryTimetable {
    rows: Shelf<Rows>,
    feed: Arc<MemoryFeed>,
}

impl MemoryTimetable {
    /// A timetable that tells its facts to this feed.
    pub fn new(feed: Arc<MemoryFeed>) -> Self {
        Self { rows: Shelf::default(), feed }
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.rows.set_outage(on);
    }

    /// Makes these steps if every fence stands; otherwise none of them.
    pub(super) fn settle_all(&self, tenant: &TenantId, settlements: &[Settlement]) -> bool {
        self.rows.with(|rows| {
            let stands = |it: &Settlement| {
                let row = rows.get(&(tenant.clone(), it.key));
                row.is_some_and(|row| row.fence == it.fence && row.state.may_become(it.state))
            };
            let all = settlements.iter().all(stands);
            if all {
                for it in settlements {
                    settle(rows, tenant, it);
                }
            }
            all
        })
    }
}

fn settle(rows: &mut Rows, tenant: &TenantId, it: &Settlement) {
    let Some(row) = rows.get_mut(&(tenant.clone(), it.key)) else { return };
    if row.fence != it.fence || !row.state.may_become(it.state) {
        return;
    }
    row.state = it.state;
    row.due_at = it.due_at;
    row.attempts = it.attempts;
    row.decision = it.decision;
    row.changed_at = it.at;
    row.fence = row.fence.saturating_add(1);
}

fn due(row: &Occurrence, now: Instant) -> bool {
    match row.state {
        State::Armed => row.due_at <= now,
        State::Claimed => row.lease_until <= now,
        _ => false,
    }
}

/// When a row wants attention next.
fn wakes(row: &Occurrence) -> Option<Instant> {
    match row.state {
        State::Armed => Some(row.due_at),
        State::Claimed => Some(row.lease_until),
        _ => None,
    }
}

#[async_trait]
impl Timetable for MemoryTimetable {
    async fn change(&self, tenant: &TenantId, change: Change) -> Result<(), Fault> {
        self.rows.asked(|rows| {
            for occurrence in change.arm {
                rows.entry((tenant.clone(), occurrence.key)).or_insert(occurrence);
            }
            for it in &change.settle {
                settle(rows, tenant, it);
            }
            for (origin, subject) in &change.rekey {
                for row in rows.values_mut() {
                    if row.tenant == *tenant && row.occasion.origin == *origin {
                        row.subject = *subject;
                    }
                }
            }
            self.feed.push(&change.facts);
        })
    }

    async fn claim(&self, ask: ClaimAsk) -> Result<Vec<Occurrence>, Fault> {
        self.rows.asked(|rows| {
            let busy = |tenant: &TenantId, subject: SubjectId| {
                rows.values().any(|it| {
                    it.tenant == *tenant
                        && it.subject == subject
                        && it.state == State::Claimed
                        && it.lease_until > ask.now
                })
            };
            let mut people: Vec<(Instant, TenantId, SubjectId)> = Vec::new();
            for row in rows.values().filter(|it| due(it, ask.now)) {
                let at = wakes(row).unwrap_or(ask.now);
                match people.iter_mut().find(|it| it.1 == row.tenant && it.2 == row.subject) {
                    Some(it) => it.0 = it.0.min(at),
                    None if busy(&row.tenant, row.subject) => {}
                    None => people.push((at, row.tenant.clone(), row.subject)),
                }
            }
            people.sort();
            people.truncate(ask.people);
            let mut out = Vec::new();
            for row in rows.values_mut().filter(|it| due(it, ask.now)) {
                if people.iter().any(|it| it.1 == row.tenant && it.2 == row.subject) {
                    row.state = State::Claimed;
                    row.lease_until = ask.lease_until;
                    row.fence = row.fence.saturating_add(1);
                    row.changed_at = ask.now;
                    out.push(row.clone());
                }
            }
            out.sort_by(|a, b| (&a.tenant, a.subject, a.key).cmp(&(&b.tenant, b.subject, b.key)));
            out
        })
    }

    async fn find(&self, tenant: &TenantId, lookup: Lookup<'_>) -> Result<Vec<Occurrence>, Fault> {
        self.rows.asked(|rows| {
            let wanted = |it: &&Occurrence| match lookup {
                Lookup::Keys(keys) => keys.contains(&it.key),
                Lookup::OpenOf(subjects) => it.state.is_open() && subjects.contains(&it.subject),
            };
            rows.values().filter(|it| it.tenant == *tenant).filter(wanted).cloned().collect()
        })
    }

    async fn entered(
        &self,
        tenant: &TenantId,
        subjects: &[SubjectId],
        since: Instant,
    ) -> Result<Vec<Entered>, Fault> {
        self.rows.asked(|rows| {
            let entered = |it: &&Occurrence| {
                it.tenant == *tenant
                    && subjects.contains(&it.subject)
                    && matches!(it.state, State::Act | State::Holdout)
                    && it.changed_at >= since
            };
            rows.values()
                .filter(entered)
                .map(|it| Entered {
                    subject: it.subject,
                    node: it.occasion.node.clone(),
                    object: it.occasion.object.clone(),
                    offset: Arc::clone(&it.occasion.offset),
                    anchor: it.occasion.anchor,
                    state: it.state,
                    at: it.changed_at,
                })
                .collect()
        })
    }

    async fn next_due(&self) -> Result<Option<Instant>, Fault> {
        self.rows.asked(|rows| rows.values().filter_map(wakes).min())
    }
}
