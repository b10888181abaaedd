//! The suites of `decision` on SQLite, plain and traced.
