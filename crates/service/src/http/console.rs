//! What the console shows, as JSON: the scoreboard, people, deliveries.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use kernel::{Cursor, DecisionId, DeliveryId, Instant, SubjectId};
use measurement::signal::SignalKind;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Asked, Body, Named, consent::PageQuery, person};
use crate::{
    app::App,
    auth::{Caller, Scope},
    http::person::PersonIn,
    problem::{Details, Problem},
};

/// The routes of the console.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(scoreboard))
        .routes(routes!(resolve))
        .routes(routes!(subject))
        .routes(routes!(delivery))
        .routes(routes!(letters))
}

/// The scoreboard.
#[derive(Debug, Serialize, ToSchema)]
struct ScoreboardOut {
    /// People known by an anchor.
    people: u64,
    /// Identifiers.
    identifiers: u64,
    /// Entries in the log.
    log_entries: u64,
    /// Counters by kind, then by state.
    signals: BTreeMap<&'static str, BTreeMap<String, u64>>,
    /// Hand-offs that began after an acknowledged withdrawal: must be 0.
    sends_after_withdrawal: u64,
}

/// Golden signals of the whole house.
#[utoipa::path(get, path = "/v1/scoreboard", tag = "console",
    responses((status = 200, body = ScoreboardOut), (status = 401, body = Details)))]
async fn scoreboard(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<ScoreboardOut>, Problem> {
    caller.must(Scope::Read)?;
    let signals = app.results.signals(&caller.tenant).await?;
    let counts = app.people.counts(&caller.tenant).await?;
    let head = app.prove.checkpoint(&caller.tenant).await?;
    let mut out = BTreeMap::<_, BTreeMap<String, u64>>::new();
    for kind in SignalKind::ALL {
        for ((_, state, _), n) in signals.by_label(kind) {
            *out.entry(kind.as_str()).or_default().entry(state.to_owned()).or_default() += n;
        }
    }
    Ok(Json(ScoreboardOut {
        people: counts.persons,
        identifiers: counts.nodes,
        log_entries: head.checkpoint.size,
        signals: out,
        sends_after_withdrawal: signals.late_handoffs(),
    }))
}

/// A person as resolved now.
#[derive(Debug, Serialize, ToSchema)]
struct SubjectOut {
    /// The person's id now.
    #[schema(value_type = String)]
    subject: SubjectId,
    /// The identity epoch.
    identity_epoch: u64,
    /// How many identifiers the person consists of.
    identifiers: usize,
    /// How many of each namespace, and how they belong.
    members: BTreeMap<String, u64>,
}

/// Whose identifiers these are; they travel in the body, never in a URL.
#[utoipa::path(post, path = "/v1/resolutions", tag = "identity", request_body = PersonIn,
    responses((status = 200, body = SubjectOut), (status = 422, body = Details)))]
async fn resolve(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(body): Body<PersonIn>,
) -> Result<Json<SubjectOut>, Problem> {
    caller.must(Scope::Read)?;
    let found = body.find(&app.people, &caller.tenant).await?;
    described(&app, &caller, found).await
}

/// A person by id; an id they once had answers with the one they have now.
#[utoipa::path(get, path = "/v1/subjects/{id}", tag = "identity", params(("id" = String, Path)),
    responses((status = 200, body = SubjectOut), (status = 404, body = Details)))]
async fn subject(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<SubjectId>,
) -> Result<Json<SubjectOut>, Problem> {
    caller.must(Scope::Read)?;
    let found = person::by_id(&app.people, &caller.tenant, id).await?;
    described(&app, &caller, found).await
}

async fn described(
    app: &App,
    caller: &Caller,
    found: person::Found,
) -> Result<Json<SubjectOut>, Problem> {
    let members = app.people.members(&caller.tenant, found.person.subject.uuid()).await?;
    let mut by_kind = BTreeMap::new();
    for it in &members {
        *by_kind.entry(format!("{} {}", it.link.as_str(), it.namespace)).or_default() += 1;
    }
    Ok(Json(SubjectOut {
        subject: found.person.subject,
        identity_epoch: found.person.identity.0,
        identifiers: members.len(),
        members: by_kind,
    }))
}

/// A delivery and what was tried.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryOut {
    /// The delivery.
    #[schema(value_type = String)]
    id: DeliveryId,
    /// The decision it carries out.
    decision: String,
    /// The channel.
    channel: &'static str,
    /// Where it stands.
    state: &'static str,
    /// How often it was tried.
    attempts: usize,
}

/// A delivery: its state and attempts; no body, no address.
#[utoipa::path(get, path = "/v1/deliveries/{id}", tag = "delivery", params(("id" = String, Path)),
    responses((status = 200, body = DeliveryOut), (status = 404, body = Details)))]
async fn delivery(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<DeliveryId>,
) -> Result<Json<DeliveryOut>, Problem> {
    caller.must(Scope::Read)?;
    let trail = app.deliveries.get(&caller.tenant, id).await?;
    let trail = trail.ok_or_else(|| Problem::not_found("delivery"))?;
    Ok(Json(DeliveryOut {
        id,
        decision: trail.delivery.decision.to_string(),
        channel: trail.delivery.channel.as_str(),
        state: trail.delivery.state.name(),
        attempts: trail.attempts.len(),
    }))
}

/// A letter of the sandbox: what it carries out, and when it was handed off; no text, no address.
#[derive(Debug, Serialize, ToSchema)]
struct LetterOut {
    /// The delivery.
    #[schema(value_type = String)]
    delivery: DeliveryId,
    /// The decision it carries out.
    #[schema(value_type = String)]
    decision: DecisionId,
    /// The person.
    #[schema(value_type = String)]
    subject: SubjectId,
    /// The channel.
    channel: &'static str,
    /// When it was handed off.
    #[schema(value_type = String, format = DateTime)]
    at: Instant,
}

/// A page of letters.
#[derive(Debug, Serialize, ToSchema)]
struct LettersOut {
    /// The letters, newest first.
    items: Vec<LetterOut>,
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<Cursor>,
}

/// What was handed off to the sandbox.
#[utoipa::path(get, path = "/v1/sandbox/letters", tag = "delivery",
    params(("after" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = LettersOut), (status = 400, body = Details)))]
async fn letters(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asked(page): Asked<PageQuery>,
) -> Result<Json<LettersOut>, Problem> {
    caller.must(Scope::Read)?;
    let after = page.cursor(|it| it.parse::<DeliveryId>().is_ok())?;
    let page = app.inbox.page(&caller.tenant, None, after, page.limit()?).await?;
    let items = page
        .items
        .into_iter()
        .map(|it| LetterOut {
            delivery: it.delivery,
            decision: it.decision,
            subject: it.subject,
            channel: it.channel.as_str(),
            at: it.at,
        })
        .collect();
    Ok(Json(LettersOut { items, next: page.next }))
}
