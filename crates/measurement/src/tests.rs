//! Behaviour of measurement.
