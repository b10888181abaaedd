//! The preference centre's one post: several changes, one transaction, on a state the person saw.

use kernel::{Channel, Epoch, Epochs, Fault, Instant, NodeId, PersonAt, PurposeKey, TenantId};
use uuid::Uuid;

use super::{
    By, ConsentService,
    keep::{KeepError, Wish},
    restrain::event_id,
};
use crate::{
    Acknowledgement, ChannelSet, Choice, ConsentEvent, EventKind, FrequencyLimit, Grant, Label,
    Limb, NewEvent, NodeLog, PurposeScope, Quiet,
};

/// One change a person makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreferenceChange {
    /// Agrees to a purpose, on a notice that showed what stood against it.
    Agree(Grant),
    /// Does not want a purpose, nor any under it, over any channel.
    Decline(PurposeKey),
    /// Takes an objection back, for exactly this purpose.
    Reopen(PurposeKey, Limb),
    /// Wants a channel for a group of purposes, or not.
    Channel(Channel, PurposeScope, Choice),
    /// Wants a topic, or not.
    Topic(Label, Choice),
    /// How often; nothing clears it.
    Frequency(Option<FrequencyLimit>),
    /// When not; nothing clears it.
    QuietHours(Option<Quiet>),
    /// Pauses everything optional until then; an instant past ends the pause.
    Snooze(Instant),
}

/// The changes of one post, and the state the person saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// What changes.
    pub changes: Vec<PreferenceChange>,
    /// The sum of the person's epochs the form showed.
    pub expected: Epoch,
    /// The node at which the form was used: where grants are kept.
    pub at: NodeId,
}

/// Why preferences were not kept.
#[derive(Debug, thiserror::Error)]
pub enum PreferenceError {
    /// The state moved since the form was shown: show it again.
    #[error("the choices moved since they were shown")]
    Moved {
        /// Where it stands now.
        current: Epochs,
    },
    /// The node is not one of the person's.
    #[error("the person is not known there")]
    Unknown,
    /// A grant may not be kept: the reason says why; nothing was kept.
    #[error("a choice was refused: {0}")]
    Refused(kernel::Reason),
    /// The key of the act was used for another one.
    #[error("the idempotency key was used for another act")]
    Conflict,
    /// A port failed; the same act may be tried again.
    #[error("keeping preferences")]
    Fault(#[from] Fault),
}

impl ConsentService {
    /// Keeps the changes in one transaction, if the state is still the one that was shown.
    pub async fn set_preferences(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        chosen: &Chosen,
        by: &By,
        act: Uuid,
    ) -> Result<Acknowledgement, PreferenceError> {
        if !person.nodes.contains(&chosen.at) {
            return Err(PreferenceError::Unknown);
        }
        let events = self.events_of(tenant, person, chosen, by, act).await?;
        let wish = Wish {
            events,
            nodes: person.nodes.clone(),
            subject: Some(person.subject),
            act: Some(act),
            guard: Some(chosen.expected),
        };
        let kept = self.keep(tenant, &wish).await.map_err(|it| match it {
            KeepError::Fault(fault) => PreferenceError::Fault(fault),
            KeepError::Moved(person_epoch) => PreferenceError::Moved {
                current: Epochs {
                    identity: person.identity,
                    person: person_epoch,
                    policy: Epoch(0),
                },
            },
            KeepError::Refused(reason) => PreferenceError::Refused(reason),
            KeepError::Conflict => PreferenceError::Conflict,
        })?;
        Ok(self.acknowledge(tenant, &person.nodes, act, kept).await)
    }

    /// The events of a post. They answer everything restrictive the log held when it was shown, of
    /// which [`answered`] keeps what a change is about.
    async fn events_of(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        chosen: &Chosen,
        by: &By,
        act: Uuid,
    ) -> Result<Vec<NewEvent>, Fault> {
        let logs = self.ledger.logs(tenant, &person.nodes).await?;
        let mut events = Vec::new();
        for (nth, change) in (0_u32..).zip(&chosen.changes) {
            let kind = kind_of(change);
            let nodes = match kind {
                EventKind::Given(_) => std::slice::from_ref(&chosen.at),
                _ => person.nodes.as_slice(),
            };
            let known_ids: Vec<_> = nodes.iter().map(|it| event_id(act, *it, nth)).collect();
            let repeated =
                logs.iter().flat_map(|it| &it.events).find(|it| known_ids.contains(&it.said.id));
            let template = NewEvent {
                id: act,
                source: by.source.clone(),
                node: chosen.at,
                answers: match repeated {
                    Some(it) => it.said.answers.clone(),
                    None => answered(&kind, &logs),
                },
                kind,
                event_time: self.clock.now(),
                actor: by.actor.clone(),
            };
            events.extend(self.at_every_node(tenant, nodes, &template, act, nth).await?);
        }
        Ok(events)
    }
}

fn kind_of(change: &PreferenceChange) -> EventKind {
    match change.clone() {
        PreferenceChange::Agree(grant) => EventKind::Given(grant),
        PreferenceChange::Decline(key) => {
            EventKind::Withdrawn { scope: PurposeScope::Under(key), channels: ChannelSet::ALL }
        }
        PreferenceChange::Reopen(key, limb) => {
            EventKind::ObjectionLifted { scope: PurposeScope::Under(key), limb }
        }
        PreferenceChange::Channel(channel, scope, choice) => {
            EventKind::ChannelPref { channel, scope, choice }
        }
        PreferenceChange::Topic(topic, choice) => EventKind::TopicPref { topic, choice },
        PreferenceChange::Frequency(limit) => EventKind::FrequencyPref { limit },
        PreferenceChange::QuietHours(quiet) => EventKind::QuietHours { quiet },
        PreferenceChange::Snooze(until) => EventKind::Snoozed { until },
    }
}

/// The restrictive events in the logs that a permissive change is about, in order of id.
fn answered(kind: &EventKind, logs: &[NodeLog]) -> Vec<Uuid> {
    let speaks_against = |event: &&ConsentEvent| {
        let covers = |key: &PurposeKey| {
            let scope = event.widened.clone().or_else(|| event.said.kind.scope());
            scope.is_some_and(|it| it.covers(key))
        };
        match (kind, &event.said.kind) {
            (EventKind::Given(grant), EventKind::Refused { .. } | EventKind::Withdrawn { .. }) => {
                covers(&grant.purpose.key)
            }
            // A yes that shows an opt-out answers it; only an explicit one outweighs it.
            (EventKind::Given(_), EventKind::OptedOut { .. }) => true,
            (
                EventKind::ObjectionLifted { scope: PurposeScope::Under(key), .. },
                EventKind::Objected { .. }
                | EventKind::Refused { .. }
                | EventKind::Withdrawn { .. },
            ) => covers(key),
            (
                EventKind::ChannelPref { channel, scope, choice: Choice::In },
                EventKind::ChannelPref { channel: of, scope: within, choice: Choice::Out },
            ) => channel == of && scope == within,
            (
                EventKind::TopicPref { topic, choice: Choice::In },
                EventKind::TopicPref { topic: of, choice: Choice::Out },
            ) => topic == of,
            _ => false,
        }
    };
    let mut ids: Vec<_> =
        logs.iter().flat_map(|it| &it.events).filter(speaks_against).map(|it| it.said.id).collect();
    ids.sort_unstable();
    ids
}
