//! The page that confirms an agreement: opening it changes nothing, because mail programs open
//! links; its button confirms.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use consent::{EventKind, service::ConfirmError};
use kernel::Digest;

use super::{
    console::page,
    history,
    message::{Action, NoticePage, Onward},
    preferences,
};
use crate::{
    app::App,
    http::{
        Ignored, Named,
        consent::{by, confirm::refused},
    },
    links::ConfirmLink,
    problem::Problem,
};

const BRAND: &str = "Your insurer";

/// Asks.
pub async fn ask(
    State(app): State<Arc<App>>,
    Named(token): Named<String>,
) -> Result<Response, Problem> {
    let link = open(&app, &token)?;
    let what = what(&app, &link).await?;
    page(&NoticePage {
        brand: BRAND,
        title: "Confirm your agreement?",
        lines: vec![
            format!("You agreed to {what}. Until you confirm it here, you get nothing of it."),
            "If it was not you, do nothing: it lapses by itself.".to_owned(),
        ],
        action: Some(Action { href: format!("/c/{token}"), label: "Confirm", tone: "wide" }),
        link: None,
    })
}

/// Confirms.
pub async fn confirmed(
    State(app): State<Arc<App>>,
    Named(token): Named<String>,
    _: Ignored,
) -> Result<Response, Problem> {
    let link = open(&app, &token)?;
    let person = app.people.person(&link.tenant, link.subject.uuid()).await?;
    let person = person.ok_or_else(|| Problem::not_found("page"))?;
    let what = what(&app, &link).await?;
    let (about, digest) = ((link.grant, link.at), Digest::of(token.as_bytes()));
    let done =
        app.consent.confirm(&link.tenant, &person, about, digest, &by("confirm_page")?).await;
    app.nudge.wake();
    let (title, told) = match done {
        Ok(_) => ("Confirmed", format!("You agreed to {what}. You can change your mind any time.")),
        Err(ConfirmError::NothingPending | ConfirmError::Expired) => (
            "Nothing to confirm",
            "It lapsed, or you have said no since. Nothing was changed.".to_owned(),
        ),
        Err(error) => return Err(refused(error)),
    };
    let choices = preferences::link(&app, link.tenant, link.subject);
    page(&NoticePage {
        brand: BRAND,
        title,
        lines: vec![told],
        action: None,
        link: choices.map(|href| Onward { href, label: "All my choices" }),
    })
}

fn open(app: &App, token: &str) -> Result<ConfirmLink, Problem> {
    app.links.open(token, app.clock.now()).ok_or_else(|| Problem::not_found("page"))
}

/// What was agreed to, by the name people know it by.
async fn what(app: &App, link: &ConfirmLink) -> Result<String, Problem> {
    let event = app.consent.event(&link.tenant, link.grant).await?;
    let Some(EventKind::Given(grant)) = event.map(|it| it.said.kind) else {
        return Err(Problem::not_found("page"));
    };
    let live = app.live.current(&link.tenant).await?;
    Ok(live.map_or_else(
        || grant.purpose.key.to_string(),
        |it| history::name(&grant.purpose.key, &it.compiled.consent),
    ))
}
