//! The suites of `measurement` on SQLite, plain and traced.
