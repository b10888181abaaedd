//! Heads written outside of any port, as the suites of delivery set them.

use std::sync::Arc;

use adapters::sql::Database;
use kernel::{Epochs, PersonAt, TenantId};
use sea_orm::{ConnectionTrait as _, Statement, Value};

/// The heads of a person: the choices at the first node.
pub(super) async fn set(
    database: &Arc<Database>,
    tenant: &TenantId,
    person: &PersonAt,
    epochs: Epochs,
) {
    let write = database.begin("test").await.unwrap();
    let execute = async |sql: &str, values: Vec<Value>| {
        let backend = write.get_database_backend();
        write.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.unwrap();
    };
    let number = |it: kernel::Epoch| -> Value { i64::try_from(it.0).unwrap().into() };
    let whose = || -> Value { tenant.as_str().into() };
    execute(
        "insert into identity_person (tenant, subject, epoch, anchors, members) \
         values ($1, $2, $3, 1, 2) \
         on conflict (tenant, subject) do update set epoch = excluded.epoch",
        vec![whose(), person.subject.uuid().into(), number(epochs.identity)],
    )
    .await;
    for (i, node) in person.nodes.iter().enumerate() {
        let epoch = if i == 0 { epochs.person } else { kernel::Epoch(0) };
        execute(
            "insert into consent_head (tenant, node, epoch) values ($1, $2, $3) \
             on conflict (tenant, node) do update set epoch = excluded.epoch",
            vec![whose(), node.uuid().into(), number(epoch)],
        )
        .await;
    }
    execute(
        "insert into policy_head (tenant, epoch) values ($1, $2) \
         on conflict (tenant) do update set epoch = excluded.epoch",
        vec![whose(), number(epochs.policy)],
    )
    .await;
    write.commit().await.unwrap();
}
