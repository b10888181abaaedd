//! Spans around the ports of `audit`.
