//! The rows of `identity`, and what they mean.

use identity::{
    NamespaceId, Strength,
    assertion::{Assertion, AssertionId, Evidence, Kind},
    node::{BlindKey, Node, NodeKey},
    ports::{Link, Member, NewNode, Person, Placed},
};
use kernel::{
    Digest, Epoch, EventId, Fault, Instant, NodeId, StaffId, SubjectId, SystemId, TenantId,
};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

pub(super) const NODE_COLUMNS: [&str; 5] = ["id", "namespace", "key", "first_seq", "component"];
pub(super) const ASSERTION_COLUMNS: [&str; 16] = [
    "seq",
    "id",
    "kind",
    "a",
    "b",
    "target",
    "strength",
    "source",
    "event",
    "actor",
    "note",
    "rules",
    "at",
    "recorded_at",
    "claim",
    "content",
];
pub(super) const MEMBER_COLUMNS: [&str; 9] =
    ["subject", "node", "namespace", "link", "home", "verified", "names", "from_at", "until_at"];

fn broken() -> Fault {
    Fault::escalate("decoding a row of identity")
}

pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(super) fn counted(n: i64) -> Result<u64, Fault> {
    u64::try_from(n).map_err(|it| broken().because(it))
}

fn digest(bytes: &[u8]) -> Result<Digest, Fault> {
    <[u8; 32]>::try_from(bytes).map(Digest::from_bytes).map_err(|it| broken().because(it))
}

#[derive(Debug, FromQueryResult)]
pub(super) struct NodeRow {
    id: Uuid,
    namespace: String,
    key: Vec<u8>,
    first_seq: i64,
    component: Uuid,
}

impl TryFrom<NodeRow> for Placed {
    type Error = Fault;

    fn try_from(row: NodeRow) -> Result<Self, Fault> {
        let key = <[u8; 16]>::try_from(&*row.key).map_err(|it| broken().because(it))?;
        let namespace = NamespaceId::new(&row.namespace);
        let node = Node {
            id: NodeId::from_uuid(row.id),
            key: NodeKey { namespace, key: BlindKey::from_bytes(key) },
            first_seq: counted(row.first_seq)?,
        };
        Ok(Self { node, component: NodeId::from_uuid(row.component) })
    }
}

/// `tenant`, [`NODE_COLUMNS`], `sealed`.
pub(super) fn node_values(
    tenant: &TenantId,
    node: &NewNode,
    shift: u64,
    sealed: Option<Vec<u8>>,
) -> [Value; 7] {
    let Placed { node, component } = &node.placed;
    [
        tenant.as_str().into(),
        node.id.uuid().into(),
        node.key.namespace.as_str().into(),
        node.key.key.as_bytes().to_vec().into(),
        signed(node.first_seq + shift).into(),
        component.uuid().into(),
        sealed.into(),
    ]
}

#[derive(Debug, FromQueryResult)]
pub(super) struct AssertionRow {
    seq: i64,
    id: Uuid,
    kind: String,
    a: Uuid,
    b: Option<Uuid>,
    target: Option<Uuid>,
    strength: String,
    source: String,
    event: Option<Uuid>,
    actor: Option<String>,
    note: Option<String>,
    rules: Vec<u8>,
    at: i64,
    recorded_at: i64,
    claim: Vec<u8>,
    content: Vec<u8>,
}

impl TryFrom<AssertionRow> for Assertion {
    type Error = Fault;

    fn try_from(row: AssertionRow) -> Result<Self, Fault> {
        let a = NodeId::from_uuid(row.a);
        let kind = match (&*row.kind, row.b.map(NodeId::from_uuid), row.target) {
            ("same", Some(b), None) => Kind::Same(a, b),
            ("not_same", Some(b), None) => Kind::NotSame(a, b),
            ("attach", Some(anchor), None) => Kind::Attach { soft: a, anchor },
            ("verify", None, None) => Kind::Verify(a),
            ("block", None, None) => Kind::Block(a),
            ("retract", None, Some(target)) => {
                Kind::Retract { assertion: AssertionId::from_uuid(target), filed_at: a }
            }
            _ => return Err(broken()),
        };
        let actor = row.actor.as_deref().map(StaffId::new).transpose();
        Ok(Self {
            id: AssertionId::from_uuid(row.id),
            seq: counted(row.seq)?,
            kind,
            evidence: Evidence {
                strength: Strength::named(&row.strength).ok_or_else(broken)?,
                source: SystemId::new(&row.source),
                event: row.event.map(EventId::from_uuid),
                actor: actor.map_err(|it| broken().because(it))?,
                note: row.note,
                rules: digest(&row.rules)?,
            },
            at: Instant::from_micros(row.at),
            recorded_at: Instant::from_micros(row.recorded_at),
            claim: digest(&row.claim)?,
            content: digest(&row.content)?,
        })
    }
}

/// `tenant`, [`ASSERTION_COLUMNS`], `live`.
pub(super) fn assertion_values(tenant: &TenantId, it: &Assertion, shift: u64) -> [Value; 18] {
    let (a, b) = it.kind.nodes();
    let target = match it.kind {
        Kind::Retract { assertion, .. } => Some(assertion.uuid()),
        _ => None,
    };
    [
        tenant.as_str().into(),
        signed(it.seq + shift).into(),
        it.id.uuid().into(),
        it.kind.name().into(),
        a.uuid().into(),
        b.map(NodeId::uuid).into(),
        target.into(),
        it.evidence.strength.as_str().into(),
        it.evidence.source.as_str().into(),
        it.evidence.event.map(EventId::uuid).into(),
        it.evidence.actor.as_ref().map(|it| it.as_str().to_owned()).into(),
        it.evidence.note.clone().into(),
        it.evidence.rules.as_bytes().to_vec().into(),
        it.at.micros().into(),
        it.recorded_at.micros().into(),
        it.claim.as_bytes().to_vec().into(),
        it.content.as_bytes().to_vec().into(),
        true.into(),
    ]
}

#[derive(Debug, FromQueryResult)]
pub(super) struct PersonRow {
    pub(super) subject: Uuid,
    epoch: i64,
    anchors: i64,
}

impl PersonRow {
    /// The person with these members.
    pub(super) fn person(&self, members: Vec<Member>) -> Result<Person, Fault> {
        Ok(Person {
            subject: SubjectId::from_uuid(self.subject),
            epoch: Epoch(counted(self.epoch)?),
            members,
            anchors: u32::try_from(self.anchors).map_err(|it| broken().because(it))?,
        })
    }
}

#[derive(Debug, FromQueryResult)]
pub(super) struct MemberRow {
    node: Uuid,
    namespace: String,
    link: String,
    home: bool,
    verified: bool,
    names: bool,
    from_at: i64,
    until_at: i64,
}

impl TryFrom<MemberRow> for Member {
    type Error = Fault;

    fn try_from(row: MemberRow) -> Result<Self, Fault> {
        Ok(Self {
            node: NodeId::from_uuid(row.node),
            namespace: NamespaceId::new(&row.namespace),
            link: Link::named(&row.link).ok_or_else(broken)?,
            home: row.home,
            verified: row.verified,
            names: row.names,
            within: (Instant::from_micros(row.from_at), Instant::from_micros(row.until_at)),
        })
    }
}

/// `tenant`, [`MEMBER_COLUMNS`].
pub(super) fn member_values(tenant: &TenantId, subject: SubjectId, it: &Member) -> [Value; 10] {
    [
        tenant.as_str().into(),
        subject.uuid().into(),
        it.node.uuid().into(),
        it.namespace.as_str().into(),
        it.link.as_str().into(),
        it.home.into(),
        it.verified.into(),
        it.names.into(),
        it.within.0.micros().into(),
        it.within.1.micros().into(),
    ]
}
