//! Where what is about several nodes is kept: under one tag, which every change of any of them
//! reaches.

use kernel::{Fault, NodeId, SubjectId, TenantId};
use quick_cache::sync::Cache;

use super::{layer::Layer, tag::Tag};

/// How many nodes are remembered with the head they were last seen with.
const HOMES_MAX: usize = 200_000;

/// Heads by node. Only a hint: it chooses among the tags that would all be right.
pub(super) struct Homes(Cache<(TenantId, NodeId), SubjectId>);

impl Default for Homes {
    fn default() -> Self {
        Self(Cache::new(HOMES_MAX))
    }
}

impl Homes {
    /// This node was seen with this head.
    pub(super) fn learn(&self, tenant: &TenantId, node: NodeId, head: SubjectId) {
        self.0.insert((tenant.clone(), node), head);
    }
}

impl Layer {
    /// The tag of what is about these nodes: the head's if it is one of them, else the first's.
    pub(super) fn home(&self, tenant: &TenantId, nodes: &[NodeId]) -> Option<Tag> {
        let first = *nodes.first()?;
        let head = self.homes.0.get(&(tenant.clone(), first));
        let head = head.map(|it| NodeId::from_uuid(it.uuid())).filter(|it| nodes.contains(it));
        Some(Tag::of_node(tenant, head.unwrap_or(first)))
    }

    /// Whether all these nodes are of one person now, by the system of record, and this one if named.
    ///
    /// Asked under a lease on the membership: from then on a change of any of the nodes reaches the
    /// tags of all of them, until a change of the membership takes the lease away. One node alone is
    /// reached by its own tag whoever it belongs to.
    pub(super) async fn is_one_person(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        head: Option<SubjectId>,
    ) -> Result<bool, Fault> {
        let alone = |it: NodeId| head.is_none_or(|head| head.uuid() == it.uuid());
        match nodes {
            [] => return Ok(false),
            [one] if alone(*one) => return Ok(true),
            _ => {}
        }
        let Some(first) = nodes.first() else { return Ok(false) };
        let peers = self.parts.memberships.peers(tenant, std::slice::from_ref(first)).await?;
        let is_of = |node: &NodeId, subject: SubjectId| {
            peers.iter().any(|it| it.subject == subject && it.member == *node)
        };
        let mut heads =
            peers.iter().map(|it| it.subject).filter(|it| head.is_none_or(|head| head == *it));
        Ok(heads.any(|subject| nodes.iter().all(|node| is_of(node, subject))))
    }
}
