//! The five extracts as the systems export them before the month begins.

use kernel::Instant;

use crate::demo::population::{Dice, Onboarding, Person, Population, day_of, last_written};

/// One extract: which system wrote it, the name of its file, its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extract {
    /// The system.
    pub system: &'static str,
    /// The file.
    pub file: &'static str,
    /// RFC 4180, header first.
    pub text: String,
}

/// Writes rows under a header.
struct Table(String);

impl Table {
    fn new(header: &str) -> Self {
        Self(format!("{header}\n"))
    }

    fn row(&mut self, cells: &[&str]) {
        let quoted: Vec<_> = cells.iter().map(|it| quote(it)).collect();
        self.0.push_str(&quoted.join(","));
        self.0.push('\n');
    }
}

fn quote(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// All five, in the order in which they are imported.
pub fn extracts(population: &Population) -> [Extract; 5] {
    let extract = |system, file, text| Extract { system, file, text };
    [
        extract("crm", "crm.csv", crm(population)),
        extract("service_desk", "service.csv", service(population)),
        extract("app", "product.csv", product(population)),
        extract("policy_admin", "policy.csv", policy(population)),
        extract("comms", "comms.csv", comms(population)),
    ]
}

fn crm(population: &Population) -> String {
    let mut table = Table::new(
        "crm_id,email,email_verified,phone,first_name,last_name,birth_date,country,time_zone,language,needs_support,updated_at",
    );
    for person in &population.people {
        for (nth, crm_id) in person.crm_ids.iter().enumerate() {
            let dice = Dice::of(population.seed, "crm row", crm_id);
            let or_blank = |times: u16, text: &str| {
                if dice.in_thousand(times) { String::new() } else { text.to_owned() }
            };
            let (email, is_verified) = mailbox(person, &dice, 900 - 300 * u16::from(nth > 0));
            let phone = person.phone.as_ref().map(|it| spelled(it, person.country.dial, &dice));
            let birth_date = match dice.below(200) {
                0 => "31.02.1980".to_owned(),
                1..9 => String::new(),
                _ => person.birth_date.to_string(),
            };
            table.row(&[
                crm_id,
                &email,
                is_verified,
                &phone.unwrap_or_default(),
                &or_blank(15, person.first_name),
                person.last_name,
                &birth_date,
                &or_blank(20, person.country.code),
                &or_blank(40, person.time_zone),
                &or_blank(30, person.country.language),
                &or_blank(10, boolean(person.needs_support)),
                &written(population, crm_id),
            ]);
        }
    }
    table.0
}

fn service(population: &Population) -> String {
    let mut table = Table::new("service_no,crm_id,email,open_complaint,updated_at");
    for person in &population.people {
        let Some(service_no) = &person.service_no else { continue };
        let dice = Dice::of(population.seed, "service row", service_no);
        let (email, _) = mailbox(person, &dice, 0);
        let crm_id = person.crm_ids.last().filter(|_| !dice.in_thousand(80));
        table.row(&[
            service_no,
            crm_id.map_or("", String::as_str),
            &email,
            boolean(dice.in_thousand(25)),
            &written(population, service_no),
        ]);
    }
    table.0
}

/// An account exists from registration; its steps come as events.
fn product(population: &Population) -> String {
    let mut table = Table::new(
        "user_id,crm_id,email,email_verified,device_id,onboarding_step,last_step_at,push_enabled,account_tenure_months,updated_at",
    );
    for person in &population.people {
        let Some(user) = &person.user else { continue };
        let dice = Dice::of(population.seed, "product row", &user.user_id);
        let (email, is_verified) = mailbox(person, &dice, 970);
        let is_done = user.onboarding == Onboarding::Done;
        table.row(&[
            &user.user_id,
            customer(person, &dice, 900),
            &email,
            is_verified,
            &user.device_id,
            if is_done { "first_use" } else { "" },
            "",
            boolean(user.push_enabled),
            &user.tenure_months.to_string(),
            &written(population, &user.user_id),
        ]);
    }
    table.0
}

fn policy(population: &Population) -> String {
    let mut table = Table::new(
        "policy_no,crm_id,status,renewal_on,autorenew,tenure_months,premium_minor,currency,updated_at",
    );
    for person in &population.people {
        for policy in &person.policies {
            let dice = Dice::of(population.seed, "policy row", &policy.policy_no);
            let autorenew = if dice.in_thousand(12) { "" } else { boolean(policy.autorenew) };
            table.row(&[
                &policy.policy_no,
                person.crm_ids.first().map_or("", String::as_str),
                policy.status,
                &policy.renewal_on.to_string(),
                autorenew,
                &policy.tenure_months.to_string(),
                &policy.premium_minor.to_string(),
                person.country.currency,
                &written(population, &policy.policy_no),
            ]);
        }
    }
    table.0
}

fn comms(population: &Population) -> String {
    let mut table = Table::new("comms_no,crm_id,email,email_verified,last_sent_at,updated_at");
    for person in &population.people {
        let Some(comms_no) = &person.comms_no else { continue };
        let dice = Dice::of(population.seed, "comms row", comms_no);
        let (email, is_verified) = mailbox(person, &dice, 850);
        let updated_at = written(population, comms_no);
        let last_sent_at = if dice.in_thousand(300) { "" } else { &updated_at };
        let customer = customer(person, &dice, 850);
        table.row(&[comms_no, customer, &email, is_verified, last_sent_at, &updated_at]);
    }
    table.0
}

/// The customer number, where the system was told it.
fn customer<'a>(person: &'a Person, dice: &Dice, told_in_thousand: u16) -> &'a str {
    let crm_id = person.crm_ids.first().map_or("", String::as_str);
    if dice.in_thousand(told_in_thousand) { crm_id } else { "" }
}

/// The address as a system has it: now and then in capitals, or a placeholder somebody typed to
/// get past the form.
fn mailbox(person: &Person, dice: &Dice, verified_in_thousand: u16) -> (String, &'static str) {
    if dice.in_thousand(10) {
        return ("noreply@mail.example".to_owned(), "false");
    }
    let Some(mailbox) = &person.email else {
        return (String::new(), "false");
    };
    let is_verified = !mailbox.is_shared && dice.in_thousand(verified_in_thousand);
    let address =
        if dice.in_thousand(30) { mailbox.address.to_uppercase() } else { mailbox.address.clone() };
    (address, boolean(is_verified))
}

/// A phone number in one of the spellings found in the wild.
fn spelled(phone: &str, dial: &str, dice: &Dice) -> String {
    let national = phone.trim_start_matches('+').trim_start_matches(dial);
    let halves = national.split_at_checked(3).unwrap_or((national, ""));
    match dice.below(10) {
        0 => format!("00{dial}{national}"),
        1 => format!("+{dial} (0) {}-{}", halves.0, halves.1),
        2 => format!("0{}/{}", halves.0, halves.1),
        3 => format!("+{dial} {} {}", halves.0, halves.1),
        _ => phone.to_owned(),
    }
}

fn boolean(is_so: bool) -> &'static str {
    if is_so { "true" } else { "false" }
}

fn written(population: &Population, record: &str) -> String {
    let at: Instant = last_written(population.seed, record, population.start);
    debug_assert!(day_of(population.start, at) < 0, "extracts are of the day before");
    at.to_string()
}
