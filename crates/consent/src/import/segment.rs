//! `{"userId", "timestamp", "context": {"consent": {"categoryPreferences": {"Ads": false}}}}`.

use serde_json::Value;

use super::{Idle, Naming, Row, Said, meant, named, text, when};
use crate::{ChannelSet, EventKind, PurposeScope};

pub(super) fn row(naming: &Naming, row: &Value) -> Row {
    let preferences = row.pointer("/context/consent/categoryPreferences");
    let said = preferences
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(category, value)| {
            let key = meant(naming, category)?;
            match value {
                Value::Bool(false) => {
                    let (scope, channels) = (PurposeScope::Under(key), ChannelSet::ALL);
                    let kind = EventKind::Refused { scope, channels };
                    Ok(Said { kind, at: when(row, &["/timestamp", "/sentAt"])? })
                }
                Value::Bool(true) => Err(Idle::NoProof),
                _ => Err(Idle::UnknownAction),
            }
        })
        .collect();
    let who = text(row, "/userId").or_else(|| text(row, "/anonymousId"));
    Row { person: named(&naming.namespace, who), said }
}
