//! Namespaces: what each kind of identifier may do, released as an artifact.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use kernel::{ArtifactRef, Digest, Finding, Instant, Period, Reason, SystemId};
use regex::Regex;
use serde::Deserialize;

use crate::{
    node::NamespaceId,
    normal::{Normaliser, ValueError},
    reason,
};

/// The kind of artifact this crate understands.
pub const KIND: &str = "namespaces";
/// The most namespaces an artifact may name.
pub const NAMESPACES_MAX: usize = 64;

/// What an identifier of a namespace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Names one person in one system: joins people.
    Anchor,
    /// Reaches somebody: attaches.
    Contact,
    /// A device or a session: attaches.
    Device,
    /// Shared by nature, like a policy: attaches.
    Group,
}

/// One namespace.
#[derive(Debug, Clone)]
pub struct Namespace {
    /// Its name.
    pub id: NamespaceId,
    /// What its identifiers are.
    pub class: Class,
    /// How many of them one person may hold.
    pub max_per_person: u32,
    /// How many people may touch one value before it is shared and belongs to nobody.
    pub max_persons: u32,
    /// The order in which namespaces name a person; 1 is first, and no two are equal.
    pub priority: u32,
    /// How values are brought to their normal form.
    pub normaliser: Normaliser,
    /// How far a sighting reaches; nothing means for ever.
    pub window: Option<TimeDelta>,
    /// Whether a verified value joins people as an anchor does.
    pub verified_joins: bool,
    /// Whether the vault keeps the value, because somebody is reached by it.
    pub addressable: bool,
    junk: Vec<Regex>,
}

impl Namespace {
    /// The normal form of a value, or why it stands for nobody.
    pub fn normal(&self, value: &str) -> Result<String, Reason> {
        let normal = self.normaliser.normal(value).map_err(|it| match it {
            ValueError::TooLong => reason::VALUE_TOO_LONG,
            ValueError::Malformed => reason::VALUE_MALFORMED,
        });
        let is_junk = |text: &str| self.junk.iter().any(|it| it.is_match(text));
        match normal {
            Ok(it) if is_junk(&it) => Err(reason::VALUE_JUNK),
            Err(_) if is_junk(value.trim()) => Err(reason::VALUE_JUNK),
            other => other,
        }
    }

    /// Whether everybody sighted on a shared value keeps it: an unsubscribe on it binds them all.
    pub fn kept_by_all(&self) -> bool {
        self.class == Class::Contact
    }

    /// When a sighting counts as seen: the start of its window, so that a re-sighting adds nothing.
    pub fn seen(&self, at: Instant) -> Instant {
        match self.window.and_then(|it| it.num_microseconds()) {
            Some(window) => Instant::from_micros(at.micros().div_euclid(window) * window),
            None => Instant::EPOCH,
        }
    }

    /// From when until when a sighting seen then names its anchor's person.
    pub fn reach(&self, seen: Instant) -> (Instant, Instant) {
        match self.window {
            Some(window) => (seen.minus(window), seen.plus(window).plus(window)),
            None => (Instant::from_micros(i64::MIN), Instant::from_micros(i64::MAX)),
        }
    }
}

/// Every namespace of a tenant, compiled.
#[derive(Debug, Clone)]
pub struct Artifacts {
    digest: Digest,
    sources: Vec<SystemId>,
    namespaces: BTreeMap<NamespaceId, Namespace>,
}

impl Artifacts {
    /// Compiles the namespaces artifact of a bundle; a bundle without one knows no identifier.
    pub fn compile(sources: &[ArtifactRef<'_>]) -> Result<Self, Vec<Finding>> {
        let mut ours = sources.iter().filter(|it| it.kind == KIND);
        let Some(first) = ours.next() else {
            return Ok(Self {
                digest: Digest::of(b""),
                sources: Vec::new(),
                namespaces: BTreeMap::new(),
            });
        };
        if let Some(second) = ours.next() {
            let message = format!("namespaces are already defined by `{}`", first.name);
            return Err(vec![Finding::at(second, "", "ID.ARTIFACT.SECOND", message)]);
        }
        compile(first)
    }

    /// The namespace of this name.
    pub fn namespace(&self, id: &NamespaceId) -> Option<&Namespace> {
        self.namespaces.get(id)
    }

    /// Every namespace, by name.
    pub fn namespaces(&self) -> impl Iterator<Item = &Namespace> {
        self.namespaces.values()
    }

    /// The artifact these were compiled from.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Where a source stands when sources contradict each other; unknown ones come last.
    pub fn precedence(&self, source: &SystemId) -> usize {
        self.sources.iter().position(|it| it == source).unwrap_or(self.sources.len())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sources: Vec<String>,
    #[serde(default)]
    junk: Vec<String>,
    namespace: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    class: Class,
    max_per_person: u32,
    max_persons: u32,
    priority: u32,
    normaliser: Normaliser,
    #[serde(default)]
    window: Option<Period>,
    #[serde(default)]
    verified_joins: bool,
    #[serde(default)]
    addressable: bool,
    #[serde(default)]
    junk: Vec<String>,
}

fn compile(source: &ArtifactRef<'_>) -> Result<Artifacts, Vec<Finding>> {
    let file = File::deserialize(source.body)
        .map_err(|it| vec![Finding::at(source, "", "ID.ARTIFACT.SHAPE", it.to_string())])?;
    let mut findings = Vec::new();
    let mut find = |pointer: String, rule: &str, message: String| {
        findings.push(Finding::at(source, pointer, rule, message));
    };
    if file.namespace.len() > NAMESPACES_MAX {
        find("/namespace".into(), "ID.ARTIFACT.SIZE", "more than 64 namespaces".into());
    }
    let common = patterns(&file.junk, "/junk", &mut find);
    let mut priorities = BTreeSet::new();
    let mut namespaces = BTreeMap::new();
    for (name, entry) in file.namespace {
        let at = format!("/namespace/{name}");
        if !priorities.insert(entry.priority) {
            let message = format!("priority {} is taken by another namespace", entry.priority);
            find(format!("{at}/priority"), "ID.ARTIFACT.PRIORITY", message);
        }
        if entry.verified_joins && entry.class != Class::Contact {
            let message = "only a contact can join people once it is verified".to_owned();
            find(format!("{at}/verified_joins"), "ID.ARTIFACT.PROMOTION", message);
        }
        if entry.max_per_person == 0 {
            let message = "a person must be allowed at least one value".to_owned();
            find(format!("{at}/max_per_person"), "ID.ARTIFACT.LIMIT", message);
        }
        if entry.window.is_some_and(|it| it.span() <= TimeDelta::zero()) {
            find(format!("{at}/window"), "ID.ARTIFACT.WINDOW", "a window is longer than 0".into());
        }
        let own = patterns(&entry.junk, &format!("{at}/junk"), &mut find);
        let id = NamespaceId::new(&name);
        namespaces.insert(id.clone(), namespace(id, &entry, common.iter().cloned().chain(own)));
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let sources = file.sources.iter().map(|it| SystemId::new(it)).collect();
    Ok(Artifacts { digest: source.digest, sources, namespaces })
}

fn namespace(id: NamespaceId, entry: &Entry, junk: impl Iterator<Item = Regex>) -> Namespace {
    Namespace {
        id,
        class: entry.class,
        max_per_person: entry.max_per_person,
        max_persons: entry.max_persons,
        priority: entry.priority,
        normaliser: entry.normaliser,
        window: entry.window.map(Period::span),
        verified_joins: entry.verified_joins,
        addressable: entry.addressable,
        junk: junk.collect(),
    }
}

fn patterns(texts: &[String], at: &str, find: &mut impl FnMut(String, &str, String)) -> Vec<Regex> {
    let mut out = Vec::with_capacity(texts.len());
    for (i, text) in texts.iter().enumerate() {
        match Regex::new(text) {
            Ok(it) => out.push(it),
            Err(it) => find(format!("{at}/{i}"), "ID.ARTIFACT.PATTERN", it.to_string()),
        }
    }
    out
}
