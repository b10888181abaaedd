//! The sandbox: every channel's default sender. What would have left goes to an inbox.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use delivery::{
    attempt::Attempt,
    ports::{HandOffError, Inbox, Letter, Sender},
    reason,
    sender::{Accepted, Capabilities, Destination, Rendered, Route, Routes},
};
use kernel::{Channel, Clock, Recovery};

use crate::traced::Traced;

/// How long a hand-off to the inbox may take.
const BUDGET: TimeDelta = TimeDelta::seconds(5);

/// A sender that keeps what it is handed.
#[derive(Debug, Clone)]
pub struct SandboxSender {
    inbox: Arc<dyn Inbox>,
    clock: Arc<dyn Clock>,
}

impl SandboxSender {
    /// A sender into this inbox.
    pub fn new(inbox: Arc<dyn Inbox>, clock: Arc<dyn Clock>) -> Self {
        Self { inbox, clock }
    }

    /// This sender on every channel.
    pub fn routes(self) -> Routes {
        let sender: Arc<dyn Sender> = Arc::new(Traced::new(self));
        let capabilities = Capabilities { deduplicates: true, budget: BUDGET };
        let route = Route { provider: "sandbox", capabilities, sender };
        Channel::ALL.iter().map(|it| (*it, route.clone())).collect()
    }
}

#[async_trait]
impl Sender for SandboxSender {
    async fn hand_off(
        &self,
        attempt: &Attempt,
        message: &Rendered,
        destination: &Destination,
    ) -> Result<Accepted, HandOffError> {
        let to = match destination {
            Destination::Contact(address) => address.masked(),
            Destination::Person => attempt.channel().to_string(),
        };
        let letter = Letter {
            tenant: attempt.tenant().clone(),
            delivery: attempt.id().delivery,
            decision: attempt.decision(),
            subject: attempt.subject(),
            channel: attempt.channel(),
            to,
            message: message.clone(),
            at: self.clock.now(),
        };
        // The inbox keeps one letter per delivery, so a repeat is harmless.
        self.inbox.put(letter).await.map_err(|fault| match fault.recovery() {
            Recovery::Retry => HandOffError::Retryable { code: reason::RETRYABLE, after: None },
            Recovery::Escalate => HandOffError::Ambiguous { code: reason::AMBIGUOUS },
        })?;
        Ok(Accepted::default())
    }
}
