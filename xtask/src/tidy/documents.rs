//! Documents name what exists: the tests and files that show a promise.

use super::{Finding, Tree, rust::Rust};

/// The directories a path in a document begins with.
const ROOTS: [&str; 4] = ["crates/", "docs/", "journeys/", "xtask/"];
/// A name of so many words is a test or a law; shorter ones may be anything.
const WORDS_MIN: usize = 4;

/// Every test and every file a document names exists.
pub(crate) fn names(tree: &Tree) -> Vec<Finding> {
    let documents: Vec<_> = tree.under("", ".md").collect();
    if documents.is_empty() {
        return Vec::new();
    }
    let sources: Vec<_> = tree.under("", ".rs").map(|(_, text)| Rust::read(text)).collect();
    let mut findings = Vec::new();
    for (path, text) in documents {
        for (line, number) in text.lines().zip(1..) {
            for span in line.split('`').skip(1).step_by(2) {
                let is_missing = if is_sentence(span) {
                    !sources.iter().any(|it| it.names(span))
                } else {
                    is_path(span) && !exists(tree, span)
                };
                if is_missing {
                    findings.push(Finding::at(path, number, format!("`{span}` does not exist")));
                }
            }
        }
    }
    findings
}

fn is_sentence(span: &str) -> bool {
    span.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
        && span.split('_').filter(|it| !it.is_empty()).count() >= WORDS_MIN
}

/// Whether the span is a path that can be looked up: of a kind the tree reads, without wildcards.
fn is_path(span: &str) -> bool {
    let is_read =
        span.ends_with('/') || [".rs", ".toml", ".md"].iter().any(|it| span.ends_with(it));
    is_read
        && ROOTS.iter().any(|it| span.starts_with(it))
        && !span.contains(['<', '*', '{', '…', ' '])
}

fn exists(tree: &Tree, path: &str) -> bool {
    if path.ends_with('/') {
        tree.under(path, "").next().is_some()
    } else {
        tree.text(path).is_some()
    }
}
