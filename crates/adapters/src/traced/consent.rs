//! Spans around the ports of `consent`.
