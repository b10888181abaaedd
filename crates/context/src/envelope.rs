//! The attributes of a `CloudEvent` 1.0, read from its structured form.

use std::collections::BTreeMap;

use kernel::{Digest, Instant};
use serde_json::{Map, Value};

use crate::{Code, Refusal, name::ID_BYTES_MAX};

/// The most attributes of one event, extensions included.
pub const ATTRIBUTES_MAX: usize = 32;
/// The longest attribute name.
pub const ATTRIBUTE_NAME_MAX: usize = 20;
/// The longest attribute value.
pub const ATTRIBUTE_BYTES_MAX: usize = 1_024;

/// One `CloudEvent`, read and not yet judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Its id at the source.
    pub id: String,
    /// The source, a URI-reference.
    pub source: String,
    /// The type.
    pub kind: String,
    /// Who it is about.
    pub subject: Option<String>,
    /// When it happened.
    pub time: Option<Instant>,
    /// The schema it claims.
    pub data_schema: Option<String>,
    /// Extension attributes, in canonical text form.
    pub extensions: BTreeMap<String, String>,
    /// The data; an empty object where the event carries none.
    pub data: Value,
}

/// What honest retries change: left out of the content.
const VOLATILE: [&str; 3] = ["traceparent", "tracestate", "recordedtime"];

impl Envelope {
    /// Reads the structured form.
    pub fn read(event: &Map<String, Value>) -> Result<Self, Refusal> {
        let n_attributes = event.keys().filter(|it| !is_data(it)).count();
        if n_attributes > ATTRIBUTES_MAX {
            return Err(Refusal::at(Code::TooLarge, "", "more than 32 attributes"));
        }
        if attribute(event, "specversion")?.as_deref() != Some("1.0") {
            let detail = "`specversion` must be 1.0";
            return Err(Refusal::at(Code::BadSpecversion, "/specversion", detail));
        }
        let mut extensions = BTreeMap::new();
        for name in event.keys().filter(|it| !is_data(it) && !CORE.contains(&it.as_str())) {
            let legal = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
            if !(1..=ATTRIBUTE_NAME_MAX).contains(&name.len()) || !name.bytes().all(legal) {
                let detail = "attribute names are 1 to 20 of a-z and 0-9";
                return Err(Refusal::at(Code::BadAttribute, "", detail));
            }
            if let Some(value) = attribute(event, name)? {
                extensions.insert(name.clone(), value);
            }
        }
        let time = attribute(event, "time")?.map(|it| instant(&it, "/time")).transpose()?;
        Ok(Self {
            id: required(event, "id")?,
            source: uri_reference(required(event, "source")?)?,
            kind: required(event, "type")?,
            subject: attribute(event, "subject")?.filter(|it| !it.is_empty()),
            time,
            data_schema: attribute(event, "dataschema")?,
            extensions,
            data: data(event)?,
        })
    }

    /// The instant after which nothing may be planned because of it.
    pub fn expires_at(&self) -> Result<Option<Instant>, Refusal> {
        self.extensions.get("expirytime").map(|it| instant(it, "/expirytime")).transpose()
    }

    /// SHA-256 over the canonical form of everything an honest retry keeps.
    pub fn content(&self) -> Result<Digest, Refusal> {
        let kept = |it: &(&String, &String)| !VOLATILE.contains(&it.0.as_str());
        let mut form = Map::new();
        for (name, value) in self.extensions.iter().filter(kept) {
            form.insert(name.clone(), Value::String(value.clone()));
        }
        let core = [("id", &self.id), ("source", &self.source), ("type", &self.kind)];
        for (name, value) in core {
            form.insert(name.into(), Value::String(value.clone()));
        }
        if let Some(subject) = &self.subject {
            form.insert("subject".into(), Value::String(subject.clone()));
        }
        if let Some(time) = self.time {
            form.insert("time".into(), Value::String(time.to_string()));
        }
        form.insert("data".into(), self.data.clone());
        kernel::canonical::canonical_value(&Value::Object(form))
            .map(|it| Digest::of(&it))
            .map_err(|_| Refusal::at(Code::BadEncoding, "", "a null, or text that is not in NFC"))
    }
}

const CORE: [&str; 8] =
    ["specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype"];

fn is_data(name: &str) -> bool {
    matches!(name, "data" | "data_base64")
}

fn required(event: &Map<String, Value>, name: &str) -> Result<String, Refusal> {
    attribute(event, name)?.filter(|it| !it.is_empty()).ok_or_else(|| {
        Refusal::at(Code::MissingAttribute, format!("/{name}"), "a required attribute is absent")
    })
}

/// An attribute in its canonical text form; null is absent.
fn attribute(event: &Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    let text = match event.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(it)) => it.clone(),
        Some(Value::Bool(it)) => it.to_string(),
        Some(Value::Number(it)) if it.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => {
            it.to_string()
        }
        Some(_) => {
            let detail = "an attribute is text, a boolean or a 32-bit integer";
            return Err(Refusal::at(Code::BadAttribute, format!("/{name}"), detail));
        }
    };
    if text.len() > ATTRIBUTE_BYTES_MAX || (name == "id" && text.len() > ID_BYTES_MAX) {
        let detail = "an attribute is longer than its limit";
        return Err(Refusal::at(Code::TooLarge, format!("/{name}"), detail));
    }
    if text.chars().any(char::is_control) {
        let detail = "control characters are not allowed in attributes";
        return Err(Refusal::at(Code::BadAttribute, format!("/{name}"), detail));
    }
    Ok(Some(text))
}

/// RFC 3986's characters; nothing is resolved, the text names the source as it is.
fn uri_reference(text: String) -> Result<String, Refusal> {
    let legal = |it: u8| it.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&it);
    if text.bytes().all(legal) {
        Ok(text)
    } else {
        Err(Refusal::at(Code::BadAttribute, "/source", "`source` is not a URI-reference"))
    }
}

fn instant(text: &str, pointer: &str) -> Result<Instant, Refusal> {
    text.parse().map_err(|_| Refusal::at(Code::BadTime, pointer, "not an RFC 3339 time"))
}

fn data(event: &Map<String, Value>) -> Result<Value, Refusal> {
    use base64::Engine as _;

    match (event.get("data"), event.get("data_base64")) {
        (Some(_), Some(_)) => {
            let detail = "`data` and `data_base64` exclude each other";
            Err(Refusal::at(Code::BadAttribute, "/data_base64", detail))
        }
        (Some(data), None) => Ok(data.clone()),
        (None, Some(Value::String(text))) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text);
            let bad = |_| Refusal::at(Code::BadEncoding, "/data_base64", "not Base64");
            crate::json::read(&bytes.map_err(bad)?)
                .map_err(|it| Refusal { pointer: "/data_base64".into(), ..it })
        }
        (None, Some(_)) => {
            Err(Refusal::at(Code::BadAttribute, "/data_base64", "`data_base64` is text"))
        }
        (None, None) => Ok(Value::Object(Map::new())),
    }
}
