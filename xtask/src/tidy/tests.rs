//! Every law bites, spares what keeps it, and holds over this repository.

use super::{Tree, check};

mod laws;
mod reading;

/// The rules that find something, in order, each once.
fn broken(tree: &Tree) -> Vec<&'static str> {
    let mut rules: Vec<_> = check(tree).into_iter().map(|it| it.rule).collect();
    rules.dedup();
    rules
}

/// The offences of one law, without those of the others.
fn offences(rule: &str, files: &[(&str, &str)]) -> Vec<String> {
    let found = check(&Tree::of(files));
    found.into_iter().filter(|it| it.rule == rule).map(|it| it.to_string()).collect()
}

#[test]
fn this_repository_keeps_its_laws() {
    let tree = Tree::read(&crate::flow::root()).unwrap();
    let findings: Vec<_> = check(&tree).iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn an_empty_tree_has_neither_domains_nor_bans() {
    assert_eq!(broken(&Tree::of(&[])), ["anatomy.domains", "ban.clippy"]);
}
