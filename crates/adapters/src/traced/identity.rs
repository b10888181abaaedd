//! Spans around the ports of `identity`.
