//! The population as source systems write it: CSV extracts, CloudEvents lines, choices.
//!
//! The texts are as untidy as real ones: duplicates, missing cells, phone numbers in five
//! spellings, and now and then an event that no schema admits.

use serde_json::{Value, json};

use super::population::{ChoiceMade, Event};

mod extract;
mod noise;
#[cfg(test)]
mod tests;

pub use extract::{Extract, extracts};
pub use noise::stream;

/// A line of an event stream and the moment at which its system sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it is sent.
    pub at: kernel::Instant,
    /// The text; usually a `CloudEvent` in JSON.
    pub text: String,
}

/// The event as a CloudEvents 1.0 JSON object.
pub fn cloud_event(event: &Event) -> Value {
    let mut envelope = json!({
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.kind,
        "time": event.at.to_string(),
        "datacontenttype": "application/json",
        "data": event.data,
    });
    if let (Some(members), Some(subject)) = (envelope.as_object_mut(), &event.subject) {
        members.insert("subject".to_owned(), json!(subject));
    }
    envelope
}

/// The event as a line of a stream.
pub fn line(event: &Event) -> Line {
    Line { at: event.at, text: cloud_event(event).to_string() }
}

/// The choice as an item of `events` in the body of `POST /v1/consent-events`.
pub fn consent_event(choice: &ChoiceMade) -> Value {
    let (namespace, value) = choice.subject.split_once(':').unwrap_or_default();
    json!({
        "id": choice.id,
        "source": choice.source,
        "person": { "identifiers": [{ "namespace": namespace, "value": value }] },
        "kind": choice.kind,
        "event_time": choice.at.to_string(),
        "actor": choice.actor,
    })
}
