//! Adobe's XDM: `identityMap`, and `consents` with `marketing`, `share`, `collect`, `personalize`.

use kernel::Channel;
use serde_json::Value;

use super::{Idle, Naming, Row, Said, meant, named, text, when};
use crate::{ChannelSet, Choice, EventKind, Limb, Practice, PurposeScope};

/// The channels of the field group, and ours.
const CHANNELS: [(&str, Channel); 3] =
    [("email", Channel::Email), ("sms", Channel::Sms), ("push", Channel::Push)];

pub(super) fn row(naming: &Naming, row: &Value) -> Row {
    let mut said = Vec::new();
    let mut add = |pointer: &str, no: EventKind| {
        if let Some(field) = row.pointer(pointer) {
            said.push(field_said(row, field, no));
        }
    };
    let objected = EventKind::Objected { scope: PurposeScope::All, limb: Limb::Art21_2 };
    add("/consents/marketing/any", objected);
    for (name, channel) in CHANNELS {
        let (scope, choice) = (PurposeScope::All, Choice::Out);
        let unwanted = EventKind::ChannelPref { channel, scope, choice };
        add(&format!("/consents/marketing/{name}"), unwanted);
    }
    add("/consents/share", EventKind::OptedOut { practice: Practice::SaleOrShare });
    for (name, pointer) in [
        ("collect", "/consents/collect"),
        ("personalize", "/consents/personalize/content"),
        ("adID", "/consents/adID"),
    ] {
        let Some(field) = row.pointer(pointer) else { continue };
        said.push(meant(naming, name).and_then(|key| {
            let (scope, channels) = (PurposeScope::Under(key), ChannelSet::ALL);
            field_said(row, field, EventKind::Refused { scope, channels })
        }));
    }
    Row { person: person(naming, row), said }
}

/// `y` and its kin would permit; `n` and its kin do not; `p`, `u` and the absent say nothing.
fn field_said(row: &Value, field: &Value, no: EventKind) -> Result<Said, Idle> {
    match text(field, "/val").ok_or(Idle::NoAction)? {
        "n" | "dn" => {
            let own = when(field, &["/time"]);
            let at = own.or_else(|_| when(row, &["/consents/metadata/time"]))?;
            Ok(Said { kind: no, at })
        }
        "y" | "dy" | "vi" | "LI" | "CT" | "CP" | "VI" | "PI" => Err(Idle::NoProof),
        "p" | "u" => Err(Idle::NoAction),
        _ => Err(Idle::UnknownAction),
    }
}

/// The primary identity of the map, or else its first.
fn person(naming: &Naming, row: &Value) -> Option<super::Named> {
    let map = row.get("identityMap")?.as_object()?;
    let all = || map.values().filter_map(Value::as_array).flatten();
    let primary = all().find(|it| it.get("primary") == Some(&Value::Bool(true)));
    named(&naming.namespace, text(primary.or_else(|| all().next())?, "/id"))
}
