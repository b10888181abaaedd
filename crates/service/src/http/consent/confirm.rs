//! Double opt-in over HTTP: a link that asks an address to confirm an agreement.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use consent::{ConsentEvent, fold::DOI_TTL, service::ConfirmError};
use kernel::{Digest, Instant, NodeId, SubjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::by;
use crate::{
    app::App,
    auth::{Caller, Scope},
    http::{Body, Named, person},
    links::ConfirmLink,
    problem::{Details, Problem},
};

/// The routes of double opt-in.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(ask))
}

/// An agreement to be confirmed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskIn {
    /// The event by which the person agreed.
    grant: Uuid,
    /// The address that is asked: one of the person's identifiers, by its node.
    #[schema(value_type = String)]
    address: NodeId,
}

/// The link to send there, and nowhere else.
#[derive(Debug, Serialize, ToSchema)]
struct AskOut {
    /// The page that confirms; opening it changes nothing, its button does.
    link: String,
    /// Until when it counts.
    #[schema(value_type = String, format = DateTime)]
    until: Instant,
}

/// Ask an address to confirm an agreement: the answer is a link for one message without promotion.
/// Nobody is asked who refused, withdrew or objected.
#[utoipa::path(post, path = "/v1/subjects/{id}/confirmations", tag = "consent",
    params(("id" = String, Path)), request_body = AskIn,
    responses((status = 201, body = AskOut), (status = 404, body = Details), (status = 422, body = Details)))]
async fn ask(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<SubjectId>,
    Body(body): Body<AskIn>,
) -> Result<Response, Problem> {
    caller.must(Scope::Consent)?;
    let found = person::by_id(&app.people, &caller.tenant, id).await?;
    let granted = app.consent.event(&caller.tenant, body.grant).await?;
    let granted = granted.ok_or_else(|| Problem::not_found("agreement"))?;
    let link = ConfirmLink {
        tenant: caller.tenant.clone(),
        subject: found.person.subject,
        grant: body.grant,
        at: body.address,
        expires_at: waits_until(&granted),
    };
    let token = app.links.seal(&link).ok_or_else(|| Problem::not_found("agreement"))?;
    let (about, digest) = ((body.grant, body.address), Digest::of(token.as_bytes()));
    let by = by("double_opt_in")?;
    let until = app
        .consent
        .ask_to_confirm(&caller.tenant, &found.person, about, digest, &by)
        .await
        .map_err(refused)?;
    let out = AskOut { link: format!("{}/c/{token}", app.base_url), until };
    Ok((StatusCode::CREATED, Json(out)).into_response())
}

fn waits_until(granted: &ConsentEvent) -> Instant {
    granted.effective().plus(DOI_TTL)
}

/// Why nothing was asked or confirmed.
pub(crate) fn refused(error: ConfirmError) -> Problem {
    match error {
        ConfirmError::NothingPending | ConfirmError::Expired => {
            Problem::unprocessable("consent", "nothing-to-confirm", error.to_string())
        }
        ConfirmError::Fault(fault) => fault.into(),
    }
}
