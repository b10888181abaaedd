//! The laws of the log, the directory and the vault, for every implementation and every wrapper.
//!
//! A fixture is one store seen through its ports, and the facts it has kept.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken law panics")]

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{
    Digest, Entropy, Epoch, EventId, Fact, FactId, Instant, Limit, NodeId, SeededEntropy, StaffId,
    SubjectId, SystemId, TenantId,
};

use crate::{
    assertion::{self, Assertion, AssertionId, Evidence, Kind, Strength},
    identifier::RawValue,
    namespace::Artifacts,
    node::{BlindKey, NamespaceId, Node, NodeKey},
    ports::{
        AppendError, ArtifactSource, AssertionLog, Directory, Link, Member, NewNode, Person,
        Placed, Transition, Vault,
    },
};

/// One store under test.
#[async_trait]
pub trait IdentityFixture: Send + Sync {
    /// The log.
    fn log(&self) -> &dyn AssertionLog;
    /// The directory over the same store.
    fn directory(&self) -> &dyn Directory;
    /// The vault over the same store.
    fn vault(&self) -> &dyn Vault;
    /// Every fact kept so far, in order.
    async fn facts(&self) -> Vec<Fact>;
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

/// A transition under construction, with everything in it that a store must keep.
struct Draft {
    entropy: SeededEntropy,
    transition: Transition,
    next: u64,
}

const NOW: Instant = Instant::from_micros(1_700_000_000_000_000);

impl Draft {
    fn at(tip: u64, seed: u64) -> Self {
        let transition = Transition { expected: tip, ..Transition::default() };
        Self { entropy: SeededEntropy::new(seed), transition, next: tip + 1 }
    }

    fn node(&mut self, namespace: &str, key: u8, value: Option<&str>) -> Node {
        let node = Node {
            id: NodeId::mint(NOW, &self.entropy),
            key: NodeKey {
                namespace: NamespaceId::new(namespace),
                key: BlindKey::from_bytes([key; 16]),
            },
            first_seq: self.next,
        };
        self.next += 1;
        self.transition.nodes.push(NewNode {
            placed: Placed { node: node.clone(), component: node.id },
            value: value.map(|it| RawValue::new(it.to_owned())),
        });
        node
    }

    /// Moves the newest nodes into one component.
    fn together(&mut self, component: NodeId) {
        for it in &mut self.transition.nodes {
            it.placed.component = component;
        }
    }

    fn assert(&mut self, kind: Kind, a: &Node, b: Option<&Node>) -> Assertion {
        let evidence = Evidence {
            strength: Strength::Proven,
            source: SystemId::new("crm"),
            event: Some(EventId::mint(NOW, &self.entropy)),
            actor: Some(StaffId::new("anna").unwrap()),
            note: Some("seen side by side".into()),
            rules: Digest::of(b"rules"),
        };
        let said = (evidence.strength, &evidence.source);
        let (claim, content) =
            assertion::digests(kind.name(), &a.key, b.map(|it| &it.key), None, said, NOW);
        let recorded_at = Instant::from_micros(NOW.micros() + 1);
        let id = AssertionId::mint(NOW, &self.entropy);
        let seq = self.next;
        self.next += 1;
        let it = Assertion { id, seq, kind, evidence, at: NOW, recorded_at, claim, content };
        self.transition.assertions.push(it.clone());
        it
    }

    fn person(&mut self, subject: SubjectId, epoch: u64, members: Vec<Member>) -> Person {
        let anchors = u32::from(!members.is_empty());
        let person = Person { subject, epoch: Epoch(epoch), members, anchors };
        self.transition.persons.push(person.clone());
        person
    }

    fn fact(&mut self, of: &TenantId, name: &str) -> Fact {
        let mut id = [0_u8; 16];
        self.entropy.fill(&mut id);
        let fact = Fact {
            id: FactId::from_uuid(uuid::Uuid::from_bytes(id)),
            tenant: of.clone(),
            name: name.to_owned(),
            at: NOW,
            subject: None,
            nodes: Vec::new(),
            cause: None,
            trace: None,
            body: serde_json::json!({}),
        };
        self.transition.facts.push(fact.clone());
        fact
    }
}

fn member(node: &Node, home: bool) -> Member {
    Member {
        node: node.id,
        namespace: node.key.namespace.clone(),
        link: Link::Hard,
        home,
        verified: true,
        names: home,
        within: (Instant::from_micros(i64::MIN), Instant::from_micros(7)),
    }
}

fn head(node: &Node) -> SubjectId {
    SubjectId::from_uuid(node.id.uuid())
}

/// A pair of linked nodes that are one person, appended to an empty log.
async fn pair(fixture: &dyn IdentityFixture, acme: &TenantId) -> (Node, Node, Transition) {
    let mut draft = Draft::at(0, 1);
    let a = draft.node("crm_id", 1, None);
    let b = draft.node("email", 2, Some("ada@mail.example"));
    draft.together(a.id);
    draft.assert(Kind::Same(a.id, b.id), &a, Some(&b));
    draft.assert(Kind::Verify(b.id), &b, None);
    draft.person(head(&a), 1, vec![member(&a, true), member(&b, true)]);
    draft.fact(acme, "identity.node_seen");
    let transition = draft.transition.clone();
    assert_eq!(fixture.log().append(acme, draft.transition).await.unwrap(), 4);
    (a, b, transition)
}

/// Whole components come back as they were appended, whichever of their keys is asked.
pub async fn components_come_back_whole(fixture: &dyn IdentityFixture) {
    let acme = tenant("acme");
    let (a, b, appended) = pair(fixture, &acme).await;
    for key in [&a.key, &b.key] {
        let read = fixture.log().components(&acme, std::slice::from_ref(key)).await.unwrap();
        assert_eq!(read.tip, 4);
        let mut nodes: Vec<_> = appended.nodes.iter().map(|it| it.placed.clone()).collect();
        nodes.sort_by_key(|it| it.node.id);
        assert_eq!(read.nodes, nodes);
        assert_eq!(read.assertions, appended.assertions);
        let mut persons = appended.persons.clone();
        persons[0].members.sort();
        assert_eq!(read.persons, persons);
    }
}

/// What nobody ever saw is absent, and no fault.
pub async fn the_unseen_is_absent(fixture: &dyn IdentityFixture) {
    let acme = tenant("acme");
    let key = NodeKey { namespace: NamespaceId::new("crm_id"), key: BlindKey::from_bytes([9; 16]) };
    let node = NodeId::mint(NOW, &SeededEntropy::new(3));
    let read = fixture.log().components(&acme, std::slice::from_ref(&key)).await.unwrap();
    assert_eq!(read, crate::ports::Components::default());
    assert!(fixture.directory().nodes(&acme, &[key]).await.unwrap().is_empty());
    assert!(fixture.directory().persons(&acme, &[node]).await.unwrap().is_empty());
    assert_eq!(fixture.directory().key(&acme, node).await.unwrap(), None);
    assert_eq!(fixture.vault().open(&acme, node).await.unwrap(), None);
    assert_eq!(fixture.directory().counts(&acme).await.unwrap(), crate::ports::Counts::default());
}

/// A plan made before its components changed is refused, and nothing of it is kept.
pub async fn a_stale_plan_is_refused(fixture: &dyn IdentityFixture) {
    let acme = tenant("acme");
    let (a, b, appended) = pair(fixture, &acme).await;
    let again = fixture.log().append(&acme, appended).await;
    assert!(matches!(again, Err(AppendError::Stale)));
    let mut late = Draft::at(2, 2);
    late.transition.touched = vec![b.id];
    let c = late.node("user_id", 3, None);
    late.assert(Kind::Same(c.id, b.id), &c, Some(&b));
    late.fact(&acme, "identity.asserted");
    assert!(matches!(fixture.log().append(&acme, late.transition).await, Err(AppendError::Stale)));
    assert_eq!(fixture.facts().await.len(), 1);
    assert!(
        fixture.directory().nodes(&acme, std::slice::from_ref(&c.key)).await.unwrap().is_empty()
    );
    assert_eq!(fixture.directory().nodes(&acme, &[a.key, c.key]).await.unwrap().len(), 1);
}

/// A log that moved on elsewhere takes the plan, and counts on from its own tip.
pub async fn a_plan_about_others_is_shifted(fixture: &dyn IdentityFixture) {
    let acme = tenant("acme");
    pair(fixture, &acme).await;
    let mut late = Draft::at(0, 2);
    let c = late.node("user_id", 3, None);
    late.assert(Kind::Verify(c.id), &c, None);
    late.person(head(&c), 1, vec![member(&c, true)]);
    assert_eq!(fixture.log().append(&acme, late.transition).await.unwrap(), 6);
    let read = fixture.log().components(&acme, &[c.key]).await.unwrap();
    assert_eq!((read.nodes[0].node.first_seq, read.assertions[0].seq, read.tip), (5, 6, 6));
}

/// Components that become one are read as one.
pub async fn joined_components_are_one(fixture: &dyn IdentityFixture) {
    let acme = tenant("acme");
    let (a, b, _) = pair(fixture, &acme).await;
    let mut second = Draft::at(4, 2);
    let c = second.node("user_id", 3, None);
    second.person(head(&c), 1, vec![member(&c, true)]);
    assert_eq!(fixture.log().append(&acme, second.transition).await.unwrap(), 5);
    let mut join = Draft::at(5, 3);
    join.transition.touched = vec![a.id, b.id, c.id];
    join.transition.joined = vec![(c.id, a.id)];
    join.assert(Kind::Same(c.id, b.id), &c, Some(&b));
    join.person(head(&a), 2, vec![member(&a, true), member(&b, true), member(&c, true)]);
    join.person(head(&c), 2, Vec::new());
    fixture.log().append(&acme, join.transition).await.unwrap();
    let read = fixture.log().components(&acme, std::slice::from_ref(&c.key)).await.unwrap();
    assert_eq!((read.nodes.len(), read.assertions.len(), read.persons.len()), (3, 3, 2));
    let persons = fixture.directory().persons(&acme, &[c.id]).await.unwrap();
    assert_eq!((persons[0].1.subject, persons[0].1.epoch), (head(&a), Epoch(2)));
    let gone = read.persons.iter().find(|it| it.subject == head(&c)).unwrap();
    assert_eq!((gone.epoch, gone.members.len()), (Epoch(2), 0));
}

/// Assertions, people and facts are kept together, facts exactly as given.
pub async fn a_change_and_its_facts_are_kept_together(fixture: &dyn IdentityFixture) {
    let acme = tenant("acme");
    let (_, _, appended) = pair(fixture, &acme).await;
    assert_eq!(fixture.facts().await, appended.facts);
    let page = fixture.log().page(&acme, 0, Limit::default()).await.unwrap();
    assert_eq!(page, appended.assertions);
    let one = fixture.log().page(&acme, 3, Limit::new(1).unwrap()).await.unwrap();
    assert_eq!(one, appended.assertions[1..]);
}

/// A claim is heard once, from its beginning; a retracted one is heard no more, but word for word.
pub async fn a_claim_is_heard_once(fixture: &dyn IdentityFixture) {
    let acme = tenant("acme");
    let (a, b, appended) = pair(fixture, &acme).await;
    let same = &appended.assertions[0];
    let (before, after) = (Instant::from_micros(5), Instant::from_micros(NOW.micros() + 5));
    let ask = [(same.claim, before), (same.claim, NOW), (same.claim, after)];
    assert_eq!(fixture.log().unheard(&acme, &ask).await.unwrap(), ask[..1]);
    let mut retract = Draft::at(4, 5);
    retract.transition.touched = vec![a.id, b.id];
    let kind = Kind::Retract { assertion: same.id, filed_at: a.id };
    retract.assert(kind, &a, None);
    fixture.log().append(&acme, retract.transition).await.unwrap();
    let news = fixture.log().unheard(&acme, &ask).await.unwrap();
    assert_eq!(news, [ask[0], ask[2]]);
}

/// The directory finds nodes by key and people by any of their nodes.
pub async fn the_directory_follows_the_log(fixture: &dyn IdentityFixture) {
    let acme = tenant("acme");
    let (a, b, appended) = pair(fixture, &acme).await;
    let directory = fixture.directory();
    assert_eq!(
        directory.nodes(&acme, std::slice::from_ref(&b.key)).await.unwrap(),
        vec![b.clone()]
    );
    assert_eq!(directory.key(&acme, a.id).await.unwrap(), Some(a.key.clone()));
    let mut expected = appended.persons[0].clone();
    expected.members.sort();
    let mut ids = [a.id, b.id];
    ids.sort();
    let persons = directory.persons(&acme, &[b.id, a.id]).await.unwrap();
    assert_eq!(persons, ids.iter().map(|it| (*it, expected.clone())).collect::<Vec<_>>());
    let counts = directory.counts(&acme).await.unwrap();
    assert_eq!((counts.nodes, counts.assertions, counts.persons), (2, 2, 1));
    let namespaces = directory.namespaces(&acme).await.unwrap();
    assert_eq!(namespaces, [(a.key.namespace, 1), (b.key.namespace, 1)]);
}

/// The vault gives back what was kept, and only where something was.
pub async fn the_vault_keeps_values(fixture: &dyn IdentityFixture) {
    let acme = tenant("acme");
    let (a, b, _) = pair(fixture, &acme).await;
    let kept = fixture.vault().open(&acme, b.id).await.unwrap().unwrap();
    assert_eq!(kept.expose(), "ada@mail.example");
    assert_eq!(fixture.vault().open(&acme, a.id).await.unwrap(), None);
}

/// One tenant never sees another's nodes, people or values.
pub async fn tenants_never_meet(fixture: &dyn IdentityFixture) {
    let (acme, other) = (tenant("acme"), tenant("other"));
    let (a, b, appended) = pair(fixture, &acme).await;
    let log = fixture.log();
    assert!(log.components(&other, std::slice::from_ref(&a.key)).await.unwrap().nodes.is_empty());
    assert!(log.page(&other, 0, Limit::default()).await.unwrap().is_empty());
    let claim = (appended.assertions[0].claim, NOW);
    assert_eq!(log.unheard(&other, &[claim]).await.unwrap(), [claim]);
    assert!(fixture.directory().persons(&other, &[a.id]).await.unwrap().is_empty());
    assert_eq!(fixture.vault().open(&other, b.id).await.unwrap(), None);
    assert_eq!(log.append(&other, appended).await.unwrap(), 4);
}

/// The suite of the store: `identity_suite!(module, async expression giving a fixture)`.
#[macro_export]
macro_rules! identity_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::identity_suite!(@law $fixture;
                components_come_back_whole
                the_unseen_is_absent
                a_stale_plan_is_refused
                a_plan_about_others_is_shifted
                joined_components_are_one
                a_change_and_its_facts_are_kept_together
                a_claim_is_heard_once
                the_directory_follows_the_log
                the_vault_keeps_values
                tenants_never_meet
            );
        }
    };
    (@law $fixture:expr; $($law:ident)+) => {
        $(
            #[tokio::test]
            async fn $law() {
                let fixture = $fixture.await;
                $crate::contract::$law(&fixture).await;
            }
        )+
    };
}

/// A source of namespaces under test, and what it should serve to `acme`.
#[async_trait]
pub trait ArtifactFixture: Send + Sync {
    /// The source.
    fn source(&self) -> &dyn ArtifactSource;
    /// What is live for `acme`.
    fn live(&self) -> Arc<Artifacts>;
}

/// What is live is served, and asked twice it is the same.
pub async fn what_is_live_is_served(fixture: &dyn ArtifactFixture) {
    for _ in 0..2 {
        let served = fixture.source().live(&tenant("acme")).await.unwrap();
        assert_eq!(served.digest(), fixture.live().digest());
    }
}

/// The suite of [`ArtifactSource`].
#[macro_export]
macro_rules! identity_artifact_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::identity_suite!(@law $fixture; what_is_live_is_served);
        }
    };
}
