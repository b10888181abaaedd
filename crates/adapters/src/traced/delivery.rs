//! Spans around the ports of `delivery`.
