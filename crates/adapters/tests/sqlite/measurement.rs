//! The suites of `measurement` on SQL, plain and traced.

use std::sync::Arc;

use adapters::{
    sql::measurement::{SqlExposureStore, SqlSignalStore},
    traced::Traced,
};
use kernel::{Class, JourneyNode, Period, TenantId};
use measurement::{
    Direction, ExposureStore, Kpi, NodePlan, PlanSource, SignalStore, UnitSource,
    contract::{EvidenceFixture, SourceFixture},
    memory::MemoryMeasurement,
};

use super::{Fresh, fresh};

struct Fixture<E, S> {
    fresh: Fresh,
    exposures: E,
    signals: S,
}

impl<E: ExposureStore, S: SignalStore> EvidenceFixture for Fixture<E, S> {
    fn exposures(&self) -> &dyn ExposureStore {
        &self.exposures
    }

    fn signals(&self) -> &dyn SignalStore {
        &self.signals
    }
}

async fn plain() -> Fixture<SqlExposureStore, SqlSignalStore> {
    let fresh = fresh().await;
    Fixture {
        exposures: SqlExposureStore::new(Arc::clone(&fresh.database)),
        signals: SqlSignalStore::new(Arc::clone(&fresh.database)),
        fresh,
    }
}

async fn traced() -> Fixture<Traced<SqlExposureStore>, Traced<SqlSignalStore>> {
    let Fixture { fresh, exposures, signals } = plain().await;
    Fixture { fresh, exposures: Traced::new(exposures), signals: Traced::new(signals) }
}

measurement::evidence_suite!(sql, super::plain());
measurement::evidence_suite!(traced_sql, super::traced());

/// The sources are answered by bridges; here only the spans around them are on trial.
struct Sources {
    memory: Traced<MemoryMeasurement>,
    planned: (TenantId, Vec<NodePlan>),
}

impl SourceFixture for Sources {
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

async fn traced_sources() -> Sources {
    let tenant = TenantId::new("acme").unwrap();
    let plan = NodePlan {
        node: JourneyNode::new("renewal.day90").unwrap(),
        class: Class::Marketing,
        holdback_ppm: 10_000,
        kpi: Kpi {
            name: "policy.renewed".to_owned(),
            events: vec!["policy.renewed.v1".to_owned()],
            horizon: Period::days(100),
            direction: Direction::Up,
        },
    };
    let memory = MemoryMeasurement::default();
    memory.set_plans(&tenant, vec![plan.clone()]);
    Sources { memory: Traced::new(memory), planned: (tenant, vec![plan]) }
}

measurement::source_suite!(traced_memory, super::traced_sources());

/// A second process finds what the first one kept.
#[tokio::test]
async fn evidence_outlives_its_writer() {
    let fixture = plain().await;
    let tenant = TenantId::new("acme").unwrap();
    let day = chrono::NaiveDate::from_ymd_opt(2026, 11, 25).unwrap();
    let sighting = measurement::signal::Sighting {
        fact: kernel::FactId::from_uuid(uuid::Uuid::nil()),
        signal: measurement::signal::Signal {
            day,
            kind: measurement::signal::SignalKind::Event,
            node: String::new(),
            state: "admitted".to_owned(),
            reason: String::new(),
        },
        n: 1,
    };
    fixture.signals.add(&tenant, &[sighting]).await.unwrap();
    let again = SqlSignalStore::new(Arc::clone(&fixture.fresh.database));
    assert_eq!(again.read(&tenant).await.unwrap().counts.len(), 1);
}
