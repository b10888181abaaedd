//! Where a log's tree and entries lie (C2SP tlog-tiles): paths, widths, and what is in each.

use std::{fmt, str::FromStr};

use crate::{
    entry::Leaf,
    note,
    tree::{BLOCK_LEAVES, Hash},
};

/// Hashes or entries of a full tile.
pub const TILE_WIDTH: u64 = BLOCK_LEAVES;
/// The highest level the specification names.
pub const TILE_LEVEL_MAX: u8 = 63;
/// The longest path that is read.
pub const TILE_PATH_BYTES_MAX: usize = 64;

/// What a tile is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plane {
    /// Hashes over complete subtrees of 256^level entries.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// One tile: 256 neighbours, or the first few of the last of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Invariant: `width` is 1 to TILE_WIDTH; a level is at most TILE_LEVEL_MAX.
pub struct Tile {
    plane: Plane,
    number: u64,
    width: u16,
}

/// A text that names no tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile")]
pub struct TilePathError;

impl Tile {
    /// What it is of.
    pub const fn plane(self) -> Plane {
        self.plane
    }

    /// Its place among those of its plane.
    pub const fn number(self) -> u64 {
        self.number
    }

    /// How many hashes or entries it has.
    pub fn width(self) -> usize {
        usize::from(self.width)
    }

    /// The place of its first hash or entry among those of its plane.
    pub const fn first(self) -> u64 {
        self.number.saturating_mul(TILE_WIDTH)
    }

    /// The tile of the hashes of these entries; a tile of hashes is its own.
    #[must_use]
    pub const fn of_hashes(self) -> Self {
        match self.plane {
            Plane::Entries => Self { plane: Plane::Hashes(0), ..self },
            Plane::Hashes(_) => self,
        }
    }

    /// Whether a log of this size has it, in full or as the beginning of a fuller one.
    pub fn is_in(self, size: u64) -> bool {
        let level = match self.plane {
            Plane::Entries => 0,
            Plane::Hashes(level) => u32::from(level),
        };
        let complete = size.checked_shr(level.saturating_mul(8)).unwrap_or(0);
        self.number
            .checked_mul(TILE_WIDTH)
            .and_then(|it| it.checked_add(u64::from(self.width)))
            .is_some_and(|end| end <= complete)
    }

    /// Every tile of a log of this size, full ones and the partial ones at its edge.
    pub fn all(size: u64) -> impl Iterator<Item = Self> {
        let level_of =
            move |level: u8| (Plane::Hashes(level), size.checked_shr(u32::from(level) * 8));
        let levels = (0..=TILE_LEVEL_MAX).map(level_of);
        let planes = levels.map_while(|(plane, n)| Some((plane, n.filter(|it| *it > 0)?)));
        [(Plane::Entries, size)].into_iter().chain(planes).flat_map(|(plane, complete)| {
            let full = complete / TILE_WIDTH;
            let rest = u16::try_from(complete % TILE_WIDTH).ok().filter(|it| *it > 0);
            let whole = u16::try_from(TILE_WIDTH).unwrap_or(u16::MAX);
            (0..full)
                .map(move |number| Self { plane, number, width: whole })
                .chain(rest.map(|width| Self { plane, number: full, width }))
        })
    }
}

impl fmt::Display for Tile {
    /// The path below the log's prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.plane {
            Plane::Hashes(level) => write!(f, "tile/{level}/")?,
            Plane::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.number % 1_000];
        let mut rest = self.number / 1_000;
        while rest > 0 {
            groups.push(rest % 1_000);
            rest /= 1_000;
        }
        while let Some(group) = groups.pop() {
            if groups.is_empty() {
                write!(f, "{group:03}")?;
            } else {
                write!(f, "x{group:03}/")?;
            }
        }
        if u64::from(self.width) < TILE_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl FromStr for Tile {
    type Err = TilePathError;

    /// Reads the path below the log's prefix; one tile has one path.
    fn from_str(path: &str) -> Result<Self, TilePathError> {
        let read = || {
            let rest = path.strip_prefix("tile/")?;
            let (plane, rest) = rest.split_once('/')?;
            let plane = match plane {
                "entries" => Plane::Entries,
                level => Plane::Hashes(u8::try_from(note::decimal(level)?).ok()?),
            };
            let (number, width) = match rest.split_once(".p/") {
                Some((number, width)) => (number, note::decimal(width)?),
                None => (rest, TILE_WIDTH),
            };
            let mut sum = 0_u64;
            for group in number.split('/') {
                let digits = group.strip_prefix('x').unwrap_or(group);
                sum = sum.checked_mul(1_000)?.checked_add(digits.parse().ok()?)?;
            }
            Some(Self { plane, number: sum, width: u16::try_from(width).ok()? })
        };
        if path.len() > TILE_PATH_BYTES_MAX {
            return Err(TilePathError);
        }
        let tile = read().ok_or(TilePathError)?;
        let is_legal = (1..=TILE_WIDTH).contains(&u64::from(tile.width))
            && !matches!(tile.plane, Plane::Hashes(it) if it > TILE_LEVEL_MAX);
        // What is written again must be what was read: no other spelling is the same tile.
        if is_legal && tile.to_string() == path { Ok(tile) } else { Err(TilePathError) }
    }
}

/// The bytes of a tile of hashes.
pub fn packed(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|it| *it.as_bytes()).collect()
}

/// The bytes of a bundle of entries: each after its length in two bytes.
pub fn bundle(leaves: &[Leaf]) -> Vec<u8> {
    let mut out = Vec::with_capacity(leaves.len() * (Leaf::BYTES + 2));
    for leaf in leaves {
        out.extend_from_slice(&LEAF_LENGTH);
        out.extend_from_slice(leaf.as_bytes());
    }
    out
}

/// The entries of a bundle, all of its bytes.
pub fn unbundle(bytes: &[u8]) -> Option<Vec<Leaf>> {
    if bytes.len() > (Leaf::BYTES + 2) * usize::try_from(TILE_WIDTH).ok()? {
        return None;
    }
    let (items, rest) = bytes.as_chunks::<{ Leaf::BYTES + 2 }>();
    let leaf = |item: &[u8; Leaf::BYTES + 2]| {
        let (length, leaf) = item.split_first_chunk::<2>()?;
        (*length == LEAF_LENGTH).then(|| leaf.try_into().ok().map(Leaf::from_bytes))?
    };
    if rest.is_empty() { items.iter().map(leaf).collect() } else { None }
}

/// How long an entry is, as a bundle says it.
const LEAF_LENGTH: [u8; 2] = [0, 34];
