//! The pages a message leads to: why it came, and how to end its kind.

use std::sync::Arc;

use askama::Template;
use audit::{entry::RecordId, receipt::TlogProof, service::Disclose};
use axum::{extract::State, response::Response};
use consent::{Effect, WithdrawalScope};
use decision::record::{ActionEntry, Record};

use super::{console::page, preferences, record};
use crate::{
    app::App,
    http::{
        Ignored, Named,
        consent::{by, refused},
    },
    links::{Link, Opens},
    problem::Problem,
    words,
};

#[derive(Debug, Template)]
#[template(path = "why.html")]
struct WhyPage {
    brand: &'static str,
    opening: Vec<String>,
    ground: Vec<String>,
    used: Vec<String>,
    withheld: Vec<String>,
    change: Vec<String>,
    stop: Option<String>,
    preferences: Option<String>,
    decision: String,
    entry: u64,
}

/// Why one message was sent, from the record of its decision alone.
pub async fn why(
    State(app): State<Arc<App>>,
    Named(token): Named<String>,
) -> Result<Response, Problem> {
    let now = app.clock.now();
    let link = app.links.open(&token, Opens::Why, now).ok_or_else(|| Problem::not_found("page"))?;
    let decision = link.decision.ok_or_else(|| Problem::not_found("page"))?;
    let stored = app.journal.get(&link.tenant, decision).await?;
    let record: Record =
        stored.and_then(|it| it.parse().ok()).ok_or_else(|| Problem::not_found("page"))?;
    let receipt = app
        .prove
        .receipt(&link.tenant, RecordId::from_uuid(decision.uuid()), Disclose::Only(&[]))
        .await?;
    let entry = receipt.and_then(|it| TlogProof::parse(&it.proof)).map_or(0, |it| it.index);
    let stop =
        app.links.seal(&Link { opens: Opens::Unsubscribe, expires_at: None, ..link.clone() });
    let until = now.plus(chrono::TimeDelta::days(1));
    let preferences =
        app.links.seal(&Link { opens: Opens::Preferences, expires_at: Some(until), ..link });
    page(&WhyPage {
        brand: "Your insurer",
        opening: opening(&record),
        ground: ground(&record),
        used: record::used(&record),
        withheld: record::unused(&record),
        change: vec![
            "If you stop these messages, none of their kind will be sent from that moment on."
                .to_owned(),
            "You can change everything else among your choices.".to_owned(),
        ],
        stop: stop.map(|it| format!("/u/{it}")),
        preferences: preferences.map(|it| format!("/p/{it}")),
        decision: record.core.id.to_string(),
        entry,
    })
}

fn opening(record: &Record) -> Vec<String> {
    let at = words::instant(kernel::Instant::from_micros(record.core.as_of_us));
    let Some(action) = sent(record) else {
        return vec![format!("On {at} we decided to send nothing.")];
    };
    let about = match action.node.as_str() {
        "renewal.day90" => "your policy renews soon",
        "onboarding.stalled" => "you had not finished setting up",
        "claim.status" => "you have a claim with us and are owed news of it",
        "service.recovery" => "something went wrong and you told us so",
        _ => "an occasion called for it",
    };
    vec![format!("We decided on {at} to send it to you by {}, because {about}.", action.channel)]
}

/// The action, where it was carried out: in a holdout it is only known what it would have been.
fn sent(record: &Record) -> Option<&ActionEntry> {
    record.outcome.action.as_ref().filter(|_| record.outcome.kind == "act")
}

fn ground(record: &Record) -> Vec<String> {
    if sent(record).is_none() {
        return vec!["Nothing was sent, so nothing had to allow it.".to_owned()];
    }
    let Some(ground) = record::ground(record) else {
        return vec!["The record shows no ground, which should never happen.".to_owned()];
    };
    let basis = ground.basis.as_deref().unwrap_or_default();
    let mut out = vec![words::basis(basis).to_owned()];
    out.push(format!("The purpose was {}, checked at that moment.", ground.purpose));
    if let Some(jurisdiction) = &ground.jurisdiction {
        out.push(format!("The law applied was that of {jurisdiction}."));
    }
    out
}

/// A button on a page that says what happened.
#[derive(Debug)]
struct Action {
    href: String,
    label: &'static str,
    tone: &'static str,
}

#[derive(Debug)]
struct Onward {
    href: String,
    label: &'static str,
}

#[derive(Debug, Template)]
#[template(path = "notice.html")]
struct NoticePage {
    brand: &'static str,
    title: &'static str,
    lines: Vec<String>,
    action: Option<Action>,
    link: Option<Onward>,
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
        lines: vec![what(&link)],
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
    let until = app.clock.now().plus(chrono::TimeDelta::days(1));
    let choices =
        app.links.seal(&Link { opens: Opens::Preferences, expires_at: Some(until), ..link });
    page(&NoticePage {
        brand: "Your insurer",
        title: "Stopped",
        lines: vec![said(effect).to_owned()],
        action: None,
        link: choices.map(|it| Onward { href: format!("/p/{it}"), label: "All my choices" }),
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

fn open(app: &App, token: &str) -> Result<Link, Problem> {
    let link = app.links.open(token, Opens::Unsubscribe, app.clock.now());
    link.ok_or_else(|| Problem::not_found("page"))
}

async fn end(app: &App, link: &Link, token: &str, source: &str) -> Result<Effect, Problem> {
    let (Some(purpose), Some(channel)) = (&link.purpose, link.channel) else {
        return Err(Problem::not_found("page"));
    };
    let person = app.people.person(&link.tenant, link.subject.uuid()).await?;
    let person = person.ok_or_else(|| Problem::not_found("page"))?;
    let scope = WithdrawalScope::PurposeChannel { purpose: purpose.key.clone(), channel };
    let act = preferences::act(&[b"unsubscribe", token.as_bytes()]);
    let done = app.consent.withdraw(&link.tenant, &person, &scope, &by(source)?, act).await;
    app.nudge.wake();
    done.map(|it| it.effect).map_err(refused)
}

fn what(link: &Link) -> String {
    match (&link.purpose, link.channel) {
        (Some(purpose), Some(channel)) => {
            format!("You will get no more messages about {} by {channel}.", purpose.key)
        }
        _ => "You will get no more of these messages.".to_owned(),
    }
}

const fn said(effect: Effect) -> &'static str {
    match effect {
        Effect::Effective => "Stopped. No more of these messages will be sent, from now on.",
        Effect::Recorded => {
            "Recorded. No new message of this kind will be sent; one already under way may arrive."
        }
    }
}
