//! What providers report after they took a message.

use std::sync::Arc;

use kernel::{Clock, DeliveryId, Entropy, FactId, Fault, TenantId};

use crate::{
    fact,
    ports::{Change, DeliveryStore},
    state::{Event, Receipt, State, apply},
};

/// How often a receipt that meets a concurrent move is folded again.
const TRIES_MAX: usize = 5;

/// Folds receipts into deliveries.
#[derive(Debug, Clone)]
pub struct FeedbackService {
    store: Arc<dyn DeliveryStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// What a receipt did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedbackOutcome {
    /// It moved the delivery.
    Moved,
    /// As much or more was known.
    Known,
}

/// Why a receipt was not folded.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackError {
    /// No such delivery of this tenant.
    #[error("no such delivery")]
    Unmatched,
    /// The delivery never left: the report is not about it.
    #[error("the delivery has not been handed off")]
    NotSent,
    /// Its attempt has not ended, which it will by its deadline: the report is wanted again then.
    #[error("the attempt has not ended")]
    InFlight,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl FeedbackService {
    /// The service over this store.
    pub fn new(
        store: Arc<dyn DeliveryStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { store, clock, entropy }
    }

    /// Folds one receipt; in any order, and however often, the same receipts give the same state.
    pub async fn record(
        &self,
        tenant: &TenantId,
        id: DeliveryId,
        receipt: Receipt,
    ) -> Result<FeedbackOutcome, FeedbackError> {
        for _ in 0..TRIES_MAX {
            let trail = self.store.get(tenant, id).await?.ok_or(FeedbackError::Unmatched)?;
            let delivery = trail.delivery;
            if matches!(delivery.state, State::InFlight { .. }) {
                return Err(FeedbackError::InFlight);
            }
            let transition =
                apply(&delivery, Event::Receipt(receipt)).map_err(|_| FeedbackError::NotSent)?;
            if transition.state == delivery.state {
                return Ok(FeedbackOutcome::Known);
            }
            let now = self.clock.now();
            let fact = FactId::mint(now, &*self.entropy);
            let facts = fact::of_move(&delivery, &transition.state, now, fact);
            let change = Change {
                delivery: id,
                expected: transition.expected,
                state: transition.state,
                facts,
            };
            if self.store.append(tenant, vec![change]).await?.first() == Some(&true) {
                return Ok(FeedbackOutcome::Moved);
            }
        }
        Err(Fault::retry("folding a receipt").into())
    }
}
