//! What leaves the house: rendered messages, addresses, and what a provider may answer.

use std::{collections::BTreeMap, fmt, sync::Arc};

use chrono::TimeDelta;
use kernel::{Channel, Digest, NodeId};

use crate::ports::Sender;

/// An address of a person, by its node; the address itself stays with identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRef {
    /// The node that is the address.
    pub node: NodeId,
    /// Whether the person proved to hold it.
    pub verified: bool,
}

/// An address in the clear; shown only to senders.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// The address with this text.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the hand-off alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What operators may see: enough to recognise, not enough to write to.
    pub fn masked(&self) -> String {
        if let Some((local, domain)) = self.0.split_once('@') {
            let first: String = local.chars().take(1).collect();
            return format!("{first}…@{domain}");
        }
        let n = self.0.chars().count();
        let last: String = self.0.chars().skip(n.saturating_sub(2)).collect();
        format!("…{last}")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To an address.
    Contact(Address),
    /// To the person, wherever they next show up: placements, tasks, partners' endpoints.
    Person,
}

/// Whether a channel sends to an address of the person.
pub const fn is_addressed(channel: Channel) -> bool {
    matches!(channel, Channel::Email | Channel::Sms | Channel::Push)
}

/// A message as it leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The line shown first.
    pub subject: Option<String>,
    /// The plain text.
    pub text: String,
    /// The HTML part of mail and placements.
    pub html: Option<String>,
    /// Header fields of mail, in order.
    pub headers: Vec<(String, String)>,
    /// The page that says why it came.
    pub why: String,
    /// Names the message.
    pub digest: Digest,
}

/// What a provider can do: data that drives retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether a repeated hand-off with our key reaches the person once.
    pub deduplicates: bool,
    /// The most time a hand-off takes.
    pub budget: TimeDelta,
}

/// A sender for a channel, with what it can do.
#[derive(Debug, Clone)]
pub struct Route {
    /// The provider's name, as attempts record it.
    pub provider: &'static str,
    /// What it can do.
    pub capabilities: Capabilities,
    /// The sender.
    pub sender: Arc<dyn Sender>,
}

/// One route per channel.
pub type Routes = BTreeMap<Channel, Route>;

/// The provider took the message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// The provider's own name for it.
    pub reference: Option<String>,
}
