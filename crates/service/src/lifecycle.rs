//! The life of a process: background jobs under one tracker, readiness, and a clean end.

use std::{sync::Arc, time::Duration};

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
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// Wakes every idle job.
    pub fn wake(&self) {
        self.0.notify_waiters();
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
                    () = nudge.0.notified() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
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
