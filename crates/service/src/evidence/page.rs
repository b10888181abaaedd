//! The page of a pack: one file without script or network that an auditor can read and print.

use std::collections::BTreeMap;

use askama::Template;
use audit::{
    EntryKind,
    evidence::{Question, record_path},
    service::Draft,
};
use kernel::{Fault, Instant, Reason};

use super::{TABLE_PATH, Told, broken};
use crate::{
    page::record::{self, CandidateView, CutView, VerdictView},
    words,
};

/// How many records the page tells in full; the others are in the files and the table.
pub(super) const PAGE_RECORDS_MAX: usize = 500;

#[derive(Debug, Template)]
#[template(path = "pack.html")]
struct PackPage {
    question: String,
    facts: Vec<(&'static str, String)>,
    counts: Vec<(String, u64)>,
    outcomes: Vec<(String, u64, u64)>,
    completeness: &'static str,
    withheld: Vec<(String, u64)>,
    days: Vec<Day>,
    entries: Vec<EntryView>,
    untold: usize,
    table: &'static str,
}

/// One day of the timeline.
#[derive(Debug)]
struct Day {
    date: String,
    total: u64,
    /// In hundredths of the busiest day.
    width: u64,
    parts: String,
}

/// One record in words.
#[derive(Debug)]
struct EntryView {
    index: u64,
    heading: String,
    tone: &'static str,
    outcome: &'static str,
    at: String,
    id: String,
    file: String,
    sentences: Vec<String>,
    cuts: Vec<CutView>,
    verdicts: Vec<VerdictView>,
    candidates: Vec<CandidateView>,
    members: Vec<(String, String)>,
    closed: Vec<String>,
}

/// Draws the page.
pub(super) fn draw(draft: &Draft, told: &[Told<'_>]) -> Result<Vec<u8>, Fault> {
    let scope = &draft.scope;
    let mut facts = vec![
        ("Asked by", scope.by.clone()),
        ("On the basis of", scope.basis.clone()),
        ("Made", words::instant(Instant::from_micros(scope.at_us))),
        ("Log", scope.origin.clone()),
        ("Entries of the log then", scope.size.to_string()),
        (
            "Parts of records in scope",
            if scope.groups.is_empty() { "all".to_owned() } else { scope.groups.join(", ") },
        ),
    ];
    if let Question::Sample { nonce, .. } = &scope.question {
        facts.push(("Nonce", nonce.clone()));
    }
    let page = PackPage {
        question: question(&scope.question),
        facts,
        counts: scope.counts.iter().map(|(kind, n)| (kind.clone(), *n)).collect(),
        outcomes: outcomes(told),
        completeness: completeness(
            &scope.question,
            draft.bag.files().contains_key(audit::evidence::ACCOUNT_PATH),
        ),
        withheld: scope.withheld.iter().map(|(name, n)| (name.clone(), *n)).collect(),
        days: days(told),
        entries: told.iter().take(PAGE_RECORDS_MAX).map(entry).collect(),
        untold: told.len().saturating_sub(PAGE_RECORDS_MAX),
        table: TABLE_PATH.strip_prefix("data/").unwrap_or(TABLE_PATH),
    };
    page.render().map(String::into_bytes).map_err(broken)
}

fn question(question: &Question) -> String {
    let at = |micros: &i64| words::instant(Instant::from_micros(*micros));
    match question {
        Question::Decision { decision } => format!("What was decided in {decision}, and why?"),
        Question::Subject { subjects } => {
            let who = subjects.last().map(String::as_str).unwrap_or_default();
            format!("What was recorded about {who}?")
        }
        Question::Node { node, from_us, until_us } => format!(
            "What did the journey node {node} decide from {} until {}?",
            at(from_us),
            at(until_us)
        ),
        Question::Sample { count, .. } => {
            format!("What do {count} entries of the log say that nobody picked?")
        }
    }
}

/// What the pack shows of what is not in it.
const fn completeness(question: &Question, has_account: bool) -> &'static str {
    match (question, has_account) {
        (Question::Decision { .. }, _) => "One decision; nothing is said of others.",
        (Question::Subject { .. }, true) => {
            "Complete: every entry of the log is accounted for, and none that is left out is sealed \
             under a key of this person."
        }
        (Question::Subject { .. }, false) => {
            "Every entry filed under this person; the pack does not prove that there are no others."
        }
        (Question::Node { .. }, _) => {
            "Complete: every decision around the period is accounted for; those of other nodes or \
             times are shown only so far that this can be seen."
        }
        (Question::Sample { .. }, _) => {
            "Nobody picked these entries: they follow from the nonce and the signed head."
        }
    }
}

fn kind_of(told: &Told<'_>) -> String {
    let kind = told.opened.group("outcome").and_then(|it| it.get("kind"));
    kind.and_then(|it| it.as_str()).unwrap_or_default().to_owned()
}

/// Outcomes of decisions with their number and share in hundredths.
fn outcomes(told: &[Told<'_>]) -> Vec<(String, u64, u64)> {
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    for it in told.iter().filter(|it| it.opened.kind == EntryKind::Decision) {
        *counts.entry(record::outcome(&kind_of(it))).or_default() += 1;
    }
    let total: u64 = counts.values().sum();
    let share = |n: u64| (n * 100 + total / 2).checked_div(total).unwrap_or(0);
    counts.into_iter().map(|(name, n)| (name.to_owned(), n, share(n))).collect()
}

/// How many records of which kind each day has.
fn days(told: &[Told<'_>]) -> Vec<Day> {
    let mut by_day: BTreeMap<String, BTreeMap<&'static str, u64>> = BTreeMap::new();
    for it in told {
        let date = it.opened.at.utc().format("%Y-%m-%d").to_string();
        *by_day.entry(date).or_default().entry(it.opened.kind.as_str()).or_default() += 1;
    }
    let busiest = by_day.values().map(|it| it.values().sum()).max().unwrap_or(1);
    let day = |(date, kinds): (String, BTreeMap<&'static str, u64>)| {
        let total: u64 = kinds.values().sum();
        let parts: Vec<_> = kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        let width = (total * 100).checked_div(busiest).unwrap_or(0).max(1);
        Day { date, total, width, parts: parts.join(", ") }
    };
    by_day.into_iter().map(day).collect()
}

/// What an entry of a kind says happened.
const fn happened(kind: EntryKind) -> (&'static str, &'static str) {
    match kind {
        EntryKind::Decision => ("Decision", "It was decided what to do."),
        EntryKind::Consent => ("Choice", "A choice was recorded, changed or taken back."),
        EntryKind::IdentityLink => ("Identity", "Identifiers came to name one person."),
        EntryKind::IdentityUnlink => ("Identity", "Identifiers ceased to name one person."),
        EntryKind::ArtifactRelease => ("Release", "Rules and texts went live."),
        EntryKind::ArtifactRollback => ("Release", "Rules and texts were taken back."),
        EntryKind::DeliveryAttempt => ("Delivery", "A message was handed over, or was not."),
        EntryKind::MeasurementReview => ("Measurement", "A measured effect was judged."),
        EntryKind::Erasure => ("Erasure", "Keys of a person's records went out of use."),
        EntryKind::ErasureDone => ("Erasure", "Keys of a person's records were destroyed."),
        EntryKind::Export => ("Export", "Records were handed out in a pack."),
    }
}

fn entry(told: &Told<'_>) -> EntryView {
    let opened = told.opened;
    let kind = kind_of(told);
    let whole = told.record.as_ref();
    let node =
        ["/action/node"].iter().find_map(|it| opened.group("outcome")?.pointer(it)?.as_str());
    let node = node.or_else(|| opened.group("core")?.pointer("/nodes/0")?.as_str());
    let fact = opened.group("fact").and_then(|it| it.get("name")?.as_str());
    let is_decision = opened.kind == EntryKind::Decision;
    EntryView {
        index: opened.index,
        heading: node.or(fact).unwrap_or(opened.kind.as_str()).to_owned(),
        tone: if is_decision { record::tone(&kind) } else { "" },
        outcome: if is_decision { record::outcome(&kind) } else { happened(opened.kind).0 },
        at: words::instant(opened.at),
        id: opened.record.uuid().to_string(),
        file: record_path(opened.index).trim_start_matches("data/").to_owned(),
        sentences: whole.map_or_else(|| partly(told), record::sentences),
        cuts: whole.map(record::cuts).unwrap_or_default(),
        verdicts: whole.map(record::verdicts).unwrap_or_default(),
        candidates: whole.map(record::candidates).unwrap_or_default(),
        members: if whole.is_some() { Vec::new() } else { members(told) },
        closed: opened.closed.clone(),
    }
}

/// What can be said of a record of which not every part is shown.
fn partly(told: &Told<'_>) -> Vec<String> {
    let reason = told.opened.group("outcome").and_then(|it| it.get("reason")?.as_str());
    let reason = reason.and_then(|it| Reason::parse(it).ok());
    if told.opened.kind != EntryKind::Decision {
        return vec![happened(told.opened.kind).1.to_owned()];
    }
    reason.iter().map(|it| format!("{} ({it})", words::sentence(it))).collect()
}

/// The parts that are shown, member by member.
fn members(told: &Told<'_>) -> Vec<(String, String)> {
    let groups = told.opened.groups.iter();
    let each = groups.flat_map(|(group, json)| {
        let members = json.as_object().into_iter().flatten();
        members.map(move |(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (format!("{group}.{name}"), text)
        })
    });
    each.collect()
}
