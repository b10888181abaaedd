//! Behaviour, from sighting to person and back.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Fact, memory::MemoryFeed};

use crate::{
    contract::{ArtifactFixture, IdentityFixture},
    memory::{MemoryArtifacts, MemoryIdentity},
    namespace::Artifacts,
    ports::{ArtifactSource, AssertionLog, Directory, Vault},
};

mod history;
mod limits;
mod namespaces;
mod stories;
mod stream;
mod values;

pub(crate) struct Fixture {
    feed: Arc<MemoryFeed>,
    store: MemoryIdentity,
}

async fn fixture() -> Fixture {
    let feed = Arc::new(MemoryFeed::default());
    Fixture { store: MemoryIdentity::new(Arc::clone(&feed)), feed }
}

#[async_trait]
impl IdentityFixture for Fixture {
    fn log(&self) -> &dyn AssertionLog {
        &self.store
    }

    fn directory(&self) -> &dyn Directory {
        &self.store
    }

    fn vault(&self) -> &dyn Vault {
        &self.store
    }

    async fn facts(&self) -> Vec<Fact> {
        self.feed.facts()
    }
}

crate::identity_suite!(memory, super::fixture());

struct Served(MemoryArtifacts, Arc<Artifacts>);

impl ArtifactFixture for Served {
    fn source(&self) -> &dyn ArtifactSource {
        &self.0
    }

    fn live(&self) -> Arc<Artifacts> {
        Arc::clone(&self.1)
    }
}

async fn served() -> Served {
    let artifacts = Arc::new(stories::shipped());
    Served(MemoryArtifacts::new(Arc::clone(&artifacts)), artifacts)
}

crate::identity_artifact_suite!(artifacts, super::served());
