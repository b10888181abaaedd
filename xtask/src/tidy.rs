//! The laws of the tree, as pure rules over file texts.
//!
//! Each rule is a function from the tree to its offences and has a test that feeds it one and a
//! test that feeds it none; the whole is also a test over the repository as it stands, so that
//! `cargo nextest run` is enough to hear of a broken law.

mod anatomy;
mod bans;
mod contracts;
mod deployment;
mod documents;
mod files;
mod law;
mod manifests;
mod owners;
mod rust;
mod tree;

#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use tree::Tree;

/// The eight domains.
pub(crate) const DOMAINS: [&str; 8] =
    ["audit", "consent", "context", "decision", "delivery", "identity", "measurement", "rollout"];

/// A law: its name and the function that finds who breaks it.
pub(crate) type Rule = (&'static str, fn(&Tree) -> Vec<Finding>);

/// Every law, in the order in which they are reported.
pub(crate) const RULES: [Rule; 19] = [
    ("law.dependencies", law::dependencies),
    ("law.technologies", law::technologies),
    ("manifest.members", manifests::members),
    ("manifest.unused", manifests::unused),
    ("manifest.reasons", manifests::reasons),
    ("anatomy.domains", anatomy::domains),
    ("anatomy.names", anatomy::names),
    ("anatomy.kernel", anatomy::kernel),
    ("file.shape", files::shape),
    ("file.words", files::words),
    ("contract.laws", contracts::laws),
    ("contract.ports", contracts::ports),
    ("contract.answers", contracts::answers),
    ("ban.clippy", bans::clippy),
    ("owner.routes", owners::routes),
    ("owner.facts", owners::facts),
    ("deployment.drift", deployment::drift),
    ("deployment.paths", deployment::paths),
    ("document.names", documents::names),
];

/// One offence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The file.
    pub(crate) path: String,
    /// The line, from 1; 0 for the file as a whole.
    pub(crate) line: usize,
    /// The law.
    pub(crate) rule: &'static str,
    /// What is wrong.
    pub(crate) sentence: String,
}

impl Finding {
    /// An offence of a whole file.
    pub(crate) fn file(path: &str, sentence: impl Into<String>) -> Self {
        Self::at(path, 0, sentence)
    }

    /// An offence at a line.
    pub(crate) fn at(path: &str, line: usize, sentence: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule: "", sentence: sentence.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {} [{}]", self.path, self.sentence, self.rule),
            line => write!(f, "{}:{line}: {} [{}]", self.path, self.sentence, self.rule),
        }
    }
}

/// Every offence in the tree.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    RULES
        .iter()
        .flat_map(|(rule, find)| find(tree).into_iter().map(|it| Finding { rule, ..it }))
        .collect()
}
