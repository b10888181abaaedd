//! A month in the life of an insurer's customers, from one seed.
//!
//! Everything is integer arithmetic on dice keyed by what they decide, so that the same seed
//! gives the same people, choices and events whatever the order in which they are asked for. How
//! people react to being contacted is part of the population: it is what a lift is measured on.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kernel::Instant;
use serde_json::Value;

mod births;
mod calendar;
mod choices;
mod dice;
mod events;
mod names;
mod reaction;
#[cfg(test)]
mod tests;

pub(super) use births::last_written;
pub use calendar::{day_of, noon};
pub use dice::Dice;
pub use names::Country;
pub use reaction::{EFFECTS, Effect};

/// The source systems, as CloudEvents name them.
pub const SYSTEMS: [&str; 6] =
    ["crm", "service_desk", "app", "policy_admin", "comms", "claims_core"];
/// How often each system says that it is alive.
pub const HEARTBEAT_MINUTES: u16 = 60;

/// People, what they chose and what happened to them.
#[derive(Debug)]
pub struct Population {
    /// What everything follows from.
    pub seed: u64,
    /// The first day.
    pub start: NaiveDate,
    /// How many days are lived.
    pub days: u16,
    /// The people, by number from 1.
    pub people: Vec<Person>,
    /// Choices made before the month and during it, in order.
    pub choices: Vec<ChoiceMade>,
    /// Organic events of the month, in order.
    pub events: Vec<Event>,
    index: BTreeMap<String, usize>,
}

/// A person as nobody but the demo knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// From 1.
    pub number: u32,
    /// The household; people of one share an address, perhaps a mailbox and a tablet.
    pub household: u32,
    /// Given name.
    pub first_name: &'static str,
    /// Family name.
    pub last_name: &'static str,
    /// Date of birth.
    pub birth_date: NaiveDate,
    /// Where they live.
    pub country: &'static Country,
    /// The time zone they live in.
    pub time_zone: &'static str,
    /// Whether they asked for help in their own words.
    pub needs_support: bool,
    /// The mailbox.
    pub email: Option<Mailbox>,
    /// E.164, as it really is.
    pub phone: Option<String>,
    /// Records in the CRM; a second one is a duplicate nobody noticed.
    pub crm_ids: Vec<String>,
    /// The account in the app.
    pub user: Option<User>,
    /// The record at the service desk.
    pub service_no: Option<String>,
    /// The record in the mailing tool.
    pub comms_no: Option<String>,
    /// Contracts.
    pub policies: Vec<Policy>,
}

/// A mailbox: one's own, or the family's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The address.
    pub address: String,
    /// Whether the household shares it; such an address is never verified.
    pub is_shared: bool,
}

/// An account in the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The account.
    pub user_id: String,
    /// The device last used; a tablet may be the household's.
    pub device_id: String,
    /// Whether push messages may arrive.
    pub push_enabled: bool,
    /// Age of the account.
    pub tenure_months: u16,
    /// Where the person stands in onboarding.
    pub onboarding: Onboarding,
}

/// How far a new customer gets without help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Onboarding {
    /// Done long ago.
    Done,
    /// Signs up on a day of the month and completes these many of the four steps.
    Under {
        /// Day of the month.
        from_day: u16,
        /// Steps taken unaided; four is all of them.
        steps: usize,
    },
}

/// A contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The number.
    pub policy_no: String,
    /// `active`, `lapsed` or `cancelled`.
    pub status: &'static str,
    /// When it ends unless renewed.
    pub renewal_on: NaiveDate,
    /// Whether it renews by itself.
    pub autorenew: bool,
    /// Its age.
    pub tenure_months: u16,
    /// The premium.
    pub premium_minor: i64,
}

/// Something that happened, as a `CloudEvent` says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Unique within the source.
    pub id: String,
    /// When.
    pub at: Instant,
    /// Which system says so.
    pub source: &'static str,
    /// The event type, with its major version.
    pub kind: &'static str,
    /// `namespace:value`; none for a heartbeat.
    pub subject: Option<String>,
    /// The payload.
    pub data: Value,
}

/// A choice or a statement, as `POST /v1/consent-events` takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChoiceMade {
    /// Minted where it was captured.
    pub id: String,
    /// When.
    pub at: Instant,
    /// Which system captured it.
    pub source: &'static str,
    /// `namespace:value`.
    pub subject: String,
    /// Who acted, in consent's words.
    pub actor: Value,
    /// What was chosen, in consent's words.
    pub kind: Value,
}

/// What an identity service should find in the extracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truth {
    /// People.
    pub people: usize,
    /// Households.
    pub households: usize,
    /// Records in all five extracts.
    pub records: usize,
    /// People with two CRM records.
    pub duplicates: usize,
    /// People who share a mailbox.
    pub sharing: usize,
}

impl Population {
    /// The population of a seed.
    pub fn generate(seed: u64, people: usize, start: NaiveDate, days: u16) -> Self {
        let mut population = Self {
            seed,
            start,
            days,
            people: births::people(seed, people, start, days),
            choices: Vec::new(),
            events: Vec::new(),
            index: BTreeMap::new(),
        };
        population.choices = choices::made(&population);
        population.events = events::organic(&population);
        population.index = births::index(&population);
        population
    }

    /// The events of a day, from 0, in order.
    pub fn events_on(&self, day: u16) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |it| day_of(self.start, it.at) == i64::from(day))
    }

    /// The choices of a day, from 0, in order; those before the month are of day −1.
    pub fn choices_on(&self, day: i64) -> impl Iterator<Item = &ChoiceMade> {
        self.choices.iter().filter(move |it| day_of(self.start, it.at).max(-1) == day)
    }

    /// Whose identifier this is, written `namespace:value`; a shared one is nobody's.
    pub fn whose(&self, identifier: &str) -> Option<&Person> {
        self.people.get(*self.index.get(identifier)?)
    }

    /// What an identity service should find.
    pub fn truth(&self) -> Truth {
        let count = |of: fn(&Person) -> usize| self.people.iter().map(of).sum();
        Truth {
            people: self.people.len(),
            households: self.people.last().map_or(0, |it| it.household as usize),
            records: count(Person::records),
            duplicates: count(|it| usize::from(it.crm_ids.len() > 1)),
            sharing: count(|it| usize::from(it.email.as_ref().is_some_and(|it| it.is_shared))),
        }
    }
}

impl Person {
    /// How many rows the extracts hold about the person.
    pub fn records(&self) -> usize {
        self.crm_ids.len()
            + usize::from(self.user.is_some())
            + usize::from(self.service_no.is_some())
            + usize::from(self.comms_no.is_some())
            + self.policies.len()
    }

    /// The person's first CRM record, as a CloudEvents subject.
    pub fn crm_subject(&self) -> String {
        format!("crm_id:{}", self.crm_ids.first().map_or("", String::as_str))
    }
}
