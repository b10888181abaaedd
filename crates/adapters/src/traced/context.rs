//! Spans around the ports of `context`.
