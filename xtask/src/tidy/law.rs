//! Who may depend on whom, and who may name which technology.

use toml::Table;

use super::{DOMAINS, Finding, Tree};

const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// What a member may depend on within the workspace.
///
/// The table of ARCHITECTURE.md; `testkit` may be a dev-dependency of whoever needs servers.
fn allowed(member: &str, on: &str, table: &str) -> bool {
    let is_domain = |it: &str| DOMAINS.contains(&it);
    if on == "testkit" {
        return table == "dev-dependencies"
            && ["adapters", "service", "platform"].contains(&member);
    }
    match member {
        "kernel" | "xtask" => false,
        "adapters" | "service" => on == "kernel" || is_domain(on),
        "platform" => on != "xtask",
        // The domains and testkit.
        _ => on == "kernel",
    }
}

/// Technologies by the beginning of their crates' names, and who may name them.
const TECHNOLOGIES: [(&str, &[&str]); 14] = [
    ("sea-orm", &["adapters", "testkit"]),
    ("sqlx", &["adapters"]),
    ("redis", &["adapters", "testkit"]),
    ("reqwest", &["adapters", "testkit"]),
    ("rustls", &["adapters"]),
    ("opentelemetry", &["adapters"]),
    ("tracing-opentelemetry", &["adapters"]),
    ("lettre", &["adapters"]),
    ("axum", &["service"]),
    ("askama", &["service"]),
    ("utoipa", &["service"]),
    ("tower-http", &["service"]),
    ("testcontainers", &["testkit"]),
    ("anyhow", &["platform", "xtask"]),
];

/// What the whole-binary scenarios drive the platform with and the benches hold it against.
const SCENARIO_TOOLS: [&str; 3] = ["axum", "reqwest", "sea-orm"];

/// No crate depends on one above it or beside it.
pub(crate) fn dependencies(tree: &Tree) -> Vec<Finding> {
    let members: Vec<_> = tree.members().map(|(name, _)| name).collect();
    each(tree, |member, table, on| {
        (members.contains(&on) && !allowed(member, on, table))
            .then(|| format!("`{member}` must not depend on `{on}`"))
    })
}

/// A technology is named by the one crate that hides it.
pub(crate) fn technologies(tree: &Tree) -> Vec<Finding> {
    each(tree, |member, table, on| {
        let (_, owners) = TECHNOLOGIES.iter().find(|(it, _)| on.starts_with(it))?;
        let is_scenario =
            member == "platform" && table == "dev-dependencies" && SCENARIO_TOOLS.contains(&on);
        (!owners.contains(&member) && !is_scenario)
            .then(|| format!("only {} may name `{on}`", owners.join(" and ")))
    })
}

fn each(tree: &Tree, judge: impl Fn(&str, &str, &str) -> Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (member, directory) in tree.members() {
        let path = format!("{directory}/Cargo.toml");
        let manifest = match tree.text(&path).unwrap_or_default().parse::<Table>() {
            Ok(manifest) => manifest,
            Err(error) => {
                findings.push(Finding::file(&path, format!("not TOML: {}", error.message())));
                continue;
            }
        };
        for table in TABLES {
            let names = manifest.get(table).and_then(|it| it.as_table()).into_iter().flatten();
            for sentence in names.filter_map(|(on, _)| judge(member, table, on)) {
                findings.push(Finding::file(&path, sentence));
            }
        }
    }
    findings
}
