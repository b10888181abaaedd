//! A decision record as people read it: every line derives from the record, nothing else.

use decision::record::{
    CandidateEntry, FieldEntry, NodeEntry, Record, VerdictEntry, WithheldEntry,
};
use kernel::{Instant, Reason};

use crate::words;

/// A reason with its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The code.
    pub code: String,
    /// The sentence.
    pub why: String,
}

impl From<&Reason> for Told {
    fn from(reason: &Reason) -> Self {
        Self { code: reason.to_string(), why: words::sentence(reason).to_owned() }
    }
}

/// What one node was told.
#[derive(Debug, Clone)]
pub struct CutView {
    /// The node.
    pub node: String,
    /// Its fields.
    pub fields: Vec<FieldView>,
    /// What was withheld.
    pub withheld: Vec<WithheldView>,
}

/// One field.
#[derive(Debug, Clone)]
pub struct FieldView {
    /// Its name.
    pub name: String,
    /// Its value in words.
    pub value: String,
    /// Where it came from.
    pub source: String,
    /// When it was true.
    pub as_of: String,
}

/// One withheld field.
#[derive(Debug, Clone)]
pub struct WithheldView {
    /// Its name.
    pub name: String,
    /// Every reason.
    pub reasons: Vec<Told>,
}

/// One verdict.
#[derive(Debug, Clone)]
pub struct VerdictView {
    /// The purpose.
    pub purpose: String,
    /// The channel.
    pub channel: String,
    /// The answer.
    pub verdict: String,
    /// How it looks.
    pub tone: &'static str,
    /// The ground in words.
    pub basis: String,
    /// Every reason.
    pub reasons: Vec<Told>,
}

/// One candidate.
#[derive(Debug, Clone)]
pub struct CandidateView {
    /// Node and action.
    pub name: String,
    /// The stage it reached.
    pub stage: String,
    /// Its score.
    pub score: String,
    /// What speaks against it.
    pub reasons: Vec<Told>,
}

/// How an outcome looks.
pub fn tone(kind: &str) -> &'static str {
    match kind {
        "act" => "good",
        "holdout" => "warn",
        _ => "",
    }
}

/// An outcome's kind in words.
pub fn outcome(kind: &str) -> &'static str {
    match kind {
        "act" => "Acted",
        "holdout" => "Held out",
        _ => "Nothing done",
    }
}

/// What each node was told.
pub fn cuts(record: &Record) -> Vec<CutView> {
    record.inputs.nodes.iter().map(cut).collect()
}

fn cut(node: &NodeEntry) -> CutView {
    CutView {
        node: node.node.to_string(),
        fields: node.fields.iter().map(field).collect(),
        withheld: withheld(node)
            .map(|(name, entries)| WithheldView {
                name: name.to_owned(),
                reasons: entries.iter().map(|it| Told::from(&it.reason)).collect(),
            })
            .collect(),
    }
}

/// The withheld fields of a node, each with all its reasons; the record has an entry for each.
fn withheld(node: &NodeEntry) -> impl Iterator<Item = (&str, &[WithheldEntry])> {
    let fields = node.withheld.chunk_by(|one, next| one.field == next.field);
    fields.filter_map(|entries| Some((&*entries.first()?.field, entries)))
}

fn field(it: &FieldEntry) -> FieldView {
    let value = match (&it.value, &*it.state) {
        (Some(value), _) => words::value(value),
        (None, state) => words::state(state).to_owned(),
    };
    FieldView {
        name: it.name.to_string(),
        value,
        source: it.source.as_ref().map(ToString::to_string).unwrap_or_default(),
        as_of: it.as_of_us.map(|it| words::instant(Instant::from_micros(it))).unwrap_or_default(),
    }
}

/// What was permitted.
pub fn verdicts(record: &Record) -> Vec<VerdictView> {
    record.consent.verdicts.iter().map(verdict).collect()
}

fn verdict(it: &VerdictEntry) -> VerdictView {
    let tone = match &*it.permission {
        "permitted" => "good",
        "held" => "warn",
        _ => "bad",
    };
    VerdictView {
        purpose: it.purpose.to_string(),
        channel: it.channel.to_string(),
        verdict: it.permission.to_string(),
        tone,
        basis: it.basis.as_deref().map(|it| words::basis(it).to_owned()).unwrap_or_default(),
        reasons: it.reasons.iter().map(Told::from).collect(),
    }
}

/// What was considered.
pub fn candidates(record: &Record) -> Vec<CandidateView> {
    record.rationale.candidates.iter().map(candidate).collect()
}

fn candidate(it: &CandidateEntry) -> CandidateView {
    CandidateView {
        name: format!("{} · {}", it.node, it.action),
        stage: it.stage.to_string(),
        score: it.score.as_ref().map(|it| worth(&it.s)).unwrap_or_default(),
        reasons: it.failures.iter().map(|it| Told::from(&it.reason)).collect(),
    }
}

/// A score as what it is: expected worth in minor units of the node's currency, to two decimals.
/// The record keeps it exact, in units of 10⁻¹⁸: a probability and two factors, each in millionths.
fn worth(exact: &str) -> String {
    const HUNDREDTH: i128 = 10_i128.pow(16);
    let Ok(exact) = exact.parse::<i128>() else { return exact.to_owned() };
    let (sign, hundredths) = (if exact < 0 { "\u{2212}" } else { "" }, exact.abs() / HUNDREDTH);
    format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The decision in words for staff: what was done, on which ground, and what stood against it.
pub fn sentences(record: &Record) -> Vec<String> {
    let mut out = Vec::new();
    match (&*record.outcome.kind, &record.outcome.action) {
        ("act", Some(action)) => {
            out.push(format!(
                "The journey node {} chose “{}” over {} with the wording “{}”.",
                action.node, action.action, action.channel, action.template.name
            ));
        }
        ("holdout", Some(action)) => out.push(format!(
            "The journey node {} would have chosen “{}” over {}, but the person is in its holdout.",
            action.node, action.action, action.channel
        )),
        _ => out.push("Nothing was done.".to_owned()),
    }
    if let Some(reason) = &record.outcome.reason {
        out.push(format!("{} ({reason})", words::sentence(reason)));
    }
    if let Some(basis) = ground(record).and_then(|it| it.basis.as_deref()) {
        out.push(format!("Ground: {}", words::basis(basis)));
    }
    out
}

/// The verdict the outcome rests on.
pub fn ground(record: &Record) -> Option<&VerdictEntry> {
    let action = record.outcome.action.as_ref()?;
    record.consent.verdicts.iter().find(|it| {
        it.node == action.node && it.channel == action.channel && &*it.permission == "permitted"
    })
}

/// What was used about the person, in words for the person: what is known of the acting node, or
/// of every node where none acted.
pub fn used(record: &Record) -> Vec<String> {
    let known = weighed(record).flat_map(|it| &it.fields).filter_map(|it| {
        let source = it.source.as_ref().map_or("our records", |it| system(it.as_str()));
        Some(format!("{}: {}, from {source}", label(&it.name), words::value(it.value.as_ref()?)))
    });
    distinct(known)
}

/// What was not used about the person, and why, in words for the person.
pub fn unused(record: &Record) -> Vec<String> {
    distinct(weighed(record).flat_map(withheld).map(|(name, entries)| {
        let why: Vec<_> = entries.iter().map(|it| words::sentence(&it.reason)).collect();
        format!("{}: {}", label(name), uncapitalized(&words::to_you(&why.join(" "))))
    }))
}

/// The node that acted or would have; where none did, every node that was weighed.
fn weighed(record: &Record) -> impl Iterator<Item = &NodeEntry> {
    let chosen = record.outcome.action.as_ref().map(|it| &it.node);
    record.inputs.nodes.iter().filter(move |it| chosen.is_none_or(|chosen| *chosen == it.node))
}

fn uncapitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |it| it.to_lowercase().chain(letters).collect())
}

/// Two nodes may ask for the same.
fn distinct(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut out = Vec::new();
    for line in lines {
        if !out.contains(&line) {
            out.push(line);
        }
    }
    out
}

/// A field's name in words.
pub fn label(name: &str) -> String {
    let known = match name {
        "policy.renewal_on" => "The day your policy renews",
        "policy.status" => "Whether your policy is active",
        "policy.autorenew" => "Whether your policy renews by itself",
        "policy.tenure_months" => "How long you have had your policy, in months",
        "person.first_name" => "Your first name",
        "person.time_zone" => "Your time zone",
        "person.language" => "Your language",
        "person.needs_support" => "Whether you asked for extra support",
        "service.open_complaint" => "Whether you have an open complaint",
        "service.cause" => "What went wrong",
        "service.fault_confirmed" => "Whether it was our fault",
        "billing.overcharge_minor" => "What you were charged too much, in cents",
        "account.tenure_months" => "How long you have been with us, in months",
        "onboarding.step" => "The last step you finished",
        "onboarding.last_step_at" => "When you finished it",
        "app.push_enabled" => "Whether you allow notifications",
        "claim.reported_at" => "When you reported your claim",
        "claim.stage" => "Where your claim stands",
        "claim.next_step_on" => "When the next step is due",
        _ => "",
    };
    if known.is_empty() { name.replace(['.', '_'], " ") } else { known.to_owned() }
}

/// A system's name in words.
pub fn system(name: &str) -> &'static str {
    match name {
        "crm" => "our customer records",
        "service_desk" => "our service desk",
        "app" => "our app",
        "policy_admin" => "our policy records",
        "billing" => "our billing",
        "comms" => "our message records",
        "claims_core" => "our claims desk",
        _ => "our records",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_read_as_its_worth_in_minor_units() {
        assert_eq!(worth("398000000000000000000"), "398.00");
        assert_eq!(worth("-1239999999999999999"), "\u{2212}1.23");
        assert_eq!(worth("0"), "0.00");
        assert_eq!(worth("1e9"), "1e9");
    }
}
