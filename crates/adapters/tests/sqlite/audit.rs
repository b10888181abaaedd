//! The suites of `audit` on SQLite, plain and traced.
