//! Preferences: channels and topics in or out, how often, when not, pauses.

use std::collections::{BTreeMap, BTreeSet};

use kernel::NodeId;

use super::{Act, Acts};
use crate::{
    Choice, EventKind, Label, State,
    snapshot::{TopicChoice, UnwantedChannel},
};

pub(super) fn fold(acts: &Acts<'_>, state: &mut State) {
    state.unwanted = unwanted(acts);
    state.topics = topics(acts);
    let limits: BTreeSet<_> = latest(acts, |it| match it {
        EventKind::FrequencyPref { limit } => Some(*limit),
        _ => None,
    })
    .into_values()
    .flatten()
    .collect();
    state.limits = limits.into_iter().collect();
    let quiet: BTreeSet<_> = latest(acts, |it| match it {
        EventKind::QuietHours { quiet } => Some(*quiet),
        _ => None,
    })
    .into_values()
    .flatten()
    .collect();
    state.quiet = quiet.into_iter().collect();
    state.snoozed_until = latest(acts, |it| match it {
        EventKind::Snoozed { until } => Some(*until),
        _ => None,
    })
    .into_values()
    .max();
}

/// What each node set last; every node's setting is kept, so the strictest one rules.
fn latest<T>(acts: &Acts<'_>, of: impl Fn(&EventKind) -> Option<T>) -> BTreeMap<NodeId, T> {
    acts.iter().filter_map(|it| of(&it.event.said.kind).map(|set| (it.node(), set))).collect()
}

/// Whether a later act of the same kind took this one back.
fn taken_back(acts: &Acts<'_>, act: &Act<'_>, is_its_in: impl Fn(&EventKind) -> bool) -> bool {
    acts.iter().any(|it| is_its_in(&it.event.said.kind) && it.lifts(act))
}

fn unwanted(acts: &Acts<'_>) -> Vec<UnwantedChannel> {
    let all: BTreeSet<_> = acts
        .iter()
        .filter_map(|act| match &act.event.said.kind {
            EventKind::ChannelPref { channel, scope, choice: Choice::Out } => {
                let back = taken_back(acts, act, |it| {
                    matches!(it, EventKind::ChannelPref { channel: c, scope: s, choice: Choice::In }
                        if c == channel && s == scope)
                });
                let scope = act.event.widened.as_ref().unwrap_or(scope);
                (!back).then(|| UnwantedChannel { channel: *channel, scope: scope.clone() })
            }
            _ => None,
        })
        .collect();
    all.into_iter().collect()
}

fn topics(acts: &Acts<'_>) -> Vec<TopicChoice> {
    let named: BTreeSet<&Label> = acts
        .iter()
        .filter_map(|it| match &it.event.said.kind {
            EventKind::TopicPref { topic, .. } => Some(topic),
            _ => None,
        })
        .collect();
    named
        .into_iter()
        .map(|topic| {
            let is = |kind: &EventKind, wanted: Choice| {
                matches!(kind, EventKind::TopicPref { topic: of, choice }
                    if of == topic && *choice == wanted)
            };
            let out = acts.iter().any(|act| {
                is(&act.event.said.kind, Choice::Out)
                    && !taken_back(acts, act, |it| is(it, Choice::In))
            });
            let chosen = acts.iter().any(|it| it.hard && is(&it.event.said.kind, Choice::In));
            let choice = if chosen && !out { Choice::In } else { Choice::Out };
            TopicChoice { topic: topic.clone(), choice }
        })
        .collect()
}
