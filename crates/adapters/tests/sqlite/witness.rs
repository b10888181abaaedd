//! What a witness remembers, in files.

use std::path::Path;

use adapters::witness::FileWitnessStore;
use audit::ports::WitnessStore as _;

/// A store in a directory that lasts as long as it.
fn store() -> FileWitnessStore {
    FileWitnessStore::open(&tempfile::tempdir().unwrap().keep()).unwrap()
}

audit::witness_store_suite!(file, async { super::store() });

fn head(size: u64) -> audit::note::Checkpoint {
    let origin = audit::note::Origin::new("log.example").unwrap();
    audit::note::Checkpoint { origin, size, root: audit::tree::empty_root() }
}

#[tokio::test]
async fn a_witness_remembers_after_a_restart_and_never_goes_back() {
    let directory = tempfile::tempdir().unwrap();
    let open = |path: &Path| FileWitnessStore::open(path);
    let store = open(directory.path()).unwrap();
    assert!(store.advance(None, &head(3)).await.unwrap());
    assert!(open(directory.path()).is_err(), "one process at a time");
    drop(store);
    let store = open(directory.path()).unwrap();
    assert_eq!(store.latest(&head(3).origin).await.unwrap(), Some(head(3)));
    assert!(!store.advance(None, &head(1)).await.unwrap());
    // What is damaged is said, not taken for nothing.
    let file = std::fs::read_dir(directory.path()).unwrap().flatten().map(|it| it.path());
    let file = file.into_iter().find(|it| it.extension().is_some_and(|it| it == "checkpoint"));
    std::fs::write(file.unwrap(), "nothing").unwrap();
    assert!(store.latest(&head(3).origin).await.is_err());
    assert!(store.advance(None, &head(1)).await.is_err());
}
