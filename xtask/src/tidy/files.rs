//! Single files: what they begin with, how long they are, what they never say.

use super::{Finding, Tree, rust::Rust, tree::is_test};

/// The most lines of a file.
pub(crate) const LINES_MAX: usize = 400;
/// The most lines of a file of tests.
pub(crate) const TEST_LINES_MAX: usize = 800;

/// Words that leave work behind; split so that this file does not hold them.
const LEFT_OVERS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Code nobody writes here, and why.
const NEVER: [(&str, &str); 6] = [
    ("#[ignore", "a test runs or does not exist"),
    ("#[allow(", "say `#[expect(…, reason = \"…\")]`"),
    ("#![allow(", "say `#![expect(…, reason = \"…\")]`"),
    ("#![deny(warnings)]", "CI denies warnings; code does not"),
    ("todo!", "open an issue"),
    ("unimplemented!", "what is not built is absent"),
];

/// Code no test has, and why.
const NEVER_IN_TESTS: [(&str, &str); 3] = [
    ("thread::sleep", "tests do not sleep: wait for the event, or move the clock"),
    ("time::sleep(", "tests do not sleep: wait for the event, or move the clock"),
    ("fn test_", "a test is a sentence without the prefix"),
];

/// A file says what it is for and is short enough to read.
pub(crate) fn shape(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.under("", ".rs") {
        if !text.starts_with("//!") {
            findings.push(Finding::at(path, 1, "the first line says what the file is for (`//!`)"));
        }
        let lines = text.lines().count();
        let lines_max = if is_test(path) { TEST_LINES_MAX } else { LINES_MAX };
        if lines > lines_max {
            findings.push(Finding::file(path, format!("{lines} lines, at most {lines_max}")));
        }
    }
    findings
}

/// A file leaves no work behind and takes no way around a lint or a clock.
pub(crate) fn words(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.under("", ".rs") {
        for (line, number) in text.lines().zip(1..) {
            if let Some(word) = LEFT_OVERS.iter().find(|it| holds_word(line, it)) {
                findings.push(Finding::at(path, number, format!("`{word}`: open an issue")));
            }
        }
        let rust = Rust::read(text);
        let more: &[_] =
            if is_test(path) && !path.contains("/benches/") { &NEVER_IN_TESTS } else { &[] };
        for (needle, reason) in NEVER.iter().chain(more) {
            for at in rust.find(needle) {
                let sentence = format!("`{needle}`: {reason}");
                findings.push(Finding::at(path, rust.line(at), sentence));
            }
        }
    }
    findings
}

fn holds_word(line: &str, word: &str) -> bool {
    line.split(|it: char| !it.is_alphanumeric()).any(|it| it == word)
}
