//! Records of two systems meeting in one file, which holds no value of theirs.

use std::sync::Arc;

use adapters::sql::{
    Database,
    identity::{SqlAssertionLog, SqlDirectory, SqlVault},
};
use identity::{
    Blinder, Identifier, Sighting, Strength,
    memory::MemoryArtifacts,
    service::{Parts, ResolutionService},
};
use kernel::{Instant, ManualClock, SeededEntropy, SystemId, TenantId};

use super::identity::{KEY, namespaces};

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
