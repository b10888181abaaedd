//! One owner each: HTTP paths and facts.

use std::collections::BTreeMap;

use super::{
    DOMAINS, Finding, Tree,
    rust::{Literal, Rust},
    tree::{is_support, is_test},
};

/// Which domain owns facts by the first segment of their names (kernel.md, section 2).
const FACTS: [(&str, &[&str]); 8] = [
    ("audit", &["audit"]),
    (
        "consent",
        &[
            "certificate",
            "consent",
            "hold",
            "notice",
            "objection",
            "permission",
            "preference",
            "receipt",
            "restriction",
            "rights",
            "signal",
            "suppression",
        ],
    ),
    ("context", &["context"]),
    ("decision", &["action", "decision", "exposure", "fairness", "occurrence", "proposal"]),
    ("delivery", &["contact", "delivery", "endpoint", "provider", "task"]),
    ("identity", &["identity"]),
    ("measurement", &["experiment", "metric", "review", "slo", "srm", "unit", "verdict"]),
    ("rollout", &["artifact", "drill", "kill", "lease", "pointer", "recall", "release"]),
];

/// Facts whose owner is not that of their first segment.
const EXCEPTIONS: [(&str, &str); 1] = [("action.returned", "delivery")];

/// A path is served by one module.
pub(crate) fn routes(tree: &Tree) -> Vec<Finding> {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for (path, text) in tree.under("crates/service/src/", ".rs").filter(|(path, _)| !is_test(path))
    {
        let owner = owner_of(path);
        let rust = Rust::read(text);
        for literal in rust.literals.iter().filter(|it| rust.is_route(it)) {
            let first = *owners.entry(literal.text.clone()).or_insert(owner);
            if first != owner {
                let sentence = format!("`{}` is already served by `{first}`", literal.text);
                findings.push(Finding::at(path, rust.line(literal.begin), sentence));
            }
        }
    }
    findings
}

/// `http/events/batch.rs` and `http/events.rs` are one owner: `events`.
fn owner_of(path: &str) -> &str {
    let inner = path.strip_prefix("crates/service/src/").unwrap_or(path);
    let inner = ["http/", "page/"].iter().find_map(|it| inner.strip_prefix(it)).unwrap_or(inner);
    inner.split(['/', '.']).next().unwrap_or(inner)
}

/// A fact is emitted by the domain that owns its first segment; tests play other domains' parts.
pub(crate) fn facts(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for domain in DOMAINS {
        let sources = format!("crates/{domain}/src/");
        for (path, text) in tree.under(&sources, ".rs").filter(|(path, _)| !is_support(path)) {
            let rust = Rust::read(text);
            for literal in rust.literals.iter().filter(|it| is_emitted(&rust, it)) {
                let Some(owner) = fact_owner(&literal.text).filter(|it| *it != domain) else {
                    continue;
                };
                let sentence = format!("`{}` is a fact of `{owner}`", literal.text);
                findings.push(Finding::at(path, rust.line(literal.begin), sentence));
            }
        }
    }
    findings
}

fn fact_owner(name: &str) -> Option<&'static str> {
    let legal = |it: char| it.is_ascii_lowercase() || it == '_' || it == '.';
    let (first, rest) = name.split_once('.').filter(|_| name.chars().all(legal))?;
    if rest.is_empty() {
        return None;
    }
    let exception = EXCEPTIONS.iter().find(|(it, _)| *it == name).map(|(_, owner)| *owner);
    let by_segment = || FACTS.iter().find(|(_, firsts)| firsts.contains(&first)).map(|it| it.0);
    exception.or_else(by_segment)
}

/// Whether the name is given to a fact rather than compared with one.
fn is_emitted(rust: &Rust, literal: &Literal) -> bool {
    let before = rust.code.get(..literal.begin).unwrap_or_default().trim_end();
    let after = rust.code.get(literal.end..).unwrap_or_default().trim_start();
    ["name:", "fact(", "Fact::new("].iter().any(|it| before.ends_with(it))
        || [".to_owned()", ".into()", ".to_string()"].iter().any(|it| after.starts_with(it))
}
