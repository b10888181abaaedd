//! Checking an exported log: every tile under the signed head.

use std::collections::BTreeMap;

use kernel::Reason;

use super::{
    Document, ENCODING, Files, INCLUSION, NOTE, Report, TILE, Trust, known, signed, witnessed,
};
use crate::{
    entry::Leaf,
    note::{Checkpoint, NOTE_BYTES_MAX},
    tile::{self, Plane, Tile},
    tree::{self, Hash, Tree},
};

/// The name of the signed head among a log's files.
pub const CHECKPOINT_PATH: &str = "checkpoint";

/// Verifies a log as files (C2SP tlog-tiles), reading each once and keeping a hash in 256.
pub fn log(files: &dyn Files, trust: &Trust) -> Report {
    let mut report = Report::of(Document::Log);
    let note = files.read(CHECKPOINT_PATH).filter(|it| it.len() <= NOTE_BYTES_MAX);
    let Some(note) = note.and_then(|it| String::from_utf8(it).ok()) else {
        return report.invalid_at(NOTE, CHECKPOINT_PATH);
    };
    let Some(checkpoint) = signed(&mut report, &note, trust) else {
        report.place = Some(CHECKPOINT_PATH.to_owned());
        return report;
    };
    let mut tree = Tree::default();
    let mut roots: BTreeMap<u64, Option<Hash>> =
        trust.heads.iter().map(|it| (it.size, None)).collect();
    let (of_entries, of_hashes): (Vec<_>, Vec<_>) =
        Tile::all(checkpoint.size).partition(|it| it.plane() == Plane::Entries);
    let mut differs = None;
    for tile in of_entries {
        match entries(files, tile, &mut tree, &mut roots) {
            Ok(true) => {}
            Ok(false) => differs = differs.or(Some(tile)),
            Err((broken, at)) => return report.invalid_at(broken, at.to_string()),
        }
    }
    // Where entries and hashes differ, the signed root says which of them were changed.
    if (tree.size(), tree.root()) != (checkpoint.size, checkpoint.root) {
        let at = differs.map_or(CHECKPOINT_PATH.to_owned(), |it| it.to_string());
        return report.invalid_at(INCLUSION, at);
    }
    if let Some(tile) = differs {
        return report.invalid_at(TILE, tile.of_hashes().to_string());
    }
    for tile in of_hashes {
        if let Err((broken, at)) = hashes(files, tile, &tree) {
            return report.invalid_at(broken, at.to_string());
        }
    }
    report.checks.push("tiles");
    report.checks.push("root");
    // The log itself says what its head was at every size.
    roots.insert(tree.size(), Some(tree.root()));
    roots.entry(0).and_modify(|it| *it = Some(tree::empty_root()));
    let at = |(size, root): (&u64, &Option<Hash>)| {
        root.map(|root| Checkpoint { size: *size, root, origin: checkpoint.origin.clone() })
    };
    let shown: Vec<_> = roots.iter().filter_map(at).collect();
    known(&mut report, &shown.iter().collect::<Vec<_>>(), trust);
    witnessed(&mut report, &note, trust);
    report
}

/// What is wrong, and with which tile.
type Checked<T> = Result<T, (Reason, Tile)>;

/// Whether the tile of hashes over these entries is what they give.
fn entries(
    files: &dyn Files,
    tile: Tile,
    tree: &mut Tree,
    roots: &mut BTreeMap<u64, Option<Hash>>,
) -> Checked<bool> {
    let bytes = files.read(&tile.to_string()).ok_or((ENCODING, tile))?;
    let leaves = tile::unbundle(&bytes).filter(|it| it.len() == tile.width());
    let hashes: Vec<_> = leaves.ok_or((ENCODING, tile))?.iter().map(Leaf::hash).collect();
    let is_same = stored(files, tile.of_hashes())? == tile::packed(&hashes);
    for hash in hashes {
        tree.push(hash);
        if let Some(root) = roots.get_mut(&tree.size()) {
            *root = Some(tree.root());
        }
    }
    Ok(is_same)
}

fn hashes(files: &dyn Files, tile: Tile, tree: &Tree) -> Checked<()> {
    let level = match tile.plane() {
        Plane::Entries | Plane::Hashes(0) => return Ok(()),
        Plane::Hashes(level) => level,
    };
    let expected = tree.subtrees(level, tile.first(), tile.width()).ok_or((TILE, tile))?;
    if stored(files, tile)? == tile::packed(expected) { Ok(()) } else { Err((TILE, tile)) }
}

fn stored(files: &dyn Files, tile: Tile) -> Checked<Vec<u8>> {
    files.read(&tile.to_string()).ok_or((ENCODING, tile))
}
