//! Behaviour, and the suites on the reference implementations.
