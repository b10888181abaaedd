//! Templates: what a message says, from declared fields only.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{ArtifactRef, Channel, Class, Finding, PurposeKey};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Deserialize;

use crate::permission::MessageFacts;

/// The most instructions a body may take.
pub const FUEL_MAX: u64 = 20_000;
/// The most fields a template may declare.
pub const FIELDS_MAX: usize = 32;

/// Names a body may use beside its fields.
const GIVEN: &[&str] =
    &["links.why", "links.preferences", "links.unsubscribe", "sender.name", "sender.address"];

/// A compiled template.
#[derive(Debug)]
pub struct Template {
    pub(crate) channel: Channel,
    pub(crate) purpose: PurposeKey,
    pub(crate) class: Class,
    pub(crate) promotional: bool,
    pub(crate) required: BTreeSet<String>,
    pub(crate) optional: BTreeMap<String, String>,
    pub(crate) bodies: Environment<'static>,
    pub(crate) used: BTreeSet<String>,
}

/// The parts a message may have, in the order they are named.
pub(crate) const PARTS: [&str; 3] = ["subject", "text", "html"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    schema: String,
    channel: Channel,
    purpose: String,
    class: Class,
    #[serde(default)]
    promotional: bool,
    #[serde(default)]
    fields: FieldsSource,
    body: BodySource,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldsSource {
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    optional: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BodySource {
    subject: Option<String>,
    text: String,
    html: Option<String>,
}

impl Template {
    /// The channel it is for.
    pub const fn channel(&self) -> Channel {
        self.channel
    }

    /// The purpose it serves.
    pub const fn purpose(&self) -> &PurposeKey {
        &self.purpose
    }

    /// What its messages are made of, for the permission to judge.
    pub fn facts(&self) -> MessageFacts {
        MessageFacts {
            promotional: self.promotional || self.class == Class::Marketing,
            fields: self.required.iter().chain(self.optional.keys()).cloned().collect(),
        }
    }

    /// Whether its messages show a given name (`links.unsubscribe`, `sender.name`, …).
    pub fn shows(&self, name: &str) -> bool {
        self.used.contains(name)
    }

    /// Reads an artifact of kind `template`.
    pub(crate) fn compile(source: &ArtifactRef<'_>) -> Result<Self, Vec<Finding>> {
        let read: Source = crate::content::read(source, "template/1", |it: &Source| &it.schema)?;
        let mut findings = Vec::new();
        let purpose = PurposeKey::new(&read.purpose);
        if let Err(error) = &purpose {
            let message = error.to_string();
            findings.push(Finding::at(source, "/purpose", "template.purpose", message));
        }
        let required: BTreeSet<String> = read.fields.required.into_iter().collect();
        let optional = read.fields.optional;
        let (bodies, used) = bodies(source, &read.body, &mut findings);
        lint_fields(source, &required, &optional, &used, &mut findings);
        lint_message(source, read.channel, read.class, &read.body, &used, &mut findings);
        match purpose {
            Ok(purpose) if findings.is_empty() => Ok(Self {
                channel: read.channel,
                purpose,
                class: read.class,
                promotional: read.promotional,
                required,
                optional,
                bodies,
                used,
            }),
            _ => Err(findings),
        }
    }
}

fn bodies(
    source: &ArtifactRef<'_>,
    body: &BodySource,
    findings: &mut Vec<Finding>,
) -> (Environment<'static>, BTreeSet<String>) {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL_MAX));
    environment.add_filter("minor", minor);
    environment.set_auto_escape_callback(|name| match name {
        "html" => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    let mut used = BTreeSet::new();
    let parts = [&body.subject, &Some(body.text.clone()), &body.html];
    for (name, text) in PARTS.into_iter().zip(parts) {
        let Some(text) = text else { continue };
        if let Err(error) = environment.add_template_owned(name, text.clone()) {
            let pointer = format!("/body/{name}");
            findings.push(Finding::at(source, pointer, "template.syntax", error.to_string()));
        } else if let Ok(template) = environment.get_template(name) {
            used.extend(template.undeclared_variables(true));
        }
    }
    (environment, used)
}

/// An amount in minor units as people read it: `1250 | minor` is `12.50`.
pub(crate) fn minor(amount: i64) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", amount.unsigned_abs() / 100, amount.unsigned_abs() % 100)
}

/// Declared is used and used is declared: a bundle's other fields cannot reach a message.
fn lint_fields(
    source: &ArtifactRef<'_>,
    required: &BTreeSet<String>,
    optional: &BTreeMap<String, String>,
    used: &BTreeSet<String>,
    findings: &mut Vec<Finding>,
) {
    let mut find = |rule: &str, message: String| {
        findings.push(Finding::at(source, "/fields", rule, message));
    };
    if required.len() + optional.len() > FIELDS_MAX {
        find("template.fields", format!("at most {FIELDS_MAX} fields"));
    }
    for name in required.iter().filter(|it| optional.contains_key(*it)) {
        find("template.twice", format!("`{name}` is both required and optional"));
    }
    for name in required.iter().chain(optional.keys()) {
        if GIVEN.contains(&name.as_str()) || !name.contains('.') {
            find("template.name", format!("`{name}` is not a field"));
        }
        if !used.contains(name) {
            find("template.unused", format!("`{name}` is declared and never shown"));
        }
    }
    for name in used {
        let declared = required.contains(name) || optional.contains_key(name);
        if !declared && !GIVEN.contains(&name.as_str()) {
            find("template.undeclared", format!("`{name}` is shown and not declared"));
        }
    }
}

fn lint_message(
    source: &ArtifactRef<'_>,
    channel: Channel,
    class: Class,
    body: &BodySource,
    used: &BTreeSet<String>,
    findings: &mut Vec<Finding>,
) {
    let mut find = |rule: &str, message: &str| {
        findings.push(Finding::at(source, "/body", rule, message));
    };
    let mail = channel == Channel::Email;
    if mail && body.subject.is_none() {
        find("template.subject", "mail has a subject");
    }
    if !mail && matches!(channel, Channel::Sms | Channel::HumanTask) && body.html.is_some() {
        find("template.html", "this channel shows text only");
    }
    let shows_why = matches!(channel, Channel::Email | Channel::Sms | Channel::Web | Channel::App);
    if shows_why && !used.contains("links.why") {
        find("template.why", "every message links to the page that says why it came");
    }
    if mail && !used.contains("links.preferences") {
        find("template.preferences", "mail links to the preference centre");
    }
    if mail && !(used.contains("sender.name") && used.contains("sender.address")) {
        find("template.sender", "mail names its sender and a postal address");
    }
    if class == Class::Marketing && mail && !used.contains("links.unsubscribe") {
        find("template.unsubscribe", "marketing shows its unsubscribe link");
    }
}
