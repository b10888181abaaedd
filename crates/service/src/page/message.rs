//! The pages that end one kind of message: a button for people, one click for mail programs.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use consent::{Effect, WithdrawalScope};

use super::{console::page, history, preferences};
use crate::{
    app::App,
    http::{
        Ignored, Named,
        consent::{by, refused},
    },
    links::UnsubscribeLink,
    problem::Problem,
    words,
};

/// A button on a page that says what happened.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) href: String,
    pub(super) label: &'static str,
    pub(super) tone: &'static str,
}

#[derive(Debug)]
pub(super) struct Onward {
    pub(super) href: String,
    pub(super) label: &'static str,
}

#[derive(Debug, Template)]
#[template(path = "notice.html")]
pub(super) struct NoticePage {
    pub(super) brand: &'static str,
    pub(super) title: &'static str,
    pub(super) lines: Vec<String>,
    pub(super) action: Option<Action>,
    pub(super) link: Option<Onward>,
}

/// One button: end this kind of message on this channel. GET changes nothing.
pub async fn unsubscribe(
    State(app): State<Arc<App>>,
    Named(token): Named<String>,
) -> Result<Response, Problem> {
    let link = open(&app, &token)?;
    page(&NoticePage {
        brand: "Your insurer",
        title: "Stop these messages?",
        lines: vec![what(&app, &link).await?],
        action: Some(Action { href: format!("/u/{token}"), label: "Stop them", tone: "stop" }),
        link: None,
    })
}

/// The button pressed: withdrawn, drained, and said so honestly.
pub async fn unsubscribed(
    State(app): State<Arc<App>>,
    Named(token): Named<String>,
    _: Ignored,
) -> Result<Response, Problem> {
    let link = open(&app, &token)?;
    let effect = end(&app, &link, &token, "unsubscribe_page").await?;
    let choices = preferences::link(&app, link.tenant, link.subject);
    page(&NoticePage {
        brand: "Your insurer",
        title: "Stopped",
        lines: vec![said(effect).to_owned()],
        action: None,
        link: choices.map(|href| Onward { href, label: "All my choices" }),
    })
}

/// One-click unsubscribe (RFC 8058): no page, no login, no redirect.
pub async fn one_click(
    State(app): State<Arc<App>>,
    Named(token): Named<String>,
    _: Ignored,
) -> Result<String, Problem> {
    let link = open(&app, &token)?;
    let effect = end(&app, &link, &token, "one_click").await?;
    Ok(format!("{}\n", said(effect)))
}

fn open(app: &App, token: &str) -> Result<UnsubscribeLink, Problem> {
    app.links.open(token, app.clock.now()).ok_or_else(|| Problem::not_found("page"))
}

async fn end(
    app: &App,
    link: &UnsubscribeLink,
    token: &str,
    source: &str,
) -> Result<Effect, Problem> {
    let person = app.people.person(&link.tenant, link.subject.uuid()).await?;
    let person = person.ok_or_else(|| Problem::not_found("page"))?;
    let (purpose, channel) = (link.purpose.clone(), link.channel);
    let scope = WithdrawalScope::PurposeChannel { purpose, channel };
    // A click repeated at once is one act. A click after a new "yes" is another: taken for the
    // first one, it would be acknowledged and change nothing.
    let seen = app.verdicts.snapshot(&link.tenant, &person).await?.person;
    let act = preferences::act(&[b"unsubscribe", token.as_bytes(), &seen.0.to_be_bytes()]);
    let done = app.consent.withdraw(&link.tenant, &person, &scope, &by(source)?, act).await;
    app.nudge.wake();
    done.map(|it| it.effect).map_err(refused)
}

async fn what(app: &App, link: &UnsubscribeLink) -> Result<String, Problem> {
    let live = app.live.current(&link.tenant).await?;
    let about = live.map_or_else(
        || link.purpose.to_string(),
        |it| history::name(&link.purpose, &it.compiled.consent),
    );
    Ok(format!("You will get no more messages about {about} {}.", words::channel(link.channel)))
}

const fn said(effect: Effect) -> &'static str {
    match effect {
        Effect::Effective => "Stopped. No more of these messages will be sent, from now on.",
        Effect::Recorded => {
            "Recorded. No new message of this kind will be sent; one already under way may arrive."
        }
    }
}
