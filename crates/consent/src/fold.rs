//! The log becomes a state: deterministic, idempotent, insensitive to the order of arrival.
//!
//! Restrictive events are met over every node of the person; permissive ones are evidence that
//! travels over hard links only, and each must have answered what it would lift.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use kernel::{CanonicalError, Epoch, Instant, NodeId, PersonAt};

use crate::{
    ConsentEvent, NodeLog, Snapshot, State,
    ports::{Link, Member},
    snapshot::Contact,
};

mod permission;
mod setting;
mod statement;

/// How far clocks may differ: a permission must be later than a refusal by more than this.
pub const SKEW: TimeDelta = TimeDelta::seconds(5);

/// How long a grant waits to be confirmed, where its purpose wants that.
pub const DOI_TTL: TimeDelta = TimeDelta::days(7);

/// Folds the logs of a person's nodes into a snapshot read at an instant.
pub fn fold(
    person: &PersonAt,
    members: &[Member],
    logs: &[NodeLog],
    read_at: Instant,
) -> Result<Snapshot, CanonicalError> {
    let epoch = logs.iter().fold(0_u64, |sum, it| sum.saturating_add(it.epoch.0));
    let state = state(person, members, logs);
    Snapshot::seal(person.subject, person.identity, Epoch(epoch), read_at, state)
}

/// The state alone.
pub fn state(person: &PersonAt, members: &[Member], logs: &[NodeLog]) -> State {
    let acts = Acts::of(members, logs);
    let mut state = State {
        nodes: count(person.nodes.len()),
        broken: count(logs.iter().filter(|it| !it.is_whole()).count() + absent(person, logs)),
        contacts: contacts(members),
        ..State::default()
    };
    permission::fold(&acts, &mut state);
    setting::fold(&acts, &mut state);
    statement::fold(&acts, &mut state);
    state
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// How many of the person's nodes nobody read a log for.
fn absent(person: &PersonAt, logs: &[NodeLog]) -> usize {
    person.nodes.iter().filter(|node| !logs.iter().any(|it| it.node == **node)).count()
}

fn contacts(members: &[Member]) -> Vec<Contact> {
    let mut all: Vec<_> = members
        .iter()
        .flat_map(|member| {
            member.contacts.iter().map(|it| Contact {
                channel: it.channel,
                node: member.node,
                verified: it.verified,
            })
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// One event with how surely its node belongs to the person.
#[derive(Debug, Clone, Copy)]
struct Act<'a> {
    event: &'a ConsentEvent,
    hard: bool,
}

impl Act<'_> {
    fn node(&self) -> NodeId {
        self.event.said.node
    }

    fn at(&self) -> Instant {
        self.event.effective()
    }

    /// Whether this permissive act lifts the restrictive one: it names it, or it was said at the
    /// same node, later by more than the clocks may differ.
    fn lifts(&self, restriction: &Self) -> bool {
        let named = self.hard && self.event.said.answers.contains(&restriction.event.said.id);
        named || (self.node() == restriction.node() && self.at() > restriction.at().plus(SKEW))
    }
}

/// Every event of the person once: by effective time, permissive before restrictive, by id.
#[derive(Debug)]
struct Acts<'a>(Vec<Act<'a>>);

impl<'a> Acts<'a> {
    fn of(members: &[Member], logs: &'a [NodeLog]) -> Self {
        let mut by_id = BTreeMap::new();
        for log in logs {
            let hard = members.iter().any(|it| it.node == log.node && it.link == Link::Hard);
            for event in &log.events {
                by_id.entry(event.said.id).or_insert(Act { event, hard });
            }
        }
        let mut acts: Vec<_> = by_id.into_values().collect();
        acts.sort_by_key(|it| (it.at(), it.event.said.kind.narrows(), it.event.said.id));
        Self(acts)
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &Act<'a>> {
        self.0.iter()
    }
}
