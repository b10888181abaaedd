//! Reads foreign JSON within limits: depth, nodes, numbers, members named once.

use std::{cell::Cell, fmt};

use serde::{Deserializer, de, de::DeserializeSeed};
use serde_json::{Map, Value};

use crate::{Code, Refusal};

/// The deepest nesting of an event.
pub const DEPTH_MAX: usize = 64;
/// The most values of an event, containers included.
pub const NODES_MAX: usize = 10_000;
/// The largest integer every reader of JSON agrees on (RFC 7493): 2⁵³−1.
const INTEGER_MAX: i64 = kernel::canonical::INTEGER_MAX;

/// Reads one JSON value.
pub fn read(bytes: &[u8]) -> Result<Value, Refusal> {
    let scan = Scan { nodes: Cell::new(0), fault: Cell::new(None) };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = Seed { scan: &scan, depth: 1 }.deserialize(&mut reader);
    let value = read.and_then(|it| reader.end().map(|()| it)).map_err(|_| {
        let (code, detail) =
            scan.fault.get().unwrap_or((Code::BadEncoding, "the text is not JSON in UTF-8"));
        Refusal::at(code, "", detail)
    })?;
    Ok(value)
}

/// What one reading has seen so far.
struct Scan {
    nodes: Cell<usize>,
    fault: Cell<Option<(Code, &'static str)>>,
}

impl Scan {
    fn fail<E: de::Error>(&self, code: Code, detail: &'static str) -> E {
        self.fault.set(Some((code, detail)));
        E::custom(detail)
    }

    fn integer<E: de::Error>(&self, n: Option<i64>) -> Result<Value, E> {
        n.filter(|it| (-INTEGER_MAX..=INTEGER_MAX).contains(it)).map(Value::from).ok_or_else(|| {
            self.fail(Code::NumberOutOfRange, "a number is not an integer within ±(2^53-1)")
        })
    }
}

#[derive(Clone, Copy)]
struct Seed<'s> {
    scan: &'s Scan,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let nodes = self.scan.nodes.get() + 1;
        self.scan.nodes.set(nodes);
        if nodes > NODES_MAX {
            return Err(self.scan.fail(Code::TooDeep, "more than 10,000 values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl Seed<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth > DEPTH_MAX {
            return Err(self.scan.fail(Code::TooDeep, "nested deeper than 64 levels"));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> de::Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON within limits")
    }

    fn visit_bool<E>(self, it: bool) -> Result<Value, E> {
        Ok(Value::Bool(it))
    }

    fn visit_i64<E: de::Error>(self, it: i64) -> Result<Value, E> {
        self.scan.integer(Some(it))
    }

    fn visit_u64<E: de::Error>(self, it: u64) -> Result<Value, E> {
        self.scan.integer(i64::try_from(it).ok())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Value, E> {
        self.scan.integer(None)
    }

    fn visit_str<E>(self, it: &str) -> Result<Value, E> {
        Ok(Value::String(it.into()))
    }

    fn visit_string<E>(self, it: String) -> Result<Value, E> {
        Ok(Value::String(it))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut out = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            out.push(item);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut out = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if out.contains_key(&name) {
                return Err(self.scan.fail(Code::DuplicateMember, "a member is named twice"));
            }
            out.insert(name, members.next_value_seed(inner)?);
        }
        Ok(Value::Object(out))
    }
}
