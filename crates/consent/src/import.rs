//! Choices taken over from another system: what each row of its export says, in our words.
//!
//! A restriction is taken over freely. A permission is taken over only with its proof: the notice
//! that was shown and what the person did; exports of the well-known platforms carry neither, so
//! from them no permission comes. A row without an action changes nothing, and is reported.

use std::collections::BTreeMap;

use kernel::{Digest, Instant, NodeId, PurposeKey};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{Actor, EventKind, Label, NewEvent};

mod adobe;
mod onetrust;
mod segment;
mod table;

/// The most rows of one import.
pub const ROWS_MAX: usize = 1_000;

/// How an export is shaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Data subjects with their purposes, as `OneTrust` gives them out.
    Onetrust,
    /// Events with category preferences, as Segment gives them out.
    Segment,
    /// Profiles with the consents field group of Adobe's XDM.
    AdobeXdm,
    /// Our own table: one choice a row.
    Table,
}

/// What the foreign names mean here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Naming {
    /// Each foreign purpose or category, and ours; nothing for one that concerns nothing here.
    #[serde(default)]
    pub purposes: BTreeMap<String, Option<PurposeKey>>,
    /// The namespace of the identifiers, where the rows do not say.
    pub namespace: String,
}

/// An identifier a row names its person by.
#[derive(Clone, PartialEq, Eq)]
pub struct Named {
    /// Its namespace.
    pub namespace: String,
    /// Its value.
    pub value: String,
}

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Named({}:..)", self.namespace)
    }
}

/// Why a row, or a part of it, changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Idle {
    /// It names nobody.
    #[error("it names nobody")]
    Nobody,
    /// It says nothing that was done.
    #[error("it says no action")]
    NoAction,
    /// It says something nobody here understands.
    #[error("its action is not understood")]
    UnknownAction,
    /// It would permit, and carries no proof.
    #[error("it would permit without a proof")]
    NoProof,
    /// Its purpose was named, and concerns nothing here.
    #[error("its purpose concerns nothing here")]
    Foreign,
    /// Its purpose has no name here: say what it means, or that it means nothing.
    #[error("its purpose was not named")]
    Unnamed,
    /// It does not say when, or not so that it can be read.
    #[error("it does not say when")]
    NoTime,
}

/// One thing a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What.
    pub kind: EventKind,
    /// When.
    pub at: Instant,
}

/// What a row says about whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Whom.
    pub person: Option<Named>,
    /// Everything it says, in order: taken over, or left with the reason.
    pub said: Vec<Result<Said, Idle>>,
}

/// Reads one row.
pub fn read(shape: Shape, naming: &Naming, row: &Value) -> Row {
    let mut read = match shape {
        Shape::Onetrust => onetrust::row(naming, row),
        Shape::Segment => segment::row(naming, row),
        Shape::AdobeXdm => adobe::row(naming, row),
        Shape::Table => table::row(naming, row),
    };
    if read.said.is_empty() {
        read.said.push(Err(Idle::NoAction));
    }
    if read.person.is_none() {
        read.said = vec![Err(Idle::Nobody)];
    }
    read
}

/// The event a row's word becomes at a node: the same row of the same batch is the same event.
pub fn event(batch: &Label, row: &Value, nth: usize, node: NodeId, said: &Said) -> NewEvent {
    let parts = ["assent.import/1", batch.as_str(), &row.to_string(), &nth.to_string()];
    let digest = Digest::of(parts.join("\0").as_bytes());
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    let id: Uuid = uuid::Builder::from_custom_bytes(bytes).into_uuid();
    NewEvent {
        id,
        source: batch.clone(),
        node,
        kind: said.kind.clone(),
        event_time: said.at,
        actor: Actor::Import { batch: batch.clone() },
        answers: Vec::new(),
    }
}

/// What a foreign purpose means here.
fn meant(naming: &Naming, name: &str) -> Result<PurposeKey, Idle> {
    match naming.purposes.get(name) {
        Some(Some(key)) => Ok(key.clone()),
        Some(None) => Err(Idle::Foreign),
        None => Err(Idle::Unnamed),
    }
}

/// A text of a row, where there is one that says something.
fn text<'a>(row: &'a Value, pointer: &str) -> Option<&'a str> {
    row.pointer(pointer).and_then(Value::as_str).map(str::trim).filter(|it| !it.is_empty())
}

/// The first of these places that is an instant.
fn when(row: &Value, pointers: &[&str]) -> Result<Instant, Idle> {
    let at = pointers.iter().find_map(|it| text(row, it)?.parse::<Instant>().ok());
    at.ok_or(Idle::NoTime)
}

fn named(namespace: &str, value: Option<&str>) -> Option<Named> {
    let (namespace, value) = (namespace.to_owned(), value?.to_owned());
    Some(Named { namespace, value })
}
