//! What people chose before the month and during it.

use kernel::Instant;
use serde_json::{Value, json};

use super::{ChoiceMade, Dice, Person, Population, calendar::minute};

/// Where a choice is captured.
#[derive(Clone, Copy)]
enum Place {
    /// The CRM: a form on the web, or staff.
    Crm,
    /// The app, at the account.
    App,
}

/// Collects the choices of one person.
struct Diary<'a> {
    population: &'a Population,
    person: &'a Person,
    dice: Dice,
    choices: Vec<ChoiceMade>,
}

/// Every choice of everybody, in order.
pub(super) fn made(population: &Population) -> Vec<ChoiceMade> {
    let mut all: Vec<_> = population.people.iter().flat_map(|it| of(population, it)).collect();
    all.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    all
}

fn of(population: &Population, person: &Person) -> Vec<ChoiceMade> {
    let dice = Dice::about(population.seed, "choices", person.number);
    let mut diary = Diary { population, person, dice, choices: Vec::new() };
    diary.state();
    let has_granted = diary.answer();
    diary.prefer();
    diary.change(has_granted);
    diary.choices
}

impl Diary<'_> {
    /// What the systems know that permission depends on; for a few nobody knows.
    fn state(&mut self) {
        let at = self.before();
        let country = self.person.country;
        if !self.dice.in_thousand(20) {
            let jurisdiction = json!({ "jurisdiction": country.jurisdiction });
            self.import(at, json!({ "stated": { "jurisdiction": jurisdiction } }));
        }
        if !self.dice.in_thousand(60) {
            let zone = json!({ "zone": self.person.time_zone });
            self.import(at, json!({ "stated": { "time_zone": zone } }));
        }
        for policy in &self.person.policies {
            let contract = json!({
                "of_type": "policy",
                "reference": policy.policy_no,
                "active": policy.status == "active",
            });
            self.import(at, json!({ "stated": { "contract": contract } }));
        }
    }

    /// The answer to the marketing question: yes, no, or none.
    fn answer(&mut self) -> bool {
        let at = self.before();
        let place = if self.dice.in_thousand(400) { Place::App } else { Place::Crm };
        match self.dice.below(100) {
            0..66 => {
                self.choose(place, at, grant(&["email", "web", "app"]));
                true
            }
            66..80 => {
                self.choose(place, at, under("refused", "marketing"));
                false
            }
            _ => false,
        }
    }

    /// Channels, quiet hours and how often.
    fn prefer(&mut self) {
        let at = self.before();
        if self.dice.in_thousand(50) {
            let out =
                json!({ "channel": "push", "scope": { "under": "service" }, "choice": "out" });
            self.choose(Place::App, at, json!({ "channel_pref": out }));
        }
        if self.dice.in_thousand(40) {
            let out = json!({ "channel": "email", "scope": "all", "choice": "out" });
            self.choose(Place::Crm, at, json!({ "channel_pref": out }));
        }
        if self.dice.in_thousand(70) {
            let quiet = json!({ "from_minute": 20 * 60, "to_minute": 9 * 60 });
            self.choose(Place::App, at, json!({ "quiet_hours": { "quiet": quiet } }));
        }
        if self.dice.in_thousand(30) {
            let limit = json!({ "contacts_max": 1, "window": "P7D" });
            self.choose(Place::Crm, at, json!({ "frequency_pref": { "limit": limit } }));
        }
    }

    /// What changes during the month.
    fn change(&mut self, has_granted: bool) {
        if has_granted && self.dice.in_thousand(60) {
            let at = self.during();
            self.choose(Place::App, at, under("withdrawn", "marketing"));
        } else if !has_granted && self.dice.in_thousand(50) {
            let at = self.during();
            self.choose(Place::App, at, grant(&["email", "web"]));
        }
        for (times, scope, limb) in [
            (20, "marketing", "art21_2"),
            (15, "service", "art21_1"),
            (6, "measurement", "art21_1"),
        ] {
            if self.dice.in_thousand(times) {
                let at = self.during();
                let objected = json!({ "scope": { "under": scope }, "limb": limb });
                self.choose(Place::Crm, at, json!({ "objected": objected }));
            }
        }
        if self.dice.in_thousand(15) {
            let at = self.during();
            let until = at.plus(chrono::TimeDelta::weeks(2)).to_string();
            self.choose(Place::App, at, json!({ "snoozed": { "until": until } }));
        }
        if self.dice.in_thousand(4) {
            let at = self.during();
            let suppressed = json!({ "scope": "person", "reason": "vulnerable" });
            self.choose(Place::Crm, at, json!({ "suppressed": suppressed }));
        }
        if self.dice.in_thousand(3) {
            let at = self.during();
            let restricted = json!({ "scope": "all", "ground": "a" });
            self.choose(Place::Crm, at, json!({ "restricted": restricted }));
        }
    }

    /// A moment in the year before the month.
    fn before(&self) -> Instant {
        let day = -i64::from(self.dice.between(2, 330));
        minute(self.population.start, day, self.dice.between(420, 1_320), self.dice.below(60_000))
    }

    /// A moment in the month.
    fn during(&self) -> Instant {
        let day = i64::from(self.dice.below(self.population.days));
        minute(self.population.start, day, self.dice.between(420, 1_320), self.dice.below(60_000))
    }

    fn import(&mut self, at: Instant, kind: Value) {
        self.keep(
            "crm",
            self.person.crm_subject(),
            at,
            json!({ "import": { "batch": "takeover" } }),
            kind,
        );
    }

    /// A choice of the person; without an account it is made at the CRM record, and with two CRM
    /// records at either.
    fn choose(&mut self, place: Place, at: Instant, kind: Value) {
        let user = self.person.user.as_ref().filter(|_| matches!(place, Place::App));
        let (source, subject) = match user {
            Some(user) => ("app", format!("user_id:{}", user.user_id)),
            None if self.dice.in_thousand(500) => {
                let last = self.person.crm_ids.last().map_or("", String::as_str);
                ("crm", format!("crm_id:{last}"))
            }
            None => ("crm", self.person.crm_subject()),
        };
        self.keep(source, subject, at, json!("subject"), kind);
    }

    fn keep(
        &mut self,
        source: &'static str,
        subject: String,
        at: Instant,
        actor: Value,
        kind: Value,
    ) {
        let id = self.dice.uuid(at);
        self.choices.push(ChoiceMade { id, at, source, subject, actor, kind });
    }
}

/// A grant for the renewal reminder, with what was shown and done.
fn grant(channels: &[&str]) -> Value {
    json!({ "given": {
        "purpose": { "key": "marketing.renewal", "version": 3 },
        "channels": channels,
        "expression": "expressed",
        "proof": {
            "notice": { "name": "renewal-offers", "version": 7 },
            "method": "toggle",
            "prechecked": false,
        },
    } })
}

fn under(kind: &str, scope: &str) -> Value {
    let channels = ["email", "sms", "push", "web", "app"];
    json!({ kind: { "scope": { "under": scope }, "channels": channels } })
}
