//! The scoreboard: golden signals, lift per node, sources, quarantine, the log.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{extract::State, response::Response};
use context::freshness::Freshness;
use kernel::{Limit, Reason};
use measurement::{
    result::{Balance, NodeResult},
    signal::{SignalKind, Signals},
};

use super::{
    console::page,
    plot::{self, BarRow, IntervalRow, grouped, points},
    record,
};
use crate::{
    app::App,
    auth::{Caller, Visitor},
    problem::Problem,
    words,
};

/// How many reasons the page lists.
const REASONS_MAX: usize = 10;
/// How many groups of parked events the page lists.
const GROUPS_MAX: usize = 12;

#[derive(Debug, Template)]
#[template(path = "home.html")]
struct HomePage {
    here: &'static str,
    lede: String,
    tiles: Vec<Tile>,
    lift_plot: String,
    nodes: Vec<NodeRow>,
    outcomes_plot: String,
    reasons_plot: String,
    sources: Vec<SourceRow>,
    late: Vec<SourceRow>,
    dead_letters: Vec<DeadLetterRow>,
    log_size: String,
    release: String,
    checkpoint: String,
}

#[derive(Debug)]
struct Tile {
    label: &'static str,
    value: String,
    note: String,
    tone: &'static str,
}

#[derive(Debug)]
struct NodeRow {
    node: String,
    metric: String,
    treated: String,
    control: String,
    lift: String,
    interval: String,
    balance: &'static str,
    balance_tone: &'static str,
}

#[derive(Debug, Clone)]
struct SourceRow {
    source: String,
    kind: String,
    state: &'static str,
    tone: &'static str,
    last: String,
}

#[derive(Debug)]
struct DeadLetterRow {
    kind: String,
    reason: String,
    count: String,
}

/// The scoreboard.
pub async fn home(
    State(app): State<Arc<App>>,
    Visitor(caller): Visitor,
) -> Result<Response, Problem> {
    let signals = app.results.signals(&caller.tenant).await?;
    let results = app.results.node_results(&caller.tenant).await?;
    let counts = app.people.counts(&caller.tenant).await?;
    let head = app.prove.checkpoint(&caller.tenant).await?;
    let live = app.live.current(&caller.tenant).await?;
    let rows: Vec<_> = results.iter().map(interval_row).collect();
    let sources = sources(&app, &caller).await?;
    let late = sources.iter().filter(|it| matches!(it.tone, "warn" | "bad")).cloned().collect();
    page(&HomePage {
        here: "home",
        lede: format!(
            "{} people, stitched from {} identifiers. Everything below is counted from facts; \
             as of {}.",
            grouped(counts.persons),
            grouped(counts.nodes),
            words::instant(app.clock.now())
        ),
        tiles: tiles(&signals, head.checkpoint.size),
        lift_plot: plot::intervals("Lift per journey node", &rows),
        nodes: results.iter().map(node_row).collect(),
        outcomes_plot: plot::bars("Decisions by outcome", &outcomes(&signals)),
        reasons_plot: plot::bars("Why nothing was sent", &reasons(&signals)),
        sources,
        late,
        dead_letters: dead_letters(&app, &caller).await?,
        log_size: grouped(head.checkpoint.size),
        release: live.map_or_else(
            || "nothing is live".to_owned(),
            |it| format!("sequence {} · {}", it.sequence, it.compiled.digest),
        ),
        checkpoint: head.note.clone(),
    })
}

fn tiles(signals: &Signals, log: u64) -> Vec<Tile> {
    let tile = |label, n: u64, note: &str| Tile {
        label,
        value: grouped(n),
        note: note.to_owned(),
        tone: "",
    };
    let late = signals.late_handoffs();
    let delivered = |state| signals.in_state(SignalKind::Delivery, state);
    vec![
        tile(
            "Events received",
            signals.total(SignalKind::Event),
            &format!("{} admitted", grouped(signals.in_state(SignalKind::Event, "admitted"))),
        ),
        tile(
            "Decisions",
            signals.total(SignalKind::Decision),
            &format!("{} acted", grouped(signals.in_state(SignalKind::Decision, "act"))),
        ),
        tile(
            "Messages sent",
            delivered("accepted"),
            &format!(
                "{} held, {} suppressed",
                grouped(delivered("held")),
                grouped(delivered("suppressed"))
            ),
        ),
        tile(
            "Withdrawals and objections",
            signals.total(SignalKind::Withdrawal),
            "all acknowledged",
        ),
        Tile {
            label: "Sends after a withdrawal",
            value: grouped(late),
            note: "must stay 0".to_owned(),
            tone: if late == 0 { "zero" } else { "alarm" },
        },
        tile("Entries in the log", log, "signed and provable"),
    ]
}

/// A decimal share as parts per million, for drawing.
fn ppm(decimal: &measurement::decimal::Decimal) -> i64 {
    let share: f64 = decimal.to_string().parse().unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, reason = "a share lies within ±1")]
    let ppm = (share * 1e6).round() as i64;
    ppm
}

fn interval_row(it: &NodeResult) -> IntervalRow {
    let interval = it.lift.as_ref().map(|it| (ppm(&it.estimate), ppm(&it.lower), ppm(&it.upper)));
    let note = match (interval, it.notes.first()) {
        (Some((estimate, low, high)), _) => {
            let low = points(low);
            let low = low.trim_end_matches(" pp");
            format!("{} ({low} to {})", points(estimate), points(high))
        }
        (None, Some(reason)) => match reason.code() {
            "ME.COMPARISON_NOT_RANDOMIZED" => "no holdout",
            "ME.CELL_SMALL" => "too few people",
            "ME.IMMATURE" => "too early",
            _ => "not shown",
        }
        .to_owned(),
        (None, None) => "unknown".to_owned(),
    };
    IntervalRow { label: it.node.to_string(), interval, note }
}

fn node_row(it: &NodeResult) -> NodeRow {
    let rate = |converted: u64, units: u64| format!("{} of {}", grouped(converted), grouped(units));
    let lift = it.lift.as_ref().map(|it| (ppm(&it.estimate), ppm(&it.lower), ppm(&it.upper)));
    let (balance, balance_tone) = match it.srm {
        Balance::Unknown => ("too few to tell", ""),
        Balance::Even(_) => ("even", "good"),
        Balance::Alarm(_) => ("uneven", "bad"),
    };
    NodeRow {
        node: it.node.to_string(),
        metric: format!("{} ({} is good)", it.kpi, it.direction.as_str()),
        treated: rate(it.treated.converted, it.treated.units),
        control: rate(it.control.converted, it.control.units),
        lift: lift.map_or_else(|| "\u{2014}".to_owned(), |it| points(it.0)),
        interval: lift.map_or_else(
            || it.notes.first().map(|it| words::sentence(it).to_owned()).unwrap_or_default(),
            |it| format!("{} to {}", points(it.1), points(it.2)),
        ),
        balance,
        balance_tone,
    }
}

fn outcomes(signals: &Signals) -> Vec<BarRow> {
    let mut sums = BTreeMap::<(String, &str), u64>::new();
    for ((node, state, _), n) in signals.by_label(SignalKind::Decision) {
        *sums.entry((node.to_owned(), record::outcome(state))).or_default() += n;
    }
    longest_first(sums.into_iter().map(|((node, outcome), count)| BarRow {
        label: format!("{node} · {outcome}"),
        code: String::new(),
        count,
    }))
}

fn longest_first(rows: impl Iterator<Item = BarRow>) -> Vec<BarRow> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|a, b| {
        b.count.cmp(&a.count).then_with(|| (&a.label, &a.code).cmp(&(&b.label, &b.code)))
    });
    rows
}

fn reasons(signals: &Signals) -> Vec<BarRow> {
    let mut sums = BTreeMap::<String, u64>::new();
    for kind in [SignalKind::Decision, SignalKind::Delivery] {
        for ((_, _, reason), n) in signals.by_label(kind) {
            if !reason.is_empty() {
                *sums.entry(reason.to_owned()).or_default() += n;
            }
        }
    }
    let mut rows = longest_first(sums.into_iter().map(|(code, count)| {
        let told = Reason::parse(&code).map(|it| words::sentence(&it));
        BarRow { label: told.unwrap_or("A reason without a code.").to_owned(), code, count }
    }));
    rows.truncate(REASONS_MAX);
    rows
}

async fn sources(app: &App, caller: &Caller) -> Result<Vec<SourceRow>, Problem> {
    let health = app.health.health(&caller.tenant, Limit::default()).await?;
    Ok(health
        .sources
        .into_iter()
        .map(|it| {
            let (state, tone) = match it.state {
                Freshness::Fresh => ("up to date", "good"),
                Freshness::Warn => ("late", "warn"),
                Freshness::Stale => ("too old to use", "bad"),
                Freshness::Never => ("nothing yet", ""),
            };
            SourceRow {
                source: it.source.to_string(),
                kind: it.kind.to_string(),
                state,
                tone,
                last: it.received_at.map(words::instant).unwrap_or_default(),
            }
        })
        .collect())
}

async fn dead_letters(app: &App, caller: &Caller) -> Result<Vec<DeadLetterRow>, Problem> {
    let health = app.health.health(&caller.tenant, Limit::default()).await?;
    Ok(health
        .dead_letters
        .into_iter()
        .take(GROUPS_MAX)
        .map(|it| DeadLetterRow {
            kind: it.kind.map_or_else(|| "unreadable".to_owned(), |it| it.to_string()),
            reason: format!("{} {}", it.code, it.pointer),
            count: grouped(it.n),
        })
        .collect())
}
