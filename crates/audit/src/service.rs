//! The use cases: append, prove, read, show the log, and entries for other domains' facts.

mod append;
mod erase;
mod error;
mod fact;
mod lane;
mod log;
mod pack;
mod prove;
mod record;
mod trail;
mod vault;
mod witness;
mod witnessing;

pub use append::{AppendService, Appended, Position};
pub use erase::{Erase, EraseService, Erased, Finished};
pub use error::{AppendError, IDEM_STALE, MALFORMED, TOO_LARGE};
pub use fact::{FactEntryService, kind_of};
pub use log::LogService;
pub use pack::{
    ASKED_MALFORMED, Ask, Draft, NOTHING, PackError, PackRequest, PackService, TOO_MANY,
};
pub use prove::{Disclose, LogCheck, ProveService};
pub use record::{OpenedRecord, RecordService};
pub use trail::{Published, Scrubbed, Trail, TrailPorts};
pub use vault::KEY_LEASE_SECONDS_MAX;
pub use witness::{CosignError, WitnessService};
pub use witnessing::{KnownWitness, Round, WitnessingService};
