//! The use cases: append, prove, read, and entries for other domains' facts.

mod append;
mod error;
mod fact;
mod lane;
mod prove;
mod record;
mod trail;
mod vault;

pub use append::{AppendService, Appended, Position};
pub use error::{AppendError, IDEM_STALE, MALFORMED, TOO_LARGE};
pub use fact::{FactEntryService, kind_of};
pub use prove::{Disclose, LogCheck, ProveService};
pub use record::{OpenedRecord, RecordService};
pub use trail::{Published, Trail, TrailPorts};
