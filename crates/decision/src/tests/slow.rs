//! A round that takes long: everybody is decided as of their own reading.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::{Clock as _, Fault, Instant, ManualClock, PersonAt, TenantId, Value};
use serde_json::json;

use super::world::{World, at};
use crate::{
    Sources, TriggerService,
    inputs::Verdict,
    memory::MemoryPermission,
    occurrence::ObjectRef,
    ports::{PermissionAsk, PermissionSource},
};

/// A permission whose every answer takes ten seconds.
#[derive(Debug)]
struct Slow {
    inner: Arc<MemoryPermission>,
    clock: Arc<ManualClock>,
    /// How long before each reading the instant it was asked about lay.
    lags: Mutex<Vec<TimeDelta>>,
}

#[async_trait]
impl PermissionSource for Slow {
    async fn verdicts(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        asks: &[PermissionAsk],
        as_of: Instant,
    ) -> Result<Vec<Verdict>, Fault> {
        self.lags.lock().unwrap().push(self.clock.now().since(as_of));
        self.clock.advance(TimeDelta::seconds(10));
        self.inner.verdicts(tenant, person, asks, as_of).await
    }
}

#[tokio::test]
async fn a_slow_round_asks_for_each_permission_as_of_its_own_time() {
    let world = World::at("2026-06-22T10:00:00Z");
    let mut facts = Vec::new();
    for claim in ["K1", "K2", "K3"] {
        let claim = ObjectRef::new("claim", claim);
        world.set(Some(claim.clone()), "claim.reported_at", Value::At(world.now()));
        world.set(Some(claim.clone()), "claim.stage", Value::Text("assessing".into()));
        let fields = ["claim.reported_at"];
        facts.push(world.happens("claim.milestone.v2", &[claim], &fields, json!({})));
    }
    world.triggers.observe(&facts).await.unwrap();
    world.clock.set(at("2026-06-25T12:00:00Z"));
    let slow = Arc::new(Slow {
        inner: world.permission.clone(),
        clock: world.clock.clone(),
        lags: Mutex::default(),
    });
    let triggers = TriggerService::new(Sources {
        releases: world.releases.clone(),
        persons: world.persons.clone(),
        context: world.context.clone(),
        permission: slow.clone(),
        history: world.history.clone(),
        arms: world.arms.clone(),
        journal: world.journal.clone(),
        timetable: world.timetable.clone(),
        clock: world.clock.clone(),
        entropy: world.entropy.clone(),
    });
    assert_eq!(triggers.run_once(10).await.unwrap(), 3);
    assert_eq!(*slow.lags.lock().unwrap(), [TimeDelta::zero(); 3]);
    assert_eq!(world.facts("action.decided").len(), 3);
}
