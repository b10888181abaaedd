//! Our own table: `namespace, identifier, purpose, action, at` and, for a yes, its proof.

use kernel::PurposeRef;
use serde_json::Value;

use super::{Idle, Naming, Row, Said, meant, named, text, when};
use crate::{
    ChannelSet, EventKind, Expression, Grant, Label, Limb, Method, NoticeShown, Proof, PurposeScope,
};

pub(super) fn row(naming: &Naming, row: &Value) -> Row {
    let namespace = text(row, "/namespace").unwrap_or(&naming.namespace);
    Row { person: named(namespace, text(row, "/identifier")), said: vec![said(naming, row)] }
}

fn said(naming: &Naming, row: &Value) -> Result<Said, Idle> {
    let action = text(row, "/action").ok_or(Idle::NoAction)?;
    let key = meant(naming, text(row, "/purpose").ok_or(Idle::Unnamed)?)?;
    let scope = PurposeScope::Under(key.clone());
    let channels = channels(row)?;
    let kind = match action {
        "refused" => EventKind::Refused { scope, channels },
        "withdrawn" => EventKind::Withdrawn { scope, channels },
        "objected" => EventKind::Objected { scope, limb: Limb::Art21_2 },
        "given" => EventKind::Given(Grant {
            purpose: PurposeRef { key, version: version(row, "/purpose_version")? },
            channels,
            expression: match text(row, "/expression") {
                Some("explicit") => Expression::Explicit,
                _ => Expression::Expressed,
            },
            expires_at: text(row, "/expires_at")
                .map(str::parse)
                .transpose()
                .map_err(|_| Idle::NoTime)?,
            proof: proof(row)?,
        }),
        _ => return Err(Idle::UnknownAction),
    };
    Ok(Said { kind, at: when(row, &["/at"])? })
}

/// The notice shown and what was done; anything less is no proof.
fn proof(row: &Value) -> Result<Proof, Idle> {
    let name = text(row, "/notice").and_then(|it| Label::new(it).ok()).ok_or(Idle::NoProof)?;
    let version = version(row, "/notice_version")?;
    let method = match text(row, "/method") {
        Some("accept_all") => Method::AcceptAll,
        Some("save") => Method::Save,
        Some("toggle") => Method::Toggle,
        Some("verbal") => Method::Verbal,
        Some("paper") => Method::Paper,
        Some("api") => Method::Api,
        _ => return Err(Idle::NoProof),
    };
    // What does not say that it was not ticked beforehand may have been.
    let prechecked = text(row, "/prechecked") != Some("false");
    if prechecked {
        return Err(Idle::NoProof);
    }
    let notice = Some(NoticeShown { name, version, rendered: None });
    Ok(Proof { notice, method, prechecked, condition_of_service: false })
}

fn version(row: &Value, pointer: &str) -> Result<u32, Idle> {
    let version = text(row, pointer).and_then(|it| it.parse().ok());
    version.filter(|it| *it > 0).ok_or(Idle::NoProof)
}

/// The channels a row names, apart by blanks; every one, where it names none.
fn channels(row: &Value) -> Result<ChannelSet, Idle> {
    let Some(names) = text(row, "/channels") else { return Ok(ChannelSet::ALL) };
    let channels: Result<Vec<_>, _> = names.split_whitespace().map(str::parse).collect();
    channels.map(|it| ChannelSet::of(&it)).map_err(|_| Idle::UnknownAction)
}
