//! Spans around the fact feed.

use kernel::{FactFeed, Fault, Limit, Positioned};

use super::traced_port;

traced_port! {
    impl FactFeed as "kernel.fact_feed" {
        fn take(consumer: &str, limit: Limit) -> Result<Vec<Positioned>, Fault>;
        fn done(consumer: &str, through: u64) -> Result<(), Fault>;
        fn lag(consumers: &[&str]) -> Result<u64, Fault>;
    }
}
