//! Behaviour of delivery: the state machine, caps, windows, templates, the round of sending.

mod suites;
