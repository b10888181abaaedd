//! The laws of the keyring and the signer.

use kernel::{SeededEntropy, SubjectId};

use super::{acme, at, origin, zenith};
use crate::{
    entry::RetentionClass,
    key::{Key, KeyOwner},
    note::{Checkpoint, SignedCheckpoint, VerifierKey},
    ports::{Keyring, Signer},
    tree,
};

fn owners() -> [KeyOwner; 3] {
    let subject = SubjectId::from_uuid(uuid::Uuid::from_bytes([9; 16]));
    let class = RetentionClass::of("law");
    [
        KeyOwner::Subject { subject, class: class.clone() },
        KeyOwner::period(at(), &class),
        KeyOwner::Log,
    ]
}

fn minted(seed: u64) -> Vec<(KeyOwner, Key)> {
    let entropy = SeededEntropy::new(seed);
    owners().into_iter().map(|it| (it, Key::mint(&entropy))).collect()
}

fn keys(minted: &[(KeyOwner, Key)]) -> Vec<Key> {
    minted.iter().map(|(_, key)| key.clone()).collect()
}

/// Kept keys are found by owner and opened by name, in the order asked.
pub async fn kept_keys_are_found_and_opened(keyring: &dyn Keyring) {
    let minted = minted(1);
    assert_eq!(keyring.find(&acme(), &owners()).await.unwrap(), [None, None, None]);
    assert_eq!(keyring.keep(&acme(), &minted).await.unwrap(), keys(&minted));
    let found = keyring.find(&acme(), &owners()).await.unwrap();
    assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), keys(&minted));
    let absent = Key::mint(&SeededEntropy::new(9)).kid();
    let kids = [minted[2].1.kid(), absent, minted[0].1.kid()];
    let opened = keyring.open(&acme(), &kids).await.unwrap();
    assert_eq!(opened, [Some(minted[2].1.clone()), None, Some(minted[0].1.clone())]);
}

/// The key kept first is the owner's for good.
pub async fn the_key_kept_first_wins(keyring: &dyn Keyring) {
    let (first, second) = (minted(1), minted(2));
    keyring.keep(&acme(), &first[..1]).await.unwrap();
    let kept = keyring.keep(&acme(), &second).await.unwrap();
    assert_eq!(kept, [first[0].1.clone(), second[1].1.clone(), second[2].1.clone()]);
    let lost = keyring.open(&acme(), &[second[0].1.kid()]).await.unwrap();
    assert_eq!(lost, [None]);
}

/// One tenant's keys are not there for another, by owner or by name.
pub async fn tenants_do_not_share_keys(keyring: &dyn Keyring) {
    let minted = minted(1);
    keyring.keep(&acme(), &minted).await.unwrap();
    assert_eq!(keyring.find(&zenith(), &owners()).await.unwrap(), [None, None, None]);
    assert_eq!(keyring.open(&zenith(), &[minted[0].1.kid()]).await.unwrap(), [None]);
}

/// A closed key opens, but is nobody's; its owner's next key is another.
pub async fn a_closed_key_opens_and_is_nobodys(keyring: &dyn Keyring) {
    let (first, second) = (minted(1), minted(2));
    keyring.keep(&acme(), &first).await.unwrap();
    let kids = [first[0].1.kid()];
    keyring.close(&zenith(), &kids).await.unwrap();
    assert_eq!(keyring.find(&acme(), &owners()[..1]).await.unwrap(), [Some(first[0].1.clone())]);
    for _ in 0..2 {
        keyring.close(&acme(), &kids).await.unwrap();
        assert_eq!(
            keyring.find(&acme(), &owners()[..2]).await.unwrap(),
            [None, Some(first[1].1.clone())]
        );
        assert_eq!(keyring.open(&acme(), &kids).await.unwrap(), [Some(first[0].1.clone())]);
    }
    let kept = keyring.keep(&acme(), &second[..1]).await.unwrap();
    assert_eq!(kept, [second[0].1.clone()]);
    assert_eq!(keyring.open(&acme(), &kids).await.unwrap(), [Some(first[0].1.clone())]);
}

/// A destroyed key never opens again, closed before or not; others stay.
pub async fn a_destroyed_key_never_returns(keyring: &dyn Keyring) {
    let minted = minted(1);
    keyring.keep(&acme(), &minted).await.unwrap();
    let kids = [minted[0].1.kid(), minted[1].1.kid()];
    keyring.close(&acme(), &kids[..1]).await.unwrap();
    keyring.destroy(&zenith(), &kids).await.unwrap();
    assert!(keyring.open(&acme(), &kids).await.unwrap().iter().all(Option::is_some));
    for _ in 0..2 {
        keyring.destroy(&acme(), &kids).await.unwrap();
        assert_eq!(keyring.open(&acme(), &kids).await.unwrap(), [None, None]);
        assert_eq!(
            keyring.find(&acme(), &owners()).await.unwrap(),
            [None, None, Some(minted[2].1.clone())]
        );
    }
}

/// A signature verifies under the public key, and the same body gives the same one.
pub async fn signatures_verify_and_repeat(signer: &dyn Signer) {
    let checkpoint = Checkpoint { origin: origin(), size: 0, root: tree::empty_root() };
    let signature = signer.sign(checkpoint.body().as_bytes()).await.unwrap();
    assert_eq!(signer.sign(checkpoint.body().as_bytes()).await.unwrap(), signature);
    let public = signer.public_key().await.unwrap();
    let note = SignedCheckpoint::parse(&checkpoint.signed(public, &signature)).unwrap();
    assert_eq!(note.verify(&VerifierKey::new(origin(), public)), Ok(()));
}

/// The suite of [`Keyring`]: `keyring_suite!(module, async expression giving an empty one)`.
#[macro_export]
macro_rules! keyring_suite {
    ($module:ident, $keyring:expr) => {
        mod $module {
            $crate::keyring_suite!(@law $keyring;
                kept_keys_are_found_and_opened
                the_key_kept_first_wins
                tenants_do_not_share_keys
                a_closed_key_opens_and_is_nobodys
                a_destroyed_key_never_returns
            );
        }
    };
    (@law $port:expr; $($law:ident)+) => {
        $(
            #[tokio::test]
            async fn $law() {
                let port = $port.await;
                $crate::contract::keys::$law(&port).await;
            }
        )+
    };
}

/// The suite of [`Signer`]: `signer_suite!(module, async expression giving one)`.
#[macro_export]
macro_rules! signer_suite {
    ($module:ident, $signer:expr) => {
        mod $module {
            $crate::keyring_suite!(@law $signer;
                signatures_verify_and_repeat
            );
        }
    };
}
