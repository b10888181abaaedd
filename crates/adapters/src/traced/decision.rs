//! Spans around the ports of `decision`.
