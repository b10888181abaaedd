//! The suites of `identity` on SQL, plain and traced.

use std::sync::Arc;

use adapters::{
    sql::{
        identity::{SqlAssertionLog, SqlDirectory, SqlVault},
        outbox::SqlFactFeed,
    },
    traced::Traced,
};
use async_trait::async_trait;
use identity::{
    Artifacts,
    contract::{ArtifactFixture, IdentityFixture},
    memory::MemoryArtifacts,
    ports::{ArtifactSource, AssertionLog, Directory, Vault},
};
use kernel::{ArtifactRef, Digest, Fact, FactFeed, Limit};

use super::{Fresh, fresh};

pub(super) const KEY: [u8; 32] = [5; 32];

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

pub(super) fn namespaces() -> Artifacts {
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
