//! The bridges answer as the ports they implement promise: the exported suites, on the real thing.

mod of_consent;
mod of_decision;
mod of_measurement;

use std::{collections::BTreeMap, sync::Arc};

use adapters::{
    keys::{FileKek, FileSigner},
    sql::{
        Database,
        audit::{SqlJournal, SqlKeyring, SqlRecords},
        decision::SqlTimetable,
    },
};
use async_trait::async_trait;
use audit::service::{AppendService, Trail, TrailPorts};
use kernel::{
    BucketKey, Clock as _, DecisionId, Digest, Epochs, Fact, Instant, Limit, PersonAt, PurposeRef,
    StaffId, SubjectId, SystemId, TenantId,
};
use platform::journeys;
use rollout::MoveReason;
use service::bridge::{
    artifacts::LiveArtifacts,
    content::RecordedContent,
    intake::{ConsentStanding, IdentityResolver},
    links::SealedLinks,
    measure::Arms,
    people::{IdentityAddresses, IdentityPeople},
    permission::ConsentPermission,
};

use crate::{
    customer::{Customer, grant, keeps_time_of, lives_in},
    world::{House, without_holdouts},
};

/// The instant at which decision's laws ask.
const ASKED: Instant = Instant::from_micros(1_790_000_600_000_000);

fn renewal() -> PurposeRef {
    PurposeRef { key: "marketing.renewal".parse().unwrap(), version: 3 }
}

async fn house(begun: Instant) -> House {
    House::since(5, &without_holdouts(), begun).await
}

/// The person of an anchor, sighted for the first time.
async fn sighted(house: &House, namespace: &str, value: &str) -> PersonAt {
    let sighting = identity::Sighting {
        event: None,
        source: SystemId::new("app"),
        strength: identity::Strength::Owner,
        at: house.now(),
        identifiers: vec![
            identity::Identifier::stated(namespace, value),
            identity::Identifier::verified("email", &format!("{value}@mail.example")),
        ],
    };
    let resolved = house.assent.app.people.resolve(&house.tenant, &[sighting]).await.unwrap();
    resolved[0].person.clone().unwrap()
}

/// People as composed, with occurrence keys from the house's own key files.
async fn people(house: &House) -> IdentityPeople {
    let (files, entropy) = (&house.data, house.entropy.clone());
    let database = Database::open(&files.database()).await.unwrap();
    let keys = Database::open(&files.keys()).await.unwrap();
    let kek = FileKek::open(&files.secrets().join("kek"), entropy.clone()).unwrap();
    let signer = FileSigner::open(&files.secrets().join("log-key"), &*entropy).unwrap();
    let ports = TrailPorts {
        journal: Arc::new(SqlJournal::new(database.clone(), BTreeMap::new())),
        records: Arc::new(SqlRecords::new(database)),
        keyring: Arc::new(SqlKeyring::new(keys, Arc::new(kek))),
        signer: Arc::new(signer),
    };
    let trail = Trail::new(ports, "assent.example", house.clock.clone(), entropy);
    let append = Arc::new(AppendService::new(Arc::new(trail)));
    IdentityPeople::new(house.assent.app.people.clone(), append)
}

/// The log of decisions, as composed.
struct Log {
    house: House,
    timetable: SqlTimetable,
}

async fn log() -> Log {
    let house = house(ASKED).await;
    let database = Database::open(&house.data.database()).await.unwrap();
    Log { house, timetable: SqlTimetable::new(database) }
}

#[async_trait]
impl decision::contract::journal::JournalFixture for Log {
    fn journal(&self) -> &dyn decision::ports::Journal {
        &*self.house.assent.app.journal
    }

    fn timetable(&self) -> &dyn decision::ports::Timetable {
        &self.timetable
    }

    async fn facts(&self) -> Vec<Fact> {
        let taken = self.house.assent.feed.take("bridges", Limit::MAX).await.unwrap();
        let facts = taken.into_iter().map(|it| it.fact);
        facts.filter(|it| it.name.starts_with("decision.")).collect()
    }

    async fn person(&self) -> (PersonAt, Epochs) {
        let (house, app) = (&self.house, &self.house.assent.app);
        let person = sighted(house, "user_id", "U000001").await;
        let ask = consent::Ask::about(renewal(), &person);
        let verdict = app.verdicts.verdict(&house.tenant, &person, &ask, house.now()).await;
        (person, verdict.unwrap().epochs)
    }
}

decision::journal_suite!(audit_keeps_the_log_of_decisions, super::log());

/// Permission, as consent gives it to decisions.
struct Permission {
    house: House,
    bridge: ConsentPermission,
}

async fn permission() -> Permission {
    let house = house(ASKED).await;
    let bridge = ConsentPermission::new(house.assent.app.verdicts.clone());
    Permission { house, bridge }
}

#[async_trait]
impl decision::contract::sources::PermissionFixture for Permission {
    fn source(&self) -> &dyn decision::ports::PermissionSource {
        &self.bridge
    }

    async fn person(&self) -> PersonAt {
        sighted(&self.house, "user_id", "U000001").await
    }
}

decision::permission_source_suite!(consent_permits_decisions, super::permission());

/// Arms, as measurement draws them.
struct Drawn(Arms);

impl decision::contract::sources::ArmFixture for Drawn {
    fn arms(&self) -> &dyn decision::ports::ArmSource {
        &self.0
    }
}

async fn arms() -> Drawn {
    Drawn(Arms::new(BucketKey::new([7; 16])))
}

decision::arm_source_suite!(measurement_draws_arms, super::arms());

/// Releases, as rollout keeps them.
struct Released {
    house: House,
    live: LiveArtifacts,
}

async fn released() -> Released {
    let house = house(ASKED).await;
    let live = house.assent.app.live.clone();
    Released { house, live }
}

#[async_trait]
impl decision::contract::sources::ReleaseFixture for Released {
    fn source(&self) -> &dyn decision::ports::ReleaseSource {
        &self.live
    }

    async fn activate(&self) -> Digest {
        self.house.release(&journeys::shipped()).await.unwrap();
        self.live.current(&self.house.tenant).await.unwrap().unwrap().release.digest
    }
}

decision::release_source_suite!(rollout_releases_to_decisions, super::released());

/// People, as identity resolves them.
struct People {
    house: House,
    bridge: IdentityPeople,
}

async fn resolved() -> People {
    let house = house(ASKED).await;
    let bridge = people(&house).await;
    // A tenant without rules for identifiers has no people to find; this one has.
    let (globex, by) = (TenantId::new("globex").unwrap(), StaffId::new("operator").unwrap());
    let releases = &house.assent.app.releases;
    let submitted = releases.submit(&globex, &journeys::shipped(), &by).await.unwrap();
    let reason = MoveReason::new("a test").unwrap();
    releases.activate(&globex, submitted.bundle, &by, reason).await.unwrap();
    People { house, bridge }
}

#[async_trait]
impl decision::contract::sources::PersonFixture for People {
    fn source(&self) -> &dyn decision::ports::PersonSource {
        &self.bridge
    }

    async fn person(&self, user_id: &str) -> SubjectId {
        sighted(&self.house, "user_id", user_id).await.subject
    }
}

decision::person_source_suite!(identity_finds_people_for_decisions, super::resolved());

#[async_trait]
impl consent::contract::PersonFixture for People {
    fn source(&self) -> &dyn consent::ports::PersonSource {
        &self.bridge
    }

    async fn given(&self, _: &TenantId) -> PersonAt {
        sighted(&self.house, "user_id", "U000001").await
    }
}

consent::person_suite!(identity_names_members_to_consent, super::resolved());

/// What delivery prepares messages from.
struct Prepared {
    sources: delivery::service::Sources,
    house: House,
    permitted: SubjectId,
    refused: SubjectId,
    decision: DecisionId,
}

/// Ada agreed to renewal offers and saw one on a page; the other customer never said anything.
async fn prepared() -> Prepared {
    let house = house("2026-03-02T10:00:00Z".parse().unwrap()).await;
    let written = "2026-03-01T08:00:00Z";
    let renewal_on = "2026-05-20";
    let ada = Customer {
        email: "ada@example.test".to_owned(),
        renewal_on,
        written,
        service_written: written,
        ..Customer::new(1)
    };
    let other = Customer { email: String::new(), number: 2, ..ada.clone() };
    house.introduce(&[ada.clone(), other.clone()]).await;
    for kind in [lives_in("EU"), keeps_time_of("Europe/Berlin"), grant()] {
        house.choose(&ada.name(), kind).await;
    }
    let (status, answer) = house.ask(&ada).await;
    assert_eq!((status, &answer["outcome"]), (200, &serde_json::json!("act")), "{answer}");
    let decision = answer["decision_id"].as_str().unwrap().parse().unwrap();
    let app = &house.assent.app;
    let clock = house.clock.clone();
    let sources = delivery::service::Sources {
        permissions: Arc::new(ConsentPermission::new(app.verdicts.clone())),
        people: Arc::new(people(&house).await),
        addresses: Arc::new(IdentityAddresses::new(app.people.clone(), app.verdicts.clone())),
        links: Arc::new(SealedLinks::new(app.links.clone(), &app.base_url, clock)),
        content: Arc::new(RecordedContent::new(app.live.clone(), app.journal.clone())),
        artifacts: Arc::new(app.live.clone()),
    };
    let permitted = house.person(&ada.name()).await.subject;
    let refused = house.person(&other.name()).await.subject;
    Prepared { sources, house, permitted, refused, decision }
}

impl delivery::contract::sources::SourcesFixture for Prepared {
    fn sources(&self) -> &delivery::service::Sources {
        &self.sources
    }

    fn tenant(&self) -> TenantId {
        self.house.tenant.clone()
    }

    fn permitted(&self) -> SubjectId {
        self.permitted
    }

    fn refused(&self) -> SubjectId {
        self.refused
    }

    fn purpose(&self) -> PurposeRef {
        renewal()
    }

    fn decision(&self) -> (DecisionId, String) {
        (self.decision, "policy.renewal_on".to_owned())
    }
}

delivery::sources_suite!(neighbours_tell_delivery_what_a_message_needs, super::prepared());

/// What context asks its neighbours.
struct Neighbours {
    house: House,
    resolver: IdentityResolver,
    standing: ConsentStanding,
    live: LiveArtifacts,
}

async fn neighbours() -> Neighbours {
    let house = house(ASKED).await;
    let app = &house.assent.app;
    let resolver = IdentityResolver::new(app.people.clone());
    let standing = ConsentStanding::new(app.verdicts.clone(), house.clock.clone());
    let live = app.live.clone();
    Neighbours { house, resolver, standing, live }
}

#[async_trait]
impl context::contract::NeighbourFixture for Neighbours {
    fn resolver(&self) -> &dyn context::ports::SubjectResolver {
        &self.resolver
    }

    fn standing(&self) -> &dyn context::ports::StandingSource {
        &self.standing
    }

    fn artifacts(&self) -> &dyn context::ports::ArtifactSource {
        &self.live
    }

    async fn known(&self) -> context::Identifier {
        assert!(self.house.clock.now() >= ASKED);
        let value = "U000001".to_owned();
        context::Identifier { namespace: "user_id".to_owned(), value, verified: false }
    }
}

context::neighbour_suite!(neighbours_tell_context_whose_an_event_is, super::neighbours());
