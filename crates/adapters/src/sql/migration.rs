//! The schema, step by step; steps only add.

use async_trait::async_trait;
use sea_orm::DbErr;
use sea_orm_migration::prelude::*;

use super::{
    activation, audit, consent, context, decision, delivery, identity, measurement, outbox, rollout,
};

/// One step of the schema: what it adds, in order.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// Unique and sorting in order: `0002_identity`.
    pub(crate) name: &'static str,
    /// Tables it creates.
    pub(crate) tables: Vec<TableCreateStatement>,
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
        for table in &self.tables {
            manager.create_table(table.clone()).await?;
        }
        for index in &self.indexes {
            manager.create_index(index.clone()).await?;
        }
        Ok(())
    }
}
