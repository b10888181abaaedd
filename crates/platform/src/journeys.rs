//! The shipped example artifacts, and trees of artifacts on disk.

use std::path::Path;

use adapters::files;
use anyhow::{Context as _, Result};
use include_dir::{Dir, include_dir};
use rollout::SourceFile;

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../journeys");

/// The artifacts of a tree on disk, or the shipped ones.
pub fn sources(path: Option<&Path>) -> Result<Vec<SourceFile>> {
    match path {
        Some(path) => {
            files::read_tree(path).with_context(|| format!("reading `{}`", path.display()))
        }
        None => Ok(shipped()),
    }
}

/// The example journeys inside the binary, by path.
pub fn shipped() -> Vec<SourceFile> {
    let mut out = Vec::new();
    let mut rest = vec![&SHIPPED];
    while let Some(directory) = rest.pop() {
        rest.extend(directory.dirs());
        out.extend(directory.files().map(|it| SourceFile {
            path: it.path().to_string_lossy().replace('\\', "/"),
            bytes: it.contents().to_vec(),
        }));
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}
