//! The compiled nodes of one release.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{ArtifactRef, Finding, JourneyNode};

use crate::node::{self, Node, Trigger};

/// The most nodes of a release.
pub const NODES_MAX: usize = 1_024;

/// The compiled nodes of one release; immutable.
#[derive(Debug, Default)]
pub struct Artifacts {
    // Invariant: ascending by name, no name twice.
    nodes: Vec<Arc<Node>>,
    by_event: BTreeMap<Arc<str>, Vec<usize>>,
}

impl Artifacts {
    /// Checks and compiles every artifact of kind `node`, with the templates, caps, boundaries
    /// and purposes they name; all findings at once.
    pub fn compile(sources: &[ArtifactRef<'_>]) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut nodes = Vec::new();
        for source in sources.iter().filter(|it| it.kind == "node") {
            match node::compile(source, sources) {
                Ok(node) => nodes.push(Arc::new(node)),
                Err(mut more) => findings.append(&mut more),
            }
        }
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        if nodes.len() > NODES_MAX
            && let Some(source) = sources.first()
        {
            findings.push(Finding::at(source, "", "node.too_many", "more than 1024 nodes"));
        }
        if !findings.is_empty() {
            findings.sort();
            return Err(findings);
        }
        let mut by_event = BTreeMap::<Arc<str>, Vec<usize>>::new();
        for (i, node) in nodes.iter().enumerate() {
            let set_off = match &node.trigger {
                Trigger::Event(it) => Some(Arc::clone(&it.event)),
                Trigger::Inactivity(it) => Some(Arc::clone(&it.since)),
                Trigger::Date(_) => None,
            };
            for event in set_off.into_iter().chain(node.life.cancel_on.iter().cloned()) {
                let list = by_event.entry(event).or_default();
                if !list.contains(&i) {
                    list.push(i);
                }
            }
        }
        Ok(Self { nodes, by_event })
    }

    /// Every node, ascending by name.
    pub fn nodes(&self) -> &[Arc<Node>] {
        &self.nodes
    }

    /// The node of this name.
    pub fn node(&self, name: &JourneyNode) -> Option<&Arc<Node>> {
        let at = self.nodes.binary_search_by(|it| it.name.cmp(name)).ok()?;
        self.nodes.get(at)
    }

    /// The nodes with a treatment made for this placement, ascending by name.
    pub fn serving<'a>(&'a self, placement: &'a str) -> impl Iterator<Item = &'a Arc<Node>> {
        self.nodes.iter().filter(move |it| it.serves(placement))
    }

    /// The nodes this event type sets off or ends, ascending by name.
    pub fn moved_by<'a>(&'a self, event: &str) -> impl Iterator<Item = &'a Arc<Node>> {
        self.by_event.get(event).into_iter().flatten().filter_map(|it| self.nodes.get(*it))
    }

    /// The nodes anchored at a date this field holds, ascending by name.
    pub fn anchored_at<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a Arc<Node>> {
        self.nodes.iter().filter(move |node| {
            matches!(&node.trigger, Trigger::Date(it)
                if node.cut.fields.get(it.anchor).is_some_and(|ask| &*ask.name == field))
        })
    }
}
