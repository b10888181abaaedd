//! A change: what new claims make of the components they touch, as one transition.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{
    Clock, Digest, Entropy, Epoch, Fact, FactId, Instant, NodeId, StaffId, SubjectId, TenantId,
};

use crate::{
    assertion::{self, Assertion, AssertionId, Evidence, Kind, Strength},
    graph::{self, Graph},
    identifier::Sighting,
    namespace::Artifacts,
    node::{Node, NodeKey},
    ownership::People,
    partition::Links,
    ports::{Components, NewNode, Placed, Transition},
    reading::{Claim, Reading, Verb},
};

mod facts;

/// Components being changed.
#[derive(Debug)]
pub struct Change<'c> {
    rules: &'c Artifacts,
    tenant: &'c TenantId,
    clock: &'c dyn Clock,
    entropy: &'c dyn Entropy,
    before: &'c Components,
    next: u64,
    by_key: BTreeMap<NodeKey, NodeId>,
    keys: BTreeMap<NodeId, NodeKey>,
    new_nodes: Vec<NewNode>,
    assertions: Vec<Assertion>,
    heard: BTreeMap<Digest, Instant>,
    contents: BTreeSet<Digest>,
}

impl<'c> Change<'c> {
    /// A change of these components, as read.
    pub fn of(
        rules: &'c Artifacts,
        tenant: &'c TenantId,
        (clock, entropy): (&'c dyn Clock, &'c dyn Entropy),
        before: &'c Components,
    ) -> Self {
        let mut heard: BTreeMap<Digest, Instant> = BTreeMap::new();
        for it in graph::live(&before.assertions) {
            heard.entry(it.claim).and_modify(|at| *at = it.at.min(*at)).or_insert(it.at);
        }
        let nodes = || before.nodes.iter().map(|it| &it.node);
        Self {
            rules,
            tenant,
            clock,
            entropy,
            before,
            next: before.tip + 1,
            by_key: nodes().map(|it| (it.key.clone(), it.id)).collect(),
            keys: nodes().map(|it| (it.id, it.key.clone())).collect(),
            new_nodes: Vec::new(),
            assertions: Vec::new(),
            heard,
            contents: before.assertions.iter().map(|it| it.content).collect(),
        }
    }

    /// The components as read.
    pub const fn before(&self) -> &'c Components {
        self.before
    }

    /// Adds what a sighting says and was not heard before.
    pub fn sight(&mut self, sighting: &Sighting, reading: &Reading<'_>) {
        for seen in &reading.seen {
            if !self.by_key.contains_key(&seen.key) {
                let id = NodeId::mint(self.clock.now(), self.entropy);
                let node = Node { id, key: seen.key.clone(), first_seq: self.count() };
                self.by_key.insert(seen.key.clone(), id);
                self.keys.insert(id, seen.key.clone());
                let placed = Placed { node, component: id };
                self.new_nodes.push(NewNode { placed, value: seen.value.clone() });
            }
        }
        for claim in &reading.claims {
            self.claim(sighting, claim);
        }
    }

    fn claim(&mut self, sighting: &Sighting, claim: &Claim) {
        let heard = self.heard.get(&claim.claim).is_some_and(|at| *at <= claim.at);
        if heard || self.contents.contains(&claim.content) {
            return;
        }
        let node = |key: &NodeKey| self.by_key.get(key).copied();
        let (Some(a), b) = (node(&claim.a), claim.b.as_ref().and_then(node)) else { return };
        let kind = match (claim.verb, b) {
            (Verb::Same, Some(b)) => Kind::Same(a, b),
            (Verb::Attach, Some(anchor)) => Kind::Attach { soft: a, anchor },
            _ => Kind::Verify(a),
        };
        let evidence = Evidence {
            strength: sighting.strength,
            source: sighting.source.clone(),
            event: sighting.event,
            actor: None,
            note: None,
            rules: self.rules.digest(),
        };
        self.heard.insert(claim.claim, claim.at);
        self.append(kind, evidence, claim.at, (claim.claim, claim.content));
    }

    /// Adds a steward's decision.
    pub fn decide(&mut self, kind: Kind, actor: &StaffId, note: &str) -> Option<AssertionId> {
        let at = self.clock.now();
        let evidence = Evidence {
            strength: Strength::Steward,
            source: kernel::SystemId::new("steward"),
            event: None,
            actor: Some(actor.clone()),
            note: Some(note.to_owned()),
            rules: self.rules.digest(),
        };
        let (a, b) = kind.nodes();
        let of = match kind {
            Kind::Retract { assertion, .. } => {
                self.before.assertions.iter().find(|it| it.id == assertion).map(|it| it.content)
            }
            _ => None,
        };
        let key = |it: NodeId| self.keys.get(&it);
        let said = (evidence.strength, &evidence.source);
        let digests = assertion::digests(kind.name(), key(a)?, b.and_then(key), of, said, at);
        if self.contents.contains(&digests.1) {
            return None;
        }
        Some(self.append(kind, evidence, at, digests))
    }

    fn append(
        &mut self,
        kind: Kind,
        evidence: Evidence,
        at: Instant,
        (claim, content): (Digest, Digest),
    ) -> AssertionId {
        let recorded_at = self.clock.now();
        let id = AssertionId::mint(recorded_at, self.entropy);
        self.contents.insert(content);
        let seq = self.count();
        let assertion = Assertion { id, seq, kind, evidence, at, recorded_at, claim, content };
        self.assertions.push(assertion);
        id
    }

    fn count(&mut self) -> u64 {
        let seq = self.next;
        self.next += 1;
        seq
    }

    /// The transition, if anything is new.
    pub fn finish(self) -> Option<Transition> {
        if self.new_nodes.is_empty() && self.assertions.is_empty() {
            return None;
        }
        let (placed, joined) = self.components();
        let before = &self.before.assertions;
        let nodes: Vec<_> = placed.iter().map(|it| &it.node).collect();
        let old = Graph::new(self.rules, nodes.iter().copied(), before);
        let old = People::of(&old);
        let new = before.iter().chain(&self.assertions);
        let new = People::of(&Graph::new(self.rules, nodes.iter().copied(), new));
        let component: BTreeMap<_, _> =
            placed.iter().map(|it| (it.node.id, it.component)).collect();
        let persons = self.persons(&new, &component);
        let now = self.clock.now();
        let facts = facts::of(&facts::Story {
            before: self.before,
            old: &old,
            new: &new,
            persons: &persons,
            new_nodes: &self.new_nodes,
            assertions: &self.assertions,
        })
        .into_iter()
        .map(|it| Fact {
            id: FactId::mint(now, self.entropy),
            tenant: self.tenant.clone(),
            name: it.name.to_owned(),
            at: now,
            subject: it.subject,
            nodes: it.nodes,
            cause: None,
            trace: None,
            body: it.body,
        })
        .collect();
        let mut new_nodes = self.new_nodes;
        for it in &mut new_nodes {
            let id = it.placed.node.id;
            it.placed.component = component.get(&id).copied().unwrap_or(id);
        }
        Some(Transition {
            expected: self.before.tip,
            touched: self.before.nodes.iter().map(|it| it.node.id).collect(),
            nodes: new_nodes,
            joined,
            assertions: self.assertions,
            persons,
            facts,
        })
    }

    /// Every node with its component now, and which components became which: the largest stays.
    fn components(&self) -> (Vec<Placed>, Vec<(NodeId, NodeId)>) {
        let mut links = Links::default();
        for it in &self.before.nodes {
            links.join(it.component, it.node.id);
        }
        for it in &self.assertions {
            if let (a, Some(b)) = it.kind.nodes() {
                links.join(a, b);
            }
        }
        let mut sizes: BTreeMap<NodeId, BTreeMap<NodeId, usize>> = BTreeMap::new();
        for it in &self.before.nodes {
            let of = sizes.entry(links.root(it.node.id)).or_default();
            *of.entry(it.component).or_default() += 1;
        }
        let mut joined = Vec::new();
        let mut into = BTreeMap::new();
        for (root, formers) in sizes {
            let largest = formers.iter().max_by_key(|(id, size)| (**size, std::cmp::Reverse(**id)));
            let Some(stays) = largest.map(|it| *it.0) else { continue };
            joined.extend(formers.into_keys().filter(|it| *it != stays).map(|it| (it, stays)));
            into.insert(root, stays);
        }
        let old = self.before.nodes.iter();
        let all = old.chain(self.new_nodes.iter().map(|it| &it.placed)).cloned();
        let placed = all
            .map(|mut it| {
                let root = links.root(it.node.id);
                it.component = *into.entry(root).or_insert(it.node.id);
                it
            })
            .collect();
        (placed, joined)
    }

    /// Persons whose members changed, at an epoch no person of their component ever had.
    fn persons(
        &self,
        new: &People,
        component: &BTreeMap<NodeId, NodeId>,
    ) -> Vec<crate::ports::Person> {
        let place = |it: SubjectId| component.get(&NodeId::from_uuid(it.uuid())).copied();
        let mut highest: BTreeMap<Option<NodeId>, Epoch> = BTreeMap::new();
        for person in &self.before.persons {
            let epoch = highest.entry(place(person.subject)).or_default();
            *epoch = person.epoch.max(*epoch);
        }
        let old: BTreeMap<_, _> = self.before.persons.iter().map(|it| (it.subject, it)).collect();
        let mut changed = Vec::new();
        for person in new.persons.values() {
            let stored = old.get(&person.subject);
            if stored.is_some_and(|it| it.members == person.members) {
                continue;
            }
            // Only a longer reach: nobody came or went, so nothing that was decided is stale.
            let standing = |it: &crate::ports::Person| {
                it.members.iter().map(|m| (m.node, m.link, m.home, m.verified)).collect::<Vec<_>>()
            };
            let highest = highest.get(&place(person.subject)).copied().unwrap_or_default();
            let epoch = match stored {
                Some(it) if standing(it) == standing(person) => it.epoch,
                _ => highest.next(),
            };
            changed.push(crate::ports::Person { epoch, ..person.clone() });
        }
        for gone in &self.before.persons {
            if !gone.members.is_empty() && !new.persons.contains_key(&gone.subject) {
                let highest = highest.get(&place(gone.subject)).copied().unwrap_or_default();
                changed.push(crate::ports::Person {
                    subject: gone.subject,
                    epoch: highest.next(),
                    members: Vec::new(),
                    anchors: 0,
                });
            }
        }
        changed.sort_by_key(|it| it.subject);
        changed
    }
}
