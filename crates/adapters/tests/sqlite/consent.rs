//! The suites of `consent` on SQLite, plain and traced.
