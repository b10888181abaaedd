//! The suites of `rollout` on SQL, plain and traced.

use adapters::{
    sql::{
        outbox::SqlFactFeed,
        rollout::{SqlArtifactStore, SqlReleaseLedger},
    },
    traced::Traced,
};
use kernel::FactFeed;
use rollout::{ArtifactStore, ReleaseLedger, contract::ReleaseFixture};
use sea_orm::ConnectionTrait as _;

use super::{Fresh, fresh};

struct Fixture<S, L> {
    fresh: Fresh,
    store: S,
    ledger: L,
    feed: SqlFactFeed,
}

impl<S: ArtifactStore, L: ReleaseLedger> ReleaseFixture for Fixture<S, L> {
    fn store(&self) -> &dyn ArtifactStore {
        &self.store
    }

    fn ledger(&self) -> &dyn ReleaseLedger {
        &self.ledger
    }

    fn feed(&self) -> &dyn FactFeed {
        &self.feed
    }
}

async fn plain() -> Fixture<SqlArtifactStore, SqlReleaseLedger> {
    let fresh = fresh().await;
    Fixture {
        store: SqlArtifactStore::new(fresh.database.clone()),
        ledger: SqlReleaseLedger::new(fresh.database.clone()),
        feed: SqlFactFeed::new(fresh.database.clone()),
        fresh,
    }
}

async fn traced() -> Fixture<Traced<SqlArtifactStore>, Traced<SqlReleaseLedger>> {
    let Fixture { fresh, store, ledger, feed } = plain().await;
    Fixture { fresh, store: Traced::new(store), ledger: Traced::new(ledger), feed }
}

rollout::release_suite!(sql, super::plain());
rollout::release_suite!(traced_sql, super::traced());

/// A row somebody changed by hand no longer matches its name, and nothing is served from it.
#[tokio::test]
async fn a_changed_body_is_a_fault_not_a_behaviour() {
    let fixture = plain().await;
    let tenant = kernel::TenantId::new("acme").unwrap();
    let files =
        [rollout::SourceFile { path: "cap/a.toml".to_owned(), bytes: b"limit = 1".to_vec() }];
    let assembled = rollout::lint::assemble(&files, &rollout::Validators::default()).unwrap();
    let digest = assembled.bundle.digest();
    let fact = |artifact| {
        let id = kernel::FactId::from_uuid(uuid::Uuid::nil());
        let at = kernel::Instant::EPOCH;
        let fact = kernel::Fact {
            id,
            tenant: tenant.clone(),
            name: "artifact.stored".to_owned(),
            at,
            subject: None,
            nodes: Vec::new(),
            cause: None,
            trace: None,
            body: serde_json::json!({}),
        };
        (artifact, fact)
    };
    let artifacts = assembled.artifacts.into_iter().map(fact).collect();
    let submission =
        rollout::ports::Submission { tenant: tenant.clone(), bundle: assembled.bundle, artifacts };
    fixture.store.put(&submission).await.unwrap();
    assert!(fixture.store.bundle(&tenant, digest).await.unwrap().is_some());
    let write = fixture.fresh.database.begin("test").await.unwrap();
    let sql = r#"update rollout_artifact set body = '{"limit":2}'"#;
    write.execute_unprepared(sql).await.unwrap();
    write.commit().await.unwrap();
    assert!(fixture.store.bundle(&tenant, digest).await.is_err());
    let write = fixture.fresh.database.begin("test").await.unwrap();
    let sql = "delete from rollout_entry";
    write.execute_unprepared(sql).await.unwrap();
    write.commit().await.unwrap();
    assert!(fixture.store.bundle(&tenant, digest).await.is_err());
}
