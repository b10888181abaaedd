//! Every limit, at it and one past it; and a log that keeps moving.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use kernel::{Cursor, Epoch, Fault, Limit, NodeId, Page, SeededEntropy, TenantId};
use uuid::Uuid;

use super::{
    house::{House, by, renewals},
    world::{NOW, grant, node, tenant, under, uuid, withdrawn},
};
use crate::{
    ConsentEvent, EventKind, Jurisdiction, Label, NodeLog,
    event::ANSWERS_MAX,
    label::{JURISDICTION_BYTES_MAX, LABEL_BYTES_MAX},
    memory::MemoryLedger,
    ports::{AppendError, Ledger, Transition},
    service::{ConsentService, EVENTS_PER_NODE_MAX, RecordOutcome, RestrainError},
};

#[test]
fn labels_and_jurisdictions_are_short_and_plain() {
    assert!(Label::new(&"a".repeat(LABEL_BYTES_MAX)).is_ok());
    assert!(Label::new(&"a".repeat(LABEL_BYTES_MAX + 1)).is_err());
    assert!(Label::new("").is_err() && Label::new("é").is_err() && Label::new("a\n").is_err());
    assert!(Jurisdiction::new(&"A".repeat(JURISDICTION_BYTES_MAX)).is_ok());
    assert!(Jurisdiction::new(&"A".repeat(JURISDICTION_BYTES_MAX + 1)).is_err());
    assert!(Jurisdiction::new("E").is_err() && Jurisdiction::new("eu").is_err());
    assert_eq!(Jurisdiction::new("US-CA").unwrap().to_string(), "US-CA");
}

#[tokio::test]
async fn a_grant_answers_so_many_events_and_not_one_more() {
    let house = House::new();
    let answering = |id, n: usize| {
        let mut it = house.said(id, node(1), EventKind::Given(grant()));
        it.answers = vec![uuid(9); n];
        it
    };
    let outcomes =
        house.record(vec![answering(11, ANSWERS_MAX), answering(12, ANSWERS_MAX + 1)]).await;
    assert!(matches!(outcomes[0], RecordOutcome::Recorded(_)), "{outcomes:?}");
    assert!(matches!(outcomes[1], RecordOutcome::Refused(_)), "{outcomes:?}");
}

#[tokio::test]
async fn a_full_log_takes_no_more_grants_but_every_restriction() {
    let house = House::new();
    let said = house.said(100_000, node(1), EventKind::Given(grant()));
    let first = ConsentEvent::seal(&tenant(), 1, NOW, said, None, None).unwrap();
    // Sealing ten thousand events is slow and proves nothing here: only their number counts.
    let events = (1..EVENTS_PER_NODE_MAX)
        .map(|seq| {
            let mut event = ConsentEvent { seq, ..first.clone() };
            event.said.id = uuid(100_000 + u128::from(seq));
            event
        })
        .collect();
    let batch = Transition { expected: Vec::new(), events, facts: Vec::new() };
    house.ledger.append(&tenant(), batch).await.unwrap();
    let last = house.said(11, node(1), EventKind::Given(grant()));
    let more = house.said(12, node(1), EventKind::Given(grant()));
    let no = house.said(13, node(1), withdrawn(under("marketing")));
    let outcomes = house.record(vec![last, more, no]).await;
    assert!(matches!(outcomes[0], RecordOutcome::Recorded(_)), "{:?}", outcomes[0]);
    assert_eq!(outcomes[1], RecordOutcome::Refused(crate::reason::RQ_TOO_MANY));
    assert!(matches!(outcomes[2], RecordOutcome::Recorded(_)), "{:?}", outcomes[2]);
}

/// A ledger that moves under the writer so many times.
#[derive(Debug)]
struct Contended {
    inner: Arc<MemoryLedger>,
    conflicts: AtomicU32,
}

#[async_trait]
impl Ledger for Contended {
    async fn append(&self, tenant: &TenantId, transition: Transition) -> Result<(), AppendError> {
        let left =
            self.conflicts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |it| it.checked_sub(1));
        match left {
            Ok(_) => Err(AppendError::Conflict),
            Err(_) => self.inner.append(tenant, transition).await,
        }
    }

    async fn logs(&self, tenant: &TenantId, nodes: &[NodeId]) -> Result<Vec<NodeLog>, Fault> {
        self.inner.logs(tenant, nodes).await
    }

    async fn find(&self, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<ConsentEvent>, Fault> {
        self.inner.find(tenant, ids).await
    }

    async fn page(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        after: Option<&Cursor>,
        limit: Limit,
    ) -> Result<Page<ConsentEvent>, Fault> {
        self.inner.page(tenant, nodes, after, limit).await
    }
}

#[tokio::test]
async fn a_conflict_is_retried_and_never_drops_a_withdrawal() {
    for (conflicts, kept) in [(31, true), (32, false)] {
        let house = House::new();
        let ledger = Contended { inner: house.ledger.clone(), conflicts: conflicts.into() };
        let consent = ConsentService::new(
            Arc::new(ledger),
            house.in_flight.clone(),
            house.registry.clone(),
            house.clock.clone(),
            Arc::new(SeededEntropy::new(4)),
        );
        let answer = consent.withdraw(&tenant(), &house.person, &renewals(), &by(), uuid(50)).await;
        match answer {
            Ok(it) => assert!(kept && it.epoch == Epoch(3)),
            Err(it) => assert!(!kept && matches!(it, RestrainError::Fault(_))),
        }
        assert_eq!(house.log(1).await.len(), usize::from(kept), "kept or not, never halfway");
    }
}
