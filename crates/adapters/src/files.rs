//! Trees of artifacts on disk.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rollout::{SourceFile, artifact::ARTIFACT_BYTES_MAX, bundle::BUNDLE_ENTRIES_MAX};

/// The deepest directory of a tree.
pub const TREE_DEPTH_MAX: usize = 4;

/// Why a tree could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A file or directory could not be read.
    #[error("could not read `{path}`")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is larger than [`ARTIFACT_BYTES_MAX`].
    #[error("`{0}` is larger than {ARTIFACT_BYTES_MAX} bytes")]
    TooLarge(PathBuf),
    /// There are more than [`BUNDLE_ENTRIES_MAX`] files.
    #[error("`{0}` holds more than {BUNDLE_ENTRIES_MAX} files")]
    TooMany(PathBuf),
    /// A directory lies deeper than [`TREE_DEPTH_MAX`].
    #[error("`{0}` lies deeper than {TREE_DEPTH_MAX} directories")]
    TooDeep(PathBuf),
    /// A path is not UTF-8, or is neither a file nor a directory.
    #[error("`{0}` is not a plain file or directory with a UTF-8 name")]
    NotPlain(PathBuf),
}

/// Reads every file under a directory, by path; hidden names are left out, and links are refused,
/// so that a tree never reaches outside itself.
pub fn read_tree(root: &Path) -> Result<Vec<SourceFile>, TreeError> {
    let mut files = Vec::new();
    let mut rest = vec![(root.to_path_buf(), String::new(), 0)];
    while let Some((directory, prefix, depth)) = rest.pop() {
        if depth > TREE_DEPTH_MAX {
            return Err(TreeError::TooDeep(directory));
        }
        for entry in fs::read_dir(&directory).map_err(unreadable(&directory))? {
            let entry = entry.map_err(unreadable(&directory))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(unreadable(&path))?;
            let Ok(name) = entry.file_name().into_string() else {
                return Err(TreeError::NotPlain(path));
            };
            if name.starts_with('.') {
                continue;
            }
            let name = format!("{prefix}{name}");
            if kind.is_dir() {
                rest.push((path, format!("{name}/"), depth + 1));
            } else if kind.is_file() {
                if files.len() == BUNDLE_ENTRIES_MAX {
                    return Err(TreeError::TooMany(root.to_path_buf()));
                }
                files.push(SourceFile { path: name, bytes: read(&path)? });
            } else {
                return Err(TreeError::NotPlain(path));
            }
        }
    }
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>, TreeError> {
    use io::Read as _;

    let limit = u64::try_from(ARTIFACT_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(unreadable(path))?;
    file.take(limit).read_to_end(&mut bytes).map_err(unreadable(path))?;
    if bytes.len() > ARTIFACT_BYTES_MAX {
        return Err(TreeError::TooLarge(path.to_path_buf()));
    }
    Ok(bytes)
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> TreeError + '_ {
    move |source| TreeError::Io { path: path.to_path_buf(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, bytes: &[u8]) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn paths(root: &Path) -> Vec<String> {
        read_tree(root).unwrap().into_iter().map(|it| it.path).collect()
    }

    #[test]
    fn files_come_by_path_without_hidden_ones() {
        let root = tempfile::tempdir().unwrap();
        assert!(paths(root.path()).is_empty());
        for path in
            ["node/b.toml", "cap/a.toml", "README.md", ".git/x", "cap/.swp", "cap/deep/c.json"]
        {
            write(root.path(), path, path.as_bytes());
        }
        let wanted = ["README.md", "cap/a.toml", "cap/deep/c.json", "node/b.toml"];
        assert_eq!(paths(root.path()), wanted);
        assert_eq!(read_tree(root.path()).unwrap()[1].bytes, b"cap/a.toml");
    }

    #[test]
    fn a_file_at_the_limit_is_read_and_one_past_it_is_not() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "cap/a.toml", &vec![b' '; ARTIFACT_BYTES_MAX]);
        assert_eq!(paths(root.path()).len(), 1);
        write(root.path(), "cap/a.toml", &vec![b' '; ARTIFACT_BYTES_MAX + 1]);
        assert!(matches!(read_tree(root.path()), Err(TreeError::TooLarge(_))));
    }

    #[test]
    fn a_tree_has_as_many_files_as_a_bundle_has_entries() {
        let root = tempfile::tempdir().unwrap();
        for i in 0..BUNDLE_ENTRIES_MAX {
            write(root.path(), &format!("cap/{i}.toml"), b"");
        }
        assert_eq!(paths(root.path()).len(), BUNDLE_ENTRIES_MAX);
        write(root.path(), "node/more.toml", b"");
        assert!(matches!(read_tree(root.path()), Err(TreeError::TooMany(_))));
    }

    #[test]
    fn a_tree_is_not_deeper_than_its_limit() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "1/2/3/4/a.toml", b"");
        assert_eq!(paths(root.path()), ["1/2/3/4/a.toml"]);
        write(root.path(), "1/2/3/4/5/a.toml", b"");
        assert!(matches!(read_tree(root.path()), Err(TreeError::TooDeep(_))));
    }

    #[test]
    fn a_missing_tree_is_named() {
        let error = read_tree(Path::new("/nowhere/at/all")).unwrap_err();
        assert_eq!(error.to_string(), "could not read `/nowhere/at/all`");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_refused() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", root.path().join("cap")).unwrap();
        assert!(matches!(read_tree(root.path()), Err(TreeError::NotPlain(_))));
    }
}
