//! The words two domains share: ids, time, facts, faults, canonical bytes.
//!
//! The crate holds vocabulary and nothing that acts. A word is admitted when two domains need it
//! with the same meaning and one of them would otherwise have to guess.
//!
//! **Invariants.** Instants are whole microseconds in UTC. Canonical bytes are RFC 8785 over
//! integers only. A digest names content. An unknown is a value with a cause, never an absence.

pub mod artifact;
pub mod bucket;
pub mod canonical;
pub mod chance;
pub mod fact;
pub mod fault;
pub mod hint;
pub mod id;
pub mod known;
pub mod lease;
pub mod money;
pub mod page;
pub mod period;
pub mod person;
pub mod reason;
pub mod time;
pub mod window;
pub mod word;

#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(any(test, feature = "testing"))]
pub mod memory;

#[cfg(test)]
mod tests;

pub use artifact::{ArtifactRef, Finding};
pub use bucket::{BucketKey, bucket};
pub use canonical::{CanonicalError, Digest, canonical};
pub use chance::{Entropy, SeededEntropy};
pub use fact::{Fact, FactFeed, Positioned};
pub use fault::{Fault, Recovery};
pub use hint::{HintBus, Mark};
pub use id::{DecisionId, DeliveryId, EventId, FactId, NodeId, StaffId, SubjectId, TenantId};
pub use known::{Known, RuleId, SystemId, Value, Why};
pub use lease::{LeaseBook, Taken};
pub use money::{Currency, Money, MoneyError};
pub use page::{Cursor, LIMIT_MAX, Limit, Page};
pub use period::{Period, PeriodError};
pub use person::{Epoch, Epochs, OccurrenceKey, PersonAt};
pub use reason::Reason;
pub use time::{Clock, Instant, ManualClock};
pub use window::{Opening, Proof, Windows, Zones, next_open};
pub use word::{Channel, Class, JourneyNode, PurposeKey, PurposeRef, Tier, WordError};
