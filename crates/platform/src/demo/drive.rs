//! Lives the month: imports, choices, events, questions and clicks, hour by hour, over HTTP.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, Result, bail};
use chrono::{NaiveDate, TimeDelta};
use kernel::{Clock as _, FactFeed, Instant, ManualClock};
use serde_json::{Value, json};
use service::{lifecycle::settle, relay::Job};

use super::{
    client::{Client, taken},
    observe::Observer,
    population::{Dice, Event, Population, noon},
    summary::{Tally, text},
    writing::{self, Line},
};

/// The most events of one request.
const EVENTS_MAX: usize = 100;
/// The most choices of one request.
const CHOICES_MAX: usize = 500;
/// How many hours a step is.
const STEP_HOURS: i64 = 1;
/// Every so many log-ins, a page asks what to show.
const ASKING: u16 = 8;
/// Of a thousand letters with a link to unsubscribe, so many are answered by using it.
const UNSUBSCRIBING: u16 = 25;
/// Of a thousand people, so many call on a day of the month and withdraw something.
const CALLING: u16 = 15;

/// The month under way.
pub struct Month<'a> {
    /// Who lives it.
    pub population: &'a Population,
    /// The surface they are seen through.
    pub client: Client,
    /// The time.
    pub clock: Arc<ManualClock>,
    /// Background work, in order.
    pub jobs: Vec<Arc<dyn Job>>,
    /// What sets it off.
    pub feed: Arc<dyn FactFeed>,
    /// Sees what came of it.
    pub observer: Observer,
    /// What has happened so far.
    pub tally: Tally,
    // Events people cause by reacting, by the instant at which they are sent.
    coming: BTreeMap<Instant, Vec<Event>>,
}

impl std::fmt::Debug for Month<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Month")
    }
}

/// The first day of the month that is lived.
pub const START: NaiveDate = match NaiveDate::from_ymd_opt(2026, 9, 1) {
    Some(it) => it,
    None => NaiveDate::MIN,
};

impl<'a> Month<'a> {
    /// A month that has not begun.
    pub fn new(
        population: &'a Population,
        client: Client,
        clock: Arc<ManualClock>,
        (jobs, feed): (Vec<Arc<dyn Job>>, Arc<dyn FactFeed>),
        observer: Observer,
    ) -> Self {
        let (tally, coming) = (Tally::default(), BTreeMap::new());
        Self { population, client, clock, jobs, feed, observer, tally, coming }
    }

    /// Imports the five extracts and every choice made before the month.
    pub async fn begin(&mut self, step: impl Fn(&str)) -> Result<()> {
        self.clock.set(noon(self.population.start, 0).minus(TimeDelta::hours(12)));
        for extract in writing::extracts(self.population) {
            step(extract.file);
            let path = format!("/v1/imports?system={}", extract.system);
            let headers = [("content-type", "text/csv")];
            let answer = self.client.post(&path, &headers, extract.text.into_bytes()).await;
            let report = taken("POST", &path, &answer)?;
            self.tally.imported(extract.system, &report);
        }
        step("stitching");
        self.settle().await?;
        step("choices");
        let before: Vec<_> = self.population.choices_on(-1).map(writing::consent_event).collect();
        self.choose(before).await?;
        self.settle().await?;
        self.observer.meet(self.population).await
    }

    /// Lives one day.
    pub async fn live(&mut self, day: u16) -> Result<()> {
        let midnight = noon(self.population.start, i64::from(day)).minus(TimeDelta::hours(12));
        let mut lines = writing::stream(self.population, day).into_iter().peekable();
        let mut choices = self.population.choices_on(i64::from(day)).peekable();
        for hour in 0..24 / STEP_HOURS {
            let now = midnight.plus(TimeDelta::hours((hour + 1) * STEP_HOURS));
            self.clock.set(now);
            let mut due = Vec::new();
            while let Some(it) = choices.next_if(|it| it.at <= now) {
                due.push(writing::consent_event(it));
            }
            self.choose(due).await?;
            let mut sent = Vec::new();
            while let Some(it) = lines.next_if(|it| it.at <= now) {
                sent.push(it);
            }
            while let Some(entry) = self.coming.first_entry().filter(|it| *it.key() <= now) {
                sent.extend(entry.remove().iter().map(writing::line));
            }
            self.tell(&sent).await?;
            self.settle().await?;
            self.ask(&sent).await?;
            self.react().await?;
            if hour == 11 {
                self.call(day).await?;
            }
        }
        Ok(())
    }

    async fn settle(&self) -> Result<()> {
        settle(&self.jobs, &*self.feed).await.context("background work")?;
        Ok(())
    }

    /// Posts choices.
    async fn choose(&mut self, choices: Vec<Value>) -> Result<()> {
        for chunk in choices.chunks(CHOICES_MAX) {
            let body = json!({ "events": chunk });
            let answer = self.client.must_post("/v1/consent-events", &body).await?;
            self.tally.chose(&answer);
        }
        Ok(())
    }

    /// Posts a stream of events as its systems send it: batches, and broken lines one by one.
    async fn tell(&mut self, lines: &[Line]) -> Result<()> {
        let (whole, broken): (Vec<&Line>, Vec<&Line>) = lines
            .iter()
            .partition(|it| serde_json::from_str::<Value>(&it.text).is_ok_and(|it| it.is_object()));
        for chunk in whole.chunks(EVENTS_MAX) {
            let body = format!(
                "[{}]",
                chunk.iter().map(|it| it.text.as_str()).collect::<Vec<_>>().join(",")
            );
            let headers = [("content-type", "application/cloudevents-batch+json")];
            let answer = self.client.post("/v1/events", &headers, body.into_bytes()).await;
            let answer = taken("POST", "/v1/events", &answer)?;
            self.tally.told(&answer);
        }
        for line in broken {
            let headers = [("content-type", "application/cloudevents+json")];
            let body = line.text.clone().into_bytes();
            let answer = self.client.post("/v1/events", &headers, body).await;
            if !(400..500).contains(&answer.status) {
                bail!("a broken event was answered {}", answer.status);
            }
            self.tally.refused_line(&answer.body);
        }
        Ok(())
    }

    /// Some of those who log in see a page that asks what to show.
    async fn ask(&mut self, lines: &[Line]) -> Result<()> {
        let mut asked = false;
        for line in lines {
            let Ok(event) = serde_json::from_str::<Value>(&line.text) else { continue };
            if text(&event, "/type").unwrap_or_default() != "product.login.v1" {
                continue;
            }
            let id = text(&event, "/id").unwrap_or_default();
            let dice = Dice::of(self.population.seed, "asking", id);
            let subject = text(&event, "/subject").unwrap_or_default();
            let Some(("user_id", user)) = subject.split_once(':') else { continue };
            if dice.below(ASKING) != 0 {
                continue;
            }
            let policy = self.population.whose(subject).and_then(|it| it.policies.first());
            let mut body = json!({
                "person": { "identifiers": [{ "namespace": "user_id", "value": user }] },
                "placement": if policy.is_some() { "home.top" } else { "home.card" },
                "request_id": dice.uuid(self.clock.now()),
            });
            if let (Some(policy), Some(body)) = (policy, body.as_object_mut()) {
                let object = json!({ "kind": "policy", "id": policy.policy_no });
                body.insert("object".to_owned(), object);
            }
            let headers = [("content-type", "application/json")];
            let answer =
                self.client.post("/v1/decisions", &headers, body.to_string().into_bytes()).await;
            self.tally.asked(&answer);
            asked = true;
        }
        if asked { self.settle().await } else { Ok(()) }
    }

    /// What people do about what reached them, or did not.
    async fn react(&mut self) -> Result<()> {
        let (now, before) = (self.clock.now(), self.tally.withdrawals);
        for seen in self.observer.look().await? {
            let Some(person) = self.population.people.get(seen.person) else { continue };
            let reactions =
                self.population.react(person, &seen.node, &seen.object, now, seen.contacted);
            let mut events = reactions;
            if let Some(delivery) = &seen.delivery {
                events.extend(self.population.feedback(person, delivery, now));
            }
            for event in events {
                self.coming.entry(event.at).or_default().push(event);
            }
            if let Some(link) = &seen.unsubscribe {
                let dice = Dice::of(self.population.seed, "unsubscribing", link);
                if dice.in_thousand(UNSUBSCRIBING) {
                    self.unsubscribe(link).await?;
                }
            }
        }
        self.tally.late += self.observer.late;
        self.observer.late = 0;
        // What people will do later is not work yet.
        if self.tally.withdrawals > before { self.settle().await } else { Ok(()) }
    }

    async fn unsubscribe(&mut self, link: &str) -> Result<()> {
        let path = link.find("/o/").and_then(|at| link.get(at..)).unwrap_or(link);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let body = b"List-Unsubscribe=One-Click".to_vec();
        let answer = self.client.post(path, &headers, body).await;
        if answer.status != 200 {
            bail!("one-click answered {}", answer.status);
        }
        self.tally.withdrawals += 1;
        Ok(())
    }

    /// Some call and withdraw; an agent does it for them.
    async fn call(&mut self, day: u16) -> Result<()> {
        for person in &self.population.people {
            let dice =
                Dice::of(self.population.seed, "calling", &format!("{}/{day}", person.number));
            if !dice.in_thousand(1) || !dice.in_thousand(CALLING * 30) {
                continue;
            }
            let Some(subject) = self.observer.subject(person.number) else { continue };
            let path = format!("/v1/subjects/{subject}/withdrawals");
            let act = dice.uuid(self.clock.now());
            let headers = [("content-type", "application/json"), ("idempotency-key", act.as_str())];
            let body = json!({ "scope": { "purpose": { "purpose": "marketing" } } });
            let answer = self.client.post(&path, &headers, body.to_string().into_bytes()).await;
            taken("POST", &path, &answer)?;
            self.tally.withdrawals += 1;
        }
        Ok(())
    }
}
