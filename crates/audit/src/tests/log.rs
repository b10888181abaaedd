//! The thin plane as strangers read it: tiles, exported logs, heads that extend each other.

use std::{cell::RefCell, collections::BTreeMap};

use proptest::prelude::*;

use super::{World, acme, submission, verify as verified};
use crate::{
    consistency::{CONSISTENCY_BYTES_MAX, Consistency},
    entry::Leaf,
    note::{Checkpoint, SignedCheckpoint, VerifierKey},
    service::{AppendError, Scrubbed},
    tile::{self, Plane, TILE_PATH_BYTES_MAX, TILE_WIDTH, Tile},
    tree::{Hash, leaf_hash},
    verify::{
        self, CONSISTENCY, ENCODING, Exit, Files, HEAD_CONTRADICTED, HEAD_UNLINKED, INCLUSION,
        NOTE, SIGNATURE, TILE, Trust,
    },
};

/// A log as files.
#[derive(Debug, Clone, Default)]
struct Exported(BTreeMap<String, Vec<u8>>);

impl Files for Exported {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.0.get(path).cloned()
    }

    fn paths(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

async fn world(n: u64) -> World {
    let world = World::new();
    world.append().append_all((0..n).map(submission).collect()).await.unwrap();
    world
}

async fn export(world: &World) -> (Exported, VerifierKey) {
    let head = world.thin().head(&acme()).await.unwrap().unwrap();
    let mut files = Exported::default();
    files.0.insert("checkpoint".to_owned(), head.note.clone().into());
    for tile in Tile::all(head.checkpoint.size) {
        let bytes = world.thin().tile(&acme(), tile).await.unwrap().unwrap();
        files.0.insert(tile.to_string(), bytes);
    }
    (files, world.prove().verifier_key(&acme()).await.unwrap())
}

fn tile(path: &str) -> Tile {
    path.parse().unwrap()
}

#[test]
fn a_log_of_70_000_has_the_tiles_of_the_specification() {
    let all: Vec<_> = Tile::all(70_000).map(|it| it.to_string()).collect();
    let level = |prefix: &str| all.iter().filter(|it| it.starts_with(prefix)).count();
    assert_eq!((level("tile/entries/"), level("tile/0/")), (274, 274));
    assert_eq!(
        all.iter().filter(|it| it.starts_with("tile/1/")).collect::<Vec<_>>(),
        ["tile/1/000", "tile/1/001.p/17"]
    );
    assert!(all.contains(&"tile/0/273.p/112".to_owned()));
    assert_eq!(all.last().unwrap(), "tile/2/000.p/1");
    assert_eq!(Tile::all(0).count(), 0);
    let of_256: Vec<_> = Tile::all(256).map(|it| it.to_string()).collect();
    assert_eq!(of_256, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
}

#[test]
fn a_tile_has_one_path() {
    assert_eq!(tile("tile/0/x001/x234/067").number(), 1_234_067);
    assert_eq!(tile("tile/entries/x001/000.p/255").width(), 255);
    for path in [
        "tile/0/1",
        "tile/0/0001",
        "tile/00/001",
        "tile/0/x001",
        "tile/0/001/002",
        "tile/0/x000/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/07",
        "tile/64/001",
        "tile/-1/001",
        "tile/0/+01",
        "tile/entry/001",
        "tile/0/",
        "tile/0",
        "0/001",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/001.p/1.p/1",
        "tile/0/../001",
        "",
    ] {
        assert!(path.parse::<Tile>().is_err(), "{path}");
    }
    let long = format!("tile/0/{}001", "x000/".repeat(TILE_PATH_BYTES_MAX));
    assert!(long.parse::<Tile>().is_err());
    let last = tile("tile/63/x018/x446/x744/x073/x709/x551/615");
    assert_eq!(last.number(), u64::MAX);
    assert!(!last.is_in(u64::MAX));
}

#[tokio::test]
async fn an_exported_log_is_whole_and_convinces_a_stranger() {
    for n in [0, 1, 255, 256, 257, 700] {
        let world = world(n).await;
        if n == 0 {
            world.prove().checkpoint(&acme()).await.unwrap();
        }
        let (files, key) = export(&world).await;
        let report = verify::log(&files, &Trust::in_key(key));
        assert_eq!((report.exit, report.size), (Exit::Unwitnessed, Some(n)), "{report}");
        assert_eq!(verify::log(&files, &Trust::default()).exit, Exit::KeyUnknown);
    }
}

#[tokio::test]
async fn nothing_is_served_past_the_signed_size_or_of_a_log_that_is_not() {
    let world = world(257).await;
    let served = async |path: &str| world.thin().tile(&acme(), tile(path)).await.unwrap();
    for path in ["tile/entries/000", "tile/0/000.p/3", "tile/entries/001.p/1", "tile/1/000.p/1"] {
        assert!(served(path).await.is_some(), "{path}");
    }
    for path in
        ["tile/entries/001", "tile/0/001.p/2", "tile/1/000", "tile/2/000.p/1", "tile/9/000.p/1"]
    {
        assert!(served(path).await.is_none(), "{path}");
    }
    let zenith = kernel::TenantId::new("zenith").unwrap();
    assert_eq!(world.thin().head(&zenith).await.unwrap(), None);
    assert_eq!(world.thin().tile(&zenith, tile("tile/0/000.p/1")).await.unwrap(), None);
    assert_eq!(world.thin().consistency(&zenith, 0, 0).await.unwrap(), None);
    // Asking has opened no log.
    assert_eq!(world.thin().head(&zenith).await.unwrap(), None);
}

#[tokio::test]
async fn leaves_changed_under_a_running_log_are_found_and_stop_it() {
    let world = world(600).await;
    let scrub = async |block| world.thin().scrub(&acme(), block).await.unwrap();
    assert_eq!((scrub(0).await, scrub(1).await), (Scrubbed::Same, Scrubbed::Same));
    assert_eq!(scrub(2).await, Scrubbed::End, "not finished");
    world.append().append(submission(600)).await.unwrap();
    world.log.corrupt(&acme(), 300);
    assert_eq!(scrub(0).await, Scrubbed::Same);
    assert_eq!(scrub(1).await, Scrubbed::Differs { first: 256 });
    let refused = world.append().append(submission(601)).await;
    assert!(matches!(refused, Err(AppendError::Amnesia)), "{refused:?}");
}

#[tokio::test]
async fn a_head_of_every_process_is_seen_by_the_others() {
    let mut world = world(3).await;
    let first = world.thin();
    first.head(&acme()).await.unwrap();
    world.restart();
    world.append().append(submission(3)).await.unwrap();
    let size = first.head(&acme()).await.unwrap().unwrap().checkpoint.size;
    assert_eq!(size, 4);
}

#[tokio::test]
async fn any_changed_byte_of_an_exported_log_is_noticed_and_named() {
    let (files, key) = export(&world(258).await).await;
    let trust = Trust::in_key(key);
    let n_changed = RefCell::new(0);
    let check = |path: &str, at: usize| {
        let mut changed = files.clone();
        changed.0.get_mut(path).unwrap()[at] ^= 0x20;
        let report = verify::log(&changed, &trust);
        assert!(matches!(report.exit, Exit::Invalid | Exit::KeyUnknown), "{path} {at}: {report}");
        if path != "checkpoint" {
            assert_eq!(report.place.as_deref(), Some(path), "{path} {at}: {report}");
        }
        *n_changed.borrow_mut() += 1;
    };
    for (path, bytes) in &files.0 {
        // Every byte of the small files; of the large ones, every byte of a few hashes or entries.
        (0..bytes.len()).filter(|at| *at < 120 || at % 197 == 0).for_each(|at| check(path, at));
    }
    assert!(*n_changed.borrow() > 300);
    for path in files.0.keys() {
        let mut fewer = files.clone();
        fewer.0.remove(path);
        let report = verify::log(&fewer, &trust);
        assert_eq!((report.exit, report.place.as_deref()), (Exit::Invalid, Some(path.as_str())));
        assert!([Some(ENCODING), Some(NOTE)].contains(&report.broken));
    }
}

#[tokio::test]
async fn entries_changed_with_all_their_hashes_do_not_lead_to_the_signed_root() {
    let world = world(3).await;
    let (mut files, key) = export(&world).await;
    let mut leaves = tile::unbundle(&files.0["tile/entries/000.p/3"]).unwrap();
    leaves[1] = leaves[0];
    files.0.insert("tile/entries/000.p/3".to_owned(), tile::bundle(&leaves));
    let trust = Trust::in_key(key);
    let report = verify::log(&files, &trust);
    assert_eq!(report.place.as_deref(), Some("tile/entries/000.p/3"), "{report}");
    let hashes: Vec<_> = leaves.iter().map(Leaf::hash).collect();
    files.0.insert("tile/0/000.p/3".to_owned(), tile::packed(&hashes));
    let report = verify::log(&files, &trust);
    assert_eq!((report.exit, report.broken), (Exit::Invalid, Some(INCLUSION)));
    let (mut files, _) = export(&world).await;
    files.0.insert("tile/0/000.p/3".to_owned(), tile::packed(&hashes));
    let report = verify::log(&files, &trust);
    assert_eq!((report.broken, report.place.as_deref()), (Some(TILE), Some("tile/0/000.p/3")));
}

#[tokio::test]
async fn any_head_extends_any_earlier_one_and_says_so_offline() {
    let world = world(600).await;
    let key = world.prove().verifier_key(&acme()).await.unwrap();
    for (from, to) in
        [(0, 0), (0, 600), (1, 600), (255, 256), (256, 511), (300, 600), (599, 600), (600, 600)]
    {
        let document = world.thin().consistency(&acme(), from, to).await.unwrap().unwrap();
        let report = verified(&document.to_bytes().unwrap(), Some(&key));
        assert_eq!(report.exit, Exit::Unwitnessed, "{from} to {to}: {report}");
        assert_eq!((report.earlier, report.size), (Some(from), Some(to)));
    }
    for (from, to) in [(2, 1), (0, 601), (601, 601)] {
        assert_eq!(world.thin().consistency(&acme(), from, to).await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_head_of_an_earlier_size_is_the_one_that_was_signed_then() {
    let world = world(290).await;
    let then = world.thin().head(&acme()).await.unwrap().unwrap();
    world.append().append_all((290..900).map(submission).collect()).await.unwrap();
    let again = world.thin().head_at(&acme(), 290).await.unwrap().unwrap();
    assert_eq!(again.note, then.note);
}

#[tokio::test]
async fn any_changed_byte_between_two_heads_is_noticed() {
    let world = world(20).await;
    let key = world.prove().verifier_key(&acme()).await.unwrap();
    let document = world.thin().consistency(&acme(), 7, 20).await.unwrap().unwrap();
    let bytes = document.to_bytes().unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let report = verified(&changed, Some(&key));
        assert!(matches!(report.exit, Exit::Invalid | Exit::KeyUnknown), "byte {at}");
    }
    let check = |it: &Consistency| {
        let report = verified(&it.to_bytes().unwrap(), Some(&key));
        (report.exit, report.broken)
    };
    let mut fewer = document.clone();
    fewer.proof.pop();
    assert_eq!(check(&fewer), (Exit::Invalid, Some(CONSISTENCY)));
    let swapped =
        Consistency { from: document.to.clone(), to: document.from.clone(), ..document.clone() };
    assert_eq!(check(&swapped), (Exit::Invalid, Some(CONSISTENCY)));
    let forged = Consistency { to: document.to.replacen("\n20\n", "\n21\n", 1), ..document };
    assert_eq!(check(&forged), (Exit::Invalid, Some(SIGNATURE)));
    let long = vec![b' '; CONSISTENCY_BYTES_MAX + 1];
    assert!(Consistency::from_bytes(&long).is_none());
}

#[tokio::test]
async fn a_head_known_from_elsewhere_is_linked_or_contradicted() {
    let world = world(40).await;
    let (files, key) = export(&world).await;
    let head = async |size| {
        let note = world.thin().head_at(&acme(), size).await.unwrap().unwrap().note.clone();
        SignedCheckpoint::parse(&note).unwrap().checkpoint().clone()
    };
    let against = |heads: Vec<Checkpoint>| {
        let report = verify::log(&files, &Trust { heads, ..Trust::in_key(key.clone()) });
        (report.exit.code(), report.broken)
    };
    assert_eq!(against(vec![head(0).await, head(7).await, head(40).await]), (10, None));
    let later = Checkpoint { size: 41, ..head(40).await };
    assert_eq!(against(vec![later]), (20, Some(HEAD_UNLINKED)));
    let other = Checkpoint { root: leaf_hash(b"another history"), ..head(7).await };
    assert_eq!(against(vec![head(40).await, other.clone()]), (30, Some(HEAD_CONTRADICTED)));
    let document = world.thin().consistency(&acme(), 7, 40).await.unwrap().unwrap();
    let trust = Trust { heads: vec![other], ..Trust::in_key(key.clone()) };
    assert_eq!(verify::document(&document.to_bytes().unwrap(), &trust).exit, Exit::Contradicted);
}

proptest! {
    #[test]
    fn any_text_is_a_tile_or_none(text in "(tile/)?(entries|[0-9]{0,3})/?[x0-9./p]{0,40}") {
        if let Ok(tile) = text.parse::<Tile>() {
            prop_assert_eq!(tile.to_string(), text);
        }
    }

    #[test]
    fn any_bytes_are_a_bundle_or_none(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Some(leaves) = tile::unbundle(&bytes) {
            prop_assert_eq!(tile::bundle(&leaves), bytes);
        }
    }

    #[test]
    fn a_tile_is_in_a_log_as_soon_as_it_is_complete(
        level in 0_u8..4, number in 0_u64..1_000, width in 1_u64..=TILE_WIDTH,
    ) {
        let part = if width == TILE_WIDTH { String::new() } else { format!(".p/{width}") };
        let first = Tile::all(u64::MAX).find(|it| it.plane() == Plane::Entries).unwrap();
        prop_assert_eq!(first.number(), 0);
        let number_path = format!("{number:03}");
        let tile: Tile = format!("tile/{level}/{number_path}{part}").parse().unwrap();
        let end = (number * TILE_WIDTH + width) << (8 * u32::from(level));
        prop_assert!(tile.is_in(end));
        prop_assert!(!tile.is_in(end - 1));
    }

    #[test]
    fn no_bytes_make_the_verifier_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..600), path in "[a-z0-9/.]{0,30}",
    ) {
        let key = VerifierKey::new(crate::note::Origin::new("log.example").unwrap(), [7; 32]);
        let trust = Trust::in_key(key);
        let report = verify::document(&bytes, &trust);
        prop_assert_eq!(report.exit, Exit::Invalid);
        let files = Exported([(path, bytes.clone()), ("checkpoint".to_owned(), bytes)].into());
        prop_assert_eq!(verify::log(&files, &trust).exit, Exit::Invalid);
        prop_assert!(Hash::from_bytes([0; 32]) != leaf_hash(b""));
    }
}
