//! The log for auditors: its head, any two heads compared, a decision found by its id.

use std::sync::Arc;

use askama::Template;
use audit::{
    note::SignedCheckpoint,
    verify::{self, Exit, Trust},
};
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use kernel::{DecisionId, Fault, TenantId};
use serde::Deserialize;

use super::console::page;
use crate::{app::App, auth::Visitor, http::Asked, problem::Problem};

/// What is asked of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    decision: Option<String>,
    from: Option<u64>,
    to: Option<u64>,
}

#[derive(Debug, Template)]
#[template(path = "log.html")]
struct LogPage {
    here: &'static str,
    origin: String,
    size: u64,
    root: String,
    note: String,
    witnesses: String,
    from: u64,
    to: u64,
    compared: Option<Compared>,
    missing: Option<String>,
}

/// Two heads and whether the later extends the earlier.
#[derive(Debug, Default)]
struct Compared {
    holds: bool,
    from: u64,
    to: u64,
    from_root: String,
    to_root: String,
    proof: Vec<String>,
}

/// The page.
pub async fn log(
    State(app): State<Arc<App>>,
    Visitor(caller): Visitor,
    Asked(question): Asked<Question>,
) -> Result<Response, Problem> {
    if let Some(decision) = question.decision.as_deref().map(str::trim) {
        let found = match decision.parse::<DecisionId>() {
            Ok(id) => app.journal.get(&caller.tenant, id).await?.map(|_| id),
            Err(_) => None,
        };
        if let Some(id) = found {
            return Ok(Redirect::to(&format!("/console/decisions/{id}")).into_response());
        }
    }
    let tenant = &caller.tenant;
    let head = app.prove.checkpoint(tenant).await?;
    let newest = app.auditing.log.head(tenant).await?.unwrap_or(head);
    let shown = app.auditing.log.witnessed(tenant).await?.unwrap_or_else(|| newest.clone());
    let size = newest.checkpoint.size;
    let compared = match (question.from, question.to) {
        (None, None) => None,
        (from, to) => Some(compare(&app, tenant, from.unwrap_or(0), to.unwrap_or(size)).await?),
    };
    let cosigned = shown.note.lines().filter(|it| it.starts_with('\u{2014}')).count();
    page(&LogPage {
        here: "log",
        origin: newest.checkpoint.origin.to_string(),
        size,
        root: newest.checkpoint.root.to_string(),
        note: shown.note.clone(),
        witnesses: match cosigned.saturating_sub(1) {
            0 => "nobody but the operator: no witness has cosigned it".to_owned(),
            1 => format!("one witness, at {} entries", shown.checkpoint.size),
            n => format!("{n} witnesses, at {} entries", shown.checkpoint.size),
        },
        from: question.from.unwrap_or(0),
        to: question.to.unwrap_or(size),
        compared,
        missing: question.decision,
    })
}

/// Compares as a stranger would: the proof is made, and then checked.
async fn compare(app: &App, tenant: &TenantId, from: u64, to: u64) -> Result<Compared, Problem> {
    let Some(document) = app.auditing.log.consistency(tenant, from, to).await? else {
        return Ok(Compared::default());
    };
    let broken = |it| Problem::from(Fault::escalate("encoding a proof").because(it));
    let key = app.prove.verifier_key(tenant).await?;
    let report = verify::consistency(&document.to_bytes().map_err(broken)?, &Trust::in_key(key));
    let root = |note: &str| {
        SignedCheckpoint::parse(note).map(|it| it.checkpoint().root.to_string()).unwrap_or_default()
    };
    Ok(Compared {
        holds: report.exit == Exit::Unwitnessed,
        from,
        to,
        from_root: root(&document.from),
        to_root: root(&document.to),
        proof: document.hashes().unwrap_or_default().iter().map(ToString::to_string).collect(),
    })
}
