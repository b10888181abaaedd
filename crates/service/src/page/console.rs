//! Pages for staff: decisions, one decision with its proof, signing in.

use std::sync::Arc;

use askama::Template;
use audit::{
    entry::{EntryKind, RecordId},
    note::SignedCheckpoint,
    receipt::TlogProof,
    service::Disclose,
    tree::siblings,
};
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use decision::record::Record;
use kernel::{DecisionId, Instant, Limit, Reason};
use serde::Deserialize;

use super::{
    record::{self, CandidateView, CutView, Told, VerdictView},
    why::of_decision,
};
use crate::{
    app::App,
    auth::{COOKIE, Scope, Visitor},
    http::{Asked, Named, Submitted},
    problem::Problem,
    words,
};

/// How many rows a page of the console shows.
pub(super) const ROWS: u16 = 50;

/// Where a list goes on.
#[derive(Debug, Deserialize)]
pub struct After {
    /// The cursor of the last row shown.
    pub(super) after: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "decisions.html")]
struct DecisionsPage {
    here: &'static str,
    rows: Vec<DecisionRow>,
    next: Option<String>,
}

#[derive(Debug)]
struct DecisionRow {
    at: String,
    node: String,
    outcome: &'static str,
    tone: &'static str,
    reason: Option<Told>,
    id: String,
}

/// Every decision, newest first.
pub async fn decisions(
    State(app): State<Arc<App>>,
    Visitor(caller): Visitor,
    Asked(after): Asked<After>,
) -> Result<Response, Problem> {
    let size = app.prove.checkpoint(&caller.tenant).await?.checkpoint.size;
    let before = after.after.as_deref().map_or(Ok(size), str::parse);
    let mut before = before.map_err(|_| Problem::malformed("`after` is not a cursor"))?;
    let mut rows = Vec::new();
    // The log reads forwards; the console wants the newest first, so it walks back in steps.
    while before > 0 && rows.len() < usize::from(ROWS) {
        let from = before.saturating_sub(u64::from(kernel::LIMIT_MAX));
        let limit = u16::try_from(before - from).ok().and_then(|it| Limit::new(it).ok());
        let opened = app
            .records
            .page(
                &caller.tenant,
                Some(EntryKind::Decision),
                from.checked_sub(1),
                limit.unwrap_or(Limit::MAX),
            )
            .await?;
        for it in opened.iter().rev().filter(|it| it.index < before) {
            if rows.len() == usize::from(ROWS) {
                break;
            }
            rows.push((it.index, decision_row(it)));
        }
        before = from;
    }
    let next = rows.last().filter(|_| rows.len() == usize::from(ROWS)).map(|it| it.0.to_string());
    let rows = rows.into_iter().map(|it| it.1).collect();
    page(&DecisionsPage { here: "decisions", rows, next })
}

fn decision_row(it: &audit::service::OpenedRecord) -> DecisionRow {
    let text = |group: &str, pointer: &str| {
        it.group(group)
            .and_then(|it| it.pointer(pointer))
            .and_then(|it| it.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let kind = text("outcome", "/kind");
    let chosen = text("outcome", "/action/node");
    DecisionRow {
        at: words::instant(it.at),
        node: if chosen.is_empty() { text("core", "/nodes/0") } else { chosen },
        outcome: record::outcome(&kind),
        tone: record::tone(&kind),
        reason: Reason::parse(&text("outcome", "/reason")).ok().as_ref().map(Told::from),
        id: DecisionId::from_uuid(it.record.uuid()).to_string(),
    }
}

#[derive(Debug, Template)]
#[template(path = "decision.html")]
struct DecisionPage {
    here: &'static str,
    headline: String,
    lede: String,
    tone: &'static str,
    outcome: &'static str,
    at: String,
    id: String,
    cuts: Vec<CutView>,
    verdicts: Vec<VerdictView>,
    candidates: Vec<CandidateView>,
    sentences: Vec<String>,
    entry: String,
    release: String,
    leaf: String,
    proof: Vec<Step>,
    checkpoint: String,
    deliveries: Vec<DeliveryRow>,
}

#[derive(Debug)]
struct DeliveryRow {
    channel: String,
    state: String,
    tone: &'static str,
    reasons: Vec<Told>,
}

/// One decision: bundle, withheld fields, verdict, candidates, explanation, proof.
pub async fn decision(
    State(app): State<Arc<App>>,
    Visitor(caller): Visitor,
    Named(id): Named<DecisionId>,
) -> Result<Response, Problem> {
    let stored = app.journal.get(&caller.tenant, id).await?;
    let stored = stored.ok_or_else(|| Problem::not_found("decision"))?;
    let record = stored.parse().map_err(|_| Problem::not_found("decision"))?;
    let receipt = app
        .prove
        .receipt(&caller.tenant, RecordId::from_uuid(id.uuid()), Disclose::Only(&[]))
        .await?
        .ok_or_else(|| Problem::not_found("decision"))?;
    let proof = TlogProof::parse(&receipt.proof).ok_or_else(|| Problem::not_found("proof"))?;
    let deliveries = of_decision(&app, &caller.tenant, &record).await?;
    let deliveries = deliveries.iter().map(delivery_row).collect();
    page(&decision_page(&record, &proof, receipt.leaf, deliveries))
}

fn decision_page(
    record: &Record,
    proof: &TlogProof,
    leaf: String,
    deliveries: Vec<DeliveryRow>,
) -> DecisionPage {
    let kind = &*record.outcome.kind;
    let node = record.outcome.action.as_ref().map(|it| it.node.to_string());
    let node = node.or_else(|| record.core.nodes.first().map(ToString::to_string));
    DecisionPage {
        here: "decisions",
        headline: node.unwrap_or_else(|| "Decision".to_owned()),
        lede: lede(record),
        tone: record::tone(kind),
        outcome: record::outcome(kind),
        at: words::instant(Instant::from_micros(record.core.as_of_us)),
        id: record.core.id.to_string(),
        cuts: record::cuts(record),
        verdicts: record::verdicts(record),
        candidates: record::candidates(record),
        sentences: record::sentences(record),
        entry: format!("number {} of the log", proof.index),
        release: record.policies.release.to_string(),
        leaf,
        proof: path(proof),
        checkpoint: proof.note.clone(),
        deliveries,
    }
}

/// One step from the entry to the root: what it is joined with.
#[derive(Debug)]
struct Step {
    entries: String,
    hash: String,
    /// Where the entries so far and those they are joined with lie in the log, in thousandths:
    /// from, width.
    own: (u64, u64),
    joined: (u64, u64),
}

/// The way from an entry to the root of a head.
fn path(proof: &TlogProof) -> Vec<Step> {
    let size = SignedCheckpoint::parse(&proof.note).map_or(0, |it| it.checkpoint().size);
    let part = |from: u64, until: u64| {
        let at = |it: u64| u128::from(it) * 1_000 / u128::from(size.max(1));
        let (from, until) = (at(from), at(until));
        let narrow = |it: u128| u64::try_from(it).unwrap_or(1_000);
        (narrow(from), narrow((until - from).max(4)))
    };
    let (mut low, mut high) = (proof.index, proof.index.saturating_add(1));
    let step = |((from, until), hash): ((u64, u64), &audit::tree::Hash)| {
        let step = Step {
            entries: match until - from {
                1 => format!("entry {from}"),
                n => format!("{n} entries, {from} to {}", until - 1),
            },
            hash: hash.to_string(),
            own: part(low, high),
            joined: part(from, until),
        };
        (low, high) = (low.min(from), high.max(until));
        step
    };
    siblings(proof.index, size).into_iter().zip(&proof.hashes).map(step).collect()
}

fn lede(record: &Record) -> String {
    let core = &record.core;
    let when = match &core.placement {
        Some(placement) => format!("Decided when the placement {placement} asked"),
        None => "Decided when its moment came".to_owned(),
    };
    format!("{when}, by {}. Its class is {}, its risk tier {}.", core.engine, core.class, core.tier)
}

fn delivery_row(it: &delivery::message::Delivery) -> DeliveryRow {
    use delivery::state::State;
    let tone = match &it.state {
        State::Accepted | State::Delivered => "good",
        State::Ready | State::InFlight { .. } => "",
        State::Held { .. } | State::RetryWait { .. } | State::Returned { .. } => "warn",
        State::Unknown { .. }
        | State::Bounced
        | State::Complained
        | State::Suppressed { .. }
        | State::Failed { .. }
        | State::Expired
        | State::Abandoned => "bad",
    };
    DeliveryRow {
        channel: it.channel.to_string(),
        state: it.state.name().replace('_', " "),
        tone,
        reasons: it.state.reasons().iter().map(Told::from).collect(),
    }
}

#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    brand: &'static str,
    wrong: bool,
}

/// Where a key is pasted.
pub async fn sign_in() -> Result<Response, Problem> {
    page(&SignInPage { brand: "Assent", wrong: false })
}

/// Takes a key and remembers it for this browser.
pub async fn signed_in(State(app): State<Arc<App>>, form: Submitted) -> Result<Response, Problem> {
    // Keys need no decoding; what was pasted around one is space.
    let key = form.values("key").next().map(|it| it.trim_matches('+'));
    let key = key.ok_or_else(|| Problem::malformed("the form was not ours"))?;
    let known = app.keys.caller(key).is_some_and(|it| it.must(Scope::Read).is_ok());
    let cookie = HeaderValue::from_str(&format!(
        "{COOKIE}={key}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200"
    ));
    match cookie {
        Ok(cookie) if known => {
            let mut response = Redirect::to("/console").into_response();
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            Ok(response)
        }
        _ => {
            let mut response = page(&SignInPage { brand: "Assent", wrong: true })?;
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            Ok(response)
        }
    }
}

/// A page, never cached, loading nothing from anyone else.
pub(crate) fn page(template: &impl Template) -> Result<Response, Problem> {
    let html = template.render().map_err(|it| {
        tracing::error!(error = %it, "a page could not be drawn");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "http", "page-failed")
    })?;
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}
