//! Reports over HTTP: the record of processing activities.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use consent::ropa;
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::{Caller, Scope},
    http::Asked,
    problem::{Details, Problem},
};

/// The routes of reports.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(processing))
}

/// Which form.
#[derive(Debug, Deserialize)]
struct FormQuery {
    format: Option<String>,
}

/// The record of processing activities (GDPR Art. 30), generated from what is live: as `json`
/// (if nothing is named), `csv` or `html`.
#[utoipa::path(get, path = "/v1/reports/ropa", tag = "consent",
    params(("format" = Option<String>, Query)),
    responses((status = 200, body = Object), (status = 422, body = Details)))]
async fn processing(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asked(form): Asked<FormQuery>,
) -> Result<Response, Problem> {
    caller.must(Scope::Read)?;
    let record = ropa::record(&*app.explain.registry(&caller.tenant).await?);
    let typed = |kind: &'static str, text: String| {
        ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], text).into_response()
    };
    match form.format.as_deref().unwrap_or("json") {
        "json" => Ok(Json(record).into_response()),
        "csv" => Ok(typed("text/csv; charset=utf-8; header=present", ropa::csv(&record))),
        "html" => Ok(typed("text/html; charset=utf-8", ropa::html(&record))),
        _ => Err(Problem::unprocessable("http", "unknown-format", "ask for json, csv or html")),
    }
}
