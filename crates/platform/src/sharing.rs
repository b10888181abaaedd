//! How workers of one deployment share its background work.

use std::sync::Arc;

use adapters::{
    sql::{Database, lease::SqlLeases},
    traced::Traced,
};
use kernel::{Entropy, LeaseBook};
use service::{lease::Leased, relay::Job};
use uuid::Uuid;

/// What makes a job one that a single worker does at a time; where nobody shares the database, every
/// job is this process's anyway.
pub(crate) struct Sharing(Option<(Arc<dyn LeaseBook>, Uuid)>);

impl Sharing {
    /// By leases of this database, for a process that calls itself by chance.
    pub(crate) fn of(database: &Arc<Database>, entropy: &dyn Entropy) -> Self {
        if !database.is_shared() {
            return Self(None);
        }
        let mut holder = [0; 16];
        entropy.fill(&mut holder);
        let book = Arc::new(Traced::new(SqlLeases::new(database.clone())));
        Self(Some((book, Uuid::from_bytes(holder))))
    }

    /// The job, done by one worker at a time.
    pub(crate) fn alone(&self, job: Arc<dyn Job>) -> Arc<dyn Job> {
        match &self.0 {
            Some((book, holder)) => Arc::new(Leased::new(job, book.clone(), *holder)),
            None => job,
        }
    }
}
