//! The record of processing activities (GDPR Art. 30(1)), generated from the registry and never
//! typed.

use serde::Serialize;

use crate::{Artifacts, BasisSpec, Flag, Notice, Purpose};

/// One processing activity: a purpose, with everything Art. 30(1)(a) to (g) asks for that the
/// registry holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// The purpose's key and version.
    pub purpose: String,
    /// What people call it (Art. 30(1)(b)).
    pub name: String,
    /// What it is.
    pub description: String,
    /// The controller and how to reach it (a); from the notices, where one names the purpose.
    pub controller: String,
    /// Who answers for it in the house.
    pub owner: String,
    /// The lawful bases, per jurisdiction.
    pub bases: String,
    /// The categories of people (c).
    pub people: String,
    /// The categories of data (c).
    pub data: String,
    /// The condition for special categories, where they are used.
    pub special: String,
    /// The categories of recipients (d).
    pub recipients: String,
    /// Where it is kept, for transfers (e).
    pub locations: String,
    /// The envisaged time limits for erasure (f).
    pub retention: String,
    /// Over which channels people are reached.
    pub channels: String,
    /// When it is next reviewed.
    pub review_on: String,
}

/// What the registry does not say is said to be missing, never left blank.
const NOT_STATED: &str = "not stated in the registry";

/// The columns, in the order of a row.
pub const COLUMNS: [&str; 14] = [
    "purpose",
    "name",
    "description",
    "controller",
    "owner",
    "bases",
    "people",
    "data",
    "special",
    "recipients",
    "locations",
    "retention",
    "channels",
    "review_on",
];

/// Every activity, ascending by purpose.
pub fn record(artifacts: &Artifacts) -> Vec<Activity> {
    artifacts.purposes().iter().map(|it| activity(it, artifacts)).collect()
}

fn activity(purpose: &Purpose, artifacts: &Artifacts) -> Activity {
    let asks = |it: &&Notice| it.purposes.contains(&purpose.key);
    let notices = || artifacts.notices().map(|it| &it.notice);
    let own = notices().find(asks);
    let house = own.or_else(|| notices().next());
    let people = if purpose.is(Flag::ChildDirected) { "customers, children" } else { "customers" };
    Activity {
        purpose: purpose.reference().to_string(),
        name: purpose.name.clone(),
        description: purpose.text.clone(),
        controller: stated(house.map(|it| {
            let who = &it.controller;
            format!("{}, {}, {}", who.name, who.address, who.contact)
        })),
        owner: purpose.owner.to_string(),
        bases: joined(purpose.bases.iter().map(|(at, spec)| format!("{at}: {}", basis(spec)))),
        people: people.to_owned(),
        data: joined(purpose.categories.iter().map(ToString::to_string)),
        special: purpose.special.map_or_else(
            || "none".to_owned(),
            |it| {
                serde_json::to_value(it)
                    .ok()
                    .and_then(|it| it.as_str().map(str::to_owned))
                    .unwrap_or_default()
            },
        ),
        recipients: stated(own.map(|it| {
            if it.recipients.is_empty() { "none".to_owned() } else { it.recipients.join("; ") }
        })),
        locations: stated(
            own.map(|it| joined(it.storage_locations.iter().map(ToString::to_string))),
        ),
        retention: stated(own.map(|it| it.retention_period.clone())),
        channels: joined(purpose.channels.iter().map(|it| it.to_string())),
        review_on: purpose.review_on.to_string(),
    }
}

fn basis(spec: &BasisSpec) -> String {
    let cites = spec.basis().cites();
    match spec {
        BasisSpec::Consent(terms) => format!("{cites}, on the notice {}", terms.notice),
        BasisSpec::Contract { contract } => format!("{cites}, contract {contract}"),
        BasisSpec::LegalObligation(law) | BasisSpec::PublicTask(law) => {
            format!("{cites}, {}", law.law)
        }
        BasisSpec::VitalInterests {} => cites.to_owned(),
        BasisSpec::LegitimateInterests(lia) => format!("{cites}, assessment {}", lia.assessment),
    }
}

fn stated(text: Option<String>) -> String {
    text.filter(|it| !it.is_empty()).unwrap_or_else(|| NOT_STATED.to_owned())
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let all: Vec<_> = parts.collect();
    if all.is_empty() { "none".to_owned() } else { all.join("; ") }
}

impl Activity {
    /// Its cells, in the order of [`COLUMNS`].
    pub fn cells(&self) -> [&str; 14] {
        [
            &self.purpose,
            &self.name,
            &self.description,
            &self.controller,
            &self.owner,
            &self.bases,
            &self.people,
            &self.data,
            &self.special,
            &self.recipients,
            &self.locations,
            &self.retention,
            &self.channels,
            &self.review_on,
        ]
    }
}

/// The record as CSV (RFC 4180).
pub fn csv(record: &[Activity]) -> String {
    let quoted = |it: &str| format!("\"{}\"", it.replace('"', "\"\""));
    let line = |cells: &[&str]| {
        let cells: Vec<_> = cells.iter().map(|it| quoted(it)).collect();
        format!("{}\r\n", cells.join(","))
    };
    let rows = record.iter().map(|it| line(&it.cells()));
    [line(&COLUMNS)].into_iter().chain(rows).collect()
}

/// The record as a page that stands by itself.
pub fn html(record: &[Activity]) -> String {
    let escaped = |it: &str| {
        it.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
    };
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Record of processing activities</title><style>\
         body{font:1rem/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}\
         dl{display:grid;grid-template-columns:minmax(7rem,12rem) 1fr;gap:.25rem 1rem}\
         dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}</style>\
         <main><h1>Record of processing activities</h1>\
         <p>GDPR Art. 30(1), generated from the purpose registry.</p>",
    );
    let section = |it: &Activity| {
        let cells = COLUMNS.iter().zip(it.cells());
        let row = |(name, cell): (&&str, &str)| {
            format!("<dt>{}</dt><dd>{}</dd>", name.replace('_', " "), escaped(cell))
        };
        let rows: Vec<_> = cells.map(row).collect();
        format!("<section><h2>{}</h2><dl>{}</dl></section>", escaped(&it.name), rows.concat())
    };
    page.extend(record.iter().map(section));
    page.push_str("</main></html>\n");
    page
}
