//! Hints between processes: what one writes wakes the others' idle jobs.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kernel::{Fault, HintBus, Mark};

use crate::{lifecycle::Nudge, relay::Job};

/// The least time between two hints of one process: under load, one tells of many writes.
pub const PACE: Duration = Duration::from_millis(20);

/// Tells the other processes when this one has written something; due in every role.
pub struct Telling {
    bus: Arc<dyn HintBus>,
    nudge: Nudge,
    told: AtomicU64,
}

impl fmt::Debug for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telling")
    }
}

impl Telling {
    /// Tells over this bus of what wakes this process's jobs.
    pub fn new(bus: Arc<dyn HintBus>, nudge: Nudge) -> Self {
        Self { bus, nudge, told: AtomicU64::new(0) }
    }

    /// Tells, if anything was written since it last did; whether it did.
    async fn tell(&self) -> Result<bool, Fault> {
        // Read before it is told: what is written meanwhile is told of next time.
        let writes = self.nudge.writes();
        if writes == self.told.load(Ordering::Relaxed) {
            return Ok(false);
        }
        self.bus.tell().await?;
        self.told.store(writes, Ordering::Relaxed);
        Ok(true)
    }
}

#[async_trait]
impl Job for Telling {
    fn name(&self) -> &'static str {
        "hints.tell"
    }

    async fn run_once(&self, _: usize) -> Result<usize, Fault> {
        let told = self.tell().await?;
        if told {
            tokio::time::sleep(PACE).await;
        }
        Ok(usize::from(told))
    }
}

/// Wakes this process's jobs when another has written something; due where there are such jobs.
pub struct Hearing {
    bus: Arc<dyn HintBus>,
    nudge: Nudge,
    mark: Mutex<Option<Mark>>,
}

impl fmt::Debug for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hearing")
    }
}

impl Hearing {
    /// Listens to this bus.
    pub const fn new(bus: Arc<dyn HintBus>, nudge: Nudge) -> Self {
        Self { bus, nudge, mark: Mutex::new(None) }
    }

    fn go_on_from(&self, mark: Option<Mark>) {
        *self.mark.lock().unwrap_or_else(PoisonError::into_inner) = mark;
    }

    /// Listens once, for as long as the bus waits.
    async fn hear(&self) -> Result<(), Fault> {
        let mark = self.mark.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(mark) = mark else {
            self.go_on_from(Some(self.bus.mark().await?));
            // What was told before is not heard: whoever waits looks now.
            self.nudge.pass_on();
            return Ok(());
        };
        match self.bus.hear(&mark).await {
            Ok(Some(heard)) => {
                self.go_on_from(Some(heard));
                self.nudge.pass_on();
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(fault) => {
                self.go_on_from(None);
                Err(fault)
            }
        }
    }
}

#[async_trait]
impl Job for Hearing {
    fn name(&self) -> &'static str {
        "hints.hear"
    }

    /// There is always more to hear, and hearing is what waits.
    async fn run_once(&self, _: usize) -> Result<usize, Fault> {
        self.hear().await.map(|()| 1)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin, task::Poll};

    use kernel::memory::MemoryHints;

    use super::*;

    /// Whether jobs that wait are woken by what is done meanwhile.
    async fn wakes(nudge: &Nudge, doing: impl Future<Output = ()>) -> bool {
        let mut woken = pin!(nudge.woken());
        let waits = poll_fn(|context| Poll::Ready(woken.as_mut().poll(context).is_pending()));
        assert!(waits.await);
        doing.await;
        poll_fn(|context| Poll::Ready(woken.as_mut().poll(context).is_ready())).await
    }

    struct Processes {
        telling: Telling,
        hearing: Hearing,
    }

    fn processes() -> Processes {
        let bus = Arc::new(MemoryHints::default());
        Processes {
            telling: Telling::new(bus.clone(), Nudge::default()),
            hearing: Hearing::new(bus, Nudge::default()),
        }
    }

    #[tokio::test]
    async fn what_one_process_writes_wakes_the_jobs_of_another() {
        let Processes { telling, hearing } = processes();
        hearing.hear().await.unwrap();
        assert!(!wakes(&hearing.nudge, async { hearing.hear().await.unwrap() }).await);
        for _ in 0..3 {
            telling.nudge.wake();
        }
        assert!(telling.tell().await.unwrap());
        assert!(!telling.tell().await.unwrap(), "one tells of all three");
        assert!(wakes(&hearing.nudge, async { hearing.hear().await.unwrap() }).await);
        assert!(!wakes(&hearing.nudge, async { hearing.hear().await.unwrap() }).await);
    }

    #[tokio::test]
    async fn what_was_heard_is_not_told_again() {
        let Processes { telling, .. } = processes();
        telling.nudge.pass_on();
        assert!(!telling.tell().await.unwrap());
    }

    #[tokio::test]
    async fn a_process_that_begins_to_listen_looks_once() {
        let Processes { telling, hearing } = processes();
        telling.nudge.wake();
        telling.tell().await.unwrap();
        assert!(wakes(&hearing.nudge, async { hearing.hear().await.unwrap() }).await);
    }
}
