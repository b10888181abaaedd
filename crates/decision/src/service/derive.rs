//! Deriving an occurrence afresh from what is known now. Pure.

use std::sync::Arc;

use chrono::NaiveDate;
use kernel::{Digest, Instant, Known, OccurrenceKey, Reason, TenantId, Value};

use crate::{
    inputs::Cut,
    node::{Calendar, Node, Offset, Per, Trigger},
    occurrence::{ObjectRef, Occasion, Occurrence, State},
    person::Person,
    ports::Entered,
    reasons,
    schedule::{self, Zone},
};

/// What became of a due occurrence since it was armed.
pub(super) enum Derived {
    /// It is due.
    Due,
    /// Not yet, after all.
    Later(Instant),
    /// Too long ago.
    Missed,
    /// Its anchor moved: another occurrence takes its place.
    Moved(Option<Box<Occurrence>>),
}

/// Derives a claimed occurrence again.
pub(super) fn again(
    tenant: &TenantId,
    person: &Person,
    node: &Node,
    occurrence: &Occurrence,
    cut: &Cut,
    now: Instant,
) -> Derived {
    let zone = schedule::zone(node, &cut.fields);
    let missed = node.trigger.missed().span();
    let due = match &node.trigger {
        Trigger::Event(_) => Some(occurrence.due_at),
        Trigger::Date(it) => {
            let anchor = known(cut, it.anchor).and_then(|v| schedule::anchor_date(v, zone));
            let offset = it.offsets.iter().find(|o| o.label == occurrence.occasion.offset);
            match (anchor, offset) {
                (Some(anchor), Some(offset)) if Some(anchor) != occurrence.occasion.anchor => {
                    let next = dated(
                        tenant,
                        person,
                        node,
                        &it.calendar,
                        offset,
                        Dated {
                            anchor,
                            zone,
                            object: occurrence.occasion.object.clone(),
                            release: occurrence.armed_under,
                            now,
                        },
                    );
                    let trace = occurrence.trace.clone();
                    return Derived::Moved(next.map(|it| Box::new(Occurrence { trace, ..it })));
                }
                (Some(anchor), Some(offset)) => {
                    schedule::date_due(&it.calendar, offset.period, anchor, zone, occurrence.key)
                }
                // The anchor is not known, or the offset left the node: the decision refuses.
                _ => Some(occurrence.due_at),
            }
        }
        Trigger::Inactivity(it) => match known(cut, it.last) {
            Some(Value::At(last)) => {
                schedule::pause_due(&it.calendar, it.after, *last, zone, occurrence.key)
            }
            _ => Some(occurrence.due_at),
        },
    };
    match due {
        Some(due) if due > now => Derived::Later(due),
        Some(due) if due.max(occurrence.due_at).plus(missed) < now => Derived::Missed,
        Some(_) => Derived::Due,
        None => Derived::Missed,
    }
}

fn known(cut: &Cut, slot: usize) -> Option<&Value> {
    cut.fields.get(slot).and_then(Known::value)
}

/// What a dated occurrence is made from, besides its node.
pub(super) struct Dated {
    pub(super) anchor: NaiveDate,
    pub(super) zone: Zone,
    pub(super) object: Option<ObjectRef>,
    pub(super) release: Digest,
    pub(super) now: Instant,
}

/// The occurrence of an offset from an anchor: armed, or missed where it is past deciding; `None`
/// where it never was due, or so long ago that the node itself no longer looks back to it.
pub(super) fn dated(
    tenant: &TenantId,
    person: &Person,
    node: &Node,
    calendar: &Calendar,
    offset: &Offset,
    it: Dated,
) -> Option<Occurrence> {
    let occasion = Occasion {
        node: node.name.clone(),
        origin: person.at.subject,
        object: it.object,
        label: label(offset, it.anchor),
        offset: Arc::clone(&offset.label),
        anchor: Some(it.anchor),
    };
    let key = person.key.occurrence(tenant, &occasion);
    let due = schedule::date_due(calendar, offset.period, it.anchor, it.zone, key)?;
    let armed = armed(tenant, person, occasion, key, due, it.release, it.now);
    if due.plus(calendar.missed.span()) < it.now {
        return missed(node, armed, it.now);
    }
    Some(armed)
}

/// An occurrence that came too late to be decided; older ones are history, not omissions.
pub(super) fn missed(node: &Node, occurrence: Occurrence, now: Instant) -> Option<Occurrence> {
    let is_recent = occurrence.due_at.plus(node.life.window.span()) >= now;
    is_recent.then_some(Occurrence { state: State::Missed, ..occurrence })
}

fn label(offset: &Offset, anchor: NaiveDate) -> Arc<str> {
    format!("{}@{anchor}", offset.label).into()
}

/// A fresh timer.
pub(super) fn armed(
    tenant: &TenantId,
    person: &Person,
    occasion: Occasion,
    key: OccurrenceKey,
    due_at: Instant,
    release: Digest,
    now: Instant,
) -> Occurrence {
    Occurrence {
        key,
        tenant: tenant.clone(),
        subject: person.at.subject,
        occasion,
        due_at,
        state: State::Armed,
        armed_under: release,
        attempts: 0,
        fence: 0,
        lease_until: now,
        decision: None,
        changed_at: now,
        trace: None,
    }
}

/// The key of the earlier step a sequence looks at.
pub(super) fn earlier(
    tenant: &TenantId,
    person: &Person,
    node: &Node,
    occasion: &Occasion,
) -> Option<OccurrenceKey> {
    let sequence = node.sequence.as_ref().filter(|it| it.label == occasion.offset)?;
    let anchor = occasion.anchor?;
    let earlier = Occasion {
        label: format!("{}@{anchor}", sequence.after).into(),
        offset: Arc::clone(&sequence.after),
        ..occasion.clone()
    };
    Some(person.key.occurrence(tenant, &earlier))
}

/// Whether the journey was entered too often or too recently to be entered again.
pub(super) fn reentry(
    node: &Node,
    occurrence: &Occurrence,
    entered: &[Entered],
    now: Instant,
) -> Vec<Reason> {
    let life = &node.life;
    let occasion = &occurrence.occasion;
    let same = |it: &&Entered| {
        it.subject == occurrence.subject
            && it.node == node.name
            && match life.per {
                Per::Object => it.object == occasion.object,
                Per::ObjectAnchor => it.object == occasion.object && it.anchor == occasion.anchor,
                Per::ObjectOffset => it.object == occasion.object && it.offset == occasion.offset,
                Per::Episode => true,
            }
    };
    let (window, cooldown) = (now.minus(life.window.span()), now.minus(life.cooldown.span()));
    let within = entered.iter().filter(same).filter(|it| it.at > window).count();
    let recent = entered.iter().filter(same).any(|it| it.at > cooldown);
    let max = usize::try_from(life.max).unwrap_or(usize::MAX);
    if within >= max || recent { vec![reasons::TRG_REENTRY] } else { Vec::new() }
}
