//! The repository as a map from path to text, so that rules need no disk.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context as _;

/// Directories that hold nothing written by hand.
const SKIPPED: [&str; 5] = [".git", "assent-data", "dist", "node_modules", "target"];
/// The kinds of file the rules read.
const READ: [&str; 4] = ["md", "rs", "toml", "yml"];

/// The text files of a repository by their path from its root.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads the repository at this directory.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut tree = Self::default();
        tree.descend(root, "")?;
        Ok(tree)
    }

    fn descend(&mut self, directory: &Path, prefix: &str) -> anyhow::Result<()> {
        let listing = fs::read_dir(directory)
            .with_context(|| format!("listing `{}` failed", directory.display()))?;
        for entry in listing {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            if entry.file_type()?.is_dir() {
                if !SKIPPED.contains(&name.as_str()) {
                    self.descend(&entry.path(), &format!("{path}/"))?;
                }
            } else if READ.iter().any(|it| name.ends_with(&format!(".{it}"))) {
                let text = fs::read_to_string(entry.path())
                    .with_context(|| format!("reading `{path}` failed"))?;
                self.files.insert(path, text);
            }
        }
        Ok(())
    }

    /// A tree of these files.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Self { files: files.iter().map(own).collect() }
    }

    /// How many files there are.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Every file under a prefix with a suffix, by path.
    pub(crate) fn under<'a>(
        &'a self,
        prefix: &'a str,
        suffix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files
            .range(prefix.to_owned()..)
            .take_while(move |(path, _)| path.starts_with(prefix))
            .filter(move |(path, _)| path.ends_with(suffix))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The Rust files of a crate's module: `src/name.rs` and everything under `src/name/`.
    pub(crate) fn module<'a>(
        &'a self,
        of_crate: &str,
        name: &str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let file = format!("crates/{of_crate}/src/{name}.rs");
        let directory = format!("crates/{of_crate}/src/{name}/");
        self.files
            .iter()
            .filter(move |(path, _)| **path == file || path.starts_with(&directory))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The members with their directories: `("kernel", "crates/kernel")`.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.keys().filter_map(|path| {
            let directory = path.strip_suffix("/Cargo.toml")?;
            let name = directory.strip_prefix("crates/").unwrap_or(directory);
            (!name.contains('/')).then_some((name, directory))
        })
    }
}

/// Whether the file holds tests only.
pub(crate) fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.contains("/benches/")
}

/// Whether the file is a reference implementation, laws or tests: what ships without it.
pub(crate) fn is_support(path: &str) -> bool {
    is_test(path) || path.contains("/contract") || path.contains("/memory")
}
