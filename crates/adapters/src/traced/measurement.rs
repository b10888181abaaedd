//! Spans around the ports of `measurement`.

use kernel::{Fault, SubjectId, TenantId};
use measurement::{
    ExposureStore, NodePlan, PlanSource, Pseudonym, SignalStore, Signals, UnitSource,
    evidence::{Batch, Tally, TallyAsk},
    signal::Sighting,
};

use super::traced_port;

traced_port! {
    impl ExposureStore as "measurement.exposure_store" {
        fn append(batch: &Batch) -> Result<(), Fault>;
        fn tally(tenant: &TenantId, ask: &TallyAsk) -> Result<Tally, Fault>;
    }
}

traced_port! {
    impl SignalStore as "measurement.signal_store" {
        fn add(tenant: &TenantId, sightings: &[Sighting]) -> Result<(), Fault>;
        fn read(tenant: &TenantId) -> Result<Signals, Fault>;
    }
}

traced_port! {
    impl PlanSource as "measurement.plan_source" {
        fn plans(tenant: &TenantId) -> Result<Vec<NodePlan>, Fault>;
    }
}

traced_port! {
    impl UnitSource as "measurement.unit_source" {
        fn pseudonyms(tenant: &TenantId, subjects: &[SubjectId]) -> Result<Vec<Pseudonym>, Fault>;
    }
}
