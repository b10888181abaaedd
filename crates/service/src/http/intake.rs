//! Intake over HTTP: CloudEvents in three modes, and files of the systems of record.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use context::{
    RawBatch, Refusal,
    admit::Caller as Source,
    parse_http,
    service::{AdmitError, ImportError, ItemOutcome},
};
use kernel::EventId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Asked, Raw};
use crate::{
    app::App,
    auth::{Caller, Scope},
    problem::{Details, Problem},
};

/// The routes of context.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(events)).routes(routes!(import))
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
struct BatchOut {
    /// Admitted: durable.
    accepted: usize,
    /// Admitted before.
    duplicate: usize,
    /// Kept aside with a reason.
    parked: usize,
    /// Answered with a problem.
    refused: usize,
    /// One result per event, in order.
    results: Vec<ItemOut>,
}

/// What became of one event.
#[derive(Debug, Serialize, ToSchema)]
struct ItemOut {
    /// Its place in the batch, from 0.
    index: usize,
    /// `accepted`, `duplicate`, `parked` or `refused`.
    status: &'static str,
    /// Its id here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    event_id: Option<EventId>,
    /// Why it was not admitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Details>)]
    problem: Option<Problem>,
}

/// Admit events: CloudEvents 1.0 in batch, structured or binary mode. 202 means committed.
#[utoipa::path(post, path = "/v1/events", tag = "context",
    request_body(content = Object, content_type = "application/cloudevents+json"),
    responses((status = 202, body = BatchOut), (status = 400, body = Details), (status = 415, body = Details),
        (status = 422, body = Details)))]
async fn events(
    State(app): State<Arc<App>>,
    caller: Caller,
    Raw(headers, body): Raw,
) -> Result<Response, Problem> {
    caller.must(Scope::Ingest)?;
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let attributes: Vec<_> = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("ce-"))
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let mut batch = parse_http(content_type, &attributes, &body).map_err(|it| problem(&it))?;
    if let Some(trace) = (app.trace_parent)() {
        join(&mut batch, &trace);
    }
    let batched = batch.batched;
    let source = Source { sources: caller.sources.clone() };
    let outcomes =
        app.admission.admit(&caller.tenant, &source, batch).await.map_err(|it| match it {
            AdmitError::Contended => Problem::from(kernel::Fault::retry("admitting events")),
            AdmitError::Fault(fault) => fault.into(),
        })?;
    app.nudge.wake();
    if batched { Ok(batch_answer(&outcomes)) } else { single(outcomes.into_iter().next()) }
}

/// An event that names no trace of its own continues the one of the request that brought it.
fn join(batch: &mut RawBatch, trace: &str) {
    for event in batch.items.iter_mut().flatten() {
        event.entry("traceparent").or_insert_with(|| trace.into());
    }
}

fn single(outcome: Option<ItemOutcome>) -> Result<Response, Problem> {
    let outcome = outcome.ok_or_else(|| Problem::malformed("the request held no event"))?;
    let status = outcome.status().as_str();
    match outcome {
        ItemOutcome::Accepted { event_id } | ItemOutcome::Duplicate { event_id } => {
            let code = if status == "accepted" { StatusCode::ACCEPTED } else { StatusCode::OK };
            let body = ItemOut { index: 0, status, event_id: Some(event_id), problem: None };
            Ok((code, Json(body)).into_response())
        }
        ItemOutcome::Parked { refusal } if refusal.code.status() == 202 => {
            let problem = Some(problem(&refusal));
            let body = ItemOut { index: 0, status, event_id: None, problem };
            Ok((StatusCode::ACCEPTED, Json(body)).into_response())
        }
        ItemOutcome::Parked { refusal } | ItemOutcome::Refused { refusal } => {
            Err(problem(&refusal))
        }
    }
}

fn batch_answer(outcomes: &[ItemOutcome]) -> Response {
    let count = |word: &str| outcomes.iter().filter(|it| it.status().as_str() == word).count();
    let results = outcomes
        .iter()
        .enumerate()
        .map(|(index, it)| match it {
            ItemOutcome::Accepted { event_id } | ItemOutcome::Duplicate { event_id } => ItemOut {
                index,
                status: it.status().as_str(),
                event_id: Some(*event_id),
                problem: None,
            },
            ItemOutcome::Parked { refusal } | ItemOutcome::Refused { refusal } => ItemOut {
                index,
                status: it.status().as_str(),
                event_id: None,
                problem: Some(problem(refusal)),
            },
        })
        .collect();
    let body = BatchOut {
        accepted: count("accepted"),
        duplicate: count("duplicate"),
        parked: count("parked"),
        refused: count("refused"),
        results,
    };
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

fn problem(refusal: &Refusal) -> Problem {
    let status = StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let problem = Problem::new(status, "context", refusal.code.as_str()).because(refusal.detail);
    if refusal.pointer.is_empty() {
        problem
    } else {
        problem.at(refusal.pointer.clone(), refusal.detail)
    }
}

/// Which system a file is from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    system: String,
}

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
struct ImportOut {
    /// Rows read.
    rows: u64,
    /// Rows admitted.
    accepted: u64,
    /// Rows admitted before.
    duplicate: u64,
    /// Rows kept aside.
    parked: u64,
    /// Rows refused.
    refused: u64,
    /// The first rows that were not admitted.
    errors: Vec<RowOut>,
}

/// A row that was not admitted.
#[derive(Debug, Serialize, ToSchema)]
struct RowOut {
    /// The line of the file, from 1.
    line: u64,
    /// The column at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    /// Why.
    code: &'static str,
}

/// Import a CSV file of a system of record; every row goes through the intake of events.
#[utoipa::path(post, path = "/v1/imports", tag = "context", params(("system" = String, Query)),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = ImportOut), (status = 422, body = Details)))]
async fn import(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asked(from): Asked<From>,
    Raw(headers, body): Raw,
) -> Result<Json<ImportOut>, Problem> {
    caller.must(Scope::Ingest)?;
    if !caller.sources.as_ref().is_none_or(|it| it.contains(&from.system)) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "context", "source-not-allowed")
            .because("this key may not speak for that system"));
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    if !content_type.is_some_and(|it| it.starts_with("text/csv")) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "http",
            "unsupported-media-type",
        )
        .because("send `Content-Type: text/csv`"));
    }
    let report = app.imports.import(&caller.tenant, &from.system, &body).await;
    app.nudge.wake();
    let report = report.map_err(refused)?;
    let errors = report
        .problems
        .into_iter()
        .map(|it| RowOut { line: it.line, column: it.column, code: it.code.as_str() })
        .collect();
    Ok(Json(ImportOut {
        rows: report.rows,
        accepted: report.accepted,
        duplicate: report.duplicate,
        parked: report.parked,
        refused: report.refused,
        errors,
    }))
}

fn refused(error: ImportError) -> Problem {
    match error {
        ImportError::UnknownSystem => {
            Problem::unprocessable("context", "unknown-system", error.to_string())
        }
        ImportError::Column(_) => {
            Problem::unprocessable("context", "bad-header", error.to_string())
        }
        ImportError::Line { .. } => Problem::unprocessable("context", "bad-row", error.to_string()),
        ImportError::Admit(AdmitError::Fault(fault)) | ImportError::Fault(fault) => fault.into(),
        ImportError::Admit(AdmitError::Contended) => {
            kernel::Fault::retry("admitting rows of a file").into()
        }
    }
}
