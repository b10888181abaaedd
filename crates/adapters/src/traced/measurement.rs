//! Spans around the ports of `measurement`.
