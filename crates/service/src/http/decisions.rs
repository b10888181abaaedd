//! Decisions over HTTP: ask, read, explain, prove.

use std::{collections::BTreeMap, sync::Arc};

use audit::{entry::RecordId, service::Disclose};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use decision::{
    ports::Identifier,
    service::{Ask, AskError, Who},
};
use kernel::{Cursor, DecisionId, Instant, SubjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Asked, Body, Named, person::PersonIn};
use crate::{
    app::App,
    auth::{Caller, Scope},
    http::consent::{PageQuery, signal},
    links::{About, WhyLink},
    page::record,
    problem::{Details, Problem},
};

/// The routes of decision.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(decide))
        .routes(routes!(read))
        .routes(routes!(why))
        .routes(routes!(receipt))
        .routes(routes!(of_subject))
}

/// A request for a decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DecisionIn {
    /// About whom.
    person: PersonIn,
    /// The placement to fill.
    #[schema(example = "home.top")]
    placement: String,
    /// The business object on the page.
    #[serde(default)]
    object: Option<ObjectIn>,
    /// Hints the placement lists.
    #[serde(default)]
    req: BTreeMap<String, String>,
    /// `UUIDv7`; the same id is the same decision.
    request_id: Uuid,
}

/// A business object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ObjectIn {
    /// `policy`, `claim`, …
    kind: String,
    /// Its id in its home system.
    id: String,
}

/// The answer: what to show, or nothing. Nothing looks the same whatever its reason.
#[derive(Debug, Serialize, ToSchema)]
struct DecisionOut {
    /// The decision.
    #[schema(value_type = String)]
    decision_id: DecisionId,
    /// `act` or `none`.
    outcome: &'static str,
    /// The action.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    /// How to show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    treatment: Option<TreatmentOut>,
    /// Until when it may be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Instant>,
    /// A page that tells the person why, from the record alone; for showing beside the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// How to show an action.
#[derive(Debug, Serialize, ToSchema)]
struct TreatmentOut {
    /// The treatment.
    id: String,
    /// The channel.
    #[schema(value_type = String)]
    channel: kernel::Channel,
    /// The template.
    template: String,
    /// The placement.
    #[serde(skip_serializing_if = "Option::is_none")]
    placement: Option<String>,
}

/// Ask for a decision: answered only after its record is committed.
#[utoipa::path(post, path = "/v1/decisions", tag = "decisions", request_body = DecisionIn,
    responses((status = 200, body = DecisionOut), (status = 404, body = Details), (status = 409, body = Details),
        (status = 422, body = Details), (status = 503, body = Details)))]
async fn decide(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<DecisionIn>,
) -> Result<Response, Problem> {
    caller.must(Scope::Decide)?;
    if body.request_id.get_version_num() != 7 {
        return Err(Problem::unprocessable(
            "decision",
            "request-id",
            "`request_id` is not a UUIDv7",
        ));
    }
    // What the person's browser says, passed on by the caller, counts in this very decision.
    if signal::is_sent(&headers)
        && let Some(found) = body.person.resolve(&app.people, &caller.tenant).await?
    {
        signal::heed(&app, &caller.tenant, &found.person, &headers).await?;
    }
    let ask = Ask {
        who: who(body.person)?,
        placement: body.placement.into(),
        object: body.object.map(|it| decision::occurrence::ObjectRef::new(&it.kind, &it.id)),
        hints: body.req.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        request_id: body.request_id,
    };
    let answer = app.decisions.decide(&caller.tenant, ask).await.map_err(refused)?;
    app.nudge.wake();
    let served = answer.served;
    let out = DecisionOut {
        why: why_link(&app, &caller, &answer.decision),
        decision_id: answer.decision,
        outcome: if served.is_some() { "act" } else { "none" },
        action: served.as_ref().map(|it| it.action.to_string()),
        valid_until: served.as_ref().map(|it| it.valid_until),
        treatment: served.map(|it| TreatmentOut {
            id: it.treatment.to_string(),
            channel: it.channel,
            template: it.template.to_string(),
            placement: it.placement.map(|it| it.to_string()),
        }),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(out)).into_response())
}

fn why_link(app: &App, caller: &Caller, decision: &DecisionId) -> Option<String> {
    let link = WhyLink { tenant: caller.tenant.clone(), about: About::Decision(*decision) };
    app.links.seal(&link).map(|token| format!("{}/w/{token}", app.base_url))
}

fn who(person: PersonIn) -> Result<Who, Problem> {
    match (person.subject, person.identifiers) {
        (Some(subject), identifiers) if identifiers.is_empty() => Ok(Who::Subject(subject)),
        (None, identifiers)
            if (1..=super::person::IDENTIFIERS_MAX).contains(&identifiers.len()) =>
        {
            Ok(Who::Identifiers(
                identifiers
                    .into_iter()
                    .map(|it| Identifier { namespace: it.namespace.into(), value: it.value.into() })
                    .collect(),
            ))
        }
        _ => Err(Problem::unprocessable(
            "identity",
            "person-unclear",
            "name the person by `subject` or by 1 to 8 `identifiers`",
        )),
    }
}

fn refused(error: AskError) -> Problem {
    match error {
        AskError::UnknownPerson => {
            Problem::unprocessable("identity", "unknown-person", error.to_string())
        }
        AskError::UnknownPlacement(_) => {
            Problem::new(StatusCode::NOT_FOUND, "decision", "unknown-placement")
                .because(error.to_string())
        }
        AskError::Conflict => Problem::new(StatusCode::CONFLICT, "decision", "request-conflict")
            .because(error.to_string()),
        AskError::TooManyHints => {
            Problem::unprocessable("decision", "too-many-hints", error.to_string())
        }
        AskError::Fault(fault) => fault.into(),
    }
}

async fn load(
    app: &App,
    caller: &Caller,
    id: DecisionId,
) -> Result<decision::record::Record, Problem> {
    let stored = app.journal.get(&caller.tenant, id).await?;
    let stored = stored.ok_or_else(|| Problem::not_found("decision"))?;
    stored.parse().map_err(|_| Problem::not_found("decision"))
}

/// A decision's whole record.
#[utoipa::path(get, path = "/v1/decisions/{id}", tag = "decisions", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Details)))]
async fn read(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<DecisionId>,
) -> Result<Response, Problem> {
    caller.must(Scope::Read)?;
    Ok(Json(load(&app, &caller, id).await?).into_response())
}

/// A decision in words: every sentence derives from the record.
#[derive(Debug, Serialize, ToSchema)]
struct WhyOut {
    /// What was done and why.
    sentences: Vec<String>,
    /// What was used about the person.
    used: Vec<String>,
    /// What was withheld, and why.
    withheld: Vec<String>,
    /// Everything that was considered, with what stood against it.
    candidates: Vec<CandidateOut>,
}

/// One candidate.
#[derive(Debug, Serialize, ToSchema)]
struct CandidateOut {
    /// Node and action.
    name: String,
    /// The stage it reached.
    stage: String,
    /// Code and sentence of everything that stood against it.
    against: Vec<String>,
}

/// Why, and why not: a decision explained from its record.
#[utoipa::path(get, path = "/v1/decisions/{id}/why", tag = "decisions", params(("id" = String, Path)),
    responses((status = 200, body = WhyOut), (status = 404, body = Details)))]
async fn why(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<DecisionId>,
) -> Result<Json<WhyOut>, Problem> {
    caller.must(Scope::Read)?;
    let it = load(&app, &caller, id).await?;
    let candidates = record::candidates(&it)
        .into_iter()
        .map(|it| CandidateOut {
            name: it.name,
            stage: it.stage,
            against: it.reasons.iter().map(|it| format!("{}: {}", it.code, it.why)).collect(),
        })
        .collect();
    Ok(Json(WhyOut {
        sentences: record::sentences(&it),
        used: record::used(&it),
        withheld: record::unused(&it),
        candidates,
    }))
}

/// The receipt of a decision: check it offline with `assent verify`.
#[utoipa::path(get, path = "/v1/decisions/{id}/receipt", tag = "decisions", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Details)))]
async fn receipt(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<DecisionId>,
) -> Result<Response, Problem> {
    caller.must(Scope::Read)?;
    let record = RecordId::from_uuid(id.uuid());
    let receipt = app.prove.receipt(&caller.tenant, record, Disclose::All).await?;
    let receipt = receipt.ok_or_else(|| Problem::not_found("decision"))?;
    let bytes = receipt
        .to_bytes()
        .map_err(|it| Problem::from(kernel::Fault::escalate("encoding a receipt").because(it)))?;
    Ok(([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], bytes)
        .into_response())
}

/// A decision in a list.
#[derive(Debug, Serialize, ToSchema)]
struct ListedOut {
    /// The decision.
    #[schema(value_type = String)]
    decision_id: DecisionId,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    as_of: Instant,
    /// The journey nodes in contest.
    nodes: Vec<String>,
    /// `act`, `none` or `holdout`.
    outcome: String,
    /// Why nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reason: Option<kernel::Reason>,
}

/// A page of decisions.
#[derive(Debug, Serialize, ToSchema)]
struct ListOut {
    /// The decisions, oldest first.
    items: Vec<ListedOut>,
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<Cursor>,
}

/// A person's decisions.
#[utoipa::path(get, path = "/v1/subjects/{id}/decisions", tag = "decisions",
    params(("id" = String, Path), ("after" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = ListOut), (status = 404, body = Details)))]
async fn of_subject(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<SubjectId>,
    Asked(page): Asked<PageQuery>,
) -> Result<Json<ListOut>, Problem> {
    caller.must(Scope::Read)?;
    let found = super::person::by_id(&app.people, &caller.tenant, id).await?;
    let after = page.cursor(|it| it.parse::<u64>().is_ok())?;
    let limit = page.limit()?;
    let page = app.journal.of_person(&caller.tenant, &found.person, after.as_ref(), limit).await?;
    let items = page
        .items
        .iter()
        .filter_map(|it| it.parse().ok())
        .map(|it| ListedOut {
            decision_id: it.core.id,
            as_of: Instant::from_micros(it.core.as_of_us),
            nodes: it.core.nodes.iter().map(ToString::to_string).collect(),
            outcome: it.outcome.kind.to_string(),
            reason: it.outcome.reason,
        })
        .collect();
    Ok(Json(ListOut { items, next: page.next }))
}
