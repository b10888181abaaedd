//! The main job on the embedded default: a month in the life of an insurer.
//!
//! A seeded population is written as extracts and streams and fed through the HTTP surface a user
//! has; time is an input, so the month passes in seconds and the same seed gives the same summary.

pub mod client;
pub mod drive;
pub mod observe;
pub mod population;
pub mod summary;
pub mod writing;
