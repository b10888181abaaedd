//! The schema, step by step; steps only add.

use async_trait::async_trait;
use sea_orm::{DbBackend, DbErr};
use sea_orm_migration::prelude::*;

use super::{
    activation, audit, consent, context, decision, delivery, identity, lease, measurement, outbox,
    rollout,
};

/// One step of the schema: what it adds, in order.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// Unique and sorting in order: `0002_identity`.
    pub(crate) name: &'static str,
    /// Tables it creates.
    pub(crate) tables: Vec<TableCreateStatement>,
    /// Tables whose rows are kept in the primary key's own tree where the database has such: one
    /// write instead of two.
    pub(crate) clustered: Vec<TableCreateStatement>,
    /// Indexes it creates.
    pub(crate) indexes: Vec<IndexCreateStatement>,
}

/// Every step, in order.
#[derive(Debug)]
pub(super) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        [
            outbox::schema(),
            identity::schema(),
            consent::schema(),
            context::schema(),
            decision::schema(),
            rollout::schema(),
            delivery::schema(),
            measurement::schema(),
            audit::schema(),
            activation::schema(),
            lease::schema(),
        ]
        .map(|it| Box::new(it) as Box<dyn MigrationTrait>)
        .into()
    }
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait]
impl MigrationTrait for Step {
    #[expect(elided_lifetimes_in_paths, reason = "the trait elides it")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for table in &self.tables {
            manager.create_table(told(table, backend)).await?;
        }
        for table in &self.clustered {
            let mut table = told(table, backend);
            if backend == DbBackend::Sqlite {
                table.extra("without rowid");
            }
            manager.create_table(table).await?;
        }
        for index in &self.indexes {
            manager.create_index(index.clone()).await?;
        }
        Ok(())
    }
}

/// The table as this database is told of it. Texts are compared by their bytes, as SQLite does and
/// as the domains do: the order of a language is another one, and changes with the system's.
fn told(table: &TableCreateStatement, backend: DbBackend) -> TableCreateStatement {
    if backend != DbBackend::Postgres {
        return table.clone();
    }
    let mut told = Table::create();
    if let Some(name) = table.get_table_name() {
        told.table(name.clone());
    }
    for column in table.get_columns() {
        let mut column = column.clone();
        if column.get_column_type() == Some(&ColumnType::Text) {
            column.extra("collate \"C\"");
        }
        told.col(column);
    }
    for index in table.get_indexes() {
        told.primary_key(&mut index.clone());
    }
    told
}
