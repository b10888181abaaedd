//! Which column is what, on which basis records are matched, and how sure one must be.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use identity::matching::{Attribute, fold::DateOrder};
use serde::Deserialize;

/// Names of the column that tells records apart, where none is configured.
const ID_NAMES: [&str; 4] = ["id", "record_id", "rec_id", "crm_id"];

/// A job's configuration; everything has a default but the basis.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// The column that tells records apart.
    pub(super) id: Option<String>,
    /// How dates without a leading year are written.
    #[serde(default)]
    pub(super) dates: DateOrder,
    /// The columns of attributes, by attribute.
    #[serde(default)]
    columns: BTreeMap<String, String>,
    /// Why these records may be matched.
    #[serde(default)]
    pub(super) permission: Permission,
}

/// Why these records may be matched.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Permission {
    /// The basis on which all of them may.
    pub(super) basis: Option<String>,
    /// The column that says whether a record may; anything but a clear yes is a no.
    pub(super) column: Option<String>,
}

/// Where in a file everything stands.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) id: usize,
    pub(super) permission: Option<usize>,
    pub(super) attributes: [Option<usize>; 9],
}

impl Config {
    /// Reads a configuration; without a path, everything is found by name.
    pub(super) fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("reading the configuration `{}`", path.display()))?;
        let config: Self = toml::from_str(&text)
            .with_context(|| format!("reading the configuration `{}`", path.display()))?;
        let known = |name: &String| Attribute::ALL.iter().any(|it| it.as_str() == name);
        if let Some(unknown) = config.columns.keys().find(|it| !known(it)) {
            bail!("`columns.{unknown}` is no attribute: {}", names().join(", "));
        }
        Ok(config)
    }

    /// Finds the columns of a file by its header.
    pub(super) fn columns(&self, header: &csv::StringRecord) -> Result<Columns> {
        let at = |name: &str| header.iter().position(|it| plain(it) == plain(name));
        let named =
            |name: &String| at(name).with_context(|| format!("there is no column `{name}`"));
        let id = match &self.id {
            Some(name) => named(name)?,
            None => ID_NAMES.into_iter().find_map(at).with_context(|| {
                format!("no column tells records apart ({}); name one as `id`", ID_NAMES.join(", "))
            })?,
        };
        let mut attributes = [None; 9];
        for (out, attribute) in attributes.iter_mut().zip(Attribute::ALL) {
            *out = match self.columns.get(attribute.as_str()) {
                Some(name) => Some(named(name)?),
                None => std::iter::once(attribute.as_str())
                    .chain(attribute.aliases().iter().copied())
                    .find_map(at),
            };
        }
        ensure!(
            attributes.iter().flatten().count() > 1,
            "fewer than two columns are known attributes ({}); name them under `columns`",
            names().join(", ")
        );
        let permission = self.permission.column.as_ref().map(named).transpose()?;
        Ok(Columns { id, permission, attributes })
    }
}

fn names() -> Vec<&'static str> {
    Attribute::ALL.iter().map(|it| it.as_str()).collect()
}

/// A column's name without case, and with one mark between words.
fn plain(name: &str) -> String {
    name.trim().trim_start_matches('\u{feff}').to_lowercase().replace([' ', '-', '.'], "_")
}
