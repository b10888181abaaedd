//! The suites of `delivery` on SQLite, plain and traced.
