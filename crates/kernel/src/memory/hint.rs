//! Hints in memory: nobody waits, what was told is there or it is not.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;

use crate::{Fault, HintBus, Mark};

/// [`HintBus`] in memory; clones are other processes' ends of it.
#[derive(Debug, Clone, Default)]
pub struct MemoryHints(Arc<AtomicU64>);

#[async_trait]
impl HintBus for MemoryHints {
    async fn tell(&self) -> Result<(), Fault> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn mark(&self) -> Result<Mark, Fault> {
        Ok(Mark(self.0.load(Ordering::SeqCst).to_string()))
    }

    async fn hear(&self, after: &Mark) -> Result<Option<Mark>, Fault> {
        let mark = self.mark().await?;
        Ok((mark != *after).then_some(mark))
    }
}
