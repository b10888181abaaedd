//! The HTTP binding of CloudEvents 1.0: batch, structured and binary mode, in that order.

use serde_json::{Map, Value, value::RawValue};

use crate::{Code, Refusal, json};

/// The largest event.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;
/// The largest batch.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// The most events of one batch.
pub const BATCH_ITEMS_MAX: usize = 500;

/// What one request brought: events in structured form, or why one is unreadable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawBatch {
    /// Whether the sender sent a batch; a single event is answered as one.
    pub batched: bool,
    /// The events, in the order sent.
    pub items: Vec<Result<Map<String, Value>, Refusal>>,
}

/// Reads a request. `headers` are those whose names begin with `ce-`, in any case.
pub fn parse_http(
    content_type: Option<&str>,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<RawBatch, Refusal> {
    let (media, utf8) = media_type(content_type.unwrap_or_default());
    if !utf8 {
        let detail = "only UTF-8 is read";
        return Err(Refusal::at(Code::UnsupportedMediaType, "", detail));
    }
    // The batch type first: the two share a prefix.
    if media.starts_with("application/cloudevents-batch") {
        return json_format(&media, "application/cloudevents-batch+json")
            .and_then(|()| batch(body));
    }
    if media.starts_with("application/cloudevents") {
        json_format(&media, "application/cloudevents+json")?;
        return Ok(RawBatch { batched: false, items: vec![Ok(structured(body)?)] });
    }
    Ok(RawBatch { batched: false, items: vec![Ok(binary(&media, headers, body)?)] })
}

/// The media type in lower case without parameters, and whether its charset can be read.
fn media_type(content_type: &str) -> (String, bool) {
    let mut parts = content_type.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts.filter_map(|it| it.split_once('=')).find_map(|(name, value)| {
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    (media, charset.is_none_or(|it| it.eq_ignore_ascii_case("utf-8")))
}

fn json_format(media: &str, wanted: &str) -> Result<(), Refusal> {
    if media == wanted {
        Ok(())
    } else {
        let detail = "only the JSON format of CloudEvents is read";
        Err(Refusal::at(Code::UnsupportedMediaType, "", detail))
    }
}

fn batch(body: &[u8]) -> Result<RawBatch, Refusal> {
    if body.len() > BATCH_BYTES_MAX {
        return Err(Refusal::at(Code::TooLarge, "", "a batch has at most 1 MiB"));
    }
    let raw: Vec<&RawValue> = serde_json::from_slice(body)
        .map_err(|_| Refusal::at(Code::BadEncoding, "", "a batch is a JSON array in UTF-8"))?;
    if raw.len() > BATCH_ITEMS_MAX {
        return Err(Refusal::at(Code::TooLarge, "", "a batch has at most 500 events"));
    }
    let items = raw.into_iter().map(|it| structured(it.get().as_bytes())).collect();
    Ok(RawBatch { batched: true, items })
}

fn structured(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.len() > EVENT_BYTES_MAX {
        return Err(Refusal::at(Code::TooLarge, "", "an event has at most 64 KiB"));
    }
    match json::read(body)? {
        Value::Object(event) => Ok(event),
        _ => Err(Refusal::at(Code::BadEncoding, "", "an event is a JSON object")),
    }
}

fn binary(
    media: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Map<String, Value>, Refusal> {
    if body.len() > EVENT_BYTES_MAX {
        return Err(Refusal::at(Code::TooLarge, "", "an event has at most 64 KiB"));
    }
    let mut event = Map::new();
    for (header, value) in headers {
        let header = header.to_ascii_lowercase();
        let Some(name) = header.strip_prefix("ce-") else { continue };
        if matches!(name, "datacontenttype" | "data" | "data_base64") {
            let detail = "`Content-Type` carries this in binary mode";
            return Err(Refusal::at(Code::BadAttribute, format!("/{name}"), detail));
        }
        let value = Value::String(header_value(value, name)?);
        if event.insert(name.to_owned(), value).is_some() {
            let detail = "a header is repeated";
            return Err(Refusal::at(Code::DuplicateMember, format!("/{name}"), detail));
        }
    }
    if !body.is_empty() {
        if media != "application/json" && !media.ends_with("+json") {
            let detail = "the data of an event is JSON";
            return Err(Refusal::at(Code::UnsupportedMediaType, "/data", detail));
        }
        let at_data = |it: Refusal| Refusal { pointer: format!("/data{}", it.pointer), ..it };
        event.insert("data".into(), json::read(body).map_err(at_data)?);
    }
    Ok(event)
}

/// Unquotes, then percent-decodes (HTTP binding 3.1.3.2): lower-case digits and needless encoding
/// pass, bad UTF-8 does not.
fn header_value(text: &str, name: &str) -> Result<String, Refusal> {
    let bad = || {
        let detail = "a header is not percent-encoded UTF-8";
        Refusal::at(Code::BadEncoding, format!("/{name}"), detail)
    };
    let unquoted = match text.trim().strip_prefix('"') {
        Some(rest) => unescape(rest.strip_suffix('"').ok_or_else(bad)?).ok_or_else(bad)?,
        None => text.trim().to_owned(),
    };
    let mut out = Vec::with_capacity(unquoted.len());
    let mut bytes = unquoted.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|it| char::from(it).to_digit(16));
        let (high, low) = (digit().ok_or_else(bad)?, digit().ok_or_else(bad)?);
        out.push(u8::try_from(high * 16 + low).map_err(|_| bad())?);
    }
    String::from_utf8(out).map_err(|_| bad())
}

/// A quoted string's text: a backslash stands before the character it protects.
fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(it) = chars.next() {
        match it {
            '\\' => out.push(chars.next()?),
            '"' => return None,
            it => out.push(it),
        }
    }
    Some(out)
}
