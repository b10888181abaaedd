//! A Postgres of a test's own: it can be stopped as a crash would stop it, and started again.

use std::{
    fs::{File, OpenOptions},
    net::SocketAddr,
    path::PathBuf,
};

use tempfile::TempDir;
use tokio::process::{Child, Command};
use url::Url;

use super::{
    Failed,
    native::{Owner, as_owner, give, init, owner, postgres, postgres_programs, run, url_of},
    until,
};
use crate::{free_address, postgres::connect};

/// A running Postgres with files of its own; gone, with them, when dropped.
#[derive(Debug)]
pub struct OwnPostgres {
    /// How it is reached, as a role that may make databases.
    pub url: Url,
    programs: PathBuf,
    owner: Option<Owner>,
    at: SocketAddr,
    directory: TempDir,
    child: Option<Child>,
}

impl OwnPostgres {
    /// Starts one, and waits until it answers.
    pub async fn start() -> Result<Self, Failed> {
        let (programs, owner) = (postgres_programs()?, owner().await?);
        let directory = tempfile::Builder::new().prefix("assent-own-").tempdir()?;
        give(directory.path(), owner)?;
        init(&programs, owner, &directory.path().join("postgres")).await?;
        let at = free_address().await?;
        let mut own = Self { url: url_of(at)?, programs, owner, at, directory, child: None };
        own.start_again().await?;
        Ok(own)
    }

    /// Ends it at once, without a word to its clients and without writing anything down.
    pub async fn crash(&mut self) -> Result<(), Failed> {
        run(self.stop()).await?;
        if let Some(mut child) = self.child.take() {
            child.wait().await?;
        }
        Ok(())
    }

    /// Starts it over the files it left, and waits until it answers.
    pub async fn start_again(&mut self) -> Result<(), Failed> {
        let data = self.directory.path().join("postgres");
        let child = postgres(&self.programs, self.owner, &data, self.at, self.log()?)?;
        self.child = Some(child);
        until("Postgres", async || connect(&self.url).await.map(drop)).await
    }

    fn log(&self) -> std::io::Result<File> {
        let path = self.directory.path().join("postgres.log");
        OpenOptions::new().create(true).append(true).open(path)
    }

    fn stop(&self) -> Command {
        let mut stop = as_owner(&self.programs.join("pg_ctl"), self.owner);
        let data = self.directory.path().join("postgres");
        stop.arg("stop").arg("--mode=immediate").arg("--pgdata").arg(data);
        stop
    }
}

impl Drop for OwnPostgres {
    /// A kill would leave its shared memory behind.
    fn drop(&mut self) {
        if self.child.is_some() {
            drop(self.stop().into_std().output());
        }
    }
}
