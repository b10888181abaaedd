//! The suites of `identity` on SQLite, plain and traced.
