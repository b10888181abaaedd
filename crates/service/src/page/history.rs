//! What a person chose, and what was noted about them, in their own words.

use consent::{
    Artifacts, Choice, ConsentEvent, EventKind, Practice, PurposeScope, event::Statement,
};
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

/// How much history a page shows.
const ROWS_MAX: usize = 20;

/// Events as their person reads them, newest first as given. What was said once is one line, though
/// it is kept at every identifier of the person.
pub(super) fn rows(events: &[ConsentEvent], artifacts: &Artifacts) -> Vec<HistoryRow> {
    let rows = events.iter().map(|it| HistoryRow {
        at: words::instant(it.said.event_time),
        what: said(&it.said.kind, artifacts),
        id: it.said.id.to_string(),
    });
    told_once(rows)
}

fn told_once(rows: impl Iterator<Item = HistoryRow>) -> Vec<HistoryRow> {
    let mut out: Vec<HistoryRow> = Vec::new();
    for row in rows {
        if out.iter().any(|it| it.at == row.at && it.what == row.what) {
            continue;
        }
        if out.len() == ROWS_MAX {
            break;
        }
        out.push(row);
    }
    out
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
        EventKind::OptedOut { practice } => {
            format!("You opted out of {}", opted_out_of(*practice))
        }
        EventKind::ConfirmationSent { .. } => "We asked you to confirm an agreement".to_owned(),
        EventKind::Confirmed { .. } => "You confirmed an agreement".to_owned(),
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

const fn opted_out_of(of: Practice) -> &'static str {
    match of {
        Practice::SaleOrShare => "the sale and sharing of your data",
        Practice::TargetedAds => "ads targeted by what you do elsewhere",
        Practice::FinancialSharing => "sharing your financial data",
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
        Statement::PreContract { .. } => "We noted that you asked for a contract".to_owned(),
        Statement::Emergency { .. } => "We noted an emergency".to_owned(),
        Statement::TimeZone { .. } => "We noted your time zone".to_owned(),
    }
}

/// A purpose by the name people know it by; a group of purposes by its key.
pub(super) fn name(key: &PurposeKey, artifacts: &Artifacts) -> String {
    artifacts.purpose(key).map_or_else(|| format!("all {key}"), |it| format!("“{}”", it.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_once_is_one_line_and_there_are_so_many_lines_at_most() {
        let row = |at: usize, what: &str, id: usize| HistoryRow {
            at: at.to_string(),
            what: what.to_owned(),
            id: id.to_string(),
        };
        let twice = [row(1, "no", 1), row(1, "no", 2), row(1, "yes", 3), row(2, "no", 4)];
        let kept: Vec<_> = told_once(twice.into_iter()).into_iter().map(|it| it.id).collect();
        assert_eq!(kept, ["1", "3", "4"]);
        let many = |n| told_once((0..n).map(|it| row(it, "no", it))).len();
        assert_eq!((many(ROWS_MAX), many(ROWS_MAX + 1)), (ROWS_MAX, ROWS_MAX));
    }
}
