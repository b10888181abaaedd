//! The suites of `context` on SQLite, plain and traced.
