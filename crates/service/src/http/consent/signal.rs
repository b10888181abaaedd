//! Signals over HTTP: what a browser, an app or a telephone said on a person's behalf.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::NaiveDate;
use consent::{
    Acknowledgement, Effect, Label, Practice,
    service::Heard,
    signal::{Raw, gpc, mode::ConsentMode},
};
use kernel::{PersonAt, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::refused;
use crate::{
    app::App,
    auth::{Caller, Scope},
    http::{Body, person::PersonIn},
    problem::{Details, Problem},
};

/// Since when this site says that it abides by the Global Privacy Control: year, month, day.
const ABIDES_SINCE: (i32, u32, u32) = (2026, 11, 25);

/// The routes of signals.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(hear))
}

/// Signals of one person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HearIn {
    /// The caller's own id of a text message: the same id is the same message.
    id: Uuid,
    /// The system that saw them.
    #[schema(value_type = String, example = "web")]
    source: Label,
    /// Whose browser, app or telephone it is.
    person: PersonIn,
    /// What was sent.
    signals: SignalsIn,
}

/// Signals as they were sent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignalsIn {
    /// The value of `Sec-GPC`; only `1` counts.
    #[serde(default)]
    gpc: Option<String>,
    /// A string of the IAB framework for Europe.
    #[serde(default)]
    tcf: Option<String>,
    /// A string of the IAB Global Privacy Platform.
    #[serde(default)]
    gpp: Option<String>,
    /// What the page's Google consent mode says, kind by kind.
    #[serde(default)]
    #[schema(value_type = Object)]
    consent_mode: ConsentMode,
    /// A text message the person sent.
    #[serde(default)]
    sms: Option<String>,
}

impl SignalsIn {
    /// As the domain reads them.
    pub(super) fn raw(&self) -> Raw {
        Raw {
            gpc: gpc::counts(self.gpc.iter().map(String::as_bytes)),
            tcf: self.tcf.clone(),
            gpp: self.gpp.clone(),
            consent_mode: self.consent_mode.clone(),
            sms: self.sms.clone(),
        }
    }
}

/// What became of signals. They restrict and never permit.
#[derive(Debug, Serialize, ToSchema)]
struct HeardOut {
    /// The practices the person is opted out of by them.
    #[schema(value_type = Vec<String>)]
    opted_out: Vec<Practice>,
    /// Whether the person asked for no more text messages.
    stop_sms: bool,
    /// Why something among them could not be read; whatever depends on it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
    /// The answer to what they took away.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    acknowledgement: Option<Acknowledgement>,
}

/// Record signals: what can be read restricts, drained and acknowledged; 422 where something among
/// them could not be read, after the rest was kept.
#[utoipa::path(post, path = "/v1/signals", tag = "consent", request_body = HearIn,
    responses((status = 200, body = HeardOut), (status = 202, body = HeardOut),
        (status = 422, body = Details)))]
async fn hear(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(body): Body<HearIn>,
) -> Result<Response, Problem> {
    caller.must(Scope::Consent)?;
    let person = body.person.find(&app.people, &caller.tenant).await?.person;
    let raw = body.signals.raw();
    let heard = app.consent.hear(&caller.tenant, &person, &raw, &body.source, body.id).await;
    app.nudge.wake();
    let Heard { signals, unknown, acknowledgement } = heard.map_err(refused)?;
    let status = match (&unknown, &acknowledgement) {
        (Some(_), _) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, Some(it)) if it.effect == Effect::Recorded => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    };
    if let Some(error) = &unknown
        && acknowledgement.is_none()
    {
        return Err(Problem::unprocessable("consent", "signal-unreadable", error.to_string()));
    }
    let opted_out = Practice::ALL.into_iter().filter(|it| signals.opts_out_of(*it)).collect();
    let out = HeardOut {
        opted_out,
        stop_sms: signals.stop_sms,
        unknown: unknown.map(|it| it.to_string()),
        acknowledgement,
    };
    Ok((status, Json(out)).into_response())
}

/// Whether a request carries the Global Privacy Control.
pub(crate) fn is_sent(headers: &HeaderMap) -> bool {
    gpc::counts(headers.get_all(gpc::HEADER).iter().map(axum::http::HeaderValue::as_bytes))
}

/// Records the Global Privacy Control a request carries, if it carries one. The same browser saying
/// it again changes nothing.
pub(crate) async fn heed(
    app: &App,
    tenant: &TenantId,
    person: &PersonAt,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    if !is_sent(headers) {
        return Ok(());
    }
    let raw = Raw { gpc: true, ..Raw::default() };
    let source = Label::new("web").map_err(|_| Problem::malformed("not a source"))?;
    app.consent.hear(tenant, person, &raw, &source, Uuid::nil()).await.map_err(refused)?;
    app.nudge.wake();
    Ok(())
}

/// `GET /.well-known/gpc.json`: that this site abides by the signal.
pub(crate) async fn support() -> Response {
    let (year, month, day) = ABIDES_SINCE;
    let since = NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
    let headers = [(header::CACHE_CONTROL, "max-age=3600")];
    (headers, Json(gpc::Support::since(since))).into_response()
}
