//! The laws of a witness and of what it remembers.

use ed25519_dalek::{Signer as _, SigningKey};

use super::origin;
use crate::{
    note::{Checkpoint, Origin, SignedCheckpoint, VerifierKey, WitnessKey},
    ports::{Witness, WitnessStore, Witnessed},
    tree::{self, Hash, Tree, leaf_hash},
    witness::AddCheckpoint,
};

/// A witness under test: it knows the log of [`log_key`], and no other.
#[derive(Debug)]
pub struct WitnessFixture<W> {
    /// The witness.
    pub witness: W,
    /// Its key.
    pub key: WitnessKey,
}

const LOG_SEED: [u8; 32] = [6; 32];

/// The key of the log a witness under test knows.
pub fn log_key() -> VerifierKey {
    VerifierKey::new(origin(), SigningKey::from_bytes(&LOG_SEED).verifying_key().to_bytes())
}

fn leaves(n: u64) -> Vec<Hash> {
    (0..n).map(|it| leaf_hash(&it.to_be_bytes())).collect()
}

fn head(size: u64) -> Checkpoint {
    Checkpoint { origin: origin(), size, root: tree::root_of(leaves(size)) }
}

fn signed(head: &Checkpoint, seed: [u8; 32]) -> String {
    let key = SigningKey::from_bytes(&seed);
    let signature = key.sign(head.body().as_bytes()).to_bytes();
    head.signed(key.verifying_key().to_bytes(), &signature)
}

fn request(old: u64, head: &Checkpoint) -> AddCheckpoint {
    let mut tree = Tree::default();
    tree.extend(leaves(head.size));
    let blocks = tree::Block { number: 0, leaves: &leaves(head.size) };
    let proof = tree.consistency(old, blocks).unwrap();
    AddCheckpoint { old, proof, note: signed(head, LOG_SEED) }
}

/// A head is kept only after the one before it, and the last stays.
pub async fn a_head_is_kept_only_after_the_one_before_it(store: &dyn WitnessStore) {
    let (first, second, other) = (head(3), head(5), head(4));
    assert_eq!(store.latest(&origin()).await.unwrap(), None);
    assert!(!store.advance(Some(&first), &second).await.unwrap());
    assert!(store.advance(None, &first).await.unwrap());
    assert!(!store.advance(None, &other).await.unwrap());
    assert!(store.advance(Some(&first), &second).await.unwrap());
    assert!(!store.advance(Some(&first), &other).await.unwrap());
    assert_eq!(store.latest(&origin()).await.unwrap(), Some(second));
}

/// What is remembered of one log says nothing of another.
pub async fn logs_are_remembered_apart(store: &dyn WitnessStore) {
    let other = Origin::new("audit.example/zenith/2026h1").unwrap();
    store.advance(None, &head(3)).await.unwrap();
    assert_eq!(store.latest(&other).await.unwrap(), None);
    let theirs = Checkpoint { origin: other.clone(), ..head(2) };
    assert!(store.advance(None, &theirs).await.unwrap());
    assert_eq!(store.latest(&other).await.unwrap(), Some(theirs));
    assert_eq!(store.latest(&origin()).await.unwrap(), Some(head(3)));
}

/// What extends the last head is cosigned, again as often as it is asked for.
pub async fn what_extends_the_last_head_is_cosigned<W: Witness>(fixture: &WitnessFixture<W>) {
    for (old, new) in [(0, 3), (3, 7), (7, 7)] {
        let request = request(old, &head(new));
        let answer = fixture.witness.add_checkpoint(&request).await.unwrap();
        let lines = match answer {
            Witnessed::Cosigned(lines) => lines,
            Witnessed::At(_) | Witnessed::Refused => String::new(),
        };
        let note = SignedCheckpoint::parse(&format!("{}{lines}", request.note)).unwrap();
        assert!(note.cosigned(&fixture.key).is_ok());
    }
}

/// Who asks from elsewhere than the last head, or for another root, is told where it stands.
pub async fn a_witness_says_where_it_stands<W: Witness>(fixture: &WitnessFixture<W>) {
    let ask = async |it: &AddCheckpoint| fixture.witness.add_checkpoint(it).await.unwrap();
    ask(&request(0, &head(5))).await;
    assert_eq!(ask(&request(0, &head(9))).await, Witnessed::At(5));
    assert_eq!(ask(&request(3, &head(4))).await, Witnessed::At(5));
    let other = Checkpoint { root: leaf_hash(b"another history"), ..head(5) };
    let forked = AddCheckpoint { old: 5, proof: Vec::new(), note: signed(&other, LOG_SEED) };
    assert_eq!(ask(&forked).await, Witnessed::At(5));
}

/// What is not signed by a known log, or does not extend the last head, is refused.
pub async fn what_is_not_proven_is_refused<W: Witness>(fixture: &WitnessFixture<W>) {
    let ask = async |it: &AddCheckpoint| fixture.witness.add_checkpoint(it).await.unwrap();
    ask(&request(0, &head(5))).await;
    let good = request(5, &head(9));
    let unsigned = AddCheckpoint { note: signed(&head(9), [7; 32]), ..good.clone() };
    assert_eq!(ask(&unsigned).await, Witnessed::Refused);
    let elsewhere = Checkpoint { origin: Origin::new("other.example").unwrap(), ..head(9) };
    let unknown = AddCheckpoint { note: signed(&elsewhere, LOG_SEED), ..good.clone() };
    assert_eq!(ask(&unknown).await, Witnessed::Refused);
    let other = Checkpoint { root: leaf_hash(b"another history"), ..head(9) };
    let forked = AddCheckpoint { note: signed(&other, LOG_SEED), ..good.clone() };
    assert_eq!(ask(&forked).await, Witnessed::Refused);
    assert!(matches!(ask(&good).await, Witnessed::Cosigned(_)), "nothing of it is remembered");
}

/// The suite of [`WitnessStore`]: `witness_store_suite!(module, async expression giving an empty one)`.
#[macro_export]
macro_rules! witness_store_suite {
    ($module:ident, $store:expr) => {
        mod $module {
            $crate::witness_store_suite!(@law $store;
                a_head_is_kept_only_after_the_one_before_it
                logs_are_remembered_apart
            );
        }
    };
    (@law $port:expr; $($law:ident)+) => {
        $(
            #[tokio::test]
            async fn $law() {
                let port = $port.await;
                $crate::contract::witness::$law(&port).await;
            }
        )+
    };
}

/// The suite of [`Witness`]: `witness_suite!(module, async expression giving a fixture)`.
#[macro_export]
macro_rules! witness_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::witness_store_suite!(@law $fixture;
                what_extends_the_last_head_is_cosigned
                a_witness_says_where_it_stands
                what_is_not_proven_is_refused
            );
        }
    };
}
