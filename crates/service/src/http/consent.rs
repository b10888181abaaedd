//! Choices over HTTP: record, withdraw, object, look back, prove.

use std::sync::Arc;

use audit::service::Disclose;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use consent::{
    Acknowledgement, Actor, Effect, EventKind, Label, Limb, NewEvent, PurposeScope,
    WithdrawalScope,
    receipt::{Profile, UnknownProfile},
    service::{By, RecordError, RecordOutcome, RestrainError},
};
use kernel::{Cursor, FactId, Instant, Limit, SubjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Asked, Body, IdempotencyKey, Named, person};
use crate::{
    app::App,
    auth::{Caller, Scope},
    http::person::PersonIn,
    problem::{Details, Problem},
    words,
};

pub mod confirm;
mod import;
mod permission;
mod report;
pub mod signal;

/// The routes of consent.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(record))
        .routes(routes!(withdraw))
        .routes(routes!(object))
        .routes(routes!(history))
        .routes(routes!(receipt))
        .routes(routes!(proof))
        .merge(permission::routes())
        .merge(signal::routes())
        .merge(confirm::routes())
        .merge(import::routes())
        .merge(report::routes())
}

/// A batch of choices.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EventsIn {
    /// 1 to 1,000 events.
    events: Vec<EventIn>,
}

/// One choice, as its source captured it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EventIn {
    /// The source's own id: the same id with the same content is the same event.
    id: Uuid,
    /// The system that captured it.
    #[schema(value_type = String, example = "app")]
    source: Label,
    /// Who chose.
    person: PersonIn,
    /// What was chosen: one of `given`, `refused`, `withdrawn`, `objected`, `channel_pref`,
    /// `quiet_hours`, `snoozed`, `stated` and the rest of the vocabulary.
    #[schema(value_type = Object)]
    kind: EventKind,
    /// When, as the source says.
    #[schema(value_type = String, format = DateTime)]
    event_time: Instant,
    /// Who acted.
    #[schema(value_type = Object)]
    actor: Actor,
    /// The restrictive events the form showed and this one answers.
    #[serde(default)]
    answers: Vec<Uuid>,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
struct RecordedOut {
    /// `effective`: no send that had passed the gate before a restriction in this batch can still
    /// go out. `recorded`: kept, but one may not have ended.
    #[schema(value_type = String)]
    effect: Effect,
    /// One result per event, in order.
    results: Vec<ResultOut>,
}

/// What became of one event.
#[derive(Debug, Serialize, ToSchema)]
struct ResultOut {
    /// `recorded`, `duplicate`, `conflict` or `refused`.
    status: &'static str,
    /// The event's id.
    id: Uuid,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reason: Option<kernel::Reason>,
}

/// Record choices: idempotent by id, one result each.
#[utoipa::path(post, path = "/v1/consent-events", tag = "consent", request_body = EventsIn,
    responses((status = 200, body = RecordedOut), (status = 422, body = Details)))]
async fn record(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(body): Body<EventsIn>,
) -> Result<Json<RecordedOut>, Problem> {
    caller.must(Scope::Consent)?;
    if body.events.is_empty() {
        return Err(Problem::unprocessable("consent", "empty", "`events` holds 1 to 1000 events"));
    }
    if body.events.len() > consent::service::EVENTS_PER_CALL_MAX {
        return Err(too_many());
    }
    let asked: Vec<&PersonIn> = body.events.iter().map(|it| &it.person).collect();
    let found = person::resolve_each(&app.people, &caller.tenant, &asked).await;
    let found = found.map_err(|(place, problem)| match place {
        Some(i) => problem.at(format!("/events/{i}/person"), "unclear"),
        None => problem,
    })?;
    let mut results: Vec<Option<ResultOut>> = Vec::with_capacity(body.events.len());
    let mut events = Vec::with_capacity(body.events.len());
    for (it, found) in body.events.into_iter().zip(found) {
        let Some(found) = found else {
            let reason = Some(UNKNOWN_PERSON);
            results.push(Some(ResultOut { status: "refused", id: it.id, reason }));
            continue;
        };
        results.push(None);
        events.push(NewEvent {
            id: it.id,
            source: it.source,
            node: found.at,
            kind: it.kind,
            event_time: it.event_time,
            actor: it.actor,
            answers: it.answers,
        });
    }
    let ids: Vec<_> = events.iter().map(|it| it.id).collect();
    let recorded = app.consent.record(&caller.tenant, events).await.map_err(|it| match it {
        RecordError::TooMany => too_many(),
        RecordError::Fault(fault) => fault.into(),
    })?;
    app.nudge.wake();
    let mut kept = ids.into_iter().zip(recorded.outcomes).map(|(id, it)| result(id, it));
    let results = results.into_iter().filter_map(|it| it.or_else(|| kept.next())).collect();
    Ok(Json(RecordedOut { effect: recorded.effect, results }))
}

/// Nobody is known by the identifiers of an event.
const UNKNOWN_PERSON: kernel::Reason = kernel::Reason::of("SU.UNKNOWN");

fn too_many() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "consent", "too-many")
        .because("a call takes at most 1000 events")
}

fn result(id: Uuid, outcome: RecordOutcome) -> ResultOut {
    let (status, reason) = match outcome {
        RecordOutcome::Recorded(_) => ("recorded", None),
        RecordOutcome::Duplicate(_) => ("duplicate", None),
        RecordOutcome::Conflict => ("conflict", None),
        RecordOutcome::Refused(reason) => ("refused", Some(reason)),
    };
    ResultOut { status, id, reason }
}

/// What is withdrawn.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WithdrawalIn {
    /// `{"purpose": {"purpose": "marketing"}}`, `"all_marketing"`, `"everything"`, …
    #[schema(value_type = Object)]
    scope: WithdrawalScope,
}

/// Withdraw consent: restrictive first, drained, acknowledged. 200 is effective, 202 is recorded.
#[utoipa::path(post, path = "/v1/subjects/{id}/withdrawals", tag = "consent",
    params(("id" = String, Path), ("idempotency-key" = String, Header)), request_body = WithdrawalIn,
    responses((status = 200, body = Object), (status = 202, body = Object), (status = 404, body = Details)))]
async fn withdraw(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<SubjectId>,
    IdempotencyKey(act): IdempotencyKey,
    Body(body): Body<WithdrawalIn>,
) -> Result<Response, Problem> {
    caller.must(Scope::Consent)?;
    let found = person::by_id(&app.people, &caller.tenant, id).await?;
    let done =
        app.consent.withdraw(&caller.tenant, &found.person, &body.scope, &by("api")?, act).await;
    app.nudge.wake();
    acknowledged(&app, &format!("withdrawn: {}", taken(&body.scope)), done)
}

/// What is withdrawn, in words.
fn taken(scope: &WithdrawalScope) -> String {
    match scope {
        WithdrawalScope::Purpose { purpose } => format!("{purpose} and everything under it"),
        WithdrawalScope::PurposeChannel { purpose, channel } => {
            format!("{purpose} {}", words::channel(*channel))
        }
        WithdrawalScope::Topic { topic } => format!("the topic {topic}"),
        WithdrawalScope::AllMarketing => "all direct marketing".to_owned(),
        WithdrawalScope::Everything => "everything optional".to_owned(),
    }
}

/// What is objected to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ObjectionIn {
    /// `"all"` or `{"under": "service"}`.
    #[schema(value_type = Object)]
    scope: PurposeScope,
    /// `art21_1`, `art21_2` or `art22`.
    #[schema(value_type = String)]
    limb: Limb,
}

/// Object (GDPR Art. 21, 22).
#[utoipa::path(post, path = "/v1/subjects/{id}/objections", tag = "consent",
    params(("id" = String, Path), ("idempotency-key" = String, Header)), request_body = ObjectionIn,
    responses((status = 200, body = Object), (status = 202, body = Object), (status = 404, body = Details)))]
async fn object(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<SubjectId>,
    IdempotencyKey(act): IdempotencyKey,
    Body(body): Body<ObjectionIn>,
) -> Result<Response, Problem> {
    caller.must(Scope::Consent)?;
    let found = person::by_id(&app.people, &caller.tenant, id).await?;
    let words = format!("objected to: {}", body.scope);
    let what = (body.scope, body.limb);
    let done = app.consent.object(&caller.tenant, &found.person, what, &by("api")?, act).await;
    app.nudge.wake();
    acknowledged(&app, &words, done)
}

/// Who acted through this surface on the person's behalf.
pub(crate) fn by(source: &str) -> Result<By, Problem> {
    let source = Label::new(source).map_err(|_| Problem::malformed("not a source"))?;
    Ok(By { actor: Actor::Subject, source })
}

/// The honest answer to a "no", with its certificate as a document to keep.
#[derive(Debug, Serialize)]
struct AcknowledgedOut {
    #[serde(flatten)]
    acknowledgement: Acknowledgement,
    /// Signed, and checked offline with `assent verify`; none where it could not be signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<serde_json::Value>,
}

fn acknowledged(
    app: &App,
    what: &str,
    done: Result<Acknowledgement, RestrainError>,
) -> Result<Response, Problem> {
    let it = done.map_err(refused)?;
    let status = match it.effect {
        Effect::Effective => StatusCode::OK,
        Effect::Recorded => StatusCode::ACCEPTED,
    };
    let document = app.documents.sign(it.certificate.document(what)).ok();
    Ok((status, Json(AcknowledgedOut { acknowledgement: it, document })).into_response())
}

/// The proof that a withdrawal or objection is in the log: the receipt of one of the facts its
/// certificate names, checked offline with `assent verify`. 404, with a time to ask again, while the
/// log has not taken it yet.
#[utoipa::path(get, path = "/v1/withdrawals/{fact}/proof", tag = "consent",
    params(("fact" = String, Path)), responses((status = 200, body = Object), (status = 404)))]
async fn proof(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(fact): Named<FactId>,
) -> Result<Response, Problem> {
    caller.must(Scope::Read)?;
    let receipt = app.prove.receipt(&caller.tenant, fact.into(), Disclose::All).await?;
    let Some(receipt) = receipt else {
        let problem = Problem::not_found("proof of this withdrawal");
        return Ok(([(header::RETRY_AFTER, "1")], problem).into_response());
    };
    let bytes = receipt
        .to_bytes()
        .map_err(|it| Problem::from(kernel::Fault::escalate("encoding a receipt").because(it)))?;
    Ok(([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], bytes)
        .into_response())
}

/// Why a "no" was not acknowledged.
pub(crate) fn refused(error: RestrainError) -> Problem {
    match error {
        RestrainError::Unknown => Problem::not_found("person"),
        RestrainError::Conflict => Problem::unprocessable(
            "consent",
            "idempotency-conflict",
            "this idempotency key was used for another act",
        ),
        RestrainError::Fault(fault) => fault.into(),
    }
}

/// Which page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct PageQuery {
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<u16>,
}

impl PageQuery {
    pub(crate) fn limit(&self) -> Result<Limit, Problem> {
        self.limit
            .map_or(Ok(Limit::default()), Limit::new)
            .map_err(|it| Problem::unprocessable("http", "invalid-limit", it.to_string()))
    }

    /// Where the page begins, if what was sent is a cursor of this list.
    pub(crate) fn cursor(&self, is_one: impl Fn(&str) -> bool) -> Result<Option<Cursor>, Problem> {
        match &self.after {
            Some(it) if !is_one(it) => Err(Problem::malformed("`after` is not a cursor")),
            after => Ok(after.clone().map(Cursor)),
        }
    }
}

/// A place in a history: an instant and an event.
fn is_place(cursor: &str) -> bool {
    let parts = cursor.split_once('.');
    parts.is_some_and(|(at, id)| at.parse::<i64>().is_ok() && Uuid::try_parse(id).is_ok())
}

/// A person's choices, newest first.
#[utoipa::path(get, path = "/v1/subjects/{id}/history", tag = "consent",
    params(("id" = String, Path), ("after" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Object), (status = 404, body = Details)))]
async fn history(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<SubjectId>,
    Asked(page): Asked<PageQuery>,
) -> Result<Response, Problem> {
    caller.must(Scope::Read)?;
    let found = person::by_id(&app.people, &caller.tenant, id).await?;
    let cursor = page.cursor(is_place)?;
    let history =
        app.consent.history(&caller.tenant, &found.person, cursor.as_ref(), page.limit()?).await?;
    Ok(Json(history).into_response())
}

/// Which form of a receipt.
#[derive(Debug, Deserialize)]
struct FormQuery {
    profile: Option<String>,
}

/// The signed receipt of a choice, in the form of ISO/IEC TS 27560 (`iso27560`, if none is named),
/// of Kantara 1.1 (`kantara`) or of the W3C vocabulary (`dpv`). Check it with `assent verify`.
#[utoipa::path(get, path = "/v1/receipts/{id}", tag = "consent",
    params(("id" = String, Path), ("profile" = Option<String>, Query)),
    responses((status = 200, body = Object), (status = 404, body = Details), (status = 422, body = Details)))]
async fn receipt(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<Uuid>,
    Asked(form): Asked<FormQuery>,
) -> Result<Response, Problem> {
    caller.must(Scope::Read)?;
    let profile = form.profile.as_deref().unwrap_or(Profile::Iso27560.as_str());
    let profile: Profile = profile.parse().map_err(|it: UnknownProfile| {
        Problem::unprocessable("consent", "unknown-profile", it.to_string())
    })?;
    let receipt = app.consent.receipt(&caller.tenant, id, profile, &app.documents).await?;
    let receipt = receipt.ok_or_else(|| Problem::not_found("receipt"))?;
    Ok(Json(receipt).into_response())
}
