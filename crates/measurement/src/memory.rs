//! The reference implementation of measurement's ports, with outages that can be switched on.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use kernel::{DecisionId, Digest, FactId, Fault, SubjectId, TenantId};

use crate::{
    assign::Arm,
    evidence::{Assignment, Batch, Cell, Exposure, Outcome, Tally, TallyAsk, UnitKey},
    plan::{NodePlan, Pseudonym},
    ports::{ExposureStore, PlanSource, SignalStore, UnitSource},
    signal::{Count, Sighting, Signal, Signals},
};

/// Evidence, signals, plans and pseudonyms in memory.
#[derive(Debug, Default)]
pub struct MemoryMeasurement {
    state: Mutex<BTreeMap<TenantId, State>>,
    outage: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    assignments: BTreeMap<FactId, Assignment>,
    exposures: BTreeMap<FactId, Exposure>,
    outcomes: BTreeMap<FactId, Outcome>,
    seen: BTreeSet<FactId>,
    counts: BTreeMap<Signal, u64>,
    plans: Vec<NodePlan>,
}

impl MemoryMeasurement {
    /// Says how a tenant's live nodes are measured.
    pub fn set_plans(&self, tenant: &TenantId, mut plans: Vec<NodePlan>) {
        plans.sort_by(|a, b| a.node.cmp(&b.node));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.entry(tenant.clone()).or_default().plans = plans;
    }

    /// Fails every call until switched off.
    pub fn set_outage(&self, on: bool) {
        self.outage.store(on, Ordering::SeqCst);
    }

    fn locked<T>(&self, tenant: &TenantId, f: impl FnOnce(&mut State) -> T) -> Result<T, Fault> {
        if self.outage.load(Ordering::SeqCst) {
            return Err(Fault::retry("reaching the evidence"));
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(f(state.entry(tenant.clone()).or_default()))
    }
}

#[async_trait]
impl ExposureStore for MemoryMeasurement {
    async fn append(&self, batch: &Batch) -> Result<(), Fault> {
        self.locked(&batch.tenant, |state| {
            for it in &batch.assignments {
                state.assignments.entry(it.fact).or_insert_with(|| it.clone());
            }
            for it in &batch.exposures {
                state.exposures.entry(it.fact).or_insert_with(|| it.clone());
            }
            for it in &batch.outcomes {
                state.outcomes.entry(it.fact).or_insert_with(|| it.clone());
            }
        })
    }

    async fn tally(&self, tenant: &TenantId, ask: &TallyAsk) -> Result<Tally, Fault> {
        self.locked(tenant, |state| state.tally(ask))
    }
}

impl State {
    fn tally(&self, ask: &TallyAsk) -> Tally {
        let mut units = BTreeMap::<UnitKey, Vec<&Assignment>>::new();
        for it in self.assignments.values().filter(|it| it.node == ask.node && it.at <= ask.as_of) {
            units.entry(it.unit).or_default().push(it);
        }
        let exposed: BTreeSet<DecisionId> =
            self.exposures.values().filter(|it| it.at <= ask.as_of).map(|it| it.decision).collect();
        let mut cells = BTreeMap::<(Arm, u32), Cell>::new();
        let mut contaminated = 0;
        for drawn in units.values() {
            let Some(first) = drawn.iter().min_by_key(|it| (it.at, it.fact)) else { continue };
            if drawn.iter().any(|it| it.arm != first.arm) {
                contaminated += 1;
                continue;
            }
            let until = first.at.micros().saturating_add(ask.horizon_micros);
            let converted = self.outcomes.values().any(|it| {
                it.person == first.person
                    && ask.events.contains(&it.event)
                    && it.at <= ask.as_of
                    && (first.at.micros()..=until).contains(&it.at.micros())
            });
            let cell = cells.entry((first.arm, first.propensity_ppm)).or_insert(Cell {
                arm: first.arm,
                propensity_ppm: first.propensity_ppm,
                units: 0,
                exposed: 0,
                converted: 0,
                mature: 0,
            });
            cell.units += 1;
            cell.exposed += u64::from(drawn.iter().any(|it| exposed.contains(&it.decision)));
            cell.converted += u64::from(converted);
            cell.mature += u64::from(until <= ask.as_of.micros());
        }
        Tally { cells: cells.into_values().collect(), contaminated }
    }
}

#[async_trait]
impl SignalStore for MemoryMeasurement {
    async fn add(&self, tenant: &TenantId, sightings: &[Sighting]) -> Result<(), Fault> {
        self.locked(tenant, |state| {
            for it in sightings {
                if state.seen.insert(it.fact) {
                    let at = state.counts.entry(it.signal.clone()).or_default();
                    *at = at.saturating_add(it.n);
                }
            }
        })
    }

    async fn read(&self, tenant: &TenantId) -> Result<Signals, Fault> {
        self.locked(tenant, |state| Signals {
            counts: state
                .counts
                .iter()
                .map(|(signal, n)| Count { signal: signal.clone(), n: *n })
                .collect(),
        })
    }
}

#[async_trait]
impl PlanSource for MemoryMeasurement {
    async fn plans(&self, tenant: &TenantId) -> Result<Vec<NodePlan>, Fault> {
        self.locked(tenant, |it| it.plans.clone())
    }
}

#[async_trait]
impl UnitSource for MemoryMeasurement {
    async fn pseudonyms(
        &self,
        tenant: &TenantId,
        subjects: &[SubjectId],
    ) -> Result<Vec<Pseudonym>, Fault> {
        self.locked(tenant, |_| {
            let pseudonym =
                |it: &SubjectId| *Digest::of(format!("{tenant}/{it}").as_bytes()).as_bytes();
            subjects.iter().map(|it| Pseudonym(pseudonym(it))).collect()
        })
    }
}
