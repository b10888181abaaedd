//! Spans around the ports of `rollout`.
