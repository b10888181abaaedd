//! One process at a time: what several workers could do alike is done by whoever holds its lease.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::{Fault, LeaseBook, Taken};
use tokio::time::Instant;
use uuid::Uuid;

use crate::relay::Job;

/// For how long a worker has a job to itself; so long after its death nobody does it.
pub const LEASE: Duration = Duration::from_secs(4);

/// What a process knows of a lease, by its own clock and from before it asked.
#[derive(Debug, Clone, Copy)]
enum Known {
    /// Nothing: it asks.
    Nothing,
    /// It has it until then.
    Mine(Instant),
    /// Another has it until then at least.
    Others(Instant),
}

/// A job that one process does at a time; the others look after it now and then, and one of them
/// does it when its holder is gone.
///
/// The lease saves work and contention, no more: a run that lasts longer than it may overlap with
/// another's. What the job writes is fenced where it is written.
pub struct Leased {
    job: Arc<dyn Job>,
    book: Arc<dyn LeaseBook>,
    holder: Uuid,
    known: Mutex<Known>,
}

impl fmt::Debug for Leased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leased({})", self.job.name())
    }
}

impl Leased {
    /// The job, done by this process while it holds the lease of the job's name.
    pub fn new(job: Arc<dyn Job>, book: Arc<dyn LeaseBook>, holder: Uuid) -> Self {
        Self { job, book, holder, known: Mutex::new(Known::Nothing) }
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, known: Known) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Whether the job is this process's to do: asked while less than half of the lease is left.
    async fn is_mine(&self, now: Instant) -> Result<bool, Fault> {
        let known = self.known();
        match known {
            Known::Mine(until) if now + LEASE / 2 < until => return Ok(true),
            Known::Others(until) if now < until => return Ok(false),
            _ => {}
        }
        let lasts = TimeDelta::from_std(LEASE).unwrap_or(TimeDelta::MAX);
        match self.book.take(self.job.name(), self.holder, lasts).await? {
            Taken::Mine => {
                if !matches!(known, Known::Mine(_)) {
                    tracing::info!(job = self.job.name(), "a job is done by this process now");
                }
                self.learn(Known::Mine(now + LEASE));
                Ok(true)
            }
            Taken::Others(left) => {
                self.learn(Known::Others(now + left.to_std().unwrap_or(LEASE).min(LEASE)));
                Ok(false)
            }
        }
    }
}

#[async_trait]
impl Job for Leased {
    fn name(&self) -> &'static str {
        self.job.name()
    }

    fn consumer(&self) -> Option<&'static str> {
        self.job.consumer()
    }

    async fn run_once(&self, limit: usize) -> Result<usize, Fault> {
        if self.is_mine(Instant::now()).await? { self.job.run_once(limit).await } else { Ok(0) }
    }

    async fn end(&self) {
        self.job.end().await;
        if !matches!(self.known(), Known::Mine(_)) {
            return;
        }
        self.learn(Known::Nothing);
        if let Err(fault) = self.book.give_back(self.job.name(), self.holder).await {
            tracing::debug!(job = self.job.name(), %fault, "a lease is left to run out");
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Instant as Moment, ManualClock, memory::MemoryLeases};

    use super::*;

    #[derive(Debug)]
    struct Endless;

    #[async_trait]
    impl Job for Endless {
        fn name(&self) -> &'static str {
            "endless"
        }

        fn consumer(&self) -> Option<&'static str> {
            Some("endless")
        }

        async fn run_once(&self, limit: usize) -> Result<usize, Fault> {
            Ok(limit)
        }
    }

    /// Two workers, with one clock for their book and one for themselves.
    struct Workers {
        clock: Arc<ManualClock>,
        now: Instant,
        leased: [Leased; 2],
    }

    fn workers() -> Workers {
        let clock = Arc::new(ManualClock::at(Moment::EPOCH));
        let book = Arc::new(MemoryLeases::new(clock.clone()));
        let leased =
            [1, 2].map(|n| Leased::new(Arc::new(Endless), book.clone(), Uuid::from_u128(n)));
        Workers { clock, now: Instant::now(), leased }
    }

    impl Workers {
        async fn is_of(&self, worker: usize) -> bool {
            self.leased[worker].is_mine(self.now).await.unwrap()
        }

        fn pass(&mut self, time: Duration) {
            self.clock.advance(TimeDelta::from_std(time).unwrap());
            self.now += time;
        }
    }

    #[tokio::test]
    async fn a_job_that_another_worker_has_is_left_alone() {
        let workers = workers();
        let [first, second] = &workers.leased;
        assert_eq!(first.run_once(7).await.unwrap(), 7);
        assert_eq!(second.run_once(7).await.unwrap(), 0);
        assert_eq!((first.name(), first.consumer()), ("endless", Some("endless")));
    }

    #[tokio::test]
    async fn a_job_is_done_by_the_worker_that_took_it_for_as_long_as_it_lives() {
        let mut workers = workers();
        for _ in 0..12 {
            assert!(workers.is_of(0).await && !workers.is_of(1).await);
            workers.pass(LEASE / 3);
        }
    }

    #[tokio::test]
    async fn a_job_whose_worker_died_is_done_by_another_once_its_lease_is_over() {
        let mut workers = workers();
        assert!(workers.is_of(0).await && !workers.is_of(1).await);
        workers.pass(LEASE.saturating_sub(Duration::from_millis(1)));
        assert!(!workers.is_of(1).await);
        workers.pass(Duration::from_millis(1));
        assert!(workers.is_of(1).await);
        assert!(!workers.is_of(0).await, "whoever comes back has lost it");
    }

    #[tokio::test]
    async fn a_worker_that_ends_leaves_its_jobs_to_the_others_at_once() {
        let workers = workers();
        assert!(workers.is_of(0).await);
        workers.leased[0].end().await;
        assert!(workers.is_of(1).await);
    }
}
