//! A change of something the layer may hold: its leases are taken away before and after.

use std::collections::BTreeSet;

use identity::node::NodeKey;
use kernel::{Fault, NodeId, SubjectId, TenantId};
use tokio::time::sleep_until;

use super::{fields, layer::Layer, scripts, server::Call, state::Held, tag::Tag};
use crate::sql::activation::Phase;

/// What a value can rest on, about one person or one identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The choices made.
    Choices,
    /// Who belongs to whom.
    Membership,
    /// The fields said.
    Fields,
    /// The contacts made.
    Contacts,
    /// Which node a key names.
    Key,
}

impl Kind {
    /// What the marks of a change of it begin with.
    pub(super) const fn letter(self) -> u8 {
        match self {
            Self::Choices => b'c',
            Self::Membership => b'm',
            Self::Fields => b'f',
            Self::Contacts => b'h',
            Self::Key => b'k',
        }
    }

    /// The field of its token.
    pub(super) const fn token(self) -> &'static str {
        match self {
            Self::Choices => "tc",
            Self::Membership => "tm",
            Self::Fields => "tf",
            Self::Contacts => "th",
            Self::Key => "tk",
        }
    }

    /// The fields of the values that rest on it.
    const fn values(self) -> &'static [&'static str] {
        match self {
            Self::Choices => &["s"],
            Self::Membership => &["s", "p", "h", "v0", "v1", "v2", "v3"],
            Self::Fields => &fields::SLOTS,
            Self::Contacts => &["h"],
            Self::Key => &["n"],
        }
    }
}

/// What a change touches.
#[derive(Debug, Clone, Default)]
pub(super) struct Touched {
    tags: BTreeSet<(Tag, Kind)>,
    /// Nodes that are known by the people they belong to, whoever those are when it matters.
    nodes: BTreeSet<(TenantId, NodeId, Kind)>,
}

impl Touched {
    /// Something about these nodes, and so about the people they belong to.
    pub(super) fn nodes(
        mut self,
        kind: Kind,
        tenant: &TenantId,
        nodes: impl IntoIterator<Item = NodeId>,
    ) -> Self {
        self.nodes.extend(nodes.into_iter().map(|it| (tenant.clone(), it, kind)));
        self
    }

    /// Something about this person, as known for certain.
    pub(super) fn subject(mut self, kind: Kind, tenant: &TenantId, subject: SubjectId) -> Self {
        self.tags.insert((Tag::of_subject(tenant, subject), kind));
        self
    }

    /// What is under the tags of these nodes themselves.
    pub(super) fn own(
        mut self,
        kind: Kind,
        tenant: &TenantId,
        nodes: impl IntoIterator<Item = NodeId>,
    ) -> Self {
        self.tags.extend(nodes.into_iter().map(|it| (Tag::of_node(tenant, it), kind)));
        self
    }

    /// What these keys name.
    pub(super) fn keys<'a>(
        mut self,
        tenant: &TenantId,
        keys: impl IntoIterator<Item = &'a NodeKey>,
    ) -> Self {
        self.tags.extend(keys.into_iter().map(|it| (Tag::of_key(tenant, it), Kind::Key)));
        self
    }
}

/// A change that has begun. Dropped, it keeps what it touches out of the layer for as long as its
/// mark lasts: nobody knows whether it was committed.
#[derive(Debug)]
pub(super) struct Change {
    touched: Touched,
    mark: [u8; 8],
}

impl Layer {
    /// Runs a write of the system of record as a change of what it touches.
    ///
    /// A fault after the write means that it may have been committed and is not known to have
    /// reached the layer: the caller tries again, as after any fault.
    pub(super) async fn changing<T>(
        &self,
        touched: Touched,
        write: impl Future<Output = T> + Send,
    ) -> Result<T, Fault> {
        let change = self.begin(touched).await?;
        let answer = write.await;
        self.end(change).await?;
        Ok(answer)
    }

    async fn begin(&self, mut touched: Touched) -> Result<Change, Fault> {
        self.resolve(&mut touched).await?;
        let change = Change { touched, mark: self.chance() };
        let held = self.hold().await?;
        if held.charter.phase != Phase::Shut && !self.reach(&held, &change, true).await {
            // Shut before the write: who has not read this yet stops within a lease.
            self.amend(&held.charter, held.charter.shut()).await?;
        }
        Ok(change)
    }

    /// Ends when nobody serves, or ever will, what was read before the write.
    ///
    /// The charter is held at a moment after the write. A later epoch opens after that moment, so it
    /// holds nothing from before the write. This one is told; if it cannot be, it is replaced, and
    /// whoever still goes by it stops within a lease.
    async fn end(&self, mut change: Change) -> Result<(), Fault> {
        // Once more, after the write: who saw its people joined before it is found now.
        self.resolve(&mut change.touched).await?;
        let held = self.hold().await?;
        let mut latest = held.clone();
        if held.charter.phase != Phase::Shut {
            if self.reach(&held, &change, false).await {
                return Ok(());
            }
            // The phase may move on at the same epoch while it is being replaced.
            while latest.charter.epoch == held.charter.epoch {
                self.amend(&latest.charter, latest.charter.shut()).await?;
                latest = self.hold().await?;
            }
        }
        sleep_until(latest.since + self.timing.grace()).await;
        Ok(())
    }

    /// Adds the tags of the people whom the touched nodes belong to now: the heads', and those of
    /// all their nodes, because what is about several nodes is under one of them.
    async fn resolve(&self, touched: &mut Touched) -> Result<(), Fault> {
        let nodes: Vec<_> = touched.nodes.iter().cloned().collect();
        for chunk in nodes.chunk_by(|a, b| a.0 == b.0) {
            let Some((tenant, ..)) = chunk.first() else { continue };
            let asked: Vec<_> = chunk.iter().map(|it| it.1).collect();
            let peers = self.parts.memberships.peers(tenant, &asked).await?;
            for (_, node, kind) in chunk {
                touched.tags.insert((Tag::of_node(tenant, *node), *kind));
                for peer in peers.iter().filter(|it| it.asked == *node) {
                    touched.tags.insert((Tag::of_subject(tenant, peer.subject), *kind));
                    touched.tags.insert((Tag::of_node(tenant, peer.member), *kind));
                }
            }
        }
        Ok(())
    }

    /// Tells the servers; once more over new connections if the first try fails, because one that
    /// was cut says nothing about the server. Saying it twice is saying it once.
    async fn reach(&self, held: &Held, change: &Change, begins: bool) -> bool {
        if let Some(session) = &held.session {
            match session.change(self.calls(held.charter.epoch, change, begins)).await {
                Ok(()) => return true,
                Err(error) => tracing::warn!(kind = ?error.kind(), "a change missed the layer"),
            }
        }
        self.connect(held.session.as_ref()).await;
        let Ok(again) = self.hold().await else { return false };
        let Some(session) = again.session.filter(|it| it.identity() == held.charter.servers) else {
            return false;
        };
        let done = session.change(self.calls(held.charter.epoch, change, begins)).await;
        if done.is_err() {
            self.forget(&session);
        }
        done.is_ok()
    }

    fn calls(&self, epoch: u64, change: &Change, begins: bool) -> Vec<Call> {
        let call = |(tag, kind): &(Tag, Kind)| {
            let mark = [&[kind.letter(), b':'], &change.mark[..]].concat();
            let mut arguments = vec![mark];
            if begins {
                arguments.push(self.timing.mark.as_millis().to_string().into_bytes());
            }
            let fields = [kind.token()].into_iter().chain(kind.values().iter().copied());
            arguments.extend(fields.map(|it| it.as_bytes().to_vec()));
            let script = if begins { &*scripts::BEGIN } else { &*scripts::END };
            let keys = self.keys(epoch, tag).to_vec();
            Call { script, tag: tag.clone(), keys, arguments }
        };
        change.touched.tags.iter().map(call).collect()
    }
}
