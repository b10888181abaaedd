//! The queue before a log: whoever waits at its front commits for all, so that no task is needed.
//!
//! One rider leads at a time. A leader commits what waits, hands the lead to the next rider and
//! only then answers the followers: the next batch starts before their answers are rendered.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::{error::AppendError, trail::Published};
use crate::{
    entry::Submission,
    sequence::{BATCH_ENTRIES_MAX, Prepared, QUEUE_ENTRIES_MAX, Settled},
};

/// What a rider wants of the leader.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// The log opened, its head signed.
    Open,
    /// An entry whose keys were not at hand.
    Keyless(Arc<Submission>),
    /// An entry ready to append.
    Sealed(Arc<Prepared>),
}

impl Item {
    fn slot(&self) -> Option<[u8; 20]> {
        match self {
            Self::Open => None,
            Self::Keyless(it) => Some(it.idem.slot()),
            Self::Sealed(it) => Some(it.slot),
        }
    }
}

/// What became of an item, under a head that covers it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) settled: Option<Settled>,
    pub(super) head: Arc<Published>,
}

pub(super) type Answered = Result<Answer, AppendError>;

/// An item and the rider it belongs to.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) item: Item,
    seat: Arc<Seat>,
    place: usize,
}

#[derive(Debug, Default)]
struct Seat(Mutex<SeatState>);

#[derive(Debug, Default)]
struct SeatState {
    answers: Vec<Option<Answered>>,
    n_open: usize,
    is_offered: bool,
    is_gone: bool,
    waker: Option<Waker>,
}

impl Seat {
    fn locked(&self) -> MutexGuard<'_, SeatState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, place: usize, answer: Answered) {
        let mut state = self.locked();
        if let Some(slot @ None) = state.answers.get_mut(place) {
            *slot = Some(answer);
            state.n_open -= 1;
        }
        let waker = if state.n_open == 0 { state.waker.take() } else { None };
        drop(state);
        if let Some(it) = waker {
            it.wake();
        }
    }

    /// Offers the lead; false if nobody sits here any more.
    fn offer(&self) -> bool {
        let mut state = self.locked();
        if state.is_gone {
            return false;
        }
        state.is_offered = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(it) = waker {
            it.wake();
        }
        true
    }
}

/// The queue of one log.
#[derive(Debug, Default)]
pub(super) struct Lane(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    is_led: bool,
}

impl Lane {
    fn locked(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a seat for these items, or refuses all of them.
    pub(super) fn board(&self, items: Vec<Item>) -> Result<Rider<'_>, AppendError> {
        let seat = Arc::new(Seat::default());
        let mut queue = self.locked();
        if queue.waiting.len() + items.len() > QUEUE_ENTRIES_MAX {
            return Err(AppendError::Full);
        }
        {
            let mut state = seat.locked();
            state.n_open = items.len();
            state.answers.resize_with(items.len(), || None);
            state.is_offered = !mem::replace(&mut queue.is_led, true);
        }
        queue.waiting.extend(items.into_iter().enumerate().map(|(place, item)| Waiting {
            item,
            seat: Arc::clone(&seat),
            place,
        }));
        Ok(Rider { lane: self, seat })
    }

    /// Gives the lead to the first rider who still waits; nobody leads if there is none.
    fn pass_on(&self) {
        let mut queue = self.locked();
        if queue.waiting.iter().all(|it| !it.seat.offer()) {
            // All askers are gone, and nothing was promised to them.
            queue.waiting.clear();
            queue.is_led = false;
        }
    }

    /// The next items, each key once: a second one waits until the first is answered.
    fn take(&self) -> Vec<Waiting> {
        let mut queue = self.locked();
        let mut slots = BTreeSet::new();
        let mut taken = Vec::new();
        let mut later = VecDeque::new();
        while taken.len() < BATCH_ENTRIES_MAX
            && let Some(waiting) = queue.waiting.pop_front()
        {
            if waiting.item.slot().is_some_and(|it| !slots.insert(it)) {
                later.push_back(waiting);
            } else {
                taken.push(waiting);
            }
        }
        later.append(&mut queue.waiting);
        queue.waiting = later;
        taken
    }

    fn put_back(&self, taken: Vec<Waiting>) {
        let mut queue = self.locked();
        taken.into_iter().rev().for_each(|it| queue.waiting.push_front(it));
    }
}

/// What a rider does next.
pub(super) enum Turn {
    /// Everything asked is answered.
    Done(Vec<Answered>),
    /// Commit for all.
    Lead,
}

/// Someone waiting in a lane; dropping it gives up the seat, and the lead if it was offered.
pub(super) struct Rider<'a> {
    lane: &'a Lane,
    seat: Arc<Seat>,
}

impl fmt::Debug for Rider<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rider").finish_non_exhaustive()
    }
}

impl Rider<'_> {
    /// Waits until everything is answered or the lead is offered.
    pub(super) async fn turn(&self) -> Turn {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Turn> {
        let mut state = self.seat.locked();
        if state.n_open == 0 {
            let answers = mem::take(&mut state.answers);
            return Poll::Ready(Turn::Done(answers.into_iter().flatten().collect()));
        }
        if mem::take(&mut state.is_offered) {
            return Poll::Ready(Turn::Lead);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// Takes the lead that was offered.
    pub(super) fn lead(&self) -> Lead<'_> {
        Lead { rider: self, taken: Vec::new(), is_leading: true }
    }
}

impl Drop for Rider<'_> {
    fn drop(&mut self) {
        let was_offered = {
            let mut state = self.seat.locked();
            state.is_gone = true;
            mem::take(&mut state.is_offered)
        };
        if was_offered {
            self.lane.pass_on();
        }
    }
}

/// The right to commit; dropped half-way, what was taken goes back and the next rider leads.
#[derive(Debug)]
pub(super) struct Lead<'a> {
    rider: &'a Rider<'a>,
    taken: Vec<Waiting>,
    is_leading: bool,
}

impl Lead<'_> {
    /// Takes the next batch; empty when the leader's own items are answered.
    pub(super) fn take(&mut self) -> &[Waiting] {
        if self.is_leading {
            self.taken = self.rider.lane.take();
        }
        &self.taken
    }

    /// Answers the batch taken, each item in order; the next leader starts first.
    pub(super) fn answer(&mut self, answers: impl IntoIterator<Item = Answered>) {
        let taken = mem::take(&mut self.taken);
        let own = taken.iter().filter(|it| Arc::ptr_eq(&it.seat, &self.rider.seat)).count();
        if self.rider.seat.locked().n_open == own {
            self.is_leading = false;
            self.rider.lane.pass_on();
        }
        for (waiting, answer) in taken.into_iter().zip(answers) {
            waiting.seat.answer(waiting.place, answer);
        }
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if self.is_leading {
            self.rider.lane.put_back(mem::take(&mut self.taken));
            self.rider.seat.locked().is_gone = true;
            self.rider.lane.pass_on();
        }
    }
}
