//! What people do after a decision about them, contacted or not.
//!
//! Each person has a threshold per occurrence, thrown once: being contacted only moves the bar,
//! so that the true effect of a node is the difference of two numbers in this file, and the
//! measured lift can be held against it.

use chrono::{Months, TimeDelta};
use kernel::Instant;
use serde_json::{Value, json};

use super::{Dice, Event, Onboarding, Person, Population, calendar::later, events::STEPS};

/// How many in a thousand act, without and with a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// The journey node.
    pub node: &'static str,
    /// The event that counts.
    pub outcome: &'static str,
    /// In a thousand, left alone.
    pub alone: u16,
    /// In a thousand, contacted.
    pub contacted: u16,
}

/// What contacting people does in this population.
pub const EFFECTS: [Effect; 4] = [
    Effect { node: "renewal.day90", outcome: "policy.renewed.v1", alone: 180, contacted: 340 },
    Effect {
        node: "onboarding.stalled",
        outcome: "onboarding.completed.v1",
        alone: 220,
        contacted: 420,
    },
    Effect {
        node: "claim.status",
        outcome: "service.complaint_opened.v1",
        alone: 60,
        contacted: 20,
    },
    Effect { node: "service.recovery", outcome: "account.closed.v1", alone: 160, contacted: 60 },
];

/// How many in a thousand messages meet each end, by what comes of them.
const BOUNCED: u16 = 15;
const OPENED: u16 = 450;
const CLICKED: u16 = 110;
const COMPLAINED: u16 = 2;

impl Population {
    /// What the person does within days of a decision of this node about this object (a policy,
    /// claim or ticket number; anything for a node about the person). Nothing after the month.
    pub fn react(
        &self,
        person: &Person,
        node: &str,
        object: &str,
        at: Instant,
        is_contacted: bool,
    ) -> Vec<Event> {
        let Some(effect) = EFFECTS.iter().find(|it| it.node == node) else {
            return Vec::new();
        };
        let thing = format!("{}/{node}/{object}", person.number);
        let dice = Dice::of(self.seed, "reaction", &thing);
        let bar = if is_contacted { effect.contacted } else { effect.alone };
        if !dice.in_thousand(bar) {
            return Vec::new();
        }
        let at = at.plus(TimeDelta::minutes(i64::from(dice.between(30, 4_000))));
        let mut events = match node {
            "renewal.day90" => self.renewal(person, object, at, &dice),
            "onboarding.stalled" => completion(person, at, &dice),
            "claim.status" => complaint(person, object, at, &dice),
            _ => closure(person, at, &dice),
        };
        events.retain(|it| super::day_of(self.start, it.at) < i64::from(self.days));
        events
    }

    /// What the mailing provider reports about a message, and what the person does with it.
    pub fn feedback(&self, person: &Person, delivery_id: &str, at: Instant) -> Vec<Event> {
        let dice = Dice::of(self.seed, "feedback", &format!("{}/{at}", person.number));
        let mut kinds = Vec::new();
        if dice.in_thousand(BOUNCED) {
            kinds.push(("bounced", 1));
        } else {
            kinds.push(("delivered", 1));
            if dice.in_thousand(OPENED) {
                let after = dice.between(10, 1_400);
                kinds.push(("opened", after));
                if dice.in_thousand(CLICKED) {
                    kinds.push(("clicked", after + 1));
                }
            }
            if dice.in_thousand(COMPLAINED) {
                kinds.push(("complained", 1_500));
            }
        }
        let subject = person
            .comms_no
            .as_ref()
            .map_or_else(|| person.crm_subject(), |comms_no| format!("comms_no:{comms_no}"));
        kinds
            .into_iter()
            .map(|(kind, minutes)| {
                let at = at.plus(TimeDelta::minutes(i64::from(minutes)));
                let data = json!({ "delivery_id": delivery_id, "kind": kind });
                event(&dice, at, "comms", "comms.message_feedback.v1", subject.clone(), data)
            })
            .collect()
    }

    fn renewal(&self, person: &Person, policy_no: &str, at: Instant, dice: &Dice) -> Vec<Event> {
        let Some(policy) = person.policies.iter().find(|it| it.policy_no == policy_no) else {
            return Vec::new();
        };
        let renewal_on = policy
            .renewal_on
            .checked_add_months(Months::new(12))
            .unwrap_or_else(|| later(self.start, 365));
        let data = json!({ "policy_no": policy_no, "renewal_on": renewal_on.to_string() });
        vec![event(dice, at, "policy_admin", "policy.renewed.v1", person.crm_subject(), data)]
    }
}

fn completion(person: &Person, at: Instant, dice: &Dice) -> Vec<Event> {
    let Some(user) = &person.user else {
        return Vec::new();
    };
    let Onboarding::Under { steps, .. } = user.onboarding else {
        return Vec::new();
    };
    let subject = format!("user_id:{}", user.user_id);
    let mut events = Vec::new();
    let mut at = at;
    for step in STEPS.into_iter().skip(steps) {
        let data = json!({ "step": step, "at": at.to_string() });
        events.push(event(dice, at, "app", "onboarding.step_done.v1", subject.clone(), data));
        at = at.plus(TimeDelta::minutes(i64::from(dice.between(2, 240))));
    }
    events.push(event(dice, at, "app", "onboarding.completed.v1", subject, json!({})));
    events
}

fn complaint(person: &Person, claim_no: &str, at: Instant, dice: &Dice) -> Vec<Event> {
    let Some(service_no) = &person.service_no else {
        return Vec::new();
    };
    let subject = format!("service_no:{service_no}");
    let data = json!({ "ticket_no": format!("T{}", claim_no.trim_start_matches('K')) });
    vec![event(dice, at, "service_desk", "service.complaint_opened.v1", subject, data)]
}

fn closure(person: &Person, at: Instant, dice: &Dice) -> Vec<Event> {
    let subject = person
        .user
        .as_ref()
        .map_or_else(|| person.crm_subject(), |user| format!("user_id:{}", user.user_id));
    vec![event(dice, at, "app", "account.closed.v1", subject, json!({}))]
}

fn event(
    dice: &Dice,
    at: Instant,
    source: &'static str,
    kind: &'static str,
    subject: String,
    data: Value,
) -> Event {
    Event { id: dice.uuid(at), at, source, kind, subject: Some(subject), data }
}
