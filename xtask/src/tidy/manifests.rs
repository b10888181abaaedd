//! Manifests: versions in one place, lints and doctests alike, nothing unused, a reason each.

use toml::{Table, Value};

use super::{Finding, Tree, rust::Rust};

const ROOT: &str = "Cargo.toml";

/// A member takes its lints and versions from the workspace, runs no doctests and ships no
/// reference implementation.
pub(crate) fn members(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, directory) in tree.members() {
        let path = format!("{directory}/Cargo.toml");
        let manifest = table(tree, &path);
        let mut tell = |sentence: String| findings.push(Finding::file(&path, sentence));
        if !is_true(manifest.get("lints").and_then(|it| it.get("workspace"))) {
            tell("`[lints] workspace = true` is missing".to_owned());
        }
        let has_lib = tree.text(&format!("{directory}/src/lib.rs")).is_some();
        let doctest = manifest.get("lib").and_then(|it| it.get("doctest"));
        if has_lib && doctest.and_then(Value::as_bool) != Some(false) {
            tell("`[lib] doctest = false` is missing".to_owned());
        }
        for (name, dependency) in dependencies(&manifest) {
            if !is_true(dependency.get("workspace")) {
                tell(format!("`{name}` must take its version from the workspace"));
            }
        }
        let ships = manifest.get("dependencies").and_then(Value::as_table);
        for (name, dependency) in ships.into_iter().flatten() {
            let features = dependency.get("features").and_then(Value::as_array);
            if features.into_iter().flatten().any(|it| it.as_str() == Some("testing")) {
                tell(format!("`{name}` must not ship with its feature `testing`"));
            }
        }
    }
    findings
}

/// A dependency is named somewhere in its crate, and a workspace dependency by some member.
pub(crate) fn unused(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut used = Vec::new();
    for (_, directory) in tree.members() {
        let path = format!("{directory}/Cargo.toml");
        let manifest = table(tree, &path);
        let sources = format!("{directory}/");
        let sources: Vec<_> =
            tree.under(&sources, ".rs").map(|(_, text)| Rust::read(text)).collect();
        for (name, _) in dependencies(&manifest) {
            let word = name.replace('-', "_");
            if !sources.iter().any(|it| it.names(&word)) {
                findings.push(Finding::file(&path, format!("`{name}` is not used")));
            }
            used.push(name.to_owned());
        }
    }
    let root = table(tree, ROOT);
    let offered = root.get("workspace").and_then(|it| it.get("dependencies"));
    for (name, _) in offered.and_then(Value::as_table).into_iter().flatten() {
        let is_ours = tree.text(&format!("crates/{name}/Cargo.toml")).is_some();
        if !is_ours && !used.contains(name) {
            findings.push(Finding::file(ROOT, format!("no member uses `{name}`")));
        }
    }
    findings
}

/// Every third-party dependency says why it is there, in the line above.
pub(crate) fn reasons(tree: &Tree) -> Vec<Finding> {
    let text = tree.text(ROOT).unwrap_or_default();
    let lines = text
        .lines()
        .zip(1..)
        .skip_while(|(line, _)| line.trim() != "[workspace.dependencies]")
        .skip(1)
        .take_while(|(line, _)| !line.starts_with('['));
    let mut findings = Vec::new();
    let mut above = "";
    for (line, number) in lines {
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
            above = line;
            continue;
        };
        let is_family = above.split_once('=').is_some_and(|(it, _)| name.starts_with(it.trim()));
        let is_ours = value.contains("path =");
        if !is_ours && !is_family && !above.starts_with('#') {
            let sentence = format!("`{}` has no line that says why", name.trim());
            findings.push(Finding::at(ROOT, number, sentence));
        }
        above = line;
    }
    findings
}

fn table(tree: &Tree, path: &str) -> Table {
    tree.text(path).and_then(|it| it.parse().ok()).unwrap_or_default()
}

fn is_true(value: Option<&Value>) -> bool {
    value.and_then(Value::as_bool) == Some(true)
}

fn dependencies(manifest: &Table) -> impl Iterator<Item = (&str, &Value)> {
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .into_iter()
        .filter_map(|it| manifest.get(it)?.as_table())
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}
