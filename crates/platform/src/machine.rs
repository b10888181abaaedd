//! The present and chance, as a process gets them.

use std::sync::Arc;

use adapters::system::{SystemClock, SystemEntropy};
use kernel::{Clock, Entropy};

/// What a process is made from besides its files.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

impl Machine {
    /// The real one.
    pub fn real() -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
    }
}
