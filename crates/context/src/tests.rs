//! Context's behaviour, and its ports' laws on the reference implementation.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Fact, memory::MemoryFeed};

use crate::{
    Identifier,
    contract::{ContextFixture, NeighbourFixture},
    memory::{MemoryContext, MemoryNeighbours},
    ports::{
        ArtifactSource, ContextStore, DeadLetters, EventLog, FreshnessBoard, StandingSource,
        SubjectResolver,
    },
};

mod admission;
mod algebra;
mod artifacts;
mod bundles;
mod fields;
mod limits;
mod parsing;
mod scene;
mod world;

struct Memory {
    context: MemoryContext,
    feed: Arc<MemoryFeed>,
}

impl Memory {
    async fn new() -> Self {
        let feed = Arc::new(MemoryFeed::default());
        Self { context: MemoryContext::new(Arc::clone(&feed)), feed }
    }
}

#[async_trait]
impl ContextFixture for Memory {
    fn log(&self) -> &dyn EventLog {
        &self.context
    }

    fn store(&self) -> &dyn ContextStore {
        &self.context
    }

    fn dead(&self) -> &dyn DeadLetters {
        &self.context
    }

    fn board(&self) -> &dyn FreshnessBoard {
        &self.context
    }

    async fn facts(&self) -> Vec<Fact> {
        self.feed.facts()
    }
}

#[async_trait]
impl NeighbourFixture for MemoryNeighbours {
    fn resolver(&self) -> &dyn SubjectResolver {
        self
    }

    fn standing(&self) -> &dyn StandingSource {
        self
    }

    fn artifacts(&self) -> &dyn ArtifactSource {
        self
    }

    async fn known(&self) -> Identifier {
        self.know("crm_id", "C1", world::node(1));
        Identifier { namespace: "crm_id".into(), value: "C1".into(), verified: true }
    }
}

crate::context_suite!(memory_context, super::Memory::new());
crate::neighbour_suite!(memory_neighbours, async {
    super::MemoryNeighbours::new(super::world::release())
});
