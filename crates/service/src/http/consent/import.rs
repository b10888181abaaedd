//! Choices taken over from another system over HTTP: each row accounted for.

use std::sync::Arc;

use axum::{Json, extract::State};
use consent::{
    Label,
    import::{self, Naming, ROWS_MAX, Shape},
    service::{RecordError, RecordOutcome},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::too_many;
use crate::{
    app::App,
    auth::{Caller, Scope},
    http::{
        Body,
        person::{self, IdentifierIn, PersonIn},
    },
    problem::{Details, Problem},
};

/// The routes of imports.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(import))
}

/// An export of another system.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportIn {
    /// The name of the batch: the same row of the same batch is taken over once.
    #[schema(value_type = String, example = "onetrust-2026-11")]
    batch: Label,
    /// `onetrust`, `segment`, `adobe_xdm` or `table`.
    #[schema(value_type = String)]
    shape: Shape,
    /// What the foreign names of purposes mean here, and the namespace of the identifiers.
    #[schema(value_type = Object)]
    naming: Naming,
    /// Up to 1,000 rows as JSON.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    rows: Vec<Value>,
    /// Or a table as CSV with a header.
    #[serde(default)]
    csv: Option<String>,
}

/// What became of an import: every row is accounted for.
#[derive(Debug, Default, Serialize, ToSchema)]
struct ImportOut {
    /// How many rows there were.
    rows: usize,
    /// How many choices were taken over.
    recorded: usize,
    /// How many were taken over before.
    duplicate: usize,
    /// Everything else: what was left, and why.
    left: Vec<LeftOut>,
}

/// Something a row said that changed nothing.
#[derive(Debug, Serialize, ToSchema)]
struct LeftOut {
    /// The row, from 1.
    row: usize,
    /// Why.
    why: String,
}

/// Take over choices from another system: restrictions freely, permissions only with their proof.
/// A row without an action changes nothing, and is reported.
#[utoipa::path(post, path = "/v1/consent-imports", tag = "consent", request_body = ImportIn,
    responses((status = 200, body = ImportOut), (status = 413, body = Details), (status = 422, body = Details)))]
async fn import(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(body): Body<ImportIn>,
) -> Result<Json<ImportOut>, Problem> {
    caller.must(Scope::Consent)?;
    let mut rows = body.rows;
    if let Some(text) = &body.csv {
        rows.extend(table(text)?);
    }
    if rows.len() > ROWS_MAX {
        return Err(too_many());
    }
    let mut out = ImportOut { rows: rows.len(), ..ImportOut::default() };
    let read: Vec<_> = rows.iter().map(|it| import::read(body.shape, &body.naming, it)).collect();
    let people: Vec<Option<PersonIn>> =
        read.iter().map(|it| it.person.as_ref().map(person_in)).collect();
    let asked: Vec<&PersonIn> = people.iter().flatten().collect();
    let found = person::resolve_each(&app.people, &caller.tenant, &asked).await;
    let mut found = found.map_err(|(_, problem)| problem)?.into_iter();
    let (mut events, mut places) = (Vec::new(), Vec::new());
    for (at, (row, read)) in rows.iter().zip(&read).enumerate() {
        let known = read.person.as_ref().and_then(|_| found.next().flatten());
        for (nth, said) in read.said.iter().enumerate() {
            match (said, &known) {
                (Ok(said), Some(known)) => {
                    events.push(import::event(&body.batch, row, nth, known.at, said));
                    places.push(at + 1);
                }
                (Ok(_), None) => left(&mut out, at + 1, "nobody is known by that"),
                (Err(idle), _) => left(&mut out, at + 1, idle),
            }
        }
    }
    if events.len() > consent::service::EVENTS_PER_CALL_MAX {
        return Err(too_many());
    }
    let recorded = app.consent.record(&caller.tenant, events).await.map_err(|it| match it {
        RecordError::TooMany => too_many(),
        RecordError::Fault(fault) => fault.into(),
    })?;
    app.nudge.wake();
    for (row, outcome) in places.into_iter().zip(recorded.outcomes) {
        match outcome {
            RecordOutcome::Recorded(_) => out.recorded += 1,
            RecordOutcome::Duplicate(_) => out.duplicate += 1,
            RecordOutcome::Conflict => left(&mut out, row, "its id is taken by another content"),
            RecordOutcome::Refused(reason) => left(&mut out, row, reason),
        }
    }
    out.left.sort_by_key(|it| it.row);
    Ok(Json(out))
}

fn left(out: &mut ImportOut, row: usize, why: impl std::fmt::Display) {
    out.left.push(LeftOut { row, why: why.to_string() });
}

fn person_in(named: &import::Named) -> PersonIn {
    let (namespace, value) = (named.namespace.clone(), named.value.clone());
    PersonIn { subject: None, identifiers: vec![IdentifierIn { namespace, value }] }
}

/// Rows of a table under their header, every cell a text.
fn table(text: &str) -> Result<Vec<Value>, Problem> {
    let broken = |it: csv::Error| Problem::malformed(format!("not a table in CSV: {it}"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(broken)?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        if rows.len() > ROWS_MAX {
            return Err(too_many());
        }
        let cells = header.iter().zip(&record);
        let row: Map<_, _> = cells.map(|(name, it)| (name.to_owned(), it.into())).collect();
        rows.push(row.into());
    }
    Ok(rows)
}
