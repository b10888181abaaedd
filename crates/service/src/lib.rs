//! The driving side: HTTP, pages, roles, and the bridges between domains.
//!
//! **Invariants.** The crate never meets an adapter. A bridge translates and decides nothing. Bad
//! input gets a problem document and changes nothing. A GET writes nothing.

pub mod app;
pub mod auth;
pub mod bridge;
pub mod evidence;
pub mod explained;
pub mod hints;
pub mod http;
pub mod lease;
pub mod lifecycle;
pub mod links;
pub mod page;
pub mod problem;
pub mod relay;
pub mod surface;
pub mod words;
pub mod work;
