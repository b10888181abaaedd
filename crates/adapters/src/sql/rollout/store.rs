//! Artifacts and bundles by their content.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use kernel::{Digest, Fact, Fault, TenantId};
use rollout::{Artifact, ArtifactStore, Bundle, Entry, LoadedBundle, ports::Submission};
use sea_orm::{
    ConnectionTrait, DbErr, FromQueryResult, Statement,
    sea_query::{Alias, Expr, OnConflict, Query},
};

use super::ROWS_MAX;
use crate::sql::{Database, Write, fault, outbox};

/// Artifacts and bundles on SQL.
pub struct SqlArtifactStore {
    database: Arc<Database>,
}

impl fmt::Debug for SqlArtifactStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlArtifactStore")
    }
}

impl SqlArtifactStore {
    /// The artifacts in this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

#[async_trait]
impl ArtifactStore for SqlArtifactStore {
    async fn put(&self, submission: &Submission) -> Result<usize, Fault> {
        let fault = fault("keeping a bundle");
        let write = self.database.begin("rollout.artifact_store.put").await?;
        let mut new = Vec::new();
        for (artifact, fact) in &submission.artifacts {
            if insert_artifact(&write, &submission.tenant, artifact).await.map_err(&fault)? {
                new.push(fact.clone());
            }
        }
        insert_bundle(&write, &submission.tenant, &submission.bundle).await.map_err(&fault)?;
        state(&write, &new).await.map_err(&fault)?;
        write.commit().await?;
        Ok(new.len())
    }

    async fn artifact(&self, tenant: &TenantId, digest: Digest) -> Result<Option<Artifact>, Fault> {
        let what = "reading an artifact";
        let connection = self.database.reader();
        let statement = Statement::from_sql_and_values(
            connection.get_database_backend(),
            "select digest as artifact, kind, body from rollout_artifact \
             where tenant = $1 and digest = $2",
            [tenant.as_str().into(), digest.as_bytes().to_vec().into()],
        );
        let row = connection.query_one_raw(statement).await.map_err(fault(what))?;
        row.map(|it| rows::Row::from_query_result(&it, "").map_err(fault(what))?.try_into())
            .transpose()
    }

    async fn bundle(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<Option<LoadedBundle>, Fault> {
        let what = "reading a bundle";
        let connection = self.database.reader();
        let statement = Statement::from_sql_and_values(
            connection.get_database_backend(),
            "select e.name, e.artifact, a.kind, a.body from rollout_bundle b \
             left join rollout_entry e on e.tenant = b.tenant and e.bundle = b.digest \
             left join rollout_artifact a on a.tenant = e.tenant and a.digest = e.artifact \
             where b.tenant = $1 and b.digest = $2",
            [tenant.as_str().into(), digest.as_bytes().to_vec().into()],
        );
        let found = connection.query_all_raw(statement).await.map_err(fault(what))?;
        if found.is_empty() {
            return Ok(None);
        }
        let mut entries = Vec::with_capacity(found.len());
        let mut artifacts = BTreeMap::new();
        for row in &found {
            let name: Option<String> = row.try_get("", "name").map_err(fault(what))?;
            // An empty bundle is one row without an entry.
            let Some(name) = name else { continue };
            let artifact: Artifact =
                rows::Row::from_query_result(row, "").map_err(fault(what))?.try_into()?;
            entries.push(Entry { kind: artifact.kind(), name, digest: artifact.digest() });
            artifacts.insert(artifact.digest(), artifact);
        }
        let bundle = Bundle::new(entries).map_err(|it| Fault::escalate(what).because(it))?;
        if bundle.digest() != digest {
            return Err(Fault::escalate("checking a bundle against its digest"));
        }
        LoadedBundle::assemble(&bundle, &artifacts)
            .map(Some)
            .map_err(|it| Fault::escalate(what).because(it))
    }
}

/// Whether the artifact was new.
async fn insert_artifact(
    write: &Write,
    tenant: &TenantId,
    artifact: &Artifact,
) -> Result<bool, DbErr> {
    let body =
        serde_json::to_string(artifact.body()).map_err(|it| DbErr::Custom(it.to_string()))?;
    let insert = Query::insert()
        .into_table(Alias::new("rollout_artifact"))
        .columns(["tenant", "digest", "kind", "body"].map(Alias::new))
        .values_panic([
            tenant.as_str().into(),
            artifact.digest().as_bytes().to_vec().into(),
            artifact.kind().as_str().into(),
            body.into(),
        ])
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .to_owned();
    Ok(write.execute(&insert).await?.rows_affected() > 0)
}

async fn insert_bundle(write: &Write, tenant: &TenantId, bundle: &Bundle) -> Result<(), DbErr> {
    let digest = bundle.digest().as_bytes().to_vec();
    let insert = Query::insert()
        .into_table(Alias::new("rollout_bundle"))
        .columns(["tenant", "digest"].map(Alias::new))
        .values_panic([tenant.as_str().into(), digest.clone().into()])
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .to_owned();
    if write.execute(&insert).await?.rows_affected() == 0 {
        return Ok(());
    }
    for chunk in bundle.entries().chunks(ROWS_MAX) {
        let mut insert = Query::insert();
        insert
            .into_table(Alias::new("rollout_entry"))
            .columns(["tenant", "bundle", "kind", "name", "artifact"].map(Alias::new));
        for it in chunk {
            insert.values_panic([
                Expr::value(tenant.as_str()),
                Expr::value(digest.clone()),
                Expr::value(it.kind.as_str()),
                Expr::value(it.name.as_str()),
                Expr::value(it.digest.as_bytes().to_vec()),
            ]);
        }
        write.execute(&insert).await?;
    }
    Ok(())
}

async fn state(write: &Write, facts: &[Fact]) -> Result<(), DbErr> {
    if facts.is_empty() { Ok(()) } else { outbox::insert(write, facts).await }
}

mod rows {
    //! A body as it is kept.

    use rollout::Kind;

    use super::{Arc, Artifact, Fault, FromQueryResult};

    #[derive(Debug, FromQueryResult)]
    pub(super) struct Row {
        artifact: Vec<u8>,
        kind: String,
        body: String,
    }

    impl TryFrom<Row> for Artifact {
        type Error = Fault;

        fn try_from(row: Row) -> Result<Self, Fault> {
            let broken = || Fault::escalate("decoding an artifact");
            let kind = Kind::new(&row.kind).map_err(|it| broken().because(it))?;
            let body = serde_json::from_str(&row.body).map_err(|it| broken().because(it))?;
            let it = Self::new(kind, Arc::new(body)).map_err(|it| broken().because(it))?;
            // The name is the content: whoever changed a row changed the name.
            if it.digest().as_bytes().as_slice() == row.artifact {
                Ok(it)
            } else {
                Err(Fault::escalate("checking an artifact against its digest"))
            }
        }
    }
}
