//! The page that says why: what was decided about a person, on what ground, and what came of it.

use std::sync::Arc;

use askama::Template;
use audit::{entry::RecordId, receipt::TlogProof, service::Disclose};
use axum::{extract::State, response::Response};
use decision::record::{ActionEntry, Record};
use delivery::{message::Delivery, ports::Filter, state::State as Stands};
use kernel::{Instant, Limit, PurposeKey, PurposeRef, Reason, TenantId};

use super::{console::page, preferences, record};
use crate::{
    app::App,
    http::Named,
    links::{About, UnsubscribeLink, WhyLink},
    problem::Problem,
    words,
};

#[derive(Debug, Template)]
#[template(path = "why.html")]
struct WhyPage {
    brand: &'static str,
    title: &'static str,
    opening: Vec<String>,
    ground: Vec<String>,
    used: Vec<String>,
    withheld: Vec<String>,
    stop: Option<Stop>,
    preferences: Option<String>,
    decision: String,
    entry: u64,
}

/// The button that ends the kind of thing that was done.
#[derive(Debug)]
struct Stop {
    href: String,
    label: &'static str,
    effect: &'static str,
}

/// Why one decision went as it did, from its record and from what became of it.
pub async fn why(
    State(app): State<Arc<App>>,
    Named(token): Named<String>,
) -> Result<Response, Problem> {
    let link: Option<WhyLink> = app.links.open(&token, app.clock.now());
    let WhyLink { tenant, about } = link.ok_or_else(|| Problem::not_found("page"))?;
    let (decision, message) = match about {
        About::Decision(decision) => (decision, None),
        About::Delivery(delivery) => {
            let trail = app.deliveries.get(&tenant, delivery).await?;
            let it = trail.ok_or_else(|| Problem::not_found("page"))?.delivery;
            (it.decision, Some(it))
        }
    };
    let stored = app.journal.get(&tenant, decision).await?;
    let record: Record =
        stored.and_then(|it| it.parse().ok()).ok_or_else(|| Problem::not_found("page"))?;
    let deliveries = match message {
        Some(message) => vec![message],
        None => of_decision(&app, &tenant, &record).await?,
    };
    let receipt = app
        .prove
        .receipt(&tenant, RecordId::from_uuid(decision.uuid()), Disclose::Only(&[]))
        .await?;
    let entry = receipt.and_then(|it| TlogProof::parse(&it.proof)).map_or(0, |it| it.index);
    let states: Vec<_> = deliveries.iter().map(|it| &it.state).collect();
    let inbound = &*record.core.mode == "inbound";
    let came = Came::of(carried_out(&record).is_some(), inbound, &states);
    page(&WhyPage {
        brand: "Your insurer",
        title: came.title(),
        opening: opening(&record, came, &states),
        ground: ground(&app, &tenant, &record).await?,
        used: record::used(&record),
        withheld: record::unused(&record),
        stop: stop(&app, &tenant, &record),
        preferences: preferences::link(&app, tenant, record.subject.subject_ref),
        decision: record.core.id.to_string(),
        entry,
    })
}

/// Every delivery of a decision.
pub(super) async fn of_decision(
    app: &App,
    tenant: &TenantId,
    record: &Record,
) -> Result<Vec<Delivery>, Problem> {
    let filter = Filter { subject: Some(record.subject.subject_ref), state: None };
    let decided_at = Instant::from_micros(record.core.as_of_us);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = app.deliveries.page(tenant, &filter, after, Limit::MAX).await?;
        // Newest first: nothing planned before the decision is the decision's.
        let older = page.items.last().is_none_or(|it| it.planned_at < decided_at);
        found.extend(page.items.into_iter().filter(|it| it.decision == record.core.id));
        after = page.next;
        if older || after.is_none() {
            return Ok(found);
        }
    }
}

/// What came of a decision, as its person could notice; later is further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    /// Nothing was decided to be sent.
    Unsent,
    /// Nothing was decided to be shown.
    Unshown,
    /// It was shown to whoever asked.
    Shown,
    /// It was not sent and will not be.
    Stopped,
    /// It has not been sent, and may be.
    Waiting,
    /// Nobody knows whether it was sent.
    Perhaps,
    /// It was sent and came back.
    Bounced,
    /// It was sent.
    Sent,
}

impl Came {
    /// From whether an action was carried out, whether somebody was waiting for the answer, and
    /// where its deliveries stand: the one that went furthest tells.
    fn of(acted: bool, inbound: bool, states: &[&Stands]) -> Self {
        match (acted, inbound) {
            (false, false) => Self::Unsent,
            (false, true) => Self::Unshown,
            (true, true) => Self::Shown,
            // What is decided is planned a moment later.
            (true, false) => {
                states.iter().map(|it| Self::stands(it)).max().unwrap_or(Self::Waiting)
            }
        }
    }

    const fn stands(state: &Stands) -> Self {
        match state {
            Stands::Ready
            | Stands::Held { .. }
            | Stands::InFlight { .. }
            | Stands::RetryWait { .. } => Self::Waiting,
            Stands::Returned { .. }
            | Stands::Suppressed { .. }
            | Stands::Failed { .. }
            | Stands::Expired => Self::Stopped,
            Stands::Unknown { .. } | Stands::Abandoned => Self::Perhaps,
            Stands::Bounced => Self::Bounced,
            Stands::Accepted | Stands::Delivered | Stands::Complained => Self::Sent,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Unsent => "Why nothing was sent to you",
            Self::Unshown => "Why nothing was shown to you",
            Self::Shown => "Why you were shown this",
            Self::Waiting => "Why a message to you is waiting",
            Self::Stopped => "Why a message was not sent to you",
            Self::Perhaps => "Why a message may have reached you",
            Self::Bounced => "Why a message to you came back",
            Self::Sent => "Why you got this message",
        }
    }
}

fn opening(record: &Record, came: Came, states: &[&Stands]) -> Vec<String> {
    let at = words::instant(Instant::from_micros(record.core.as_of_us));
    let Some(action) = carried_out(record) else {
        let what = if came == Came::Unshown { "show" } else { "send" };
        let mut out = vec![format!("On {at} we decided to {what} you nothing.")];
        out.extend(record.outcome.reason.as_ref().map(because));
        return out;
    };
    let about = match action.node.as_str() {
        "renewal.day90" => "your policy renews soon",
        "onboarding.stalled" => "you had not finished setting up",
        "claim.status" => "you have a claim with us and are owed news of it",
        "service.recovery" => "something went wrong and you told us so",
        _ => "an occasion called for it",
    };
    let by = words::channel(action.channel);
    let decided = if came == Came::Shown {
        format!("We decided on {at} to show it to you {by}, because {about}.")
    } else {
        format!("We decided on {at} to write to you {by}, because {about}.")
    };
    let then = match came {
        Came::Waiting => "It has not been sent yet.",
        Came::Stopped => "It was not sent.",
        Came::Perhaps => "We could not find out whether it was sent.",
        Came::Bounced => "It was sent, but your address did not take it.",
        Came::Unsent | Came::Unshown | Came::Shown | Came::Sent => "",
    };
    let mut out = vec![decided];
    out.extend(Some(then).filter(|it| !it.is_empty()).map(str::to_owned));
    if matches!(came, Came::Waiting | Came::Stopped) {
        let reasons = states.iter().filter(|it| Came::stands(it) == came);
        out.extend(reasons.flat_map(|it| it.reasons()).map(because));
    }
    out
}

fn because(reason: &Reason) -> String {
    words::to_you(words::sentence(reason))
}

/// The action, where it was carried out: in a holdout it is only known what it would have been.
fn carried_out(record: &Record) -> Option<&ActionEntry> {
    record.outcome.action.as_ref().filter(|_| record.outcome.kind == "act")
}

/// What the decision to act rests on; nothing where nothing was done.
async fn ground(app: &App, tenant: &TenantId, record: &Record) -> Result<Vec<String>, Problem> {
    if carried_out(record).is_none() {
        return Ok(Vec::new());
    }
    let Some(ground) = record::ground(record) else {
        return Ok(vec!["The record shows no ground, which should never happen.".to_owned()]);
    };
    let mut out = vec![words::basis(ground.basis.as_deref().unwrap_or_default()).to_owned()];
    let live = app.live.current(tenant).await?;
    let purpose = purpose(&ground.purpose);
    let name = live
        .zip(purpose.as_ref())
        .and_then(|(live, it)| live.compiled.consent.purpose_at(it).map(|it| it.name.clone()));
    out.push(match name {
        Some(name) => {
            format!("The purpose was “{name}” ({}), checked at that moment.", ground.purpose)
        }
        None => format!("The purpose was {}, checked at that moment.", ground.purpose),
    });
    if let Some(jurisdiction) = &ground.jurisdiction {
        out.push(format!("The law applied was that of {}.", words::jurisdiction(jurisdiction)));
    }
    Ok(out)
}

/// A purpose as a record names it, `key@version`.
fn purpose(text: &str) -> Option<PurposeRef> {
    let (key, version) = text.rsplit_once('@')?;
    Some(PurposeRef { key: PurposeKey::new(key).ok()?, version: version.parse().ok()? })
}

/// What ends the kind of thing that was done, where something was.
fn stop(app: &App, tenant: &TenantId, record: &Record) -> Option<Stop> {
    let action = carried_out(record)?;
    let token = app.links.seal(&UnsubscribeLink {
        tenant: tenant.clone(),
        subject: record.subject.subject_ref,
        delivery: None,
        purpose: purpose(&action.purpose)?.key,
        channel: action.channel,
    })?;
    let href = format!("/u/{token}");
    Some(if &*record.core.mode == "inbound" {
        let effect = "If you stop this, none of its kind will be shown from that moment on.";
        Stop { href, label: "Stop showing me these", effect }
    } else {
        let effect =
            "If you stop these messages, none of their kind will be sent from that moment on.";
        Stop { href, label: "Stop these messages", effect }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_says_truly_what_happened() {
        let reason = || delivery::reason::WINDOW;
        let at = Instant::EPOCH;
        let table = [
            (Stands::Ready, "Why a message to you is waiting"),
            (Stands::Held { reason: reason(), until: at }, "Why a message to you is waiting"),
            (Stands::InFlight { deadline: at }, "Why a message to you is waiting"),
            (Stands::RetryWait { reason: reason(), until: at }, "Why a message to you is waiting"),
            (Stands::Unknown { reason: reason(), until: at }, "Why a message may have reached you"),
            (Stands::Accepted, "Why you got this message"),
            (Stands::Delivered, "Why you got this message"),
            (Stands::Bounced, "Why a message to you came back"),
            (Stands::Complained, "Why you got this message"),
            (Stands::Returned { reason: reason() }, "Why a message was not sent to you"),
            (Stands::Suppressed { reasons: vec![reason()] }, "Why a message was not sent to you"),
            (Stands::Failed { reason: reason() }, "Why a message was not sent to you"),
            (Stands::Expired, "Why a message was not sent to you"),
            (Stands::Abandoned, "Why a message may have reached you"),
        ];
        assert_eq!(table.len(), Stands::NAMES.len());
        for (state, title) in &table {
            assert_eq!(Came::of(true, false, &[state]).title(), *title, "{}", state.name());
        }
        assert_eq!(Came::of(false, false, &[]).title(), "Why nothing was sent to you");
        assert_eq!(Came::of(false, true, &[]).title(), "Why nothing was shown to you");
        assert_eq!(Came::of(true, true, &[]).title(), "Why you were shown this");
        assert_eq!(Came::of(true, false, &[]).title(), "Why a message to you is waiting");
    }

    #[test]
    fn the_delivery_that_went_furthest_tells() {
        let came = |states: &[&Stands]| Came::of(true, false, states);
        assert_eq!(came(&[&Stands::Expired, &Stands::Delivered]), Came::Sent);
        assert_eq!(came(&[&Stands::Expired, &Stands::Ready]), Came::Waiting);
        assert_eq!(came(&[&Stands::Abandoned, &Stands::Expired]), Came::Perhaps);
    }
}
