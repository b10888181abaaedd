//! Behaviour of measurement.

mod assign;
mod fold;
mod numbers;
mod result;

use kernel::{Class, JourneyNode, Period, TenantId};

use crate::{
    Direction, ExposureStore, Kpi, NodePlan, PlanSource, SignalStore, UnitSource,
    contract::{EvidenceFixture, SourceFixture},
    memory::MemoryMeasurement,
};

struct Fixture {
    memory: MemoryMeasurement,
    planned: (TenantId, Vec<NodePlan>),
}

impl EvidenceFixture for Fixture {
    fn exposures(&self) -> &dyn ExposureStore {
        &self.memory
    }

    fn signals(&self) -> &dyn SignalStore {
        &self.memory
    }
}

impl SourceFixture for Fixture {
    fn plans(&self) -> &dyn PlanSource {
        &self.memory
    }

    fn units(&self) -> &dyn UnitSource {
        &self.memory
    }

    fn planned(&self) -> (TenantId, Vec<NodePlan>) {
        self.planned.clone()
    }
}

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

/// A plan whose measure is met by `policy.renewed.v1` within ten days.
fn plan(node: &str, class: Class, holdback_ppm: u32) -> NodePlan {
    NodePlan {
        node: JourneyNode::new(node).unwrap(),
        class,
        holdback_ppm,
        kpi: Kpi {
            name: "policy.renewed".to_owned(),
            events: vec!["policy.renewed.v1".to_owned()],
            horizon: Period::days(10),
            direction: Direction::Up,
        },
    }
}

async fn memory() -> Fixture {
    let memory = MemoryMeasurement::default();
    let first = plan("claim.status", Class::Obligation, 0);
    let second = plan("renewal.day90", Class::Marketing, 100_000);
    memory.set_plans(&acme(), vec![second.clone(), first.clone()]);
    Fixture { memory, planned: (acme(), vec![first, second]) }
}

crate::evidence_suite!(evidence_laws, super::memory());
crate::source_suite!(source_laws, super::memory());
