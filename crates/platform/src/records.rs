//! The systems of record of a process: on the servers the deployment names, or in its files.

use std::sync::Arc;

use adapters::sql::Database;
use anyhow::{Context as _, Result};

use crate::config::Config;

/// The databases of a process.
#[derive(Debug)]
pub(crate) struct Records {
    /// The systems of record.
    pub(crate) database: Arc<Database>,
    /// The wrapped keys of audit's records, apart from them.
    pub(crate) keys: Arc<Database>,
}

impl Records {
    /// Opens them and brings their schemas up to date.
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        let (database, keys) = match &config.servers.databases {
            None => (
                Database::open(&config.data.database()).await,
                Database::open(&config.data.keys()).await,
            ),
            Some(on) => (Database::connect(&on.records).await, Database::connect(&on.keys).await),
        };
        let database = database.context("opening the database")?;
        Ok(Self { database, keys: keys.context("opening the key store")? })
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) -> Result<()> {
        self.database.close().await.context("closing the systems of record")?;
        self.keys.close().await.context("closing the key store")
    }
}
