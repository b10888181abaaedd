//! A witness over HTTP (C2SP tlog-witness): heads of logs it knows, cosigned one after the other.

use std::sync::Arc;

use audit::{
    service::{CosignError, WitnessService},
    witness::{ADD_CHECKPOINT_BYTES_MAX, Refusal},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Raw, with_fallbacks};
use crate::problem::Problem;

/// What a log is told to ask below.
pub const WITNESS_PREFIX: &str = "/v1/audit/witness";

/// The routes of a witness.
fn router(witness: WitnessService) -> Router {
    let router = Router::new()
        .route("/v1/audit/witness/add-checkpoint", post(add_checkpoint))
        .with_state(Arc::new(witness));
    with_fallbacks(router).layer(DefaultBodyLimit::max(ADD_CHECKPOINT_BYTES_MAX))
}

/// Serves a witness until cancelled.
pub async fn serve(
    witness: WitnessService,
    listener: TcpListener,
    until: CancellationToken,
) -> std::io::Result<()> {
    axum::serve(listener, router(witness)).with_graceful_shutdown(until.cancelled_owned()).await
}

/// Cosigns a head: the answer is a signature line of a note.
async fn add_checkpoint(
    State(witness): State<Arc<WitnessService>>,
    Raw(_, body): Raw,
) -> Result<Response, Problem> {
    let text = std::str::from_utf8(&body).map_err(|_| refused(Refusal::Malformed))?;
    match witness.cosign(text).await {
        Ok(line) => {
            Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], line).into_response())
        }
        Err(CosignError::Refused(Refusal::Conflict(size))) => {
            let kind = [(header::CONTENT_TYPE, "text/x.tlog.size")];
            Ok((StatusCode::CONFLICT, kind, format!("{size}\n")).into_response())
        }
        Err(CosignError::Refused(refusal)) => Err(refused(refusal)),
        Err(CosignError::Fault(fault)) => Err(fault.into()),
    }
}

fn refused(refusal: Refusal) -> Problem {
    let (status, name) = match refusal {
        Refusal::Malformed => (StatusCode::BAD_REQUEST, "malformed"),
        Refusal::UnknownLog => (StatusCode::NOT_FOUND, "unknown-log"),
        Refusal::Unsigned => (StatusCode::FORBIDDEN, "unsigned"),
        Refusal::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
        Refusal::Unproven => (StatusCode::UNPROCESSABLE_ENTITY, "unproven"),
    };
    Problem::new(status, "audit", name).because(refusal.to_string())
}
