//! The suites of `rollout` on SQLite, plain and traced.
