//! One round of sending: prepare, gate, hand off, conclude.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
};

use chrono::TimeDelta;
use kernel::{Clock, Entropy, FactId, Fault, Instant, PersonAt, TenantId};

use super::prepare::{PAUSE, Prepared, Preparer};
use crate::{
    attempt::Attempt,
    contact::EntryState,
    fact,
    gate::{GateRequest, Judgement},
    message::Delivery,
    ports::{
        AttemptOutcome, Change, Conclusion, ContactMove, DeliveryStore, HandOffError, SendGate,
    },
    reason,
    retry::{self, UNKNOWN_HORIZON},
    sender::{Accepted, Capabilities, Destination},
    state::{Event, State, apply},
};

/// Deliveries gated in one transaction.
pub const BATCH_MAX: usize = 32;
/// How often a delivery is prepared anew when what its verdict rests on moved.
pub const REGATE_MAX: usize = 3;
/// The least of its budget a hand-off starts with.
pub const HANDOFF_FLOOR: TimeDelta = TimeDelta::milliseconds(100);

/// Sends what is due.
#[derive(Debug, Clone)]
pub struct DispatchService {
    store: Arc<dyn DeliveryStore>,
    gate: Arc<dyn SendGate>,
    preparer: Preparer,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// An attempt that passed, with what it hands off.
struct Outgoing {
    attempt: Attempt,
    in_flight: Delivery,
    request: GateRequest,
    destination: Destination,
}

impl DispatchService {
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

    /// Settles attempts whose process died, then sends up to this many deliveries that are due.
    /// Says how many moved.
    pub async fn run_once(&self, limit: usize) -> Result<usize, Fault> {
        let mut moved = self.reconcile(limit).await?;
        let due = self.store.due(self.clock.now(), limit).await?;
        let mut due = due.into_iter().peekable();
        while let Some(first) = due.next() {
            let tenant = first.tenant.clone();
            let mut batch = vec![first];
            while batch.len() < BATCH_MAX
                && let Some(next) = due.next_if(|it| it.tenant == tenant)
            {
                batch.push(next);
            }
            moved += self.batch(&tenant, batch).await?;
        }
        Ok(moved)
    }

    /// Attempts open past their deadline ended without a word: what they did is ambiguous.
    async fn reconcile(&self, limit: usize) -> Result<usize, Fault> {
        let now = self.clock.now();
        let overdue = self.gate.overdue(now, limit).await?;
        if overdue.is_empty() {
            return Ok(0);
        }
        let conclusions = overdue
            .into_iter()
            .map(|it| {
                let person = PersonAt {
                    subject: it.delivery.subject,
                    nodes: it.delivery.nodes.clone(),
                    identity: kernel::Epoch::default(),
                };
                let result = Err(HandOffError::Ambiguous { code: reason::LOST });
                self.conclusion(&it.delivery, it.attempt.n, &person, None, result, now)
            })
            .collect();
        Ok(self.gate.conclude(conclusions).await?.into_iter().filter(|it| *it).count())
    }

    async fn batch(&self, tenant: &TenantId, batch: Vec<Delivery>) -> Result<usize, Fault> {
        let now = self.clock.now();
        let (mut changes, mut ready) = (Vec::new(), Vec::new());
        for mut delivery in batch {
            let event = match delivery.state {
                State::Unknown { .. } => Event::Horizon,
                _ if now >= delivery.not_after => Event::Expired,
                _ => {
                    if let Ok(transition) = apply(&delivery, Event::Due) {
                        delivery.state = transition.state;
                        ready.push(delivery);
                    }
                    continue;
                }
            };
            changes.extend(self.stop(&delivery, None, event, now));
        }
        let (outgoing, passed) = self.gate(tenant, ready, &mut changes).await?;
        let mut moved = passed;
        if !changes.is_empty() {
            moved += self.store.append(tenant, changes).await?.into_iter().filter(|it| *it).count();
        }
        self.send(outgoing).await?;
        Ok(moved)
    }

    /// Prepares and gates; what moved meanwhile is prepared anew, and held when it keeps moving.
    async fn gate(
        &self,
        tenant: &TenantId,
        mut ready: Vec<Delivery>,
        changes: &mut Vec<Change>,
    ) -> Result<(Vec<Outgoing>, usize), Fault> {
        let (mut outgoing, mut moved) = (Vec::new(), 0);
        for _ in 0..=REGATE_MAX {
            if ready.is_empty() {
                break;
            }
            let now = self.clock.now();
            let (mut requests, mut destinations) = (Vec::new(), Vec::new());
            for prepared in
                self.preparer.prepare(tenant, std::mem::take(&mut ready), &*self.clock).await
            {
                match prepared {
                    Prepared::Request(request, destination) => {
                        requests.push(*request);
                        destinations.push(destination);
                    }
                    Prepared::Stopped(delivery, person, event) => {
                        changes.extend(self.stop(&delivery, person, event, now));
                    }
                }
            }
            if requests.is_empty() {
                break;
            }
            let judgements = self.gate.pass(self.clock.now(), &requests).await?;
            for ((request, destination), judgement) in
                requests.into_iter().zip(destinations).zip(judgements)
            {
                match judgement {
                    Judgement::Passed(grant, change) => {
                        let attempt = Attempt::committed(*grant);
                        let in_flight = in_flight(&request.delivery, change.state, attempt.id().n);
                        outgoing.push(Outgoing { attempt, in_flight, request, destination });
                        moved += 1;
                    }
                    Judgement::Stopped(_) => moved += 1,
                    Judgement::Moved => ready.push(request.delivery),
                    Judgement::Gone => {}
                }
            }
        }
        let now = self.clock.now();
        for delivery in ready {
            let event = Event::Held { reason: reason::EPOCH_CHANGED, until: now.plus(PAUSE) };
            changes.extend(self.stop(&delivery, None, event, now));
        }
        Ok((outgoing, moved))
    }

    /// Hands off side by side and concludes together, each as of its own end.
    async fn send(&self, outgoing: Vec<Outgoing>) -> Result<(), Fault> {
        if outgoing.is_empty() {
            return Ok(());
        }
        let timed = async |it| (self.hand_off(it).await, self.clock.now());
        let results =
            side_by_side(outgoing.iter().map(|it| Box::pin(timed(it)) as Pin<Box<_>>).collect())
                .await;
        let conclusions = outgoing
            .iter()
            .zip(results)
            .map(|(it, (result, ended_at))| {
                let n = it.attempt.id().n;
                let request = Some(&it.request);
                self.conclusion(&it.in_flight, n, &it.request.person, request, result, ended_at)
            })
            .collect();
        self.gate.conclude(conclusions).await.map(|_| ())
    }

    /// The only place that calls a sender.
    async fn hand_off(&self, outgoing: &Outgoing) -> Result<Accepted, HandOffError> {
        let attempt = &outgoing.attempt;
        if self.clock.now().plus(HANDOFF_FLOOR) >= attempt.deadline() {
            return Err(HandOffError::NotStarted);
        }
        let Some(route) = self.preparer.route(attempt.channel()) else {
            return Err(HandOffError::NotStarted);
        };
        route.sender.hand_off(attempt, &outgoing.request.message, &outgoing.destination).await
    }

    /// What an outcome means for the delivery, its contact and the trail.
    fn conclusion(
        &self,
        in_flight: &Delivery,
        n: u8,
        person: &PersonAt,
        request: Option<&GateRequest>,
        result: Result<Accepted, HandOffError>,
        now: Instant,
    ) -> Conclusion {
        let capabilities = self.preparer.route(in_flight.channel).map(|it| it.capabilities);
        let (event, contact) = self.event(in_flight, n, capabilities, &result, now);
        // A delivery in flight takes each of these events.
        let state = apply(in_flight, event)
            .map_or_else(|_| in_flight.state.clone(), |transition| transition.state);
        let mut facts =
            fact::of_state(in_flight, &state, person, now, FactId::mint(now, &*self.entropy));
        // A withdrawal waits until the deadline at most: what may have left after it, left late.
        let started = !matches!(result, Err(HandOffError::NotStarted));
        if let State::InFlight { deadline } = in_flight.state
            && request.is_some()
            && started
            && now > deadline
        {
            let id = FactId::mint(now, &*self.entropy);
            facts.push(fact::named(in_flight, "delivery.late_handoff", &[], now, id));
        }
        if contact == ContactMove::Commit
            && let Some(request) = request
        {
            let mut entry = request.entry(now);
            entry.state = EntryState::Committed;
            let id = FactId::mint(now, &*self.entropy);
            facts.push(fact::contact(in_flight, &entry, now, id));
        }
        let (outcome, reference) = match result {
            Ok(accepted) => (AttemptOutcome::Accepted, accepted.reference),
            Err(HandOffError::Retryable { code, .. }) => (AttemptOutcome::Retryable(code), None),
            Err(HandOffError::Permanent { code }) => (AttemptOutcome::Permanent(code), None),
            Err(HandOffError::Ambiguous { code }) => (AttemptOutcome::Ambiguous(code), None),
            Err(HandOffError::NotStarted) => (AttemptOutcome::NotStarted, None),
        };
        Conclusion {
            tenant: in_flight.tenant.clone(),
            attempt: crate::attempt::AttemptId { delivery: in_flight.id, n },
            expected: in_flight.version,
            at: now,
            outcome,
            reference,
            state,
            contact,
            facts,
        }
    }

    fn event(
        &self,
        delivery: &Delivery,
        n: u8,
        capabilities: Option<Capabilities>,
        result: &Result<Accepted, HandOffError>,
        now: Instant,
    ) -> (Event, ContactMove) {
        let again = |asked| {
            retry::wait(delivery.channel, delivery.class, n, asked, &*self.entropy)
                .map(|wait| now.plus(wait))
                .filter(|until| *until < delivery.not_after)
        };
        match result {
            Ok(_) => (Event::Accepted, ContactMove::Commit),
            Err(HandOffError::Retryable { code, after }) => match again(*after) {
                Some(until) => (Event::Retry { reason: code.clone(), until }, ContactMove::Keep),
                None => (Event::Failed { reason: reason::EXHAUSTED }, ContactMove::Release),
            },
            Err(HandOffError::Permanent { code }) => {
                (Event::Failed { reason: code.clone() }, ContactMove::Release)
            }
            Err(HandOffError::Ambiguous { code }) => {
                let deduplicates = capabilities.is_some_and(|it| it.deduplicates);
                match deduplicates.then(|| again(None)).flatten() {
                    Some(until) => {
                        (Event::Retry { reason: code.clone(), until }, ContactMove::Keep)
                    }
                    None => {
                        let until = now.plus(UNKNOWN_HORIZON);
                        (Event::Ambiguous { reason: code.clone(), until }, ContactMove::Commit)
                    }
                }
            }
            Err(HandOffError::NotStarted) if n >= retry::ATTEMPTS_MAX => {
                (Event::Failed { reason: reason::EXHAUSTED }, ContactMove::Release)
            }
            Err(HandOffError::NotStarted) => (Event::NotStarted, ContactMove::Release),
        }
    }

    /// A delivery that stops before the gate.
    fn stop(
        &self,
        delivery: &Delivery,
        person: Option<PersonAt>,
        event: Event,
        now: Instant,
    ) -> Option<Change> {
        let until = match &event {
            Event::Held { until, .. } | Event::Wait { until, .. } => Some(*until),
            _ => None,
        };
        let event = match event {
            // Nothing waits past its own end: it comes due then, and expires.
            Event::Held { reason, until } => {
                Event::Held { reason, until: until.min(delivery.not_after) }
            }
            other => other,
        };
        let transition = apply(delivery, event).ok()?;
        let id = FactId::mint(now, &*self.entropy);
        let mut facts = match person {
            Some(person) => fact::of_state(delivery, &transition.state, &person, now, id),
            None => fact::of_move(delivery, &transition.state, now, id),
        };
        fact::add_not_before(&mut facts, until);
        let (expected, state) = (transition.expected, transition.state);
        Some(Change { delivery: delivery.id, expected, state, facts })
    }
}

/// The delivery as the gate left it.
fn in_flight(delivery: &Delivery, state: State, n: u8) -> Delivery {
    Delivery { state, attempts: n, version: delivery.version.saturating_add(1), ..delivery.clone() }
}

/// Runs futures side by side on this task; their outputs keep their order.
pub(crate) async fn side_by_side<T>(
    mut futures: Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>,
) -> Vec<T> {
    let mut outputs: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut pending = false;
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(it) => *output = Some(it),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    outputs.into_iter().flatten().collect()
}
