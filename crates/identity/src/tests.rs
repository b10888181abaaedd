//! Behaviour, from sighting to person and back.
