//! The shape of crates: eight domains alike, folders that are nouns, a small kernel.

use super::{DOMAINS, Finding, Tree, tree::is_support};

/// The files every domain has.
const FILES: [&str; 6] =
    ["lib.rs", "ports.rs", "service.rs", "memory.rs", "contract.rs", "tests.rs"];
/// Names that say what code is made of rather than what it is about.
const LAYERS: [&str; 10] =
    ["common", "dto", "dtos", "helper", "helpers", "mod", "models", "types", "util", "utils"];
/// The most lines of code in the kernel, without references, laws and tests.
pub(crate) const KERNEL_LINES_MAX: usize = 1_400;

/// Every domain has the same anatomy.
pub(crate) fn domains(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for domain in DOMAINS {
        for file in FILES {
            let path = format!("crates/{domain}/src/{file}");
            if tree.text(&path).is_none() {
                findings.push(Finding::file(&path, "every domain has this file"));
            }
        }
    }
    findings
}

/// Modules are nouns of the domain, never layers.
pub(crate) fn names(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, _) in tree.under("", ".rs") {
        let stem = path.strip_suffix(".rs").unwrap_or(path);
        if let Some(layer) = stem.split('/').find(|it| LAYERS.contains(it)) {
            findings.push(Finding::file(path, format!("`{layer}` is not a noun of the domain")));
        }
    }
    findings
}

/// The kernel stays small.
pub(crate) fn kernel(tree: &Tree) -> Vec<Finding> {
    let lines: usize = tree
        .under("crates/kernel/src/", ".rs")
        .filter(|(path, _)| !is_support(path))
        .map(|(_, text)| code_lines(text))
        .sum();
    if lines <= KERNEL_LINES_MAX {
        return Vec::new();
    }
    let sentence = format!("{lines} lines of code; the kernel has at most {KERNEL_LINES_MAX}");
    vec![Finding::file("crates/kernel/src/lib.rs", sentence)]
}

fn code_lines(text: &str) -> usize {
    text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with("//")).count()
}
