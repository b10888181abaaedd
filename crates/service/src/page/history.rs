//! What a person chose, and what was noted about them, in their own words.

use consent::{Artifacts, Choice, ConsentEvent, EventKind, PurposeScope, event::Statement};
use kernel::PurposeKey;

use crate::words;

/// One line of the history.
#[derive(Debug)]
pub(super) struct HistoryRow {
    /// When it was said.
    pub(super) at: String,
    /// What.
    pub(super) what: String,
    /// Its receipt.
    pub(super) id: String,
}

/// An event as its person reads it.
pub(super) fn row(event: &ConsentEvent, artifacts: &Artifacts) -> HistoryRow {
    let what = said(&event.said.kind, artifacts);
    HistoryRow { at: words::instant(event.said.event_time), what, id: event.said.id.to_string() }
}

fn said(kind: &EventKind, artifacts: &Artifacts) -> String {
    let name = |it: &PurposeKey| name(it, artifacts);
    let scoped = |it: &PurposeScope| match it {
        PurposeScope::All => "everything".to_owned(),
        PurposeScope::Under(key) => name(key),
    };
    match kind {
        EventKind::Given(grant) => format!("You said yes to {}", name(&grant.purpose.key)),
        EventKind::Renewed(grant) => format!("You confirmed {}", name(&grant.purpose.key)),
        EventKind::Refused { scope, .. } => format!("You said no to {}", scoped(scope)),
        EventKind::Withdrawn { scope, .. } => format!("You withdrew your yes to {}", scoped(scope)),
        EventKind::Objected { scope, .. } => format!("You objected to {}", scoped(scope)),
        EventKind::ObjectionLifted { scope, .. } => {
            format!("You took back your objection to {}", scoped(scope))
        }
        EventKind::ChannelPref { channel, choice, .. } => {
            let turned = if *choice == Choice::Out { "off" } else { "on" };
            format!("You switched {turned} messages {}", words::channel(*channel))
        }
        EventKind::Snoozed { until } => {
            format!("You paused messages until {}", words::instant(*until))
        }
        EventKind::Stated(statement) => stated(statement),
        other => {
            let text = other.name().replace('_', " ");
            let mut letters = text.chars();
            letters.next().map_or_else(String::new, |it| it.to_uppercase().chain(letters).collect())
        }
    }
}

fn stated(statement: &Statement) -> String {
    match statement {
        Statement::Jurisdiction { jurisdiction } => {
            let whose = words::jurisdiction(jurisdiction.as_str()).to_owned();
            format!("We noted that the law of {whose} applies")
        }
        Statement::BirthYear { .. } => "We noted your year of birth".to_owned(),
        Statement::Contract { active: true, .. } => "We noted that you have a contract".to_owned(),
        Statement::Contract { .. } => "We noted that a contract of yours ended".to_owned(),
        Statement::Emergency { .. } => "We noted an emergency".to_owned(),
        Statement::TimeZone { .. } => "We noted your time zone".to_owned(),
    }
}

/// A purpose by the name people know it by; a group of purposes by its key.
pub(super) fn name(key: &PurposeKey, artifacts: &Artifacts) -> String {
    artifacts.purpose(key).map_or_else(|| format!("all {key}"), |it| format!("“{}”", it.name))
}
