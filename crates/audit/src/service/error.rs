//! Why nothing was acknowledged, and the codes that say so.

use kernel::{Fault, Reason, Recovery};

use crate::seal::SealError;

/// The idempotency key was minted outside the window.
pub const IDEM_STALE: Reason = Reason::of("AU.IDEM_STALE");
/// The record is too large.
pub const TOO_LARGE: Reason = Reason::of("AU.TOO_LARGE");
/// The submission contradicts itself: groups, names, custody or tenants.
pub const MALFORMED: Reason = Reason::of("AU.MALFORMED");

/// Why nothing was acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The submission can never be appended as it is.
    #[error("submission refused: {0}")]
    Refused(Reason),
    /// Too many are waiting; try again later.
    #[error("too many submissions are waiting")]
    Full,
    /// What is stored does not give the log's root; nothing is signed until a person has looked.
    #[error("stored leaves do not give the stored root")]
    Amnesia,
    /// The outcome is unknown; the same submission again gives the one entry.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl AppendError {
    /// The same error for another waiter; only the first keeps the cause.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Refused(it) => Self::Refused(it.clone()),
            Self::Full => Self::Full,
            Self::Amnesia => Self::Amnesia,
            Self::Fault(it) => Self::Fault(match it.recovery() {
                Recovery::Retry => Fault::retry(it.what()),
                Recovery::Escalate => Fault::escalate(it.what()),
            }),
        }
    }
}

impl From<AppendError> for Fault {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Fault(it) => it,
            AppendError::Full => Self::retry("waiting for the log").because(error),
            AppendError::Refused(_) | AppendError::Amnesia => {
                Self::escalate("appending to the log").because(error)
            }
        }
    }
}

impl From<SealError> for AppendError {
    fn from(error: SealError) -> Self {
        Self::Refused(match error {
            SealError::TooLarge => TOO_LARGE,
            SealError::GroupCount | SealError::GroupName | SealError::KeyMissing => MALFORMED,
        })
    }
}
