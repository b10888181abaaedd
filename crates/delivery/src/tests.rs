//! Behaviour of delivery: the state machine, caps, windows, templates, the round of sending.

mod caps;
mod dispatch;
mod limits;
mod plan;
mod retry;
mod seal;
mod state;
mod suites;
mod template;
mod window;
mod world;
