//! Permission asked about, not used: a dry run with every reason and what would have to change.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use consent::{Ask, BundleFacts, Exception, Jurisdiction, Label, Signals};
use kernel::{Channel, Fault, Instant, Known, PersonAt, PurposeRef, RuleId, SystemId, Why};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::signal::SignalsIn;
use crate::{
    app::App,
    auth::{Caller, Scope},
    explained::Explained,
    http::{Body, person::PersonIn},
    problem::{Details, Problem},
};

/// The routes of dry runs.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(evaluate))
}

/// A question of permission, asked for its reasons.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EvaluateIn {
    /// About whom.
    person: PersonIn,
    /// For which purpose.
    #[schema(value_type = Object)]
    purpose: PurposeRef,
    /// Over which channel.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    channel: Option<Channel>,
    /// About which topic.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    topic: Option<Label>,
    /// Where it would be done, besides where the person lives.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    jurisdiction: Option<Jurisdiction>,
    /// Which kinds of data would be used; none, if absent.
    #[serde(default)]
    data: Option<DataIn>,
    /// What the browser or app would send; none takes part, if absent.
    #[serde(default)]
    signals: Option<SignalsIn>,
    /// The exception to a restriction it would be done under (GDPR Art. 18(2)).
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    exception: Option<Exception>,
    /// At which instant, gone by or to come; now, if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    as_of: Option<Instant>,
}

/// Kinds of data.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DataIn {
    /// Special categories (GDPR Art. 9), inferred ones included.
    special: bool,
    /// Offences (GDPR Art. 10).
    criminal: bool,
}

impl EvaluateIn {
    fn ask(&self, person: &PersonAt, as_of: Instant) -> Ask {
        let facts = |it: DataIn| Known::Is {
            value: BundleFacts { special: it.special, criminal: it.criminal },
            source: SystemId::new("api"),
            as_of,
        };
        let signals = self.signals.as_ref().map_or(
            Known::NotApplicable(RuleId::new("api.no_browser")),
            |it| {
                let reading = Signals::read(&it.raw());
                match reading.unknown {
                    Some(_) => Known::Unknown(Why::Malformed),
                    None => {
                        let source = SystemId::new("api");
                        Known::Is { value: reading.signals, source, as_of }
                    }
                }
            },
        );
        Ask {
            signals,
            channel: self.channel,
            topic: self.topic.clone(),
            jurisdiction: self.jurisdiction,
            exception: self.exception.clone(),
            bundle: self.data.map_or(Known::NotApplicable(RuleId::new("api.no_data")), facts),
            ..Ask::about(self.purpose.clone(), person)
        }
    }
}

/// May we, and if not, why not and what would have to change: every reason with the provision it
/// rests on. For an instant gone by the choices are read as they stood then; the registry is
/// today's. Nothing is written.
#[utoipa::path(post, path = "/v1/permissions/evaluate", tag = "consent", request_body = EvaluateIn,
    responses((status = 200, body = Object), (status = 422, body = Details)))]
async fn evaluate(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(body): Body<EvaluateIn>,
) -> Result<Response, Problem> {
    caller.must(Scope::Read)?;
    let person = body.person.find(&app.people, &caller.tenant).await?.person;
    let as_of = body.as_of.unwrap_or_else(|| app.clock.now());
    let asks = [body.ask(&person, as_of)];
    let mut explained = app.explain.explain(&caller.tenant, &person, asks, as_of).await?;
    let only = explained.pop().ok_or_else(|| Fault::escalate("one answer to one question"))?;
    Ok(Json(Explained::new(only)).into_response())
}
