//! Ports keep their promises: laws are listed, suites exist and run, nothing is unanswered.

use super::{DOMAINS, Finding, Tree, rust::Rust, tree::is_support};

/// The most methods of a port.
const METHODS_MAX: usize = 5;

/// A suite macro and the laws it lists.
struct Suite {
    name: String,
    body: String,
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
                let own = format!("crates/{domain}/src/");
                if !tree.under(&own, ".rs").any(|(_, text)| implements(text, port)) {
                    tell(format!("`{port}` has no reference implementation"));
                }
                let laws = laws_of(tree, domain, port);
                match suites.iter().find(|it| it.is_for(port, &laws)) {
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
    implements(text, port)
        && (path.starts_with(&format!("crates/{domain}/")) || Rust::read(text).names(domain))
}

/// The laws that take the port, or a fixture that gives it by itself or in a struct with others.
fn laws_of(tree: &Tree, domain: &str, port: &str) -> Vec<String> {
    let contract: Vec<_> =
        tree.module(domain, "contract").map(|(_, text)| Rust::read(text)).collect();
    let owned = port.to_owned();
    let mut takes = vec![owned.clone()];
    let sources = format!("crates/{domain}/src/");
    for (_, text) in tree.under(&sources, ".rs").filter(|(_, text)| text.contains(port)) {
        takes.extend(holders(&Rust::read(text), "pub struct ", std::slice::from_ref(&owned)));
    }
    for rust in &contract {
        let fixtures = holders(rust, "pub trait ", &takes);
        takes.extend(fixtures);
    }
    let mut laws = Vec::new();
    for rust in &contract {
        for (at, law) in rust.named_after("pub async fn ") {
            let signature = rust.code.get(at..).unwrap_or_default();
            let signature = signature.split('{').next().unwrap_or_default();
            if takes.iter().any(|it| Rust::read(signature).names(it)) {
                laws.push(law.to_owned());
            }
        }
    }
    laws
}

/// The structs or traits whose bodies name one of these.
fn holders(rust: &Rust, keyword: &str, named: &[String]) -> Vec<String> {
    let holds = |at: usize| {
        let body = Rust::read(rust.block(at));
        named.iter().any(|it| body.names(it))
    };
    let all = rust.named_after(keyword).into_iter();
    all.filter(|(at, _)| holds(*at)).map(|(_, name)| name.to_owned()).collect()
}

fn suites(tree: &Tree, owner: &str) -> Vec<Suite> {
    let mut suites = Vec::new();
    for (_, text) in tree.module(owner, "contract") {
        let rust = Rust::read(text);
        for (at, name) in rust.named_after("macro_rules! ") {
            suites.push(Suite { name: name.to_owned(), body: rust.block(at).to_owned() });
        }
    }
    suites.retain(|it| it.name.ends_with("_suite"));
    suites
}

impl Suite {
    /// A suite is for a port if it lists one of the port's laws.
    fn is_for(&self, port: &str, laws: &[String]) -> bool {
        let body = Rust::read(&self.body);
        self.name == format!("{}_suite", snake(port)) || laws.iter().any(|it| body.names(it))
    }
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

fn implements(text: &str, port: &str) -> bool {
    let needle = format!("{port} for ");
    text.contains(&needle) && {
        let rust = Rust::read(text);
        rust.find(&needle).any(|at| {
            let before = rust.code.get(..at).unwrap_or_default();
            before.ends_with(' ') || before.ends_with("::")
        })
    }
}
