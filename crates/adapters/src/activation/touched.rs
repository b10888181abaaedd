//! What generations stand for, and how a write raises them.

use identity::node::NodeKey;
use kernel::{NodeId, TenantId};

use super::Generations;

/// Something a cached answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Touched {
    /// Whether a node of this key is known.
    Key(TenantId, NodeKey),
    /// Who this node belongs to, and with whom.
    Membership(TenantId, NodeId),
    /// The choices made on this node.
    Choices(TenantId, NodeId),
    /// The fields said about this node.
    Fields(TenantId, NodeId),
    /// The contacts made with this node.
    Contacts(TenantId, NodeId),
    /// The tenant's policy epoch.
    Policy(TenantId),
    /// What arrived for the tenant, and when.
    Board(TenantId),
}

/// One kind of thing, of each of these nodes.
pub(super) fn each(
    kind: fn(TenantId, NodeId) -> Touched,
    tenant: &TenantId,
    nodes: impl IntoIterator<Item = NodeId>,
) -> impl Iterator<Item = Touched> {
    nodes.into_iter().map(move |it| kind(tenant.clone(), it))
}

/// Raises before a write and again after it, whatever it answers.
///
/// A write dropped half-way may commit at any later time: what it touches is closed instead.
pub(crate) async fn raising<T>(
    generations: &Generations,
    touched: Vec<Touched>,
    write: impl Future<Output = T> + Send,
) -> T {
    generations.raise(&touched);
    let mut abandoned = Abandoned { generations, touched: &touched, ended: false };
    let answer = write.await;
    abandoned.ended = true;
    generations.raise(&touched);
    answer
}

struct Abandoned<'a> {
    generations: &'a Generations,
    touched: &'a [Touched],
    ended: bool,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.generations.close(self.touched);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_an_abandoned_write_touches_is_never_kept_again() {
        let generations = Generations::default();
        let tenant = TenantId::new("acme").unwrap();
        let touched = vec![Touched::Policy(tenant)];
        let write = raising(&generations, touched.clone(), std::future::pending::<()>());
        let cut_off = tokio::time::timeout(std::time::Duration::ZERO, write).await;
        assert!(cut_off.is_err());
        assert!(!generations.holds(&generations.stamp(&touched)));
        raising(&generations, touched.clone(), async {}).await;
        assert!(!generations.holds(&generations.stamp(&touched)));
    }
}
