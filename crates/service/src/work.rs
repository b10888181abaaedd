//! Background work: which use case takes note of facts, and which is run again and again.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use kernel::{Fact, Fault, TenantId};

use crate::{
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
    /// Due occurrences are decided.
    Firing, decision::TriggerService, "decision.trigger"
);
job!(
    /// Due deliveries pass the gate and are handed off.
    Dispatching, delivery::service::DispatchService, "delivery.dispatch"
);

/// Message feedback becomes receipts of deliveries and, where it says no, restrictions.
#[async_trait]
pub trait Feedback: fmt::Debug + Send + Sync + 'static {
    /// Takes note of applied events that are feedback.
    async fn take(&self, facts: &[Fact]) -> Result<(), Fault>;
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
