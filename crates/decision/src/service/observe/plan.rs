//! From events to timers, purely: what to arm and what to cancel.

use std::{collections::BTreeMap, sync::Arc};

use chrono::NaiveDate;
use kernel::{Fact, Instant, Known, OccurrenceKey, SystemId, TenantId, Value, Why};

use crate::{
    condition::{Cell, Scope},
    inputs::Cut,
    node::{DateTrigger, EventTrigger, InactivityTrigger, Node, Trigger},
    occurrence::{ObjectRef, Occasion, Occurrence, State},
    person::Person,
    ports::{EventData, Release},
    schedule,
    service::derive::{self, Dated},
};

/// One event, the fact that told of it, and whom it happened to.
pub(super) struct Happened<'a> {
    pub(super) fact: &'a Fact,
    pub(super) event: EventData,
    pub(super) person: Person,
    /// The fields it set; `None` where the fact does not say.
    pub(super) fields: Option<Vec<Arc<str>>>,
    /// Whether it may set something off; it always ends and moves what is open.
    pub(super) triggers: bool,
}

/// An occurrence and the place of the event that moved it.
pub(super) type Step = (usize, Occurrence);

/// What to arm and what to cancel, each with the place of the event that led to it.
pub(super) struct Plan<'a> {
    tenant: &'a TenantId,
    release: &'a Release,
    now: Instant,
    taken: usize,
    open: BTreeMap<OccurrenceKey, Occurrence>,
    armed: BTreeMap<OccurrenceKey, (usize, Occurrence)>,
    cancelled: BTreeMap<OccurrenceKey, (usize, Occurrence)>,
}

/// The nodes whose timers need to know something when this happens, with the object in question.
pub(super) fn asks<'a>(
    release: &'a Release,
    it: &'a Happened<'_>,
) -> impl Iterator<Item = (&'a Arc<Node>, Option<ObjectRef>)> {
    release.artifacts.nodes().iter().flat_map(move |node| {
        let objects = match &node.trigger {
            Trigger::Date(date) if sets(node, date, it) => objects(node, &it.event),
            Trigger::Inactivity(pause) if it.triggers && pause.since == it.event.event_type => {
                objects(node, &it.event)
            }
            Trigger::Date(_) | Trigger::Inactivity(_) | Trigger::Event(_) => Vec::new(),
        };
        objects.into_iter().map(move |object| (node, object))
    })
}

fn sets(node: &Node, trigger: &DateTrigger, it: &Happened<'_>) -> bool {
    let anchor = node.cut.fields.get(trigger.anchor).map(|it| &it.name);
    it.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| Some(field) == anchor))
}

/// The objects of an event a node could be about; `None` stands for the person.
fn objects(node: &Node, event: &EventData) -> Vec<Option<ObjectRef>> {
    if node.is_about_person() {
        return vec![None];
    }
    event.objects.iter().filter(|it| it.kind == node.object).cloned().map(Some).collect()
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        tenant: &'a TenantId,
        release: &'a Release,
        open: Vec<Occurrence>,
        now: Instant,
    ) -> Self {
        Self {
            tenant,
            release,
            now,
            taken: 0,
            open: open.into_iter().map(|it| (it.key, it)).collect(),
            armed: BTreeMap::new(),
            cancelled: BTreeMap::new(),
        }
    }

    /// Takes the next event, with the cuts [`asks`] named for it.
    pub(super) fn take(&mut self, it: &Happened<'_>, cuts: &[Cut]) {
        let release = self.release;
        for node in release.artifacts.moved_by(&it.event.event_type) {
            if node.life.cancel_on.contains(&it.event.event_type) {
                self.cancel(node, it);
            }
            if let Trigger::Event(trigger) = &node.trigger
                && it.triggers
                && trigger.event == it.event.event_type
            {
                self.event(node, trigger, it);
            }
        }
        for ((node, object), cut) in asks(release, it).zip(cuts) {
            let cut = &node.full(cut);
            match &node.trigger {
                Trigger::Date(trigger) => self.date(node, trigger, it, object.as_ref(), cut),
                Trigger::Inactivity(trigger) => self.pause(node, trigger, it, object, cut),
                Trigger::Event(_) => {}
            }
        }
        self.taken += 1;
    }

    /// What to arm and what to cancel, ascending by key.
    pub(super) fn into_parts(self) -> (Vec<Step>, Vec<Step>) {
        (self.armed.into_values().collect(), self.cancelled.into_values().collect())
    }

    fn cancel(&mut self, node: &Node, it: &Happened<'_>) {
        let objects = objects(node, &it.event);
        self.cancel_where(node, it, |occasion| objects.contains(&occasion.object));
    }

    fn cancel_where(&mut self, node: &Node, it: &Happened<'_>, hit: impl Fn(&Occasion) -> bool) {
        let keys: Vec<_> = self
            .open
            .values()
            .filter(|o| o.subject == it.person.at.subject && o.occasion.node == node.name)
            .filter(|o| hit(&o.occasion))
            .map(|o| o.key)
            .collect();
        for key in keys {
            if let Some(occurrence) = self.open.remove(&key)
                && self.armed.remove(&key).is_none()
            {
                self.cancelled.insert(key, (self.taken, occurrence));
            }
        }
    }

    /// Keeps an occurrence; one that is missed from the start is not open.
    fn arm(&mut self, it: &Happened<'_>, occurrence: Occurrence) {
        let occurrence = Occurrence { trace: it.fact.trace.clone(), ..occurrence };
        if occurrence.state == State::Armed {
            self.open.insert(occurrence.key, occurrence.clone());
        }
        self.armed.insert(occurrence.key, (self.taken, occurrence));
    }

    fn event(&mut self, node: &Node, trigger: &EventTrigger, it: &Happened<'_>) {
        let event = &it.event;
        if !holds(trigger, event, self.now) {
            return;
        }
        let too_late = self.now.since(event.at) > trigger.max_age.span();
        let due = event.at.plus(trigger.delay.span());
        for object in objects(node, event) {
            let occasion = Occasion {
                node: node.name.clone(),
                origin: it.person.at.subject,
                object,
                label: event.id.to_string().into(),
                offset: "".into(),
                anchor: None,
            };
            let key = it.person.key.occurrence(self.tenant, &occasion);
            if !self.open.contains_key(&key) {
                let occurrence = derive::armed(
                    self.tenant,
                    &it.person,
                    occasion,
                    key,
                    due,
                    self.release.digest,
                    self.now,
                );
                let occurrence = if too_late {
                    derive::missed(node, occurrence, self.now)
                } else {
                    Some(occurrence)
                };
                if let Some(occurrence) = occurrence {
                    self.arm(it, occurrence);
                }
            }
        }
    }

    /// Arms every offset of the anchor; timers at another anchor date are void.
    fn date(
        &mut self,
        node: &Node,
        trigger: &DateTrigger,
        it: &Happened<'_>,
        object: Option<&ObjectRef>,
        cut: &Cut,
    ) {
        let zone = schedule::zone(node, &cut.fields);
        let value = cut.fields.get(trigger.anchor).and_then(Known::value);
        let Some(anchor) = value.and_then(|it| schedule::anchor_date(it, zone)) else { return };
        self.void(node, it, object, anchor);
        for offset in &trigger.offsets {
            let dated = Dated {
                anchor,
                zone,
                object: object.cloned(),
                release: self.release.digest,
                now: self.now,
            };
            let next =
                derive::dated(self.tenant, &it.person, node, &trigger.calendar, offset, dated);
            if let Some(next) = next
                && !self.open.contains_key(&next.key)
            {
                self.arm(it, next);
            }
        }
    }

    fn void(
        &mut self,
        node: &Node,
        it: &Happened<'_>,
        object: Option<&ObjectRef>,
        anchor: NaiveDate,
    ) {
        self.cancel_where(node, it, |occasion| {
            occasion.object.as_ref() == object && occasion.anchor != Some(anchor)
        });
    }

    /// Activity writes no timer while one waits: on firing it reads the last activity.
    fn pause(
        &mut self,
        node: &Node,
        trigger: &InactivityTrigger,
        it: &Happened<'_>,
        object: Option<ObjectRef>,
        cut: &Cut,
    ) {
        let waits = self.open.values().any(|o| {
            o.subject == it.person.at.subject
                && o.occasion.node == node.name
                && o.occasion.object == object
        });
        if waits {
            return;
        }
        let occasion = Occasion {
            node: node.name.clone(),
            origin: it.person.at.subject,
            object,
            label: format!("ep@{}", it.event.at).into(),
            offset: "".into(),
            anchor: None,
        };
        let key = it.person.key.occurrence(self.tenant, &occasion);
        let zone = schedule::zone(node, &cut.fields);
        let calendar = &trigger.calendar;
        let Some(due) = schedule::pause_due(calendar, trigger.after, it.event.at, zone, key) else {
            return;
        };
        if due.plus(calendar.missed.span()) >= self.now {
            let occurrence = derive::armed(
                self.tenant,
                &it.person,
                occasion,
                key,
                due,
                self.release.digest,
                self.now,
            );
            self.arm(it, occurrence);
        }
    }
}

/// Whether an event's payload meets the trigger's condition; unknown does not.
fn holds(trigger: &EventTrigger, event: &EventData, now: Instant) -> bool {
    let Some(when) = &trigger.when else { return true };
    let source = SystemId::new(&event.event_type);
    let fields: Vec<Known<Value>> = trigger
        .payload
        .iter()
        .map(|name| {
            let value = match event.data.get(&**name) {
                Some(serde_json::Value::Bool(it)) => Value::Bool(*it),
                Some(serde_json::Value::String(it)) => Value::Text(it.clone()),
                Some(serde_json::Value::Number(it)) => match it.as_i64() {
                    Some(it) => Value::Int(it),
                    None => return Known::Unknown(Why::Malformed),
                },
                Some(_) => return Known::Unknown(Why::Malformed),
                None => return Known::Unknown(Why::Missing),
            };
            Known::Is { value, source: source.clone(), as_of: event.at }
        })
        .collect();
    let scope = Scope {
        fields: &fields,
        types: &trigger.types,
        as_of: now,
        today: now.utc().date_naive(),
        label: "",
        object: "",
        counts: &[],
        tables: &[],
    };
    when.run(&scope) == Cell::Bool(true)
}
