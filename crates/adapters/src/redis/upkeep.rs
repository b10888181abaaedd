//! Rebuilding the layer from the systems of record, and comparing it with them.

use std::{fmt, sync::Arc, time::Duration};

use consent::ports::SnapshotSource;
use context::ports::ContextStore;
use delivery::ports::ContactLedger;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use identity::ports::{Directory, Person};
use kernel::{Clock, Fault, Instant, NodeId, SubjectId, TenantId};
use tokio::time::{Instant as Moment, interval};

use super::{
    change::{Kind, Touched},
    choices::RedisSnapshots,
    contacts::RedisContacts,
    fields::RedisContext,
    layer::Layer,
    people::RedisDirectory,
};
use crate::sql::activation::Phase;

/// How many people are listed at a time.
pub const PEOPLE_PER_PAGE: u64 = 100;
/// How many people are gone through at once: their readings wait for the network together, and leave
/// connections for those who serve.
const PEOPLE_AT_ONCE: usize = 16;
/// How many graces opening may take before it is given up.
const GRACES_MAX: u32 = 20;

/// The ports whose answers about a person are kept.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Who it is.
    pub directory: Arc<dyn Directory>,
    /// What their choices amount to.
    pub snapshots: Arc<dyn SnapshotSource>,
    /// What is known of them.
    pub fields: Arc<dyn ContextStore>,
    /// When they were contacted.
    pub contacts: Arc<dyn ContactLedger>,
}

/// What is kept of one person.
#[derive(Debug, PartialEq)]
struct Answers {
    person: Person,
    choices: kernel::Digest,
    fields: context::view::View,
    contacts: Vec<delivery::contact::Entry>,
}

impl Answers {
    /// The names of what differs.
    fn differences(&self, other: &Self) -> Vec<&'static str> {
        let same = [
            ("person", self.person == other.person),
            ("choices", self.choices == other.choices),
            ("fields", self.fields == other.fields),
            ("contacts", self.contacts == other.contacts),
        ];
        same.into_iter().filter(|it| !it.1).map(|it| it.0).collect()
    }
}

/// Keeps the layer and the systems of record alike.
pub struct Upkeep {
    layer: Layer,
    record: Sources,
    near: Sources,
    clock: Arc<dyn Clock>,
    reach: chrono::TimeDelta,
}

impl fmt::Debug for Upkeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upkeep")
    }
}

impl Upkeep {
    /// Upkeep of a layer over these systems of record; histories reach back as far as decisions
    /// look.
    pub fn new(layer: &Layer, record: Sources, clock: Arc<dyn Clock>) -> Self {
        let layer = layer.clone();
        let near = Sources {
            directory: Arc::new(RedisDirectory::new(record.directory.clone(), layer.clone())),
            snapshots: Arc::new(RedisSnapshots::new(
                record.snapshots.clone(),
                clock.clone(),
                layer.clone(),
            )),
            fields: Arc::new(RedisContext::new(record.fields.clone(), layer.clone())),
            contacts: Arc::new(RedisContacts::new(record.contacts.clone(), layer.clone())),
        };
        let reach = decision::ports::HISTORY_MAX.span();
        Self { layer, record, near, clock, reach }
    }

    /// Forgets everything kept and opens the layer again, by this process; the others go on as soon
    /// as they see it.
    pub async fn begin_anew(&self) -> Result<(), Fault> {
        let held = self.layer.hold().await?;
        if held.charter.phase != Phase::Shut {
            self.layer.amend(&held.charter, held.charter.shut()).await?;
        }
        self.open().await
    }

    /// Waits until this process serves from the layer.
    pub async fn open(&self) -> Result<(), Fault> {
        let grace = self.layer.timing.grace();
        let until = Moment::now() + grace * GRACES_MAX + self.layer.timing.rest;
        let mut beat = interval((grace / 8).max(Duration::from_millis(1)));
        while Moment::now() < until {
            beat.tick().await;
            self.layer.beat().await?;
            if self.layer.is_serving() {
                return Ok(());
            }
        }
        Err(Fault::retry("opening the activation layer"))
    }

    /// The heads of a tenant's people after one, at most [`PEOPLE_PER_PAGE`].
    pub async fn heads(
        &self,
        tenant: &TenantId,
        after: Option<SubjectId>,
    ) -> Result<Vec<SubjectId>, Fault> {
        self.layer.parts.memberships.heads(tenant, after, PEOPLE_PER_PAGE).await
    }

    /// About how many people there are.
    pub async fn people(&self, tenant: &TenantId) -> Result<u64, Fault> {
        let counts = self.record.directory.counts(tenant).await?;
        Ok(counts.persons + counts.anonymous)
    }

    /// Keeps what decisions will ask about these people.
    pub async fn refill(&self, tenant: &TenantId, heads: &[SubjectId]) -> Result<(), Fault> {
        let nodes: Vec<_> = heads.iter().map(|it| NodeId::from_uuid(it.uuid())).collect();
        // Who they are is read at once, and found near by each of them.
        self.near.directory.persons(tenant, &nodes).await?;
        let each = stream::iter(heads).map(|it| self.refill_one(tenant, *it));
        each.buffer_unordered(PEOPLE_AT_ONCE).try_collect().await
    }

    async fn refill_one(&self, tenant: &TenantId, head: SubjectId) -> Result<(), Fault> {
        self.layer.beat_if_due().await?;
        self.answers(&self.near, tenant, head, self.since()).await.map(drop)
    }

    /// The names of what is kept of these people otherwise than the systems of record have it;
    /// repaired before this returns. A change that is being made meanwhile is no difference.
    pub async fn verify(
        &self,
        tenant: &TenantId,
        heads: &[SubjectId],
    ) -> Result<Vec<&'static str>, Fault> {
        let each = stream::iter(heads).map(|it| self.verify_one(tenant, *it));
        let differences: Vec<_> = each.buffer_unordered(PEOPLE_AT_ONCE).try_collect().await?;
        Ok(differences.concat())
    }

    async fn verify_one(
        &self,
        tenant: &TenantId,
        head: SubjectId,
    ) -> Result<Vec<&'static str>, Fault> {
        self.layer.beat_if_due().await?;
        let since = self.since();
        let Some(kept) = self.answers(&self.near, tenant, head, since).await? else {
            return Ok(Vec::new());
        };
        let Some(record) = self.answers(&self.record, tenant, head, since).await? else {
            return Ok(Vec::new());
        };
        if kept == record {
            return Ok(Vec::new());
        }
        let again = self.answers(&self.near, tenant, head, since).await?;
        if again.as_ref() != Some(&kept) {
            return Ok(Vec::new());
        }
        let nodes = kept.person.members.iter().chain(&record.person.members).map(|it| it.node);
        let nodes: Vec<_> = nodes.chain([NodeId::from_uuid(head.uuid())]).collect();
        self.void(tenant, &nodes).await?;
        self.refill_one(tenant, head).await?;
        Ok(kept.differences(&record))
    }

    fn since(&self) -> Instant {
        self.clock.now().minus(self.reach)
    }

    /// Everything about a person; nothing about who is a head no more.
    async fn answers(
        &self,
        sources: &Sources,
        tenant: &TenantId,
        head: SubjectId,
        since: Instant,
    ) -> Result<Option<Answers>, Fault> {
        let people = sources.directory.persons(tenant, &[NodeId::from_uuid(head.uuid())]).await?;
        let Some((_, person)) = people.into_iter().find(|it| it.1.subject == head) else {
            return Ok(None);
        };
        let at = person.at();
        let choices = sources.snapshots.snapshot(tenant, &at).await?.digest;
        let fields = sources.fields.view(tenant, &at.nodes, &[]).await?;
        let contacts = sources.contacts.history(tenant, &at.nodes, since).await?;
        Ok(Some(Answers { person, choices, fields, contacts }))
    }

    /// Takes everything about these nodes away, as a change of all of it would.
    async fn void(&self, tenant: &TenantId, nodes: &[NodeId]) -> Result<(), Fault> {
        let kinds = [Kind::Choices, Kind::Membership, Kind::Fields, Kind::Contacts];
        let all = kinds.into_iter().fold(Touched::default(), |touched, kind| {
            touched.own(kind, tenant, nodes.iter().copied())
        });
        self.layer.changing(all, async {}).await
    }
}
