//! Background work: which use case takes note of facts, and which is run again and again.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use audit::service::{Scrubbed, WitnessingService};
use consent::{
    Actor, Label, SuppressionReason,
    service::{By, ConsentService, RestrainError},
};
use delivery::{
    ports::PersonSource,
    sender::is_addressed,
    service::{ContactService, DeliveryService, FeedbackError, FeedbackService},
    state::Receipt,
};
use kernel::{DeliveryId, EventId, Fact, Fault, TenantId};

use crate::{
    app::App,
    bridge::artifacts::LiveArtifacts,
    relay::{Consumer, Job},
};

macro_rules! consumer {
    ($(#[$doc:meta])* $name:ident, $service:ty, $cursor:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub Arc<$service>);

        #[async_trait]
        impl Consumer for $name {
            fn name(&self) -> &'static str {
                $cursor
            }

            async fn observe(&self, facts: &[Fact]) -> Result<(), Fault> {
                self.0.observe(facts).await
            }
        }
    };
}

macro_rules! job {
    ($(#[$doc:meta])* $name:ident, $service:ty, $label:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub Arc<$service>);

        #[async_trait]
        impl Job for $name {
            fn name(&self) -> &'static str {
                $label
            }

            async fn run_once(&self, limit: usize) -> Result<usize, Fault> {
                self.0.run_once(limit).await
            }
        }
    };
}

consumer!(
    /// Applied events and neighbours' facts arm, move and cancel timers.
    Triggering, decision::TriggerService, "decision"
);
consumer!(
    /// Decided actions become deliveries.
    Planning, delivery::service::PlanService, "delivery"
);
consumer!(
    /// Everything that counts is counted.
    Measuring, measurement::service::FoldService, "measurement"
);
consumer!(
    /// Every fact becomes an entry of the log.
    Recording, audit::FactEntryService, "audit"
);
job!(
    /// Admitted events become fields.
    Applying, context::service::ApplyService, "context.apply"
);
job!(
    /// Sources that fell silent, and those that came back, are announced.
    Freshness, context::service::FreshnessService, "context.watch"
);
job!(
    /// Due occurrences are decided.
    Firing, decision::TriggerService, "decision.trigger"
);
job!(
    /// Due deliveries pass the gate and are handed off.
    Dispatching, delivery::service::DispatchService, "delivery.dispatch"
);

/// The event type of message feedback.
const FEEDBACK: &str = "comms.message_feedback.v1";

/// Message feedback becomes receipts of deliveries; a complaint and a bounce become restrictions.
#[derive(Debug, Clone)]
pub struct Receiving {
    events: Arc<context::service::ApplyService>,
    feedback: FeedbackService,
    consent: Arc<ConsentService>,
    deliveries: Arc<DeliveryService>,
    people: Arc<dyn PersonSource>,
    contacts: ContactService,
}

impl Receiving {
    /// Folds feedback through these services.
    pub fn new(
        events: Arc<context::service::ApplyService>,
        feedback: FeedbackService,
        consent: Arc<ConsentService>,
        deliveries: Arc<DeliveryService>,
        people: Arc<dyn PersonSource>,
        contacts: ContactService,
    ) -> Self {
        Self { events, feedback, consent, deliveries, people, contacts }
    }

    async fn take(&self, fact: &Fact) -> Result<(), Fault> {
        let event = fact.body.get("event_id").and_then(|it| it.as_str());
        let Some(event) = event.and_then(|it| it.parse::<EventId>().ok()) else { return Ok(()) };
        let Some(data) = self.events.event_data(&fact.tenant, event).await? else { return Ok(()) };
        let text = |name: &str| data.get(name).and_then(|it| it.as_str()).unwrap_or_default();
        let Ok(delivery) = text("delivery_id").parse::<DeliveryId>() else { return Ok(()) };
        let (receipt, restriction) = match text("kind") {
            "delivered" => (Receipt::Delivered, None),
            "bounced" => (Receipt::Bounced, Some(SuppressionReason::Bounce)),
            "complained" => (Receipt::Complained, Some(SuppressionReason::Complaint)),
            _ => return Ok(()),
        };
        // The restriction first: if it is lost, so is the receipt, and both come again.
        if let Some(reason) = restriction {
            self.restrict(fact, event, delivery, reason).await?;
        }
        match self.feedback.record(&fact.tenant, delivery, receipt).await {
            Ok(_) | Err(FeedbackError::Unmatched | FeedbackError::NotSent) => Ok(()),
            Err(FeedbackError::InFlight) => Err(Fault::retry("a receipt before its attempt ends")),
            Err(FeedbackError::Fault(fault)) => Err(fault),
        }
    }

    /// Restricts the address the message went to, whichever the person uses now.
    async fn restrict(
        &self,
        fact: &Fact,
        event: EventId,
        delivery: DeliveryId,
        reason: SuppressionReason,
    ) -> Result<(), Fault> {
        let Some(trail) = self.deliveries.get(&fact.tenant, delivery).await? else {
            return Ok(());
        };
        let (tenant, sent) = (&fact.tenant, &trail.delivery);
        if !is_addressed(sent.channel) {
            return Ok(());
        }
        let person = self.people.person(tenant, sent.subject).await?;
        let nodes = person.map(|it| it.nodes).unwrap_or_default();
        let Some(node) = self.contacts.reached(sent, &nodes).await? else { return Ok(()) };
        let source = Label::new("message_feedback")
            .map_err(|it| Fault::escalate("naming a source").because(it))?;
        let by = By { actor: Actor::Signal { kind: source.clone() }, source };
        let act = event.uuid();
        match self.consent.suppress_address(tenant, node, reason, &by, act).await {
            Ok(_) | Err(RestrainError::Conflict | RestrainError::Unknown) => Ok(()),
            Err(RestrainError::Fault(fault)) => Err(fault),
        }
    }
}

#[async_trait]
impl Consumer for Receiving {
    fn name(&self) -> &'static str {
        "feedback"
    }

    async fn observe(&self, facts: &[Fact]) -> Result<(), Fault> {
        let is_feedback = |it: &&Fact| {
            it.name == "context.event.applied"
                && it.body.get("type").and_then(|it| it.as_str()) == Some(FEEDBACK)
        };
        for fact in facts.iter().filter(is_feedback) {
            self.take(fact).await?;
        }
        Ok(())
    }
}

/// Watches the pointer, so that a release made elsewhere is served here.
#[derive(Debug, Clone)]
pub struct Watching {
    live: LiveArtifacts,
    tenant: TenantId,
}

impl Watching {
    /// Watches what is live for this tenant.
    pub const fn new(live: LiveArtifacts, tenant: TenantId) -> Self {
        Self { live, tenant }
    }
}

#[async_trait]
impl Job for Watching {
    fn name(&self) -> &'static str {
        "rollout.watch"
    }

    async fn run_once(&self, _: usize) -> Result<usize, Fault> {
        self.live.refresh(&self.tenant).await?;
        Ok(0)
    }
}

/// Shows the head of the log to witnesses, whenever it has grown.
#[derive(Debug)]
pub struct Witnessing {
    service: Arc<WitnessingService>,
    tenant: TenantId,
}

#[async_trait]
impl Job for Witnessing {
    fn name(&self) -> &'static str {
        "witnessing"
    }

    async fn run_once(&self, _: usize) -> Result<usize, Fault> {
        let round = self.service.round(&self.tenant).await?;
        if let Some((witness, size)) = round.ahead.first() {
            tracing::error!(%witness, size, "a witness knows a log that this one does not extend");
        }
        if !round.silent.is_empty() {
            return Err(Fault::retry("asking every witness for a cosignature"));
        }
        Ok(0)
    }
}

/// Reads the stored leaves of the log again without end, a block at a time.
#[derive(Debug)]
pub struct Scrubbing {
    app: Arc<App>,
    next: AtomicU64,
}

#[async_trait]
impl Job for Scrubbing {
    fn name(&self) -> &'static str {
        "scrubbing"
    }

    async fn run_once(&self, _: usize) -> Result<usize, Fault> {
        let block = self.next.fetch_add(1, Ordering::Relaxed);
        match self.app.auditing.log.scrub(&self.app.tenant, block).await? {
            Scrubbed::Same => {}
            Scrubbed::End => self.next.store(0, Ordering::Relaxed),
            Scrubbed::Differs { first } => {
                tracing::error!(
                    first,
                    "stored entries are not what was signed: the log is stopped"
                );
            }
        }
        Ok(0)
    }
}

/// What every process does to keep its log honest: it has it witnessed, and reads it again.
pub fn guarding(app: &Arc<App>) -> [Arc<dyn Job>; 2] {
    let (service, tenant) = (app.auditing.witnessing.clone(), app.tenant.clone());
    let scrubbing = Scrubbing { app: app.clone(), next: AtomicU64::new(0) };
    [Arc::new(Witnessing { service, tenant }), Arc::new(scrubbing)]
}
