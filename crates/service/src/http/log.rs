//! The log over HTTP: its signed head and the key to check it with.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::{Caller, Scope},
    problem::{Details, Problem},
};

/// The routes of audit.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(checkpoint)).routes(routes!(key))
}

/// The signed head of the log (C2SP signed note).
#[utoipa::path(get, path = "/v1/audit/checkpoint", tag = "audit",
    responses((status = 200, body = String), (status = 401, body = Details)))]
async fn checkpoint(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    caller.must(Scope::Read)?;
    let head = app.prove.checkpoint(&caller.tenant).await?;
    Ok(text(head.note.clone()))
}

/// The key a stranger checks receipts with (C2SP vkey).
#[utoipa::path(get, path = "/v1/audit/key", tag = "audit",
    responses((status = 200, body = String), (status = 401, body = Details)))]
async fn key(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    caller.must(Scope::Read)?;
    let key = app.prove.verifier_key(&caller.tenant).await?;
    Ok(text(format!("{key}\n")))
}

fn text(body: String) -> Response {
    (
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")],
        body,
    )
        .into_response()
}
