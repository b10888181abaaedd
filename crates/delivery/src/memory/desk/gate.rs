//! The gate in memory.

use std::{
    future::poll_fn,
    task::{Poll, Waker},
};

use async_trait::async_trait;
use kernel::{Fault, Instant, NodeId, TenantId};

use super::{Desk, MemoryDesk};
use crate::{
    attempt::AttemptId,
    gate::{GateRequest, Judgement, judge_all},
    ports::{Conclusion, Overdue, SendGate, Settled},
    state::State,
};

#[async_trait]
impl SendGate for MemoryDesk {
    async fn pass(&self, now: Instant, requests: &[GateRequest]) -> Result<Vec<Judgement>, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let views = requests.iter().map(|request| it.view(request, now)).collect();
            let judgements = judge_all(self.judge, requests, views, now);
            for (request, judgement) in requests.iter().zip(&judgements) {
                let tenant = &request.delivery.tenant;
                match judgement {
                    Judgement::Passed(grant, change) => {
                        it.open(grant);
                        it.reserve(tenant, request.entry(now));
                        if let Some(delivery) = it.move_to(tenant, change) {
                            delivery.attempts = grant.id().n;
                        }
                        self.feed.push(&change.facts);
                    }
                    Judgement::Stopped(change) => {
                        it.move_to(tenant, change);
                        self.feed.push(&change.facts);
                    }
                    Judgement::Moved | Judgement::Gone => {}
                }
            }
            judgements
        }))
    }

    async fn rehearse(&self, now: Instant, request: &GateRequest) -> Result<Judgement, Fault> {
        self.available()?;
        let mut view = self.locked(|it| it.view(request, now));
        view.version = Some(request.delivery.version);
        Ok((self.judge)(request, &view, now))
    }

    async fn conclude(&self, conclusions: Vec<Conclusion>) -> Result<Vec<bool>, Fault> {
        self.available()?;
        let (ended, waiting) = self.locked(|it| {
            let ended: Vec<bool> = conclusions
                .iter()
                .map(|conclusion| {
                    let ended = it.conclude(conclusion);
                    if ended {
                        self.feed.push(&conclusion.facts);
                    }
                    ended
                })
                .collect();
            (ended, std::mem::take(&mut it.waiting))
        });
        waiting.into_iter().for_each(Waker::wake);
        Ok(ended)
    }

    async fn settle(
        &self,
        tenant: &TenantId,
        nodes: &[NodeId],
        now: Instant,
        until: Instant,
    ) -> Result<Vec<Settled>, Fault> {
        self.available()?;
        let waited: Vec<AttemptId> = self.locked(|it| {
            it.attempts
                .iter()
                .filter(|((of, _), (held, record))| {
                    of == tenant
                        && record.outcome.is_none()
                        && nodes.iter().any(|node| held.contains(node))
                })
                .map(|((_, id), _)| *id)
                .collect()
        });
        let standing = |it: &Desk| -> Vec<Settled> {
            let outcome = |id: &AttemptId| {
                it.attempts
                    .get(&(tenant.clone(), *id))
                    .and_then(|(_, record)| record.outcome.clone())
            };
            waited.iter().map(|id| Settled { attempt: *id, outcome: outcome(id) }).collect()
        };
        Ok(poll_fn(|context| {
            self.locked(|it| {
                let settled = standing(it);
                if now >= until || settled.iter().all(|one| one.outcome.is_some()) {
                    return Poll::Ready(settled);
                }
                it.waiting.push(context.waker().clone());
                Poll::Pending
            })
        })
        .await)
    }

    async fn overdue(&self, now: Instant, limit: usize) -> Result<Vec<Overdue>, Fault> {
        self.available()?;
        Ok(self.locked(|it| {
            let open = it
                .attempts
                .iter()
                .filter(|(_, (_, record))| record.outcome.is_none() && record.deadline <= now);
            open.filter_map(|((tenant, id), _)| {
                let delivery = it.deliveries.get(&(tenant.clone(), id.delivery))?.clone();
                matches!(delivery.state, State::InFlight { .. })
                    .then_some(Overdue { attempt: *id, delivery })
            })
            .take(limit)
            .collect()
        }))
    }
}
