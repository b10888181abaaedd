//! From decided actions to deliveries, and from ghosts to what would have been.

use std::sync::Arc;

use kernel::{Clock, DeliveryId, Digest, Entropy, Fact, FactId, Fault, Instant};

use super::prepare::{Prepared, Preparer};
use crate::{
    fact,
    gate::Judgement,
    message::Delivery,
    plan::plan,
    ports::{DeliveryStore, Planned, SendGate},
    reason,
    state::{State, apply},
};

/// Plans what decisions hand over.
#[derive(Debug, Clone)]
pub struct PlanService {
    store: Arc<dyn DeliveryStore>,
    gate: Arc<dyn SendGate>,
    preparer: Preparer,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl PlanService {
    /// The service over these ports.
    pub fn new(
        store: Arc<dyn DeliveryStore>,
        gate: Arc<dyn SendGate>,
        preparer: Preparer,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { store, gate, preparer, clock, entropy }
    }

    /// Plans every `action.decided` and rehearses every `action.ghost`, in one transaction; facts
    /// of other names pass by. A fact seen before changes nothing.
    pub async fn observe(&self, facts: &[Fact]) -> Result<(), Fault> {
        let now = self.clock.now();
        let (mut planned, mut notes) = (Vec::new(), Vec::new());
        for source in facts {
            let ghost = match source.name.as_str() {
                "action.decided" => false,
                "action.ghost" => true,
                _ => continue,
            };
            let id = DeliveryId::mint(now, &*self.entropy);
            match plan(source, id, now) {
                Err(_) => notes.push(unreadable(source, now)),
                Ok(delivery) if ghost => notes.push(self.rehearse(delivery, now).await?),
                Ok(delivery) => {
                    let id = FactId::mint(now, &*self.entropy);
                    let facts = vec![fact::named(&delivery, "delivery.planned", &[], now, id)];
                    planned.push(Planned { delivery, facts });
                }
            }
        }
        if planned.is_empty() && notes.is_empty() {
            return Ok(());
        }
        self.store.plan(planned, notes).await.map(|_| ())
    }

    /// What would have become of a delivery that was held out: prepared and judged, never kept.
    async fn rehearse(&self, mut delivery: Delivery, now: Instant) -> Result<Fact, Fault> {
        let id = derived(delivery.cause, "ghosted");
        let tenant = delivery.tenant.clone();
        delivery.state = State::Ready;
        let prepared = self.preparer.prepare(&tenant, vec![delivery.clone()], &*self.clock).await;
        let state = match prepared.into_iter().next() {
            Some(Prepared::Request(request, _)) => match self.gate.rehearse(now, &request).await? {
                Judgement::Passed(_, change) | Judgement::Stopped(change) => change.state,
                Judgement::Moved | Judgement::Gone => {
                    State::Held { reason: reason::EPOCH_CHANGED, until: now }
                }
            },
            Some(Prepared::Stopped(delivery, _, event)) => {
                apply(&delivery, event).map_or(State::Expired, |it| it.state)
            }
            None => State::Expired,
        };
        let outcome = if matches!(state, State::InFlight { .. }) { "sent" } else { state.name() };
        Ok(fact::ghosted(&delivery, outcome, state.reasons(), now, id))
    }
}

/// An action nobody can read is not sent, and says so.
fn unreadable(source: &Fact, now: Instant) -> Fact {
    Fact {
        id: derived(source.id, "unreadable"),
        name: "delivery.failed".to_owned(),
        at: now,
        cause: Some(source.id),
        body: serde_json::json!({ "reasons": [reason::MALFORMED] }),
        ..source.clone()
    }
}

/// The id of the one fact that follows from another: the same each time it is made.
fn derived(cause: FactId, what: &str) -> FactId {
    let digest = Digest::of(format!("{cause}/{what}").as_bytes());
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    FactId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}
