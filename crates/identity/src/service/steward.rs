//! What people decide about links: taking them apart, blocking a value, asking why.

use std::collections::BTreeMap;

use kernel::{Fault, NodeId, PersonAt, StaffId, SubjectId, TenantId};

use super::ResolutionService;
use crate::{
    Identifier,
    assertion::{AssertionId, Kind},
    change::Change,
    cut,
    explain::{self, Entry, Why},
    graph::Graph,
    namespace::Artifacts,
    ownership::People,
    ports::{Components, Person},
    reading,
};

/// The longest reason a steward gives, in bytes.
pub const REASON_BYTES_MAX: usize = 500;

/// What an unlinking did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlinked {
    /// What was taken back.
    pub retracted: Vec<AssertionId>,
    /// The person of the first node now.
    pub first: PersonAt,
    /// The person of the second node now.
    pub second: PersonAt,
}

/// What an unlinking would do; nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatIf {
    /// What would be taken back.
    pub retracts: Vec<AssertionId>,
    /// The people of both nodes as they are.
    pub before: Vec<Person>,
    /// The people both nodes would be of.
    pub after: Vec<Person>,
}

/// Why two nodes were not taken apart.
#[derive(Debug, thiserror::Error)]
pub enum UnlinkError {
    /// One of the nodes was never seen.
    #[error("node was never seen")]
    Unknown,
    /// They are two people already.
    #[error("the nodes are not one person")]
    Apart,
    /// A steward says why, in at most [`REASON_BYTES_MAX`] bytes.
    #[error("a reason of 1 to 500 bytes is needed")]
    Reason,
    /// A failure of the technology.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ResolutionService {
    /// Takes two nodes of one person apart: the fewest links that hold them together are retracted,
    /// and no later event joins them again.
    pub async fn unlink(
        &self,
        tenant: &TenantId,
        actor: StaffId,
        a: NodeId,
        b: NodeId,
        reason: &str,
    ) -> Result<Unlinked, UnlinkError> {
        if reason.trim().is_empty() || reason.len() > REASON_BYTES_MAX {
            return Err(UnlinkError::Reason);
        }
        if a == b {
            return Err(UnlinkError::Apart);
        }
        let directory = &self.0.directory;
        let (Some(first), Some(second)) =
            (directory.key(tenant, a).await?, directory.key(tenant, b).await?)
        else {
            return Err(UnlinkError::Unknown);
        };
        let rules = self.0.artifacts.live(tenant).await?;
        let keys = [first, second];
        let mut retracted = Vec::new();
        self.amend(tenant, &keys, |change| {
            retracted = take_apart(change, &rules, a, b, &actor, reason);
        })
        .await?;
        if retracted.is_empty() {
            return Err(UnlinkError::Apart);
        }
        let first = self.person(tenant, a.uuid()).await?.ok_or(UnlinkError::Unknown)?;
        let second = self.person(tenant, b.uuid()).await?.ok_or(UnlinkError::Unknown)?;
        Ok(Unlinked { retracted, first, second })
    }

    /// What [`Self::unlink`] would do, without doing it; nothing is written.
    pub async fn what_if_unlinked(
        &self,
        tenant: &TenantId,
        (a, b): (NodeId, NodeId),
    ) -> Result<WhatIf, UnlinkError> {
        let directory = &self.0.directory;
        let (Some(first), Some(second)) =
            (directory.key(tenant, a).await?, directory.key(tenant, b).await?)
        else {
            return Err(UnlinkError::Unknown);
        };
        let rules = self.0.artifacts.live(tenant).await?;
        let before = self.0.log.components(tenant, &[first, second]).await?;
        let mut change = Change::of(&rules, tenant, (&*self.0.clock, &*self.0.entropy), &before);
        let nobody = StaffId::new("nobody").map_err(|_| Fault::escalate("naming nobody"))?;
        let retracts =
            if a == b { Vec::new() } else { take_apart(&mut change, &rules, a, b, &nobody, "") };
        if retracts.is_empty() {
            return Err(UnlinkError::Apart);
        }
        let mut people: BTreeMap<_, _> =
            before.persons.iter().map(|it| (it.subject, it.clone())).collect();
        let of_both = |people: &BTreeMap<SubjectId, Person>| -> Vec<Person> {
            let ours = |it: &&Person| it.members.iter().any(|m| m.home && [a, b].contains(&m.node));
            people.values().filter(ours).cloned().collect()
        };
        let stand = of_both(&people);
        let changed = change.finish().map(|it| it.persons).unwrap_or_default();
        people.extend(changed.into_iter().map(|it| (it.subject, it)));
        Ok(WhatIf { retracts, before: stand, after: of_both(&people) })
    }

    /// How a node came to be whose it is, entry by entry; nothing for a node that was never seen.
    pub async fn how(&self, tenant: &TenantId, node: NodeId) -> Result<Vec<Entry>, Fault> {
        let Some(key) = self.0.directory.key(tenant, node).await? else { return Ok(Vec::new()) };
        let rules = self.0.artifacts.live(tenant).await?;
        let read = self.0.log.components(tenant, &[key]).await?;
        let nodes: Vec<_> = read.nodes.iter().map(|it| &it.node).collect();
        Ok(explain::how(&rules, &nodes, &read.assertions, node))
    }

    /// The node of an identifier, if it was ever seen and its value stands for anybody.
    pub async fn node(
        &self,
        tenant: &TenantId,
        identifier: &Identifier,
    ) -> Result<Option<NodeId>, Fault> {
        let rules = self.0.artifacts.live(tenant).await?;
        let identifiers = std::slice::from_ref(identifier);
        let reading = reading::identifiers(&rules, &self.0.blinder, tenant, identifiers);
        let nodes = self.nodes(tenant, &[reading]).await?;
        Ok(nodes.into_values().next())
    }

    /// Declares that a value stands for nobody (a kiosk, a placeholder): its links count no more.
    pub async fn block(
        &self,
        tenant: &TenantId,
        actor: StaffId,
        node: NodeId,
        reason: &str,
    ) -> Result<(), UnlinkError> {
        if reason.trim().is_empty() || reason.len() > REASON_BYTES_MAX {
            return Err(UnlinkError::Reason);
        }
        let key = self.0.directory.key(tenant, node).await?.ok_or(UnlinkError::Unknown)?;
        self.amend(tenant, &[key], |change| {
            change.decide(Kind::Block(node), &actor, reason);
        })
        .await?;
        Ok(())
    }

    /// Why two nodes are, or are not, one person.
    pub async fn why(&self, tenant: &TenantId, a: NodeId, b: NodeId) -> Result<Why, Fault> {
        let directory = &self.0.directory;
        let (Some(first), Some(second)) =
            (directory.key(tenant, a).await?, directory.key(tenant, b).await?)
        else {
            return Ok(Why::default());
        };
        let rules = self.0.artifacts.live(tenant).await?;
        let read = self.0.log.components(tenant, &[first, second]).await?;
        let (graph, people) = derive(&rules, &read);
        Ok(explain::why(&graph, &people, &read.assertions, a, b))
    }
}

fn derive<'r>(rules: &'r Artifacts, read: &'r Components) -> (Graph<'r>, People) {
    let graph = Graph::new(rules, read.nodes.iter().map(|it| &it.node), &read.assertions);
    let people = People::of(&graph);
    (graph, people)
}

/// Retracts what holds the two together and writes that they are not the same.
fn take_apart(
    change: &mut Change<'_>,
    rules: &Artifacts,
    a: NodeId,
    b: NodeId,
    actor: &StaffId,
    reason: &str,
) -> Vec<AssertionId> {
    let read = change.before();
    let (graph, people) = derive(rules, read);
    let both = |it: &&crate::ports::Person| {
        let holds = |node| it.members.iter().any(|m| m.node == node);
        holds(a) && holds(b)
    };
    let Some(person) = people.persons.values().find(both) else { return Vec::new() };
    let group = |it| people.partition.group(it);
    let founder = NodeId::from_uuid(person.subject.uuid());
    let (retract, apart) = if group(a) == group(b) {
        let within =
            graph.hard.iter().filter(|it| group(it.a) == group(a) && group(it.b) == group(a));
        let within: Vec<_> = within.copied().collect();
        (cut::least_cut(&within, a, b), (a, b))
    } else {
        // One of them is only attached: its sightings with this person are what is taken back.
        let (soft, rest) = if group(a) == group(founder) { (b, a) } else { (a, b) };
        let rest = if group(rest) == group(founder) { rest } else { founder };
        let links = graph.hard.iter().chain(&graph.soft);
        let held = links.filter(|it| {
            (it.a == soft && group(it.b) == group(rest))
                || (it.b == soft && group(it.a) == group(rest))
        });
        (held.map(|it| it.assertion.id).collect(), (soft, rest))
    };
    let filed: Vec<_> = read
        .assertions
        .iter()
        .filter(|it| retract.contains(&it.id))
        .map(|it| Kind::Retract { assertion: it.id, filed_at: it.kind.nodes().0 })
        .collect();
    for kind in filed {
        change.decide(kind, actor, reason);
    }
    change.decide(Kind::NotSame(apart.0, apart.1), actor, reason);
    retract
}
