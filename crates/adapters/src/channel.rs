//! Senders: the sandbox for every channel, and partners' webhooks.

pub mod sandbox;
pub mod webhook;
