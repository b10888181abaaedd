//! What a process knows of the layer's charter and servers, and for how long it may go by it.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::server::Session;
use crate::sql::activation::{Charter, Phase};

/// The charter, within its lease.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) charter: Charter,
    /// When this process first knew it: its amendment was committed before.
    pub(super) since: Instant,
    /// The connections, if they are to the servers the charter names.
    pub(super) session: Option<Arc<Session>>,
}

/// Leave to serve, at this moment.
#[derive(Debug, Clone)]
pub(super) struct Serving {
    pub(super) epoch: u64,
    pub(super) session: Arc<Session>,
}

#[derive(Debug)]
struct Known {
    charter: Charter,
    since: Instant,
    until: Instant,
}

/// Everything a process knows.
#[derive(Debug, Default)]
pub(super) struct State {
    known: Option<Known>,
    session: Option<(Arc<Session>, Instant)>,
}

/// The order in which charters follow one another.
fn order(charter: &Charter) -> (u64, bool) {
    (charter.epoch, charter.phase == Phase::Open)
}

impl State {
    /// Takes note of a charter whose reading began then; one that was overtaken is let go.
    pub(super) fn learn(&mut self, charter: Charter, began: Instant, lease: Duration) {
        let until = began + lease;
        match &mut self.known {
            Some(known) if order(&known.charter) > order(&charter) => {}
            Some(known) if order(&known.charter) == order(&charter) => {
                known.until = known.until.max(until);
            }
            _ => self.known = Some(Known { charter, since: Instant::now(), until }),
        }
    }

    /// These connections were found sound by a probe that began then.
    pub(super) fn vouch(&mut self, session: Arc<Session>, began: Instant, lease: Duration) {
        self.session = Some((session, began + lease));
    }

    /// These connections are gone.
    pub(super) fn lose(&mut self, lost: &Arc<Session>) {
        self.session.take_if(|(it, _)| Arc::ptr_eq(it, lost));
    }

    /// The connections there are.
    pub(super) fn session(&self) -> Option<Arc<Session>> {
        self.session.as_ref().map(|(it, _)| Arc::clone(it))
    }

    /// The charter, unless its lease has run out.
    pub(super) fn held(&self, now: Instant) -> Option<Held> {
        let known = self.known.as_ref().filter(|it| now < it.until)?;
        let session = self.session().filter(|it| it.identity() == known.charter.servers);
        Some(Held { charter: known.charter.clone(), since: known.since, session })
    }

    /// Leave to serve: an open charter and the servers it names, both within their leases.
    pub(super) fn serving(&self, now: Instant) -> Option<Serving> {
        let known = self.known.as_ref()?;
        let (session, until) = self.session.as_ref()?;
        let is_open = known.charter.phase == Phase::Open && now < known.until && now < *until;
        (is_open && session.identity() == known.charter.servers)
            .then(|| Serving { epoch: known.charter.epoch, session: Arc::clone(session) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(1);

    fn charter(epoch: u64, phase: Phase) -> Charter {
        Charter { epoch, phase, servers: String::new() }
    }

    #[test]
    fn a_charter_is_held_for_a_lease_from_before_it_was_read() {
        let (mut state, began) = (State::default(), Instant::now());
        state.learn(charter(1, Phase::Shut), began, LEASE);
        assert!(state.held(began + LEASE - Duration::from_nanos(1)).is_some());
        assert!(state.held(began + LEASE).is_none());
    }

    #[test]
    fn an_overtaken_reading_changes_nothing() {
        let (mut state, began) = (State::default(), Instant::now());
        state.learn(charter(2, Phase::Open), began, LEASE);
        for late in [charter(1, Phase::Shut), charter(2, Phase::Opening)] {
            state.learn(late, began + LEASE, LEASE);
        }
        assert!(state.held(began + LEASE).is_none());
        state.learn(charter(3, Phase::Shut), began, LEASE);
        assert_eq!(state.held(began).unwrap().charter.epoch, 3);
    }

    #[test]
    fn nobody_serves_without_servers() {
        let (mut state, began) = (State::default(), Instant::now());
        state.learn(charter(2, Phase::Open), began, LEASE);
        assert!(state.serving(began).is_none());
    }
}
