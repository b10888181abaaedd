//! The log over HTTP: signed heads, tiles (C2SP tlog-tiles), proofs, and the key to check them with.

use std::{str::FromStr as _, sync::Arc};

use audit::{service::Published, tile::Tile};
use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use kernel::{Fault, TenantId};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Asked;
use crate::{
    app::App,
    auth::{Caller, Scope},
    problem::{Details, Problem},
};

/// A head changes with every batch; who polls it may share an answer for a second.
const HEAD_AGE: &str = "max-age=1";
/// A tile never changes, a partial one neither.
const TILE_AGE: &str = "max-age=31536000, immutable";

/// The routes of audit.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(checkpoint))
        .routes(routes!(key))
        .routes(routes!(log_checkpoint))
        .routes(routes!(consistency))
        .route("/v1/audit/logs/{tenant}/{log}/tile/{*path}", get(tile))
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

/// The log of a path, for whoever may read it; what may not be read is not there.
async fn log_of(
    app: &App,
    caller: Result<Caller, Problem>,
    (tenant, log): (&str, &str),
) -> Result<(TenantId, Arc<Published>), Problem> {
    let absent = || Problem::not_found("log");
    let named = TenantId::new(tenant).map_err(|_| absent())?;
    if !app.auditing.is_public {
        let caller = caller?;
        caller.must(Scope::Read)?;
        if caller.tenant != named {
            return Err(absent());
        }
    }
    let head = app.auditing.log.head(&named).await?.ok_or_else(absent)?;
    if head.checkpoint.origin.as_str().ends_with(&format!("/{tenant}/{log}")) {
        Ok((named, head))
    } else {
        Err(absent())
    }
}

/// An answer that caches may keep as long; those between us and the caller only if it is public.
fn kept(app: &App, kind: &'static str, age: &str, body: Vec<u8>) -> Result<Response, Problem> {
    let scope = if app.auditing.is_public { "public" } else { "private" };
    let age = HeaderValue::from_str(&format!("{scope}, {age}"))
        .map_err(|it| Problem::from(Fault::escalate("naming an age").because(it)))?;
    let kind = HeaderValue::from_static(kind);
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, age)], body).into_response())
}

/// The signed head of a log (C2SP tlog-checkpoint); signing in is not needed where it is public.
#[utoipa::path(get, path = "/v1/audit/logs/{tenant}/{log}/checkpoint", tag = "audit",
    params(("tenant" = String, Path), ("log" = String, Path, example = "2026h2")),
    responses((status = 200, body = String), (status = 401, body = Details), (status = 404, body = Details)))]
async fn log_checkpoint(
    State(app): State<Arc<App>>,
    Path((tenant, log)): Path<(String, String)>,
    caller: Result<Caller, Problem>,
) -> Result<Response, Problem> {
    let (tenant, newest) = log_of(&app, caller, (&tenant, &log)).await?;
    let head = app.auditing.log.witnessed(&tenant).await?.unwrap_or(newest);
    kept(&app, "text/plain; charset=utf-8", HEAD_AGE, head.note.clone().into())
}

/// A tile of hashes or a bundle of entries (C2SP tlog-tiles): thin leaves, nothing personal.
async fn tile(
    State(app): State<Arc<App>>,
    Path((tenant, log, path)): Path<(String, String, String)>,
    caller: Result<Caller, Problem>,
) -> Result<Response, Problem> {
    let absent = || Problem::not_found("tile");
    let (tenant, _) = log_of(&app, caller, (&tenant, &log)).await?;
    let tile = Tile::from_str(&format!("tile/{path}")).map_err(|_| absent())?;
    let bytes = app.auditing.log.tile(&tenant, tile).await?.ok_or_else(absent)?;
    kept(&app, "application/octet-stream", TILE_AGE, bytes)
}

/// Two sizes of a log.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Between {
    /// The earlier size.
    from: u64,
    /// The later size; the newest, if absent.
    to: Option<u64>,
}

/// Two signed heads and the proof that the later extends the earlier; `assent verify` checks it.
#[utoipa::path(get, path = "/v1/audit/logs/{tenant}/{log}/proofs/consistency", tag = "audit",
    params(("tenant" = String, Path), ("log" = String, Path),
        ("from" = u64, Query), ("to" = Option<u64>, Query)),
    responses((status = 200, body = Object), (status = 400, body = Details),
        (status = 404, body = Details), (status = 422, body = Details)))]
async fn consistency(
    State(app): State<Arc<App>>,
    Path((tenant, log)): Path<(String, String)>,
    caller: Result<Caller, Problem>,
    Asked(between): Asked<Between>,
) -> Result<Response, Problem> {
    let (tenant, head) = log_of(&app, caller, (&tenant, &log)).await?;
    let to = between.to.unwrap_or(head.checkpoint.size);
    let document = app.auditing.log.consistency(&tenant, between.from, to).await?;
    let document = document.ok_or_else(|| {
        let size = head.checkpoint.size;
        let why = format!("`from` is at most `to`, and `to` at most the size of the log, {size}");
        Problem::unprocessable("audit", "sizes-out-of-order", why)
    })?;
    let bytes = document
        .to_bytes()
        .map_err(|it| Problem::from(Fault::escalate("encoding a proof").because(it)))?;
    kept(&app, "application/json", HEAD_AGE, bytes)
}
