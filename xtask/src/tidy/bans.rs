//! The clippy bans that keep time, chance, configuration and tasks injected.

use toml::{Table, Value};

use super::{Finding, Tree};

const PATH: &str = "clippy.toml";

/// What `clippy.toml` must forbid.
const BANNED: [&str; 7] = [
    "chrono::Utc::now",
    "std::time::SystemTime::now",
    "uuid::Uuid::now_v7",
    "uuid::Uuid::new_v4",
    "std::env::var",
    "reqwest::Client::new",
    "tokio::spawn",
];

/// Every ban stands, with its reason.
pub(crate) fn clippy(tree: &Tree) -> Vec<Finding> {
    let config: Table = tree.text(PATH).and_then(|it| it.parse().ok()).unwrap_or_default();
    let methods = config.get("disallowed-methods").and_then(Value::as_array);
    let is_banned = |path: &str| {
        methods.into_iter().flatten().any(|it| {
            it.get("path").and_then(Value::as_str) == Some(path) && it.get("reason").is_some()
        })
    };
    BANNED
        .into_iter()
        .filter(|it| !is_banned(it))
        .map(|it| Finding::file(PATH, format!("`{it}` is not banned with a reason")))
        .collect()
}
