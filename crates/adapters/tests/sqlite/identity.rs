//! The suites of `identity` on SQLite, plain and traced.

use std::sync::Arc;

use adapters::{
    sql::{
        Database,
        identity::{SqlAssertionLog, SqlDirectory, SqlVault},
        outbox::SqlFactFeed,
    },
    traced::Traced,
};
use async_trait::async_trait;
use identity::{
    Artifacts, Blinder, Identifier, Sighting, Strength,
    contract::{ArtifactFixture, IdentityFixture},
    memory::MemoryArtifacts,
    ports::{ArtifactSource, AssertionLog, Directory, Vault},
    service::{Parts, ResolutionService},
};
use kernel::{
    ArtifactRef, Digest, Fact, FactFeed, Instant, Limit, ManualClock, SeededEntropy, SystemId,
    TenantId,
};

use crate::{Fresh, fresh};

const KEY: [u8; 32] = [5; 32];

struct Fixture<L, D, V> {
    log: L,
    directory: D,
    vault: V,
    fresh: Fresh,
}

#[async_trait]
impl<L: AssertionLog, D: Directory, V: Vault> IdentityFixture for Fixture<L, D, V> {
    fn log(&self) -> &dyn AssertionLog {
        &self.log
    }

    fn directory(&self) -> &dyn Directory {
        &self.directory
    }

    fn vault(&self) -> &dyn Vault {
        &self.vault
    }

    async fn facts(&self) -> Vec<Fact> {
        let feed = SqlFactFeed::new(Arc::clone(&self.fresh.database));
        feed.take("test", Limit::MAX).await.unwrap().into_iter().map(|it| it.fact).collect()
    }
}

async fn plain() -> Fixture<SqlAssertionLog, SqlDirectory, SqlVault> {
    let fresh = fresh().await;
    let database = || Arc::clone(&fresh.database);
    Fixture {
        log: SqlAssertionLog::new(database(), KEY),
        directory: SqlDirectory::new(database()),
        vault: SqlVault::new(database(), KEY),
        fresh,
    }
}

async fn traced() -> Fixture<Traced<SqlAssertionLog>, Traced<SqlDirectory>, Traced<SqlVault>> {
    let Fixture { log, directory, vault, fresh } = plain().await;
    let (log, directory, vault) = (Traced::new(log), Traced::new(directory), Traced::new(vault));
    Fixture { log, directory, vault, fresh }
}

identity::identity_suite!(sql, super::plain());
identity::identity_suite!(traced_sql, super::traced());

fn namespaces() -> Artifacts {
    let anchor = |priority: u32| {
        serde_json::json!({ "class": "anchor", "max_per_person": 1, "max_persons": 1,
                            "priority": priority, "normaliser": "text" })
    };
    let email = serde_json::json!({ "class": "contact", "max_per_person": 5, "max_persons": 1,
        "priority": 3, "normaliser": "email", "verified_joins": true, "addressable": true });
    let namespaces = [("user_id", anchor(1)), ("crm_id", anchor(2)), ("email", email)];
    let namespaces: serde_json::Map<_, _> =
        namespaces.into_iter().map(|(name, it)| (name.to_owned(), it)).collect();
    let body = serde_json::json!({ "sources": ["crm"], "namespace": namespaces });
    let digest = Digest::of_canonical(&body).unwrap();
    let source = ArtifactRef { kind: "namespaces", name: "default", digest, body: &body };
    Artifacts::compile(&[source]).unwrap()
}

struct Served(Traced<MemoryArtifacts>, Arc<Artifacts>);

impl ArtifactFixture for Served {
    fn source(&self) -> &dyn ArtifactSource {
        &self.0
    }

    fn live(&self) -> Arc<Artifacts> {
        Arc::clone(&self.1)
    }
}

async fn served() -> Served {
    let artifacts = Arc::new(namespaces());
    Served(Traced::new(MemoryArtifacts::new(Arc::clone(&artifacts))), artifacts)
}

identity::identity_artifact_suite!(traced_artifacts, super::served());

fn sighting(identifiers: Vec<Identifier>) -> Sighting {
    Sighting {
        event: None,
        source: SystemId::new("crm"),
        strength: Strength::Stated,
        at: Instant::from_micros(1_700_000_000_000_000),
        identifiers,
    }
}

/// A few thousand rows of two systems meet in batches, and nothing of a value is in the file.
#[tokio::test]
async fn records_of_two_systems_meet_in_batches() {
    let place = tempfile::tempdir().unwrap();
    let database = Database::open(&place.path().join("assent.db")).await.unwrap();
    let service = ResolutionService::new(Parts {
        log: Arc::new(SqlAssertionLog::new(Arc::clone(&database), KEY)),
        directory: Arc::new(SqlDirectory::new(Arc::clone(&database))),
        vault: Arc::new(SqlVault::new(Arc::clone(&database), KEY)),
        artifacts: Arc::new(MemoryArtifacts::new(Arc::new(namespaces()))),
        blinder: Blinder::new(&[7; 32]),
        clock: Arc::new(ManualClock::at(Instant::from_micros(1_700_000_000_000_000))),
        entropy: Arc::new(SeededEntropy::new(1)),
    });
    let acme = TenantId::new("acme").unwrap();
    let record = |system: &str, n: usize| {
        let address = format!("canary{n}@mail.example");
        sighting(vec![
            Identifier::stated(system, &format!("X{n}")),
            Identifier::verified("email", &address),
        ])
    };
    for system in ["crm_id", "user_id", "crm_id"] {
        let records: Vec<_> = (0..1_000).map(|it| record(system, it)).collect();
        for batch in records.chunks(250) {
            let resolved = service.resolve(&acme, batch).await.unwrap();
            assert!(resolved.iter().all(|it| it.person.is_some() && it.reasons.is_empty()));
        }
    }
    let counts = service.counts(&acme).await.unwrap();
    assert_eq!((counts.nodes, counts.persons, counts.anonymous), (3_000, 1_000, 0));
    let person =
        service.find(&acme, &[Identifier::stated("user_id", "X7")]).await.unwrap().unwrap();
    let points = service.contact_points(&acme, person.subject).await.unwrap();
    let address = service.open_contact(&acme, points[0].node).await.unwrap();
    assert_eq!(address.as_deref(), Some("canary7@mail.example"));
    database.close().await.unwrap();
    for file in std::fs::read_dir(place.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|it| it == b"canary"), "a raw value lies in the file");
    }
}
