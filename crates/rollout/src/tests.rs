//! Behaviour of releases.

mod artifact;
mod pointer;
mod service;

use std::sync::Arc;

use kernel::{FactFeed, memory::MemoryFeed};

use crate::{
    SourceFile, contract::ReleaseFixture, memory::MemoryReleases, ports::ArtifactStore,
    ports::ReleaseLedger,
};

struct Fixture {
    feed: Arc<MemoryFeed>,
    releases: MemoryReleases,
}

impl ReleaseFixture for Fixture {
    fn store(&self) -> &dyn ArtifactStore {
        &self.releases
    }

    fn ledger(&self) -> &dyn ReleaseLedger {
        &self.releases
    }

    fn feed(&self) -> &dyn FactFeed {
        &*self.feed
    }
}

async fn memory() -> Fixture {
    let feed = Arc::new(MemoryFeed::default());
    Fixture { feed: Arc::clone(&feed), releases: MemoryReleases::new(feed) }
}

crate::release_suite!(laws, super::memory());

/// A file of a tree.
fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
}
