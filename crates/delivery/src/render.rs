//! From a template and a decision's bundle to a message: pure, without a clock.

use std::collections::BTreeMap;

use kernel::{Channel, Class, Digest, Known, Reason, Value};
use serde_json::{Map, Value as Json};

use crate::{
    message::Delivery,
    permission::Obligation,
    ports::MessageLinks,
    reason,
    sender::Rendered,
    template::{PARTS, Template},
};

/// The largest mail, in bytes.
pub const EMAIL_BYTES_MAX: usize = 256 * 1024;
/// The largest push notification, in bytes.
pub const PUSH_BYTES_MAX: usize = 4 * 1024;
/// The largest webhook body, placement or task, in bytes.
pub const BODY_BYTES_MAX: usize = 20_000;
/// The most segments of a text message.
pub const SMS_SEGMENTS_MAX: usize = 4;

/// Who sends, as every message names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imprint {
    /// The name.
    pub name: String,
    /// The postal address.
    pub address: String,
    /// The domain of message ids and list ids.
    pub domain: String,
}

/// Makes the message, or says why it cannot be made.
///
/// Only declared fields are looked up, so two bundles that differ elsewhere render equal bytes.
pub fn render(
    template: &Template,
    delivery: &Delivery,
    values: &BTreeMap<String, Known<Value>>,
    links: &MessageLinks,
    imprint: &Imprint,
    obligations: &[Obligation],
) -> Result<Rendered, Reason> {
    if template.channel != delivery.channel || template.purpose != delivery.purpose.key {
        return Err(reason::TEMPLATE);
    }
    owed(template, delivery.channel, obligations)?;
    let context = context(template, values, links, imprint)?;
    let mut parts = [const { None }; 3];
    for (slot, name) in parts.iter_mut().zip(PARTS) {
        if let Ok(body) = template.bodies.get_template(name) {
            *slot = Some(body.render(&context).map_err(|_| reason::FUEL)?);
        }
    }
    let [subject, text, html] = parts;
    let subject = subject.map(|it| one_line(&it));
    let text = text.unwrap_or_default();
    fits(delivery.channel, subject.as_deref(), &text, html.as_deref())?;
    let unsubscribe =
        template.class == Class::Marketing || obligations.contains(&Obligation::Unsubscribe);
    let headers = headers(delivery, links, imprint, unsubscribe);
    let named = serde_json::json!([delivery.id, subject, text, html]);
    let digest = Digest::of(named.to_string().as_bytes());
    Ok(Rendered { subject, text, html, headers, why: links.why.clone(), digest })
}

/// What the verdict asks a message to carry, and the template does not.
fn owed(template: &Template, channel: Channel, obligations: &[Obligation]) -> Result<(), Reason> {
    for obligation in obligations {
        match obligation {
            Obligation::SenderIdentity
                if channel == Channel::Email && !template.shows("sender.name") =>
            {
                return Err(reason::NO_SENDER);
            }
            Obligation::HumanReview if channel != Channel::HumanTask => {
                return Err(reason::NO_REVIEW);
            }
            // Mail carries RFC 8058 headers whenever it is owed; a text must show the link.
            Obligation::Unsubscribe
                if channel == Channel::Sms
                    && !template.shows("links.unsubscribe")
                    && !template.shows("links.preferences") =>
            {
                return Err(reason::NO_UNSUBSCRIBE);
            }
            _ => {}
        }
    }
    Ok(())
}

fn context(
    template: &Template,
    values: &BTreeMap<String, Known<Value>>,
    links: &MessageLinks,
    imprint: &Imprint,
) -> Result<Json, Reason> {
    let mut root = Map::new();
    for name in &template.required {
        let value = values.get(name).and_then(Known::value).ok_or(reason::FIELD)?;
        put(&mut root, name, text_of(value));
    }
    for (name, fallback) in &template.optional {
        let value = values.get(name).and_then(Known::value);
        put(&mut root, name, value.map_or_else(|| fallback.clone().into(), text_of));
    }
    put(&mut root, "links.why", links.why.clone().into());
    put(&mut root, "links.preferences", links.preferences.clone().into());
    put(&mut root, "links.unsubscribe", links.one_click.clone().into());
    put(&mut root, "sender.name", imprint.name.clone().into());
    put(&mut root, "sender.address", imprint.address.clone().into());
    Ok(Json::Object(root))
}

/// Puts a value under its dotted name.
fn put(root: &mut Map<String, Json>, name: &str, value: Json) {
    match name.split_once('.') {
        None => {
            root.insert(name.to_owned(), value);
        }
        Some((first, rest)) => {
            let entry = root.entry(first).or_insert_with(|| Json::Object(Map::new()));
            if let Json::Object(members) = entry {
                put(members, rest, value);
            }
        }
    }
}

/// A value as people read it.
fn text_of(value: &Value) -> Json {
    match value {
        Value::Bool(it) => (*it).into(),
        Value::Int(it) => (*it).into(),
        Value::Text(it) => it.clone().into(),
        Value::At(it) => it.utc().format("%-d %B %Y, %H:%M UTC").to_string().into(),
        Value::Date(it) => it.format("%-d %B %Y").to_string().into(),
        Value::Money(it) => format!("{} {}", crate::template::minor(it.minor), it.currency).into(),
        Value::List(items) => items.iter().map(text_of).collect(),
    }
}

/// A header or a title is one line: a value cannot start another field.
fn one_line(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect::<String>().trim().into()
}

fn fits(
    channel: Channel,
    subject: Option<&str>,
    text: &str,
    html: Option<&str>,
) -> Result<(), Reason> {
    let bytes = subject.map_or(0, str::len) + text.len() + html.map_or(0, str::len);
    let fits = match channel {
        Channel::Email => bytes <= EMAIL_BYTES_MAX,
        Channel::Push => bytes <= PUSH_BYTES_MAX,
        Channel::Sms => sms_segments(text) <= SMS_SEGMENTS_MAX,
        Channel::Web | Channel::App | Channel::HumanTask | Channel::Webhook => {
            bytes <= BODY_BYTES_MAX
        }
    };
    if fits { Ok(()) } else { Err(reason::SIZE) }
}

/// How many segments a text takes: 160 or 153 each of plain ASCII, 70 or 67 UTF-16 units else.
///
/// GSM 7-bit holds a little more than ASCII; counting those as UCS-2 never undercounts.
pub fn sms_segments(text: &str) -> usize {
    let (length, one, many) = if text.chars().all(|it| it.is_ascii() && !"[]{}\\^~|`".contains(it))
    {
        (text.len(), 160, 153)
    } else {
        (text.encode_utf16().count(), 70, 67)
    };
    if length <= one { 1 } else { length.div_ceil(many) }
}

/// The header fields of mail: RFC 8058, 2369, 2919, 3834, and a message id that repeats.
fn headers(
    delivery: &Delivery,
    links: &MessageLinks,
    imprint: &Imprint,
    unsubscribe: bool,
) -> Vec<(String, String)> {
    if delivery.channel != Channel::Email {
        return Vec::new();
    }
    let mut out = vec![
        ("Message-ID", format!("<{}@{}>", delivery.id, imprint.domain)),
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("List-Id", format!("<{}.{}>", delivery.purpose.key, imprint.domain)),
    ];
    if unsubscribe {
        out.push(("List-Unsubscribe", format!("<{}>", links.one_click)));
        out.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    }
    out.into_iter().map(|(name, value)| (name.to_owned(), one_line(&value))).collect()
}
