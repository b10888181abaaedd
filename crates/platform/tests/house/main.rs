//! The composed process in a test: no sockets, time by hand.

#[test]
fn warm() {}
