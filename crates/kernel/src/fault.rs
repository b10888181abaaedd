//! What went wrong that no domain can act on.

use std::{error::Error, fmt};

/// What the handler of a fault may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// The same call may succeed later.
    Retry,
    /// A person must look.
    Escalate,
}

/// An opaque failure of a technology; its source is for operators and never shown to callers.
#[derive(Debug)]
pub struct Fault {
    recovery: Recovery,
    what: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A failure that may pass; `what` says what was attempted.
    pub const fn retry(what: &'static str) -> Self {
        Self { recovery: Recovery::Retry, what, source: None }
    }

    /// A failure a person must look at; `what` says what was attempted.
    pub const fn escalate(what: &'static str) -> Self {
        Self { recovery: Recovery::Escalate, what, source: None }
    }

    /// The same fault, keeping its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the handler may do.
    pub const fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// What was attempted.
    pub const fn what(&self) -> &'static str {
        self.what
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|it| it as &(dyn Error + 'static))
    }
}
