//! The preference centre: what a person chose, in plain words, and every way to change it.
//!
//! It opens by a sealed link alone. GET writes nothing; a post changes only what the form showed.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use chrono::TimeDelta;
use consent::{
    Basis, ChannelSet, Choice, Expression, Grant, Jurisdiction, Limb, Method, NoticeShown,
    Practice, Proof, Purpose, PurposeScope, Signals, Snapshot, Verdict, WithdrawalScope,
    evaluate::evaluate,
    purpose::{BasisSpec, Flag},
    reason::{LB_CONSENT_REFUSED, LB_CONSENT_WITHDRAWN, OB_A21_1, OB_A21_2},
    service::{Chosen, PreferenceChange, PreferenceError},
    signal::Raw,
};
use kernel::{
    Channel, Digest, Epoch, Instant, Known, Limit, NodeId, PersonAt, RuleId, SubjectId, SystemId,
    TenantId,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    console::page,
    form::{Form, read_form},
    history::{self, HistoryRow},
};
use crate::{
    app::App,
    http::{
        Asked, Ignored, Named, Submitted,
        consent::{by, refused, signal},
    },
    links::PreferencesLink,
    problem::Problem,
    words,
};

/// The channels a person can switch.
const CHANNELS: [(Channel, &str); 3] = [
    (Channel::Email, "E-mail"),
    (Channel::Sms, "Text message"),
    (Channel::Push, "Notifications in the app"),
];
/// How long a link from another page opens this one.
const LINK_DAYS: i64 = 1;

#[derive(Debug, Template)]
#[template(path = "preferences.html")]
struct PreferencesPage {
    brand: &'static str,
    token: String,
    saved: Option<&'static str>,
    seen: u64,
    purposes: Vec<PurposeRow>,
    channels: Vec<ChannelRow>,
    still: Vec<String>,
    signal: bool,
    history: Vec<HistoryRow>,
}

#[derive(Debug)]
struct PurposeRow {
    id: String,
    key: String,
    name: String,
    explain: String,
    state: String,
    optional: bool,
    on: bool,
}

#[derive(Debug)]
struct ChannelRow {
    id: String,
    key: &'static str,
    name: &'static str,
    on: bool,
}

/// What was just done.
#[derive(Debug, Deserialize)]
pub struct Saved {
    saved: Option<String>,
}

/// Whoever the token was made for, as things stand.
struct Visit {
    link: PreferencesLink,
    person: PersonAt,
    snapshot: Snapshot,
    artifacts: Arc<consent::Artifacts>,
    signals: Known<Signals>,
    now: Instant,
}

async fn visit(app: &App, token: &str, headers: &HeaderMap) -> Result<Visit, Problem> {
    let now = app.clock.now();
    let link: Option<PreferencesLink> = app.links.open(token, now);
    let link = link.ok_or_else(|| Problem::not_found("page"))?;
    let person = app.people.person(&link.tenant, link.subject.uuid()).await?;
    let person = person.ok_or_else(|| Problem::not_found("page"))?;
    let snapshot = app.verdicts.snapshot(&link.tenant, &person).await?;
    let live = app.live.current(&link.tenant).await?;
    let artifacts = live.map(|it| it.compiled.consent.clone());
    let artifacts = artifacts.ok_or_else(|| Problem::not_found("page"))?;
    let raw = Raw { gpc: signal::is_sent(headers), ..Raw::default() };
    let value = Signals::read(&raw).signals;
    let signals = Known::Is { value, source: SystemId::new("browser"), as_of: now };
    Ok(Visit { link, person, snapshot, artifacts, signals, now })
}

/// Where a person's choices are, for a page that opened without a login.
pub(super) fn link(app: &App, tenant: TenantId, subject: SubjectId) -> Option<String> {
    let expires_at = app.clock.now().plus(TimeDelta::days(LINK_DAYS));
    let token = app.links.seal(&PreferencesLink { tenant, subject, expires_at })?;
    Some(format!("/p/{token}"))
}

/// The page.
pub async fn show(
    State(app): State<Arc<App>>,
    Named(token): Named<String>,
    Asked(saved): Asked<Saved>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let visit = visit(&app, &token, &headers).await?;
    let events = app.consent.history(&visit.link.tenant, &visit.person, None, Limit::MAX).await?;
    let history = history::rows(&events.items, &visit.artifacts);
    let purposes: Vec<_> = visit.artifacts.purposes().iter().map(|it| row(&visit, it)).collect();
    let still = still(&visit);
    page(&PreferencesPage {
        brand: "Your insurer",
        token,
        saved: match saved.saved.as_deref() {
            Some("choices") => Some("Your choices are saved and in force."),
            Some("stop") => Some("Everything optional is off, from now on."),
            Some("same") => Some("Nothing was changed."),
            _ => None,
        },
        seen: visit.snapshot.person.0,
        purposes,
        channels: channels(&visit),
        still,
        signal: signal::is_sent(&headers),
        history,
    })
}

fn permitted(visit: &Visit, purpose: &Purpose, channel: Option<Channel>) -> bool {
    asked(visit, purpose, channel).outcome != consent::Outcome::Refused
}

fn asked(visit: &Visit, purpose: &Purpose, channel: Option<Channel>) -> Verdict {
    let ask = consent::Ask {
        channel,
        bundle: Known::NotApplicable(RuleId::new("page.no_data")),
        signals: visit.signals.clone(),
        ..consent::Ask::about(purpose.reference(), &visit.person)
    };
    evaluate(&ask, &visit.snapshot, &visit.artifacts, visit.now)
}

/// The channels over which the person said no to this purpose alone, as an unsubscribe link does.
fn ended(visit: &Visit, purpose: &Purpose) -> Vec<&'static str> {
    let by_the_person = [&LB_CONSENT_WITHDRAWN, &LB_CONSENT_REFUSED, &OB_A21_1, &OB_A21_2];
    CHANNELS
        .iter()
        .filter(|(channel, _)| purpose.channels.contains(*channel) && wanted(visit, *channel))
        .filter(|(channel, _)| {
            let reasons = asked(visit, purpose, Some(*channel)).reasons;
            reasons.iter().any(|it| by_the_person.contains(&it))
        })
        .map(|(channel, _)| words::channel(*channel))
        .collect()
}

/// The bases of a purpose the person can say no to.
fn optional(purpose: &Purpose) -> Option<Basis> {
    purpose
        .bases
        .values()
        .map(BasisSpec::basis)
        .find(|it| matches!(it, Basis::Consent | Basis::LegitimateInterests | Basis::PublicTask))
}

fn row(visit: &Visit, purpose: &Purpose) -> PurposeRow {
    let on = permitted(visit, purpose, None);
    let basis = optional(purpose);
    let state = match (basis, on) {
        (Some(Basis::Consent), true) => "You said yes.",
        (Some(Basis::Consent), false) => "Off, because you have not said yes.",
        (Some(_), true) => "On, because we may unless you object. Switch it off to object.",
        (Some(_), false) => "Off, because you objected.",
        (None, true) => "Always on: your contract needs it or the law requires it.",
        (None, false) => "Does not apply to you at the moment.",
    };
    let ended = if on && basis.is_some() { ended(visit, purpose) } else { Vec::new() };
    let state = if ended.is_empty() {
        state.to_owned()
    } else {
        let over = ended.join(" or ");
        format!(
            "{state} But not {over}: you ended that. To have it back, switch this off, save, and \
             switch it on again."
        )
    };
    PurposeRow {
        id: format!("purpose-{}", purpose.key.as_str().replace('.', "-")),
        key: purpose.key.to_string(),
        name: purpose.name.clone(),
        explain: purpose.text.clone(),
        state,
        optional: basis.is_some(),
        on,
    }
}

fn wanted(visit: &Visit, channel: Channel) -> bool {
    !visit
        .snapshot
        .state
        .unwanted
        .iter()
        .any(|it| it.channel == channel && it.scope == PurposeScope::All)
}

fn channels(visit: &Visit) -> Vec<ChannelRow> {
    CHANNELS
        .iter()
        .map(|(channel, name)| ChannelRow {
            id: format!("channel-{channel}"),
            key: channel.as_str(),
            name,
            on: wanted(visit, *channel),
        })
        .collect()
}

/// What may still arrive as things stand, evaluated, not assumed.
fn still(visit: &Visit) -> Vec<String> {
    let mut out = Vec::new();
    for purpose in visit.artifacts.purposes() {
        let over: Vec<_> = CHANNELS
            .iter()
            .filter(|(channel, _)| purpose.channels.contains(*channel))
            .filter(|(channel, _)| permitted(visit, purpose, Some(*channel)))
            .map(|(_, name)| *name)
            .collect();
        if !over.is_empty() {
            out.push(format!("{}: {}", purpose.name, over.join(", ").to_lowercase()));
        }
    }
    out
}

/// Saves what the form showed and the person changed.
pub async fn save(
    State(app): State<Arc<App>>,
    Named(token): Named<String>,
    headers: HeaderMap,
    Submitted(form): Submitted,
) -> Result<Response, Problem> {
    let visit = visit(&app, &token, &headers).await?;
    let form = read_form(form)?;
    let changes = changes(&visit, &form);
    if changes.is_empty() {
        return Ok(Redirect::to(&format!("/p/{token}?saved=same")).into_response());
    }
    let chosen = Chosen {
        changes,
        expected: Epoch(form.seen),
        at: NodeId::from_uuid(visit.person.subject.uuid()),
    };
    let act = act(&[b"save", token.as_bytes(), form.raw.as_bytes()]);
    let (tenant, person) = (&visit.link.tenant, &visit.person);
    let by = by("preference_centre")?;
    let done = app.consent.set_preferences(tenant, person, &chosen, &by, act).await;
    // After the form, which speaks of the state it showed.
    signal::heed(&app, tenant, person, &headers).await?;
    app.nudge.wake();
    match done {
        Ok(_) => Ok(Redirect::to(&format!("/p/{token}?saved=choices")).into_response()),
        Err(PreferenceError::Moved { .. }) => {
            Ok(Redirect::to(&format!("/p/{token}?saved=same")).into_response())
        }
        Err(PreferenceError::Unknown) => Err(Problem::not_found("page")),
        Err(PreferenceError::Refused(reason)) => {
            Err(Problem::unprocessable("consent", "refused", words::sentence(&reason))
                .reasons([reason]))
        }
        Err(PreferenceError::Conflict) => {
            Ok(Redirect::to(&format!("/p/{token}?saved=choices")).into_response())
        }
        Err(PreferenceError::Fault(fault)) => Err(fault.into()),
    }
}

/// Stops everything optional, in one action.
pub async fn stop(
    State(app): State<Arc<App>>,
    Named(token): Named<String>,
    headers: HeaderMap,
    _: Ignored,
) -> Result<Response, Problem> {
    let visit = visit(&app, &token, &headers).await?;
    signal::heed(&app, &visit.link.tenant, &visit.person, &headers).await?;
    let act = act(&[b"stop", token.as_bytes(), &visit.snapshot.person.0.to_be_bytes()]);
    app.consent
        .withdraw(
            &visit.link.tenant,
            &visit.person,
            &WithdrawalScope::Everything,
            &by("preference_centre")?,
            act,
        )
        .await
        .map_err(refused)?;
    app.nudge.wake();
    Ok(Redirect::to(&format!("/p/{token}?saved=stop")).into_response())
}

/// One act has one id, so that a repeated post is the same act.
pub(super) fn act(parts: &[&[u8]]) -> Uuid {
    let digest = Digest::of(&parts.join(&b'\0'));
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn changes(visit: &Visit, form: &Form) -> Vec<PreferenceChange> {
    let mut out = Vec::new();
    for purpose in visit.artifacts.purposes() {
        let Some(basis) = optional(purpose) else { continue };
        let on = permitted(visit, purpose, None);
        let wanted = form.purposes.iter().any(|it| it == purpose.key.as_str());
        match (on, wanted, basis) {
            (true, false, _) => out.push(PreferenceChange::Decline(purpose.key.clone())),
            (false, true, Basis::Consent) => {
                if purpose.is(Flag::DirectMarketing) {
                    out.push(PreferenceChange::Reopen(purpose.key.clone(), Limb::Art21_2));
                }
                out.extend(agree(visit, purpose));
            }
            (false, true, _) => {
                out.push(PreferenceChange::Reopen(purpose.key.clone(), Limb::Art21_1));
            }
            _ => {}
        }
    }
    for (channel, _) in CHANNELS {
        let choice = form.channels.iter().any(|it| it == channel.as_str());
        if choice != wanted(visit, channel) {
            let choice = if choice { Choice::In } else { Choice::Out };
            out.push(PreferenceChange::Channel(channel, PurposeScope::All, choice));
        }
    }
    out
}

/// A grant on the notice in force, in the person's own jurisdiction.
fn agree(visit: &Visit, purpose: &Purpose) -> Option<PreferenceChange> {
    let home: Option<&Jurisdiction> = visit.snapshot.state.jurisdictions.first();
    let spec = home
        .and_then(|it| purpose.bases.get(it))
        .or_else(|| purpose.bases.values().find(|it| it.basis() == Basis::Consent))?;
    let BasisSpec::Consent(terms) = spec else { return None };
    let notice = visit.artifacts.notice(&terms.notice)?;
    // Where it is about a practice the person opted out of, only an explicit yes counts.
    let explicit = terms.explicit || Practice::ALL.iter().any(|it| purpose.is(it.flag()));
    Some(PreferenceChange::Agree(Grant {
        purpose: purpose.reference(),
        channels: ChannelSet::ALL,
        expression: if explicit { Expression::Explicit } else { Expression::Expressed },
        expires_at: None,
        proof: Proof {
            notice: Some(NoticeShown {
                name: notice.notice.name.clone(),
                version: notice.notice.version,
                rendered: Some(notice.digest),
            }),
            method: Method::Save,
            prechecked: false,
            condition_of_service: false,
        },
    }))
}
