//! A day's events as they really arrive: some twice, some broken.

use chrono::TimeDelta;
use kernel::Instant;
use serde_json::{Value, json};

use super::{Line, cloud_event, line};
use crate::demo::population::{Dice, Event, Population};

/// How many in a thousand events are sent again, word for word.
const REPEATED: u16 = 10;
/// How many in a thousand events are followed by a broken one.
const BROKEN: u16 = 4;

/// The day's events in the order in which they are sent, noise included.
pub fn stream(population: &Population, day: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    for event in population.events_on(day) {
        let sent = line(event);
        let dice = Dice::of(population.seed, "noise", &event.id);
        if dice.in_thousand(REPEATED) {
            let at = sent.at.plus(TimeDelta::seconds(i64::from(dice.between(1, 3_000))));
            lines.push(Line { at, text: sent.text.clone() });
        }
        if dice.in_thousand(BROKEN) {
            lines.push(broken(event, &dice));
        }
        lines.push(sent);
    }
    lines.sort_by(|a, b| (a.at, &a.text).cmp(&(b.at, &b.text)));
    lines
}

/// An event like this one that must not be admitted.
fn broken(event: &Event, dice: &Dice) -> Line {
    let at = event.at.plus(TimeDelta::seconds(1));
    let own = Event { id: dice.uuid(at), ..event.clone() };
    let text = match dice.below(7) {
        // Cut off in the middle.
        0 => {
            let whole = cloud_event(&own).to_string();
            whole.chars().take(whole.chars().count() / 2).collect()
        }
        // A type nobody has registered.
        1 => with(&own, "type", json!("product.mystery.v9")),
        // A clock that runs ahead.
        2 => at_time(&own, at.plus(TimeDelta::days(400))),
        // A backlog from half a year ago.
        3 => at_time(&own, at.minus(TimeDelta::days(180))),
        // A payload no schema knows.
        4 => with(&own, "data", json!({ "surprise": [1, 2, 3] })),
        // Another version of the envelope.
        5 => with(&own, "specversion", json!("0.3")),
        // The same id again with other content.
        _ => {
            let changed = at_time(event, event.at.plus(TimeDelta::seconds(7)));
            return Line { at: event.at.plus(TimeDelta::seconds(8)), text: changed };
        }
    };
    Line { at, text }
}

fn at_time(event: &Event, at: Instant) -> String {
    with(event, "time", json!(at.to_string()))
}

fn with(event: &Event, member: &str, value: Value) -> String {
    let mut envelope = cloud_event(event);
    if let Some(members) = envelope.as_object_mut() {
        members.insert(member.to_owned(), value);
    }
    envelope.to_string()
}
