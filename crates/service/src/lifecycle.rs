//! The life of a process: background jobs under one tracker, readiness, and a clean end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kernel::{FactFeed, Fault};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::relay::Job;

/// How many pieces of work a job does at a time.
pub const JOB_LIMIT: usize = 500;
/// How long an idle job sleeps when nobody nudges it.
const IDLE: Duration = Duration::from_millis(200);
/// How long a job sleeps after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Wakes idle jobs: something was written.
#[derive(Debug, Clone, Default)]
pub struct Nudge {
    waiting: Arc<Notify>,
    writes: Arc<AtomicU64>,
}

impl Nudge {
    /// Wakes every idle job: this process wrote something.
    pub fn wake(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.pass_on();
    }

    /// Wakes every idle job: another process wrote something.
    pub fn pass_on(&self) {
        self.waiting.notify_waiters();
    }

    /// Rises with whatever this process writes.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Until somebody wakes those who wait.
    pub async fn woken(&self) {
        self.waiting.notified().await;
    }
}

/// Runs jobs until cancelled.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    tracker: TaskTracker,
    cancel: CancellationToken,
    nudge: Nudge,
}

impl Lifecycle {
    /// What wakes the jobs.
    pub fn nudge(&self) -> Nudge {
        self.nudge.clone()
    }

    /// Ends when the process is asked to.
    pub fn cancelled(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Runs a job in the background until the end.
    pub fn spawn(&self, job: Arc<dyn Job>) {
        let (cancel, nudge) = (self.cancel.clone(), self.nudge.clone());
        self.tracker.spawn(async move {
            while !cancel.is_cancelled() {
                let pause = match job.run_once(JOB_LIMIT).await {
                    Ok(0) => IDLE,
                    Ok(_) => continue,
                    Err(fault) => {
                        report(job.name(), &fault);
                        AFTER_FAILURE
                    }
                };
                tokio::select! {
                    () = cancel.cancelled() => {}
                    () = nudge.woken() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
            job.end().await;
        });
    }

    /// Asks every job to end and waits until all have.
    pub async fn end(&self) {
        self.cancel.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// Runs jobs in order, again and again, until no fact is left that one of them has not seen.
///
/// What a job sets off for one before it, it tells in a fact; so a round after which every consumer
/// has seen all facts has left nothing to do.
pub async fn settle(jobs: &[Arc<dyn Job>], feed: &dyn FactFeed) -> Result<usize, Fault> {
    let consumers: Vec<_> = jobs.iter().filter_map(|it| it.consumer()).collect();
    let mut total = 0;
    loop {
        for job in jobs {
            loop {
                let done = job.run_once(JOB_LIMIT).await?;
                total += done;
                // A relay that moved less than it may has moved all there was.
                if done == 0 || (job.consumer().is_some() && done < JOB_LIMIT) {
                    break;
                }
            }
        }
        if feed.lag(&consumers).await? == 0 {
            return Ok(total);
        }
    }
}

fn report(job: &str, fault: &Fault) {
    let source = std::error::Error::source(fault).map(ToString::to_string).unwrap_or_default();
    tracing::warn!(job, fault = %fault, %source, "a job failed and will run again");
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use kernel::{Fact, FactId, Instant, SeededEntropy, TenantId, memory::MemoryFeed};

    use super::*;
    use crate::relay::{Consumer, Relay};

    /// Notes what it sees; answers each fact of one name with one of another.
    #[derive(Debug)]
    struct Answering {
        name: &'static str,
        answers: Option<(&'static str, &'static str)>,
        feed: Arc<MemoryFeed>,
        seen: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Consumer for Answering {
        fn name(&self) -> &'static str {
            self.name
        }

        async fn observe(&self, facts: &[Fact]) -> Result<(), Fault> {
            for fact in facts {
                self.seen.lock().unwrap().push(fact.name.clone());
                if let Some((to, with)) = self.answers.filter(|it| it.0 == fact.name) {
                    assert_ne!(to, with);
                    self.feed.push(&[told(with)]);
                }
            }
            Ok(())
        }
    }

    fn told(name: &str) -> Fact {
        let entropy = SeededEntropy::new(1);
        Fact {
            id: FactId::mint(Instant::EPOCH, &entropy),
            tenant: TenantId::new("acme").unwrap(),
            name: name.to_owned(),
            at: Instant::EPOCH,
            subject: None,
            nodes: Vec::new(),
            cause: None,
            trace: None,
            body: serde_json::Value::Null,
        }
    }

    #[tokio::test]
    async fn work_is_settled_when_every_consumer_has_seen_every_fact() {
        let feed = Arc::new(MemoryFeed::default());
        let consumer = |name, answers| {
            let (feed, seen) = (feed.clone(), Mutex::default());
            Arc::new(Answering { name, answers, feed, seen })
        };
        // The second answers the first, which answers the second, which is done.
        let first = consumer("first", Some(("b.done", "c.done")));
        let second = consumer("second", Some(("a.done", "b.done")));
        let jobs: Vec<Arc<dyn Job>> = [&first, &second]
            .map(|it| -> Arc<dyn Job> { Arc::new(Relay::new(feed.clone(), it.clone(), |_, _| {})) })
            .into();
        feed.push(&[told("a.done")]);
        assert_eq!(settle(&jobs, &*feed).await.unwrap(), 6);
        for it in [first, second] {
            assert_eq!(*it.seen.lock().unwrap(), ["a.done", "b.done", "c.done"]);
        }
        assert_eq!(settle(&jobs, &*feed).await.unwrap(), 0);
    }
}
