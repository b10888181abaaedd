//! Signals sent on a person's behalf, and what each takes away: Global Privacy Control, TCF and
//! GPP strings, Google's consent mode, keywords over SMS.
//!
//! A signal restricts freely and never grants: no string carries the notice that was shown, and a
//! grant without its proof is none (GDPR Art. 7(1)). What cannot be read is unknown, and refuses
//! the purposes that depend on it.

mod bits;
pub mod gpc;
pub mod gpp;
pub mod keyword;
pub mod mode;
pub mod reading;
pub mod tcf;

pub use reading::{Practice, Raw, Signals};

/// The longest signal that is read, in bytes.
pub const SIGNAL_BYTES_MAX: usize = 8 << 10;

/// Why a signal cannot be read. It then refuses, and never permits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignalError {
    /// Longer than [`SIGNAL_BYTES_MAX`].
    #[error("a signal of more than 8192 bytes")]
    TooLong,
    /// Not what its specification says.
    #[error("not a signal of its kind: {0}")]
    Malformed(&'static str),
    /// Of a version whose meaning is not known here.
    #[error("{what} {version} is not known")]
    UnknownVersion {
        /// The version of what.
        what: &'static str,
        /// Which.
        version: u64,
    },
}

/// The text, if it is short enough to be read.
fn bounded(text: &str) -> Result<&str, SignalError> {
    if text.len() > SIGNAL_BYTES_MAX { Err(SignalError::TooLong) } else { Ok(text) }
}
