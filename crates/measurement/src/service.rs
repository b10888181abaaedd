//! Folding facts into evidence, and reading results from it.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{Clock, Fact, Fault, TenantId};

use crate::{
    evidence::{Batch, TallyAsk},
    fold,
    ports::{ExposureStore, PlanSource, SignalStore, UnitSource},
    result::{NodeResult, evaluate},
    signal::Signals,
};

/// The most facts folded in one transaction.
pub const FACTS_MAX: usize = 1_000;

/// Turns facts into draws, exposures, outcomes and signals.
#[derive(Debug)]
pub struct FoldService {
    exposures: Arc<dyn ExposureStore>,
    signals: Arc<dyn SignalStore>,
    plans: Arc<dyn PlanSource>,
    units: Arc<dyn UnitSource>,
}

impl FoldService {
    /// A fold into these stores.
    pub fn new(
        exposures: Arc<dyn ExposureStore>,
        signals: Arc<dyn SignalStore>,
        plans: Arc<dyn PlanSource>,
        units: Arc<dyn UnitSource>,
    ) -> Self {
        Self { exposures, signals, plans, units }
    }

    /// Takes facts in, whatever their order and however often they come.
    pub async fn observe(&self, facts: &[Fact]) -> Result<(), Fault> {
        for chunk in facts.chunks(FACTS_MAX) {
            let mut by_tenant = BTreeMap::<&TenantId, Vec<&Fact>>::new();
            for fact in chunk {
                by_tenant.entry(&fact.tenant).or_default().push(fact);
            }
            for (tenant, facts) in by_tenant {
                self.fold(tenant, &facts).await?;
            }
        }
        Ok(())
    }

    async fn fold(&self, tenant: &TenantId, facts: &[&Fact]) -> Result<(), Fault> {
        let plans = self.plans.plans(tenant).await?;
        let counted = fold::counted(&plans);
        let subjects = fold::subjects(facts, &counted);
        let people = if subjects.is_empty() {
            BTreeMap::new()
        } else {
            let pseudonyms = self.units.pseudonyms(tenant, &subjects).await?;
            if pseudonyms.len() != subjects.len() {
                return Err(Fault::escalate("naming units by pseudonym"));
            }
            subjects.into_iter().zip(pseudonyms).collect()
        };
        let mut batch = Batch::empty(tenant.clone());
        fold::rows(facts, &counted, &people, &mut batch);
        if !batch.is_empty() {
            self.exposures.append(&batch).await?;
        }
        let sightings = fold::sightings(facts);
        if !sightings.is_empty() {
            self.signals.add(tenant, &sightings).await?;
        }
        Ok(())
    }
}

/// Reads what nodes achieved and how the platform is doing.
#[derive(Debug)]
pub struct ResultService {
    exposures: Arc<dyn ExposureStore>,
    signals: Arc<dyn SignalStore>,
    plans: Arc<dyn PlanSource>,
    clock: Arc<dyn Clock>,
}

impl ResultService {
    /// Results from these stores.
    pub fn new(
        exposures: Arc<dyn ExposureStore>,
        signals: Arc<dyn SignalStore>,
        plans: Arc<dyn PlanSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { exposures, signals, plans, clock }
    }

    /// What each live node achieved so far, ascending by node.
    pub async fn node_results(&self, tenant: &TenantId) -> Result<Vec<NodeResult>, Fault> {
        let as_of = self.clock.now();
        let plans = self.plans.plans(tenant).await?;
        let mut out = Vec::with_capacity(plans.len());
        for plan in &plans {
            let ask = TallyAsk {
                node: plan.node.clone(),
                events: plan.kpi.events.clone(),
                horizon_micros: plan.kpi.horizon.span().num_microseconds().unwrap_or(i64::MAX),
                as_of,
            };
            out.push(evaluate(plan, &self.exposures.tally(tenant, &ask).await?));
        }
        Ok(out)
    }

    /// The golden signals.
    pub async fn signals(&self, tenant: &TenantId) -> Result<Signals, Fault> {
        self.signals.read(tenant).await
    }
}
