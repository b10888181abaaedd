//! The written answers of the design page, event by event, through the service.

use std::sync::Arc;

use kernel::{
    ArtifactRef, Digest, Instant, ManualClock, PersonAt, SeededEntropy, StaffId, SystemId,
    TenantId, memory::MemoryFeed,
};

use uuid::Uuid;

use crate::{
    BATCH_ITEMS_MAX, Blinder, IDENTIFIERS_PER_EVENT_MAX, Identifier, Resolved, Sighting, Strength,
    memory::{MemoryArtifacts, MemoryIdentity},
    namespace::Artifacts,
    ports::{ArtifactSource, AssertionLog, Directory, Link, Vault},
    reason,
    service::{Parts, ResolutionService, ResolveError, UnlinkError},
};

const SHIPPED: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../journeys/namespaces/default.toml"));

pub(super) fn shipped() -> Artifacts {
    let body: serde_json::Value = toml::from_str(SHIPPED).unwrap();
    let digest = Digest::of_canonical(&body).unwrap();
    let source = ArtifactRef { kind: "namespaces", name: "default", digest, body: &body };
    Artifacts::compile(&[source]).unwrap()
}

pub(super) struct House {
    pub(super) service: ResolutionService,
    pub(super) store: Arc<MemoryIdentity>,
    pub(super) feed: Arc<MemoryFeed>,
    pub(super) tenant: TenantId,
}

pub(super) fn house() -> House {
    let feed = Arc::new(MemoryFeed::default());
    let store = Arc::new(MemoryIdentity::new(Arc::clone(&feed)));
    let service = ResolutionService::new(Parts {
        log: Arc::clone(&store) as Arc<dyn AssertionLog>,
        directory: Arc::clone(&store) as Arc<dyn Directory>,
        vault: Arc::clone(&store) as Arc<dyn Vault>,
        artifacts: Arc::new(MemoryArtifacts::new(Arc::new(shipped()))) as Arc<dyn ArtifactSource>,
        blinder: Blinder::new(&[7; 32]),
        clock: Arc::new(ManualClock::at(day(400))),
        entropy: Arc::new(SeededEntropy::new(1)),
    });
    House { service, store, feed, tenant: TenantId::new("acme").unwrap() }
}

pub(super) fn day(n: i64) -> Instant {
    Instant::from_micros(1_700_000_000_000_000 + n * 86_400_000_000)
}

/// `namespace:value`, with `!` in front for a verified one.
pub(super) fn sighting(on: i64, text: &str) -> Sighting {
    let identifiers = text.split_whitespace().map(|it| {
        let (verified, it) = it.strip_prefix('!').map_or((false, it), |it| (true, it));
        let (namespace, value) = it.split_once(':').unwrap();
        Identifier { verified, ..Identifier::stated(namespace, value) }
    });
    Sighting {
        event: None,
        source: SystemId::new("app"),
        strength: Strength::Proven,
        at: day(on),
        identifiers: identifiers.collect(),
    }
}

impl House {
    pub(super) async fn sees(&self, on: i64, text: &str) -> Resolved {
        let mut answers = self.service.resolve(&self.tenant, &[sighting(on, text)]).await.unwrap();
        answers.pop().unwrap()
    }

    pub(super) async fn person(&self, text: &str) -> PersonAt {
        let identifiers = sighting(0, text).identifiers;
        self.service.find(&self.tenant, &identifiers).await.unwrap().unwrap()
    }

    fn names(&self) -> Vec<String> {
        self.feed.facts().into_iter().map(|it| it.name).collect()
    }
}

#[tokio::test]
async fn records_of_five_systems_become_one_person() {
    let house = house();
    house.sees(0, "crm_id:C1 !email:ada@mail.example phone:+4930123456").await;
    house.sees(1, "service_no:S1 crm_id:C1").await;
    house.sees(2, "comms_no:M1 !email:ada@MAIL.example").await;
    house.sees(3, "policy_no:P1 crm_id:C1").await;
    let seen = house.sees(4, "user_id:U1 !email:ada@mail.example device:D1").await;
    let person = seen.person.unwrap();
    assert_eq!(person.nodes.len(), 8);
    assert_eq!(person.subject, house.person("crm_id:C1").await.subject);
    assert_eq!(house.sees(5, "device:D1").await.person.unwrap().subject, person.subject);
    let counts = house.service.counts(&house.tenant).await.unwrap();
    assert_eq!((counts.nodes, counts.persons, counts.anonymous), (8, 1, 0));
}

#[tokio::test]
async fn what_adds_nothing_writes_nothing() {
    let house = house();
    house.sees(0, "user_id:U1 !email:ada@mail.example device:D1").await;
    let facts = house.feed.facts().len();
    let before = house.person("user_id:U1").await;
    house.sees(1, "user_id:U1 !email:ada@mail.example device:D1").await;
    assert_eq!(house.feed.facts().len(), facts);
    assert_eq!(house.person("user_id:U1").await, before);
    house.sees(0, "device:D9").await;
    assert!(house.feed.facts().len() > facts);
}

#[tokio::test]
async fn many_are_found_at_once_as_each_is_alone() {
    let house = house();
    house.sees(0, "crm_id:C1 !email:ada@mail.example").await;
    house.sees(0, "crm_id:C2 device:D2").await;
    let asked = ["crm_id:C2", "crm_id:C9", "email:ada@mail.example device:D7", "crm_id:C2"];
    let lists: Vec<_> = asked.iter().map(|it| sighting(0, it).identifiers).collect();
    let found = house.service.find_each(&house.tenant, &lists).await.unwrap();
    for (list, found) in lists.iter().zip(&found) {
        assert_eq!(&house.service.find(&house.tenant, list).await.unwrap(), found);
    }
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true, true]);
    let mut ids: Vec<_> = found.iter().flatten().map(|it| it.nodes[0].uuid()).collect();
    ids.insert(1, Uuid::from_u128(9));
    let people = house.service.people(&house.tenant, &ids).await.unwrap();
    let people: Vec<_> = people.into_iter().map(|it| it.map(|it| it.at())).collect();
    assert_eq!(people, found);
    assert!(house.service.people(&house.tenant, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_family_tablet_belongs_to_nobody() {
    let house = house();
    let anonymous = house.sees(0, "device:T").await;
    assert_eq!(anonymous.person.unwrap().nodes, anonymous.nodes);
    let first = house.sees(1, "user_id:U1 device:T").await.person.unwrap();
    assert_eq!(house.sees(1, "device:T").await.person, Some(first.clone()));
    let second = house.sees(2, "user_id:U2 device:T").await;
    assert_eq!(second.person.unwrap().nodes.len(), 1);
    let alone = house.sees(3, "device:T").await;
    assert_eq!((alone.person, alone.reasons), (None, vec![reason::SHARED]));
    let first_now = house.person("user_id:U1").await;
    assert_eq!((first_now.subject, first_now.nodes.len()), (first.subject, 1));
    assert!(first_now.identity > first.identity);
    let names = house.names();
    assert!(names.contains(&"identity.detached".into()));
    assert!(names.contains(&"identity.value_shared".into()));
    // Log-in events still go to their user.
    assert!(house.sees(3, "user_id:U1 device:T").await.person.is_some());
}

#[tokio::test]
async fn a_join_can_make_a_value_unshared() {
    let house = house();
    house.sees(0, "user_id:U1 device:D").await;
    house.sees(0, "crm_id:C1 device:D").await;
    assert_eq!(house.sees(1, "device:D").await.person, None);
    let joined = house.sees(2, "user_id:U1 crm_id:C1").await.person;
    assert_eq!(house.sees(3, "device:D").await.person, joined);
    assert!(house.names().contains(&"identity.merged".into()));
}

#[tokio::test]
async fn a_family_address_is_kept_by_both_and_joins_nobody() {
    let house = house();
    house.sees(0, "crm_id:C1 email:family@mail.example").await;
    house.sees(1, "crm_id:C2 email:family@mail.example").await;
    let (one, two) = (house.person("crm_id:C1").await, house.person("crm_id:C2").await);
    assert_ne!(one.subject, two.subject);
    let shared: Vec<_> = one.nodes.iter().filter(|it| two.nodes.contains(it)).collect();
    assert_eq!(shared.len(), 1);
    let points = house.service.contact_points(&house.tenant, two.subject).await.unwrap();
    assert!(points[0].shared && !points[0].verified);
    let alone = house.sees(2, "email:family@mail.example").await;
    assert_eq!((alone.person, alone.origin), (None, None));
}

#[tokio::test]
async fn a_device_last_seen_long_ago_no_longer_reaches_its_holder() {
    let house = house();
    house.sees(0, "user_id:U1 device:D").await;
    let person = house.person("user_id:U1").await;
    let reached = async || house.service.contact_points(&house.tenant, person.subject).await;
    assert_eq!(reached().await.unwrap().len(), 0);
    house.sees(390, "user_id:U1 device:D").await;
    assert_eq!(reached().await.unwrap().len(), 1);
}

#[tokio::test]
async fn two_verified_owners_of_an_address_stay_two_people_and_share_it() {
    let house = house();
    house.sees(0, "crm_id:C1 !email:family@mail.example").await;
    house.sees(1, "crm_id:C2 !email:family@mail.example").await;
    let (one, two) = (house.person("crm_id:C1").await, house.person("crm_id:C2").await);
    assert_ne!(one.subject, two.subject);
    let members = house.service.members(&house.tenant, two.subject.uuid()).await.unwrap();
    assert!(members.iter().any(|it| it.link == Link::Shared && !it.home));
    assert!(house.names().contains(&"identity.link_refused".into()));
    assert_eq!(house.sees(2, "email:family@mail.example").await.reasons, [reason::SHARED]);
    // A second user of the first person still finds it by the address.
    let user = house.sees(3, "user_id:U1 !email:family@mail.example").await.person.unwrap();
    assert_eq!(user.subject, one.subject);
}

#[tokio::test]
async fn two_users_in_one_event_are_kept_at_the_better_anchor() {
    let house = house();
    let seen = house.sees(0, "user_id:U1 user_id:U2").await;
    assert_eq!(seen.reasons, [reason::TWO_ANCHORS]);
    assert!(seen.person.unwrap().nodes.contains(&seen.origin.unwrap()));
    let owner = Sighting { strength: Strength::Owner, ..sighting(1, "user_id:U1 user_id:U2") };
    house.service.resolve(&house.tenant, &[owner]).await.unwrap();
    assert_eq!(house.person("user_id:U1").await, house.person("user_id:U2").await);
}

#[tokio::test]
async fn an_old_sighting_names_nobody() {
    let house = house();
    let seen = house.sees(0, "user_id:U1 device:D").await;
    assert_eq!(house.sees(60, "device:D").await.person, seen.person);
    let late = house.sees(399, "device:D").await;
    assert_eq!((late.person, late.origin, late.reasons), (None, None, vec![reason::EXPIRED]));
    house.sees(398, "user_id:U1 device:D").await;
    let again = house.sees(399, "device:D").await.person;
    assert_eq!(again, seen.person, "a longer reach moves no epoch");
}

#[tokio::test]
async fn owners_that_disagree_name_nobody() {
    let house = house();
    house.sees(0, "user_id:U1 device:A").await;
    house.sees(0, "user_id:U2 device:B").await;
    let seen = house.sees(1, "device:A device:B").await;
    assert_eq!((seen.person, seen.reasons), (None, vec![reason::CONTRADICTORY]));
}

#[tokio::test]
async fn a_blocked_value_stands_for_nobody() {
    let house = house();
    let seen = house.sees(0, "user_id:U1 device:kiosk").await;
    let staff = StaffId::new("anna").unwrap();
    house.service.block(&house.tenant, staff, seen.nodes[1], "a kiosk").await.unwrap();
    assert_eq!(house.person("user_id:U1").await.nodes, [seen.nodes[0]]);
    assert_eq!(house.sees(1, "device:kiosk").await.person, None);
    assert!(house.sees(1, "user_id:U1 device:kiosk").await.person.is_some());
}

#[tokio::test]
async fn unlinking_gives_the_former_people_back_for_good() {
    let house = house();
    let one = house.sees(0, "crm_id:C1").await;
    let two = house.sees(0, "user_id:U1 device:D").await;
    let joined = house.sees(1, "crm_id:C1 user_id:U1").await.person.unwrap();
    assert_eq!(joined.subject, one.person.clone().unwrap().subject);
    let former = two.person.clone().unwrap().subject;
    let resolved = house.service.person(&house.tenant, former.uuid()).await.unwrap();
    assert_eq!(resolved.as_ref(), Some(&joined), "a former head resolves");
    let (a, b) = (one.nodes[0], two.nodes[0]);
    let why = house.service.why(&house.tenant, a, b).await.unwrap();
    assert_eq!((why.steps.len(), why.steps[0].strength), (1, Strength::Proven));
    let anna = || StaffId::new("anna").unwrap();
    let unlinked = house.service.unlink(&house.tenant, anna(), a, b, "wrong merge").await.unwrap();
    assert_eq!(unlinked.first.subject, one.person.unwrap().subject);
    assert_eq!(unlinked.second.subject, former);
    assert_eq!(unlinked.second.nodes, two.person.unwrap().nodes);
    assert!(unlinked.second.identity > joined.identity);
    assert!(house.names().contains(&"identity.split".into()));
    let again = house.sees(2, "crm_id:C1 user_id:U1").await;
    assert_eq!(again.reasons, [reason::TWO_ANCHORS]);
    let why = house.service.why(&house.tenant, a, b).await.unwrap();
    assert!(why.steps.is_empty() && why.against.iter().all(|it| it.reason == reason::NOT_SAME));
    let twice = house.service.unlink(&house.tenant, anna(), a, b, "again").await;
    assert!(matches!(twice, Err(UnlinkError::Apart)));
    let blank = house.service.unlink(&house.tenant, anna(), a, b, " ").await;
    assert!(matches!(blank, Err(UnlinkError::Reason)));
}

#[tokio::test]
async fn an_attached_address_can_be_taken_away_for_good() {
    let house = house();
    let seen = house.sees(0, "crm_id:C1 email:wrong@mail.example").await;
    let anna = StaffId::new("anna").unwrap();
    let (a, b) = (seen.nodes[0], seen.nodes[1]);
    house.service.unlink(&house.tenant, anna, b, a, "a typing error").await.unwrap();
    house.sees(1, "crm_id:C1 email:wrong@mail.example").await;
    assert_eq!(house.person("crm_id:C1").await.nodes, [a]);
}

#[tokio::test]
async fn refused_identifiers_leave_the_others_standing() {
    let house = house();
    let text = "crm_id:C1 email:nonsense phone:000 cookie:x email:noreply@mail.example";
    let seen = house.sees(0, text).await;
    assert_eq!(seen.nodes.len(), 1);
    let mut reasons = seen.reasons;
    reasons.sort();
    let expected = [
        reason::VALUE_JUNK,
        reason::VALUE_JUNK,
        reason::VALUE_MALFORMED,
        reason::UNKNOWN_NAMESPACE,
    ];
    assert_eq!(reasons, expected);
    let nobody = house.sees(0, "email:nonsense").await;
    assert_eq!(nobody.reasons, [reason::VALUE_MALFORMED, reason::UNKNOWN]);
}

#[tokio::test]
async fn limits_hold_at_the_limit_and_one_past_it() {
    let house = house();
    let many = |n: usize| {
        let text: Vec<_> = (0..n).map(|it| format!("device:d{it}")).collect();
        sighting(0, &text.join(" "))
    };
    let batch = vec![sighting(0, "user_id:U1"); BATCH_ITEMS_MAX];
    assert_eq!(house.service.resolve(&house.tenant, &batch).await.unwrap().len(), 500);
    let over = vec![sighting(0, "user_id:U1"); BATCH_ITEMS_MAX + 1];
    let refused = house.service.resolve(&house.tenant, &over).await;
    assert!(matches!(refused, Err(ResolveError::TooMany)));
    let both = [many(IDENTIFIERS_PER_EVENT_MAX), many(IDENTIFIERS_PER_EVENT_MAX + 1)];
    let seen = house.service.resolve(&house.tenant, &both).await.unwrap();
    assert_eq!((seen[0].nodes.len(), seen[1].nodes.len()), (8, 0));
    assert!(seen[1].reasons.contains(&reason::TOO_MANY));
}

#[tokio::test]
async fn an_outage_changes_nothing_and_may_be_retried() {
    let house = house();
    house.store.set_outage(true);
    let batch = [sighting(0, "user_id:U1")];
    let failed = house.service.resolve(&house.tenant, &batch).await;
    assert!(matches!(failed, Err(ResolveError::Fault(_))));
    house.store.set_outage(false);
    assert!(house.feed.facts().is_empty());
    assert!(house.sees(0, "user_id:U1").await.person.is_some());
}

#[tokio::test]
async fn no_value_appears_in_facts_or_debug() {
    let house = house();
    let told = sighting(0, "crm_id:CANARY-1 !email:canary@mail.example");
    house.service.resolve(&house.tenant, std::slice::from_ref(&told)).await.unwrap();
    let person = house.person("crm_id:CANARY-1").await;
    let points = house.service.contact_points(&house.tenant, person.subject).await.unwrap();
    let address = house.service.open_contact(&house.tenant, points[0].node).await.unwrap();
    assert_eq!(address.as_deref(), Some("canary@mail.example"));
    let shown = format!("{told:?} {:?} {:?}", house.feed.facts(), house.store).to_lowercase();
    assert!(!shown.contains("canary"));
}

#[tokio::test]
async fn a_history_tells_what_counts_and_what_was_taken_back() {
    use crate::explain::Standing;

    let house = house();
    house.sees(1, "crm_id:c1 user_id:u1").await;
    house.sees(2, "crm_id:c2 user_id:u1").await;
    let node = |text: &str| {
        let identifier = sighting(0, text).identifiers.remove(0);
        let house = &house;
        async move { house.service.node(&house.tenant, &identifier).await.unwrap() }
    };
    let (c1, u1) = (node("crm_id:c1").await.unwrap(), node("user_id:u1").await.unwrap());
    assert_eq!(node("crm_id:never").await, None);
    let before = house.service.how(&house.tenant, u1).await.unwrap();
    assert!(before.iter().any(|it| matches!(it.standing, Standing::Refused(_))), "{before:?}");
    let anna = StaffId::new("anna").unwrap();
    house.service.unlink(&house.tenant, anna, c1, u1, "wrong").await.unwrap();
    let after = house.service.how(&house.tenant, u1).await.unwrap();
    assert!(after.len() > before.len());
    assert!(matches!(after[0].standing, Standing::Retracted(_)), "{after:?}");
    assert_eq!((after[0].subject, after[0].members), (before[0].subject, 2));
    // What was refused for the sake of what was taken back counts now.
    assert_eq!(after[1].standing, Standing::Live);
    let stranger = kernel::NodeId::from_uuid(Uuid::from_u128(7));
    assert!(house.service.how(&house.tenant, stranger).await.unwrap().is_empty());
}
