//! The end of the month in numbers: the same seed, the same bytes.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::{Context as _, Result};
use kernel::TenantId;
use measurement::{
    result::{Balance, NodeResult},
    signal::{SignalKind, Signals},
};
use serde::Serialize;
use serde_json::Value;
use service::surface::Answered;

use crate::compose::Assent;

/// What the driver saw while the month was lived.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Rows of extracts taken, by system.
    pub rows: BTreeMap<String, u64>,
    /// Rows refused, by system and code.
    pub rows_refused: BTreeMap<String, u64>,
    /// Events by status.
    pub events: BTreeMap<String, u64>,
    /// Parked and refused events by code.
    pub quarantined: BTreeMap<String, u64>,
    /// Choices by status.
    pub choices: BTreeMap<String, u64>,
    /// Questions asked by pages, by answer.
    pub asked: BTreeMap<String, u64>,
    /// Withdrawals over the surface: one-click and by phone.
    pub withdrawals: u64,
    /// Messages that left without a permission that stood.
    pub late: u64,
}

fn add(to: &mut BTreeMap<String, u64>, key: &str, n: u64) {
    if n > 0 {
        *to.entry(key.to_owned()).or_default() += n;
    }
}

impl Tally {
    /// A file was imported.
    pub fn imported(&mut self, system: &str, report: &Value) {
        for status in ["accepted", "duplicate"] {
            add(&mut self.rows, system, report[status].as_u64().unwrap_or(0));
        }
        for it in report["errors"].as_array().into_iter().flatten() {
            add(&mut self.rows_refused, it["code"].as_str().unwrap_or("unknown"), 1);
        }
    }

    /// Choices were recorded.
    pub fn chose(&mut self, answer: &Value) {
        for it in answer.get("results").and_then(Value::as_array).into_iter().flatten() {
            add(&mut self.choices, text(it, "/status").unwrap_or("unknown"), 1);
        }
    }

    /// A batch of events was answered.
    pub fn told(&mut self, answer: &Value) {
        for it in answer.get("results").and_then(Value::as_array).into_iter().flatten() {
            add(&mut self.events, text(it, "/status").unwrap_or("unknown"), 1);
            if let Some(kind) = text(it, "/problem/type") {
                let code = kind.rsplit('/').next().unwrap_or_default();
                add(&mut self.quarantined, code, 1);
            }
        }
    }

    /// A broken line was answered with a problem.
    pub fn refused_line(&mut self, problem: &[u8]) {
        add(&mut self.events, "refused", 1);
        let problem: Value = serde_json::from_slice(problem).unwrap_or_default();
        let kind = text(&problem, "/type").unwrap_or_default();
        add(&mut self.quarantined, kind.rsplit('/').next().unwrap_or_default(), 1);
    }

    /// A page asked for a decision.
    pub fn asked(&mut self, answer: &Answered) {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let outcome = match answer.status {
            200 => text(&body, "/outcome").unwrap_or("unknown").to_owned(),
            _ => {
                let kind = text(&body, "/type").unwrap_or_default();
                kind.rsplit('/').next().unwrap_or_default().to_owned()
            }
        };
        add(&mut self.asked, &outcome, 1);
    }
}

/// The summary of a demo.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// What everything followed from.
    pub seed: u64,
    /// People simulated.
    pub people: u64,
    /// Days lived.
    pub days: u64,
    /// Who was found in the records.
    pub identity: IdentitySummary,
    /// Events by status.
    pub events: BTreeMap<String, u64>,
    /// Parked and refused events and rows by reason.
    pub quarantined: BTreeMap<String, u64>,
    /// Choices by status.
    pub choices: BTreeMap<String, u64>,
    /// Decisions by node and outcome.
    pub decisions: BTreeMap<String, BTreeMap<String, u64>>,
    /// Questions asked by pages, by answer.
    pub asked_by_pages: BTreeMap<String, u64>,
    /// Deliveries by the states they came through.
    pub messages: BTreeMap<String, u64>,
    /// Why deliveries were held or suppressed.
    pub messages_stopped: BTreeMap<String, u64>,
    /// Restrictive acts of people.
    pub withdrawals: u64,
    /// Messages that left after an acknowledged withdrawal: must be 0.
    pub sends_after_withdrawal: u64,
    /// The log.
    pub log: LogSummary,
    /// Lift per node.
    pub lift: Vec<LiftSummary>,
}

/// Who was found in the records.
#[derive(Debug, Clone, Serialize)]
pub struct IdentitySummary {
    /// Rows of the five extracts taken.
    pub source_records: u64,
    /// Identifiers known.
    pub identifiers: u64,
    /// People they were stitched into.
    pub people: u64,
}

/// The log.
#[derive(Debug, Clone, Serialize)]
pub struct LogSummary {
    /// Entries.
    pub entries: u64,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// Whether leaves, records and root agree from the first entry to the last.
    pub verified: bool,
}

/// Lift of one node.
#[derive(Debug, Clone, Serialize)]
pub struct LiftSummary {
    /// The node.
    pub node: String,
    /// Its measure.
    pub metric: String,
    /// Treated: converted of assigned.
    pub treated: [u64; 2],
    /// Held out: converted of assigned.
    pub held_out: [u64; 2],
    /// The difference with its 95 % interval, as decimal shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lift: Option<[String; 3]>,
    /// Whether the groups have the sizes they should have.
    pub balance: String,
    /// What a reader must know.
    pub notes: Vec<String>,
}

impl Summary {
    /// Gathers the end of the month.
    pub async fn gather(
        assent: &Assent,
        tenant: &TenantId,
        (seed, people, days): (u64, u64, u64),
        tally: Tally,
    ) -> Result<Self> {
        let signals = assent.app.results.signals(tenant).await?;
        let results = assent.app.results.node_results(tenant).await?;
        let counts = assent.app.people.counts(tenant).await?;
        let head = assent.app.prove.checkpoint(tenant).await?;
        let check = assent.app.prove.verify_log(tenant).await?;
        let mut quarantined = tally.quarantined;
        for (code, n) in tally.rows_refused {
            *quarantined.entry(format!("import {code}")).or_default() += n;
        }
        Ok(Self {
            seed,
            people,
            days,
            identity: IdentitySummary {
                source_records: tally.rows.values().sum(),
                identifiers: counts.nodes,
                people: counts.persons,
            },
            events: tally.events,
            quarantined,
            choices: tally.choices,
            decisions: decisions(&signals),
            asked_by_pages: tally.asked,
            messages: states(&signals),
            messages_stopped: stopped(&signals),
            withdrawals: signals.total(SignalKind::Withdrawal),
            sends_after_withdrawal: tally.late + signals.late_handoffs(),
            log: LogSummary {
                entries: head.checkpoint.size,
                checkpoint: head.note.clone(),
                verified: check.broken_at.is_none(),
            },
            lift: results.iter().map(lift).collect(),
        })
    }

    /// The summary as JSON, ending in a line feed.
    pub fn json(&self) -> Result<String> {
        let mut text = serde_json::to_string_pretty(self).context("encoding the summary")?;
        text.push('\n');
        Ok(text)
    }

    /// The summary as people read it.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let it = &self.identity;
        let _ = writeln!(
            out,
            "\nPeople       {} stitched from {} source records ({} identifiers)",
            it.people, it.source_records, it.identifiers
        );
        let _ = writeln!(out, "Events       {}", listed(&self.events));
        let _ = writeln!(out, "Quarantined  {}", listed(&self.quarantined));
        let _ = writeln!(out, "Choices      {}", listed(&self.choices));
        for (node, outcomes) in &self.decisions {
            let _ = writeln!(out, "Decisions    {node}: {}", listed(outcomes));
        }
        let _ = writeln!(out, "Pages asked  {}", listed(&self.asked_by_pages));
        let _ = writeln!(out, "Messages     {}", listed(&self.messages));
        let _ = writeln!(out, "Stopped by   {}", listed(&self.messages_stopped));
        let _ = writeln!(
            out,
            "Withdrawals  {}; sends after acknowledgement: {}",
            self.withdrawals, self.sends_after_withdrawal
        );
        let verified = if self.log.verified { "verified" } else { "NOT VERIFIED" };
        let _ = writeln!(out, "Log          {} entries, {verified}", self.log.entries);
        for line in self.log.checkpoint.lines() {
            let _ = writeln!(out, "             {line}");
        }
        for it in &self.lift {
            let lift = it.lift.as_ref().map_or_else(
                || it.notes.join(", "),
                |[estimate, lower, upper]| format!("{estimate} ({lower} to {upper})"),
            );
            let _ = writeln!(
                out,
                "Lift         {}: {lift}; {} of {} treated, {} of {} held out; balance {}",
                it.node, it.treated[0], it.treated[1], it.held_out[0], it.held_out[1], it.balance
            );
        }
        out
    }
}

/// The string at a place of an answer.
pub(super) fn text<'a>(of: &'a Value, place: &str) -> Option<&'a str> {
    of.pointer(place).and_then(Value::as_str)
}

fn listed(counts: &BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    counts.iter().map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
}

fn decisions(signals: &Signals) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut out = BTreeMap::<String, BTreeMap<String, u64>>::new();
    for ((node, state, _), n) in signals.by_label(SignalKind::Decision) {
        *out.entry(node.to_owned()).or_default().entry(state.to_owned()).or_default() += n;
    }
    out
}

fn states(signals: &Signals) -> BTreeMap<String, u64> {
    let mut out = BTreeMap::new();
    for ((_, state, _), n) in signals.by_label(SignalKind::Delivery) {
        add(&mut out, state, n);
    }
    out
}

fn stopped(signals: &Signals) -> BTreeMap<String, u64> {
    let mut out = BTreeMap::new();
    for ((_, state, reason), n) in signals.by_label(SignalKind::Delivery) {
        if matches!(state, "held" | "suppressed" | "returned" | "expired" | "failed") {
            let name =
                if reason.is_empty() { state.to_owned() } else { format!("{state} {reason}") };
            add(&mut out, &name, n);
        }
    }
    out
}

fn lift(it: &NodeResult) -> LiftSummary {
    LiftSummary {
        node: it.node.to_string(),
        metric: it.kpi.clone(),
        treated: [it.treated.converted, it.treated.units],
        held_out: [it.control.converted, it.control.units],
        lift: it
            .lift
            .as_ref()
            .map(|it| [it.estimate.to_string(), it.lower.to_string(), it.upper.to_string()]),
        balance: match &it.srm {
            Balance::Unknown => "unknown".to_owned(),
            Balance::Even(p) => format!("even (p {p})"),
            Balance::Alarm(p) => format!("uneven (p {p})"),
        },
        notes: it.notes.iter().map(ToString::to_string).collect(),
    }
}
