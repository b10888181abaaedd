//! Ports keep their promises: laws are listed, suites exist and run, nothing is unanswered.

use super::{DOMAINS, Finding, Tree, rust::Rust, tree::is_support};

/// Ports answered by a bridge in `service`: its two sides are already under contract.
const BRIDGED: &[(&str, &str)] = &[];

/// The most methods of a port.
const METHODS_MAX: usize = 5;

/// A suite macro and the text that says which port it is for.
struct Suite {
    name: String,
    body: String,
    doc: String,
}

/// A law is named by a suite, and a suite runs on the reference implementation.
pub(crate) fn laws(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for owner in DOMAINS.into_iter().chain(["kernel"]) {
        let suites = suites(tree, owner);
        for (path, text) in tree.module(owner, "contract") {
            let rust = Rust::read(text);
            for (at, law) in rust.named_after("pub async fn ") {
                if !suites.iter().any(|it| Rust::read(&it.body).names(law)) {
                    let sentence = format!("no suite lists the law `{law}`");
                    findings.push(Finding::at(path, rust.line(at), sentence));
                }
            }
        }
        for suite in &suites {
            if !tree.module(owner, "tests").any(|(_, text)| runs(text, &suite.name)) {
                let path = format!("crates/{owner}/src/tests.rs");
                findings.push(Finding::file(&path, format!("`{}!` does not run", suite.name)));
            }
        }
    }
    findings
}

/// A port is small, has a suite, a reference and an answer, and SQL answers keep the suite.
pub(crate) fn ports(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for domain in DOMAINS {
        let suites = suites(tree, domain);
        for (path, text) in tree.module(domain, "ports") {
            let rust = Rust::read(text);
            for (at, port) in rust.named_after("pub trait ") {
                let line = rust.line(at);
                let mut tell = |sentence: String| findings.push(Finding::at(path, line, sentence));
                let methods = rust.block(at).matches("fn ").count();
                if methods > METHODS_MAX {
                    tell(format!("`{port}` has {methods} methods, at most {METHODS_MAX}"));
                }
                if BRIDGED.contains(&(domain, port)) {
                    continue;
                }
                if !tree.module(domain, "memory").any(|(_, text)| implements(text, port, "Memory"))
                {
                    tell(format!("`{port}` has no reference implementation"));
                }
                match suites.iter().find(|it| is_for(it, port)) {
                    None => tell(format!("`{port}` has no suite")),
                    Some(suite) => {
                        for sentence in adapters(tree, domain, port, &suite.name) {
                            tell(sentence);
                        }
                    }
                }
            }
        }
    }
    findings
}

/// What the adapters of a port owe to its suite.
fn adapters(tree: &Tree, domain: &str, port: &str, suite: &str) -> Vec<String> {
    let mut sql = tree.under("crates/adapters/src/sql", ".rs");
    let is_sql = sql.any(|(path, text)| is_answer(path, text, domain, port));
    let tests = format!("crates/adapters/tests/sqlite/{domain}");
    let runs: usize = tree
        .under(&tests, ".rs")
        .map(|(_, text)| Rust::read(text).find(&format!("{suite}!")).count())
        .sum();
    match (is_sql, runs) {
        (true, 0) => vec![format!("`{suite}!` does not run on SQLite")],
        (true, 1) => vec![format!("`{suite}!` does not run on the traced SQLite port")],
        _ => Vec::new(),
    }
}

/// A port is answered by something that ships.
pub(crate) fn answers(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for domain in DOMAINS {
        for (path, text) in tree.module(domain, "ports") {
            let rust = Rust::read(text);
            for (at, port) in rust.named_after("pub trait ") {
                let mut shipped = tree
                    .under("crates/", ".rs")
                    .filter(|(path, _)| !is_support(path) && !path.contains("/traced/"));
                if !shipped.any(|(path, text)| is_answer(path, text, domain, port)) {
                    let sentence = format!("nothing that ships answers `{port}`");
                    findings.push(Finding::at(path, rust.line(at), sentence));
                }
            }
        }
    }
    findings
}

/// Whether the file implements the port of this domain, not its namesake of another.
fn is_answer(path: &str, text: &str, domain: &str, port: &str) -> bool {
    text.contains(&format!("{port} for "))
        && implements(text, port, "")
        && (path.starts_with(&format!("crates/{domain}/")) || Rust::read(text).names(domain))
}

fn suites(tree: &Tree, owner: &str) -> Vec<Suite> {
    let mut suites = Vec::new();
    for (_, text) in tree.module(owner, "contract") {
        let rust = Rust::read(text);
        for (at, name) in rust.named_after("macro_rules! ") {
            let doc = text.get(..at).unwrap_or_default();
            let doc = doc.rfind("\n\n").and_then(|it| doc.get(it..)).unwrap_or(doc);
            let suite = Suite {
                name: name.to_owned(),
                body: rust.block(at).to_owned(),
                doc: doc.to_owned(),
            };
            suites.push(suite);
        }
    }
    suites.retain(|it| it.name.ends_with("_suite"));
    suites
}

/// A suite is for the port its name or its documentation names.
fn is_for(suite: &Suite, port: &str) -> bool {
    let words = suite.doc.split(|it: char| !it.is_alphanumeric());
    suite.name == format!("{}_suite", snake(port)) || words.into_iter().any(|it| it == port)
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for it in name.chars() {
        if it.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(it.to_lowercase());
    }
    out
}

fn runs(text: &str, suite: &str) -> bool {
    Rust::read(text).find(&format!("{suite}!")).next().is_some()
}

fn implements(text: &str, port: &str, by: &str) -> bool {
    let rust = Rust::read(text);
    let needle = format!("{port} for {by}");
    rust.find(&needle).any(|at| {
        let before = rust.code.get(..at).unwrap_or_default();
        before.ends_with(' ') || before.ends_with("::")
    })
}
