//! Households and the people in them, with the records each system keeps.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kernel::Instant;

use super::{
    Country, Dice, Mailbox, Onboarding, Person, Policy, Population, User,
    calendar::{earlier, later},
    names::COUNTRIES,
};

/// The renewal reminder is due this long before a renewal.
const REMINDER_DAYS: u16 = 90;

/// What the members of a household share.
struct Household {
    number: u32,
    country: &'static Country,
    time_zone: &'static str,
    last_name: &'static str,
    size: u16,
    mailbox: Option<String>,
    tablet: Option<String>,
}

/// So many people, household by household.
pub(super) fn people(seed: u64, people: usize, start: NaiveDate, days: u16) -> Vec<Person> {
    let mut born = Vec::with_capacity(people);
    let mut number = 0;
    for household in (1..).map(|it| household(seed, it)) {
        for _ in 0..household.size {
            if born.len() == people {
                return born;
            }
            number += 1;
            born.push(person(seed, number, &household, start, days));
        }
    }
    born
}

fn household(seed: u64, number: u32) -> Household {
    let dice = Dice::about(seed, "household", number);
    let country = dice.weighted(&COUNTRIES).unwrap_or(&COUNTRIES[0].0);
    let last_name = dice.pick(country.last_names);
    let size = dice.weighted(&[(1, 45), (2, 30), (3, 13), (4, 12)]).copied().unwrap_or(1);
    let shares = |times| size > 1 && dice.in_thousand(times);
    let address = format!("family{number}.{}@mail.example", ascii(last_name));
    Household {
        number,
        country,
        time_zone: if dice.in_thousand(60) { country.islands } else { country.time_zone },
        last_name,
        size,
        mailbox: shares(200).then_some(address),
        tablet: shares(250).then(|| format!("TAB-{number:06}")),
    }
}

fn person(seed: u64, number: u32, household: &Household, start: NaiveDate, days: u16) -> Person {
    let dice = Dice::about(seed, "person", number);
    let first_name = dice.pick(household.country.first_names);
    let id = |letter: char| format!("{letter}{number:06}");
    let mut crm_ids = vec![id('C')];
    if dice.in_thousand(40) {
        crm_ids.push(id('D'));
    }
    let user = dice.in_thousand(750).then(|| user(&dice, number, household, days));
    let is_new = user.as_ref().is_some_and(|it| it.onboarding != Onboarding::Done);
    let policies = match dice.below(100) {
        _ if is_new => 0,
        0..20 => 0,
        20..85 => 1,
        _ => 2,
    };
    Person {
        number,
        household: household.number,
        first_name,
        last_name: household.last_name,
        birth_date: earlier(start, dice.between(7_000, 31_000)),
        country: household.country,
        time_zone: household.time_zone,
        needs_support: dice.in_thousand(60),
        email: mailbox(&dice, number, first_name, household),
        phone: dice.in_thousand(850).then(|| phone(&dice, household.country)),
        crm_ids,
        user,
        service_no: dice.in_thousand(880).then(|| id('S')),
        comms_no: dice.in_thousand(800).then(|| id('M')),
        policies: (1..=policies).map(|it| policy(&dice, number, it, start, days)).collect(),
    }
}

fn mailbox(dice: &Dice, number: u32, first_name: &str, home: &Household) -> Option<Mailbox> {
    let own = || Mailbox {
        address: format!("{}.{}{number}@mail.example", ascii(first_name), ascii(home.last_name)),
        is_shared: false,
    };
    let shared = |address: &String| Mailbox { address: address.clone(), is_shared: true };
    match dice.below(100) {
        0..3 => None,
        3..60 => home.mailbox.as_ref().map(shared).or_else(|| Some(own())),
        _ => Some(own()),
    }
}

fn phone(dice: &Dice, country: &Country) -> String {
    let digits = 9 - country.mobile.len();
    let number: String = (0..digits).map(|_| dice.below(10).to_string()).collect();
    format!("+{}{}{number}", country.dial, country.mobile)
}

fn user(dice: &Dice, number: u32, household: &Household, days: u16) -> User {
    let tablet = household.tablet.clone().filter(|_| dice.in_thousand(700));
    let onboarding = if dice.in_thousand(180) {
        // Six in ten stop somewhere on the way.
        let steps = dice.weighted(&[(1, 16), (2, 26), (3, 20), (4, 38)]).copied().unwrap_or(4);
        Onboarding::Under { from_day: dice.below(days.saturating_sub(4).max(1)), steps }
    } else {
        Onboarding::Done
    };
    let is_new = onboarding != Onboarding::Done;
    User {
        user_id: format!("U{number:06}"),
        device_id: tablet.unwrap_or_else(|| format!("DEV-{number:06}")),
        push_enabled: dice.in_thousand(650),
        tenure_months: if is_new { 0 } else { dice.between(1, 90) },
        onboarding,
    }
}

/// Half of the contracts come to their reminder during the month.
fn policy(dice: &Dice, number: u32, nth: u16, start: NaiveDate, days: u16) -> Policy {
    let in_days = if dice.in_thousand(550) {
        REMINDER_DAYS - 5 + dice.below(days.saturating_add(10))
    } else {
        dice.between(20, 364)
    };
    let status = dice.weighted(&[("active", 92), ("lapsed", 5), ("cancelled", 3)]);
    Policy {
        policy_no: format!("P{number:06}{nth}"),
        status: status.copied().unwrap_or("active"),
        renewal_on: later(start, in_days),
        autorenew: dice.in_thousand(350),
        tenure_months: dice.between(9, 180),
        premium_minor: i64::from(dice.between(900, 14_000)) * 10,
    }
}

/// A mailbox name of a name.
fn ascii(name: &str) -> String {
    name.chars()
        .map(|it| match it.to_lowercase().next().unwrap_or(it) {
            'ä' | 'á' | 'à' | 'ã' | 'â' => 'a',
            'é' | 'è' | 'ë' | 'ê' => 'e',
            'í' | 'ï' | 'î' => 'i',
            'ö' | 'ó' | 'ò' | 'õ' | 'ô' => 'o',
            'ü' | 'ú' => 'u',
            'ñ' => 'n',
            'ç' => 'c',
            'ß' => 's',
            it => it,
        })
        .filter(char::is_ascii_alphabetic)
        .collect()
}

/// Whose every identifier is: contracts, claims and tickets included, shared ones left out.
pub(super) fn index(population: &Population) -> BTreeMap<String, usize> {
    let mut index = BTreeMap::new();
    for (at, person) in population.people.iter().enumerate() {
        for identifier in identifiers(person) {
            index.insert(identifier, at);
        }
    }
    for event in &population.events {
        let Some(at) = event.subject.as_ref().and_then(|it| index.get(it)).copied() else {
            continue;
        };
        for (member, namespace) in [("claim_no", "claim_no"), ("ticket_no", "ticket_no")] {
            if let Some(value) = event.data.get(member).and_then(|it| it.as_str()) {
                index.insert(format!("{namespace}:{value}"), at);
            }
        }
    }
    index
}

fn identifiers(person: &Person) -> Vec<String> {
    let named = |namespace: &str, value: &String| format!("{namespace}:{value}");
    let mut all: Vec<_> = person.crm_ids.iter().map(|it| named("crm_id", it)).collect();
    all.extend(person.user.iter().map(|it| named("user_id", &it.user_id)));
    all.extend(person.service_no.iter().map(|it| named("service_no", it)));
    all.extend(person.comms_no.iter().map(|it| named("comms_no", it)));
    all.extend(person.policies.iter().map(|it| named("policy_no", &it.policy_no)));
    let own = person.email.iter().filter(|it| !it.is_shared);
    all.extend(own.map(|it| named("email", &it.address)));
    all.extend(person.phone.iter().map(|it| named("phone", it)));
    all
}

/// When the systems last wrote a person's records: some hours before the month.
pub(in crate::demo) fn last_written(seed: u64, what: &str, start: NaiveDate) -> Instant {
    let dice = Dice::of(seed, "written", what);
    super::calendar::minute(start, -1, dice.below(1_440), 0)
}
