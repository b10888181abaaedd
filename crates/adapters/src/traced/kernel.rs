//! Spans around the fact feed, leases and hints.

use chrono::TimeDelta;
use kernel::{FactFeed, Fault, HintBus, LeaseBook, Limit, Mark, Positioned, Taken};
use uuid::Uuid;

use super::traced_port;

traced_port! {
    impl FactFeed as "kernel.fact_feed" {
        fn take(consumer: &str, limit: Limit) -> Result<Vec<Positioned>, Fault>;
        fn done(consumer: &str, through: u64) -> Result<(), Fault>;
        fn lag(consumers: &[&str]) -> Result<u64, Fault>;
    }
}

traced_port! {
    impl LeaseBook as "kernel.lease_book" {
        fn take(name: &str, holder: Uuid, lasts: TimeDelta) -> Result<Taken, Fault>;
        fn give_back(name: &str, holder: Uuid) -> Result<(), Fault>;
    }
}

traced_port! {
    impl HintBus as "kernel.hint_bus" {
        fn tell() -> Result<(), Fault>;
        fn mark() -> Result<Mark, Fault>;
        fn hear(after: &Mark) -> Result<Option<Mark>, Fault>;
    }
}
