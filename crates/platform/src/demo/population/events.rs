//! What happens during the month without anybody being contacted.

use kernel::Instant;
use serde_json::{Value, json};

use super::{
    Dice, Event, HEARTBEAT_MINUTES, Onboarding, Person, Policy, Population, SYSTEMS, User,
    calendar::{later, midnight, minute},
};

/// The steps of onboarding, in order.
pub(super) const STEPS: [&str; 4] = ["signup", "identity", "payment", "first_use"];
const FEATURES: [&str; 6] =
    ["documents", "claim_form", "premium_calculator", "roadside", "profile", "payments"];

/// Collects the events of the month.
struct Month<'a> {
    population: &'a Population,
    events: Vec<Event>,
}

/// Every organic event of the month, in order.
pub(super) fn organic(population: &Population) -> Vec<Event> {
    let mut month = Month { population, events: Vec::new() };
    month.heartbeats();
    for person in &population.people {
        if let Some(user) = &person.user {
            month.visits(person, user);
            month.onboarding(person, user);
        }
        for policy in &person.policies {
            month.contract(person, policy);
            month.claim(person, policy);
        }
        month.service(person);
    }
    let Month { mut events, .. } = month;
    events.retain(|it| super::day_of(population.start, it.at) < i64::from(population.days));
    events.sort_by(|a, b| (a.at, a.source, &a.id).cmp(&(b.at, b.source, &b.id)));
    events
}

impl Month<'_> {
    /// Every system says that it is alive, so that silence is not taken for a quiet day.
    fn heartbeats(&mut self) {
        let per_day = 1_440 / HEARTBEAT_MINUTES;
        for day in 0..i64::from(self.population.days) {
            for nth in 0..per_day {
                let at = minute(self.population.start, day, nth * HEARTBEAT_MINUTES, 0);
                for system in SYSTEMS {
                    let dice =
                        Dice::of(self.population.seed, "heartbeat", &format!("{system}{at}"));
                    self.tell(&dice, at, system, "assent.heartbeat.v1", None, json!({}));
                }
            }
        }
    }

    /// Visits to the app, some of which use a feature.
    fn visits(&mut self, person: &Person, user: &User) {
        let subject = format!("user_id:{}", user.user_id);
        let habit = Dice::about(self.population.seed, "habit", person.number).between(30, 350);
        for day in 0..self.population.days {
            let dice = Dice::of(self.population.seed, "visit", &format!("{}/{day}", person.number));
            let is_new =
                matches!(user.onboarding, Onboarding::Under { from_day, .. } if day <= from_day);
            if is_new || !dice.in_thousand(habit) {
                continue;
            }
            let at = self.daytime(&dice, i64::from(day));
            let data = json!({ "device_id": user.device_id });
            self.tell(&dice, at, "app", "product.login.v1", Some(&subject), data);
            if dice.in_thousand(600) {
                let data = json!({ "feature": dice.pick(&FEATURES) });
                let at = at.plus(chrono::TimeDelta::seconds(i64::from(dice.between(20, 600))));
                self.tell(&dice, at, "app", "product.feature_used.v1", Some(&subject), data);
            }
        }
    }

    /// Steps taken unaided, a few hours apart.
    fn onboarding(&mut self, person: &Person, user: &User) {
        let Onboarding::Under { from_day, steps } = user.onboarding else {
            return;
        };
        let dice = Dice::about(self.population.seed, "onboarding", person.number);
        let subject = format!("user_id:{}", user.user_id);
        let mut at = self.daytime(&dice, i64::from(from_day));
        for step in STEPS.into_iter().take(steps) {
            let data = json!({ "step": step, "at": at.to_string() });
            self.tell(&dice, at, "app", "onboarding.step_done.v1", Some(&subject), data);
            at = at.plus(chrono::TimeDelta::minutes(i64::from(dice.between(3, 2_200))));
        }
        if steps == STEPS.len() {
            self.tell(&dice, at, "app", "onboarding.completed.v1", Some(&subject), json!({}));
        }
    }

    /// A premium falls due each month; a few contracts are issued or cancelled.
    fn contract(&mut self, person: &Person, policy: &Policy) {
        let dice = Dice::of(self.population.seed, "contract", &policy.policy_no);
        let subject = person.crm_subject();
        let subject = Some(subject.as_str());
        let day = i64::from(dice.below(self.population.days));
        let at = self.daytime(&dice, day);
        if policy.status != "active" {
            return;
        }
        let data = json!({
            "policy_no": policy.policy_no,
            "amount_minor": policy.premium_minor / 12,
            "currency": person.country.currency,
            "status": if dice.in_thousand(40) { "failed" } else { "paid" },
        });
        self.tell(&dice, at, "policy_admin", "billing.payment.v1", subject, data);
        let at = self.daytime(&dice, i64::from(dice.below(self.population.days)));
        match dice.below(1_000) {
            0..8 => {
                let data = json!({ "policy_no": policy.policy_no });
                self.tell(&dice, at, "policy_admin", "policy.cancelled.v1", subject, data);
            }
            8..24 => {
                let data = json!({
                    "policy_no": format!("{}9", policy.policy_no),
                    "renewal_on": later(self.population.start, 365 + dice.below(28)).to_string(),
                    "autorenew": dice.in_thousand(350),
                    "status": "active",
                });
                self.tell(&dice, at, "policy_admin", "policy.issued.v1", subject, data);
            }
            _ => {}
        }
    }

    /// One contract in fourteen has a claim; one claim in three waits longer than a week.
    fn claim(&mut self, person: &Person, policy: &Policy) {
        let dice = Dice::of(self.population.seed, "claim", &policy.policy_no);
        if policy.status != "active" || !dice.in_thousand(70) {
            return;
        }
        let subject = person.crm_subject();
        let claim_no = format!("K{}", policy.policy_no.trim_start_matches('P'));
        let mut day = i64::from(dice.below(self.population.days));
        let reported_at = self.daytime(&dice, day);
        let mut at = reported_at;
        let is_slow = dice.in_thousand(330);
        for stage in ["received", "assessing", "approved", "paid"] {
            let mut data = json!({
                "claim_no": claim_no,
                "stage": stage,
                "reported_at": reported_at.to_string(),
            });
            let next = dice.between(1, 5) + if is_slow { 8 } else { 0 };
            if dice.in_thousand(600) && stage != "paid" {
                let on = later(at.utc().date_naive(), next);
                extend(&mut data, "next_step_on", json!(on.to_string()));
            }
            self.tell(&dice, at, "claims_core", "claim.milestone.v2", Some(&subject), data);
            if stage == "received" && dice.in_thousand(50) {
                day += 1;
                let withdrawn = json!({
                    "claim_no": claim_no,
                    "stage": "withdrawn",
                    "reported_at": reported_at.to_string(),
                });
                let at = self.daytime(&dice, day);
                self.tell(
                    &dice,
                    at,
                    "claims_core",
                    "claim.milestone.v2",
                    Some(&subject),
                    withdrawn,
                );
                return;
            }
            day += i64::from(next);
            at = self.daytime(&dice, day);
        }
        let data = json!({ "claim_no": claim_no, "outcome": "settled" });
        self.tell(&dice, at, "claims_core", "claim.closed.v2", Some(&subject), data);
    }

    /// One person in nine who is known there turns to the service desk.
    fn service(&mut self, person: &Person) {
        let Some(service_no) = &person.service_no else {
            return;
        };
        let dice = Dice::about(self.population.seed, "service", person.number);
        if !dice.in_thousand(110) {
            return;
        }
        let subject = format!("service_no:{service_no}");
        let ticket_no = format!("T{:06}", person.number);
        let at = self.daytime(&dice, i64::from(dice.below(self.population.days)));
        let resolution = dice.pick(&["answered", "corrected", "refunded", "declined"]);
        let data = json!({ "ticket_no": ticket_no, "resolution": resolution });
        self.tell(&dice, at, "service_desk", "service.ticket_resolved.v1", Some(&subject), data);
        if !dice.in_thousand(750) {
            return;
        }
        let rating = dice.weighted(&[(1, 16), (2, 19), (3, 15), (4, 25), (5, 25)]).copied();
        let rating = rating.unwrap_or(3);
        let cause = dice.weighted(&[("delay", 35), ("error", 30), ("conduct", 15), ("other", 20)]);
        let mut data = json!({
            "ticket_no": ticket_no,
            "rating": rating,
            "cause": cause.copied().unwrap_or("other"),
            "fault_confirmed": dice.in_thousand(500),
        });
        if cause.copied() == Some("error") && dice.in_thousand(600) {
            extend(&mut data, "overcharge_minor", json!(i64::from(dice.between(5, 90)) * 100));
        }
        let at = at.plus(chrono::TimeDelta::minutes(i64::from(dice.between(5, 300))));
        self.tell(&dice, at, "service_desk", "service.interaction_rated.v1", Some(&subject), data);
        if rating <= 2 && dice.in_thousand(100) {
            let at = at.plus(chrono::TimeDelta::minutes(i64::from(dice.between(5, 90))));
            let data = json!({ "ticket_no": ticket_no });
            self.tell(
                &dice,
                at,
                "service_desk",
                "service.complaint_opened.v1",
                Some(&subject),
                data,
            );
        }
    }

    fn daytime(&self, dice: &Dice, day: i64) -> Instant {
        minute(self.population.start, day, dice.between(390, 1_290), dice.below(60_000))
    }

    fn tell(
        &mut self,
        dice: &Dice,
        at: Instant,
        source: &'static str,
        kind: &'static str,
        subject: Option<&str>,
        data: Value,
    ) {
        debug_assert!(at >= midnight(self.population.start, 0), "the month has begun");
        let subject = subject.map(str::to_owned);
        self.events.push(Event { id: dice.uuid(at), at, source, kind, subject, data });
    }
}

fn extend(data: &mut Value, member: &str, value: Value) {
    if let Some(members) = data.as_object_mut() {
        members.insert(member.to_owned(), value);
    }
}
