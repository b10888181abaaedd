//! A bag of files (`BagIt`, RFC 8493): each named with its SHA-256, none missing, none besides.

use std::collections::BTreeMap;

use kernel::{Digest, Reason};

use crate::verify::{ENCODING, Files};

/// The most files of a bag.
pub const BAG_FILES_MAX: usize = 20_000;
/// The most bytes of a manifest.
pub const MANIFEST_BYTES_MAX: usize = 8 << 20;

/// What says that a directory is a bag.
pub const DECLARATION_PATH: &str = "bagit.txt";
const DECLARATION: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
const MANIFEST_PATH: &str = "manifest-sha256.txt";
const TAG_MANIFEST_PATH: &str = "tagmanifest-sha256.txt";
const PAYLOAD: &str = "data/";

/// Files by path, as they will lie in a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bag(BTreeMap<String, Vec<u8>>);

/// What a bag's manifest says of its payload: path and digest, by rising path.
pub type Manifest = BTreeMap<String, Digest>;

impl Bag {
    /// Puts a file in; a path below `data/` is payload.
    pub fn put(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), bytes.into());
    }

    /// The files, by rising path.
    pub const fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.0
    }

    /// The manifest of the payload so far.
    pub fn manifest(&self) -> Manifest {
        let payload = self.0.iter().filter(|(path, _)| path.starts_with(PAYLOAD));
        payload.map(|(path, bytes)| (path.clone(), Digest::of(bytes))).collect()
    }

    /// Writes the declaration and the manifests: nothing is put in afterwards.
    #[must_use]
    pub fn closed(mut self) -> Self {
        let manifest = lines(&self.manifest());
        self.put(DECLARATION_PATH, DECLARATION);
        self.put(MANIFEST_PATH, manifest);
        let tags = self.0.iter().filter(|(path, _)| !path.starts_with(PAYLOAD));
        let tags: Manifest = tags.map(|(path, it)| (path.clone(), Digest::of(it))).collect();
        self.put(TAG_MANIFEST_PATH, lines(&tags));
        self
    }
}

impl Files for Bag {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.0.get(path).cloned()
    }

    fn paths(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// The lines of a manifest; what they are hashed to names all the files at once.
pub fn lines(manifest: &Manifest) -> String {
    let line = |(path, digest): (&String, &Digest)| {
        format!("{}  {path}\n", hex::encode(digest.as_bytes()))
    };
    manifest.iter().map(line).collect()
}

/// The manifest of a bag whose files are those it names, byte for byte; else what is wrong where.
pub fn check(files: &dyn Files) -> Result<Manifest, (Reason, String)> {
    let wrong = |path: &str| (ENCODING, path.to_owned());
    if files.read(DECLARATION_PATH).as_deref() != Some(DECLARATION.as_bytes()) {
        return Err(wrong(DECLARATION_PATH));
    }
    let tags = read(files, TAG_MANIFEST_PATH).ok_or_else(|| wrong(TAG_MANIFEST_PATH))?;
    let manifest = read(files, MANIFEST_PATH).ok_or_else(|| wrong(MANIFEST_PATH))?;
    let mut paths = files.paths();
    paths.sort_unstable();
    if paths.len() > BAG_FILES_MAX {
        return Err(wrong(MANIFEST_PATH));
    }
    for path in &paths {
        let is_payload = path.starts_with(PAYLOAD);
        let named = if is_payload { manifest.get(path) } else { tags.get(path) };
        let is_itself = path == TAG_MANIFEST_PATH;
        let holds = files.read(path).is_some_and(|it| named == Some(&Digest::of(&it)));
        if !holds && !is_itself {
            return Err(wrong(path));
        }
    }
    let is_there = |path: &&String| paths.binary_search(path).is_ok();
    match manifest.keys().chain(tags.keys()).find(|it| !is_there(it)) {
        Some(missing) => Err(wrong(missing)),
        None => Ok(manifest),
    }
}

/// A manifest as it is written: one spelling, paths rising and in their place.
fn read(files: &dyn Files, path: &str) -> Option<Manifest> {
    let bytes = files.read(path).filter(|it| it.len() <= MANIFEST_BYTES_MAX)?;
    let text = String::from_utf8(bytes).ok()?;
    let mut manifest = Manifest::new();
    for line in text.lines() {
        let (digits, path) = line.split_once("  ")?;
        let digest = Digest::from_bytes(crate::receipt::bytes(digits)?);
        manifest.insert(path.to_owned(), digest);
    }
    let is_payload = path == MANIFEST_PATH;
    let in_place = manifest.keys().all(|it| it.starts_with(PAYLOAD) == is_payload);
    (in_place && lines(&manifest) == text).then_some(manifest)
}
