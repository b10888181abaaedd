//! Workflows.
fn main() {}
