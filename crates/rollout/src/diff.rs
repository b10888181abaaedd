//! What a bundle changes against another.

use std::collections::BTreeMap;

use kernel::Digest;
use serde_json::Value;

use crate::{
    artifact::Kind,
    bundle::{Entry, LoadedBundle, LoadedEntry},
};

/// An entry whose content differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The kind.
    pub kind: Kind,
    /// The name.
    pub name: String,
    /// What filled the slot before.
    pub from: Digest,
    /// What fills it now.
    pub to: Digest,
    /// Where the bodies differ, as JSON pointers in document order.
    pub places: Vec<String>,
}

/// The semantic difference of two bundles, by slot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    /// Slots only the second has.
    pub added: Vec<Entry>,
    /// Slots only the first has.
    pub removed: Vec<Entry>,
    /// Slots both have with other content.
    pub changed: Vec<Change>,
}

impl Diff {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    /// Whether permission rests on anything that differs.
    pub fn touches_policy(&self) -> bool {
        let entries = self.added.iter().chain(&self.removed).map(|it| it.kind);
        entries.chain(self.changed.iter().map(|it| it.kind)).any(Kind::is_policy)
    }
}

/// What `after` adds, removes and changes; without a `before`, all of it is added.
pub fn diff(before: Option<&LoadedBundle>, after: &LoadedBundle) -> Diff {
    let mut old: BTreeMap<(Kind, &str), &LoadedEntry> = before
        .into_iter()
        .flat_map(LoadedBundle::entries)
        .map(|it| ((it.kind, it.name.as_str()), it))
        .collect();
    let mut out = Diff::default();
    for entry in after.entries() {
        match old.remove(&(entry.kind, entry.name.as_str())) {
            None => out.added.push(plain(entry)),
            Some(it) if it.digest == entry.digest => {}
            Some(it) => out.changed.push(Change {
                kind: entry.kind,
                name: entry.name.clone(),
                from: it.digest,
                to: entry.digest,
                places: places(&it.body, &entry.body),
            }),
        }
    }
    out.removed = old.into_values().map(plain).collect();
    out
}

fn plain(entry: &LoadedEntry) -> Entry {
    Entry { kind: entry.kind, name: entry.name.clone(), digest: entry.digest }
}

/// The JSON pointers at which two bodies differ: the deepest place that holds the whole difference.
fn places(a: &Value, b: &Value) -> Vec<String> {
    let mut out = Vec::new();
    collect(a, b, "", &mut out);
    out
}

fn collect(a: &Value, b: &Value, at: &str, out: &mut Vec<String>) {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let names: std::collections::BTreeSet<_> = x.keys().chain(y.keys()).collect();
            for name in names {
                let place = crate::parse::child(at, name);
                match (x.get(name), y.get(name)) {
                    (Some(x), Some(y)) => collect(x, y, &place, out),
                    _ => out.push(place),
                }
            }
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            for (i, (x, y)) in x.iter().zip(y).enumerate() {
                collect(x, y, &crate::parse::child(at, &i.to_string()), out);
            }
        }
        _ if a == b => {}
        _ => out.push(at.to_owned()),
    }
}
