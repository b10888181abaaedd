//! Keys: who owns one, how it is named, how it is wrapped.

use std::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use chrono::Datelike as _;
use kernel::{Entropy, Instant, SubjectId};
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use crate::entry::RetentionClass;

/// Names a key; chance, never derived from a person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kid([u8; 16]);

impl Kid {
    /// The name with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kid({})", hex::encode(self.0))
    }
}

/// An unwrapped key: 32 bytes of chance under a name.
#[derive(Clone, ZeroizeOnDrop, PartialEq, Eq)]
pub struct Key {
    #[zeroize(skip)]
    kid: Kid,
    secret: [u8; 32],
}

impl Key {
    /// The key of this name.
    pub const fn new(kid: Kid, secret: [u8; 32]) -> Self {
        Self { kid, secret }
    }

    /// A fresh key.
    pub fn mint(entropy: &dyn Entropy) -> Self {
        let mut kid = [0; 16];
        let mut secret = [0; 32];
        entropy.fill(&mut kid);
        entropy.fill(&mut secret);
        Self { kid: Kid(kid), secret }
    }

    /// The name.
    pub const fn kid(&self) -> Kid {
        self.kid
    }

    /// The secret.
    pub const fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?})", self.kid)
    }
}

/// Whose key: there is one for each owner of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyOwner {
    /// A person's records of one class.
    Subject {
        /// The person.
        subject: SubjectId,
        /// The class.
        class: RetentionClass,
    },
    /// A month's records of one class.
    Period {
        /// Months since year 0, in UTC.
        month: u32,
        /// The class.
        class: RetentionClass,
    },
    /// The log itself: blind lookups.
    Log,
}

impl KeyOwner {
    /// The owner of the period key of this instant.
    pub fn period(at: Instant, class: &RetentionClass) -> Self {
        let at = at.utc();
        let month = u32::try_from(at.year()).unwrap_or(0) * 12 + at.month0();
        Self::Period { month, class: class.clone() }
    }

    /// The owner's bytes; a store keeps them blinded, since one kind names a person.
    pub fn label(&self) -> Vec<u8> {
        match self {
            Self::Subject { subject, class } => {
                [b"s", subject.uuid().as_bytes().as_slice(), class.as_str().as_bytes()].concat()
            }
            Self::Period { month, class } => {
                [b"p", month.to_be_bytes().as_slice(), class.as_str().as_bytes()].concat()
            }
            Self::Log => b"l".to_vec(),
        }
    }
}

/// A wrapped key that does not open under this key-encryption key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("wrapped key does not open under this key-encryption key")]
pub struct WrapError;

/// Encrypts a key under a key-encryption key, bound to its name and to `bound`.
pub fn wrap(
    kek: &[u8; 32],
    nonce: [u8; 12],
    key: &Key,
    bound: &[u8],
) -> Result<Vec<u8>, WrapError> {
    let aad = [key.kid.0.as_slice(), bound].concat();
    let sealed = Aes256Gcm::new(kek.into())
        .encrypt(&Nonce::from(nonce), Payload { msg: &key.secret, aad: &aad })
        .map_err(|_| WrapError)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens what [`wrap`] made.
pub fn unwrap(kek: &[u8; 32], kid: Kid, wrapped: &[u8], bound: &[u8]) -> Result<Key, WrapError> {
    let (nonce, sealed) = wrapped.split_first_chunk::<12>().ok_or(WrapError)?;
    let aad = [kid.0.as_slice(), bound].concat();
    let opened = Zeroizing::new(
        Aes256Gcm::new(kek.into())
            .decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: &aad })
            .map_err(|_| WrapError)?,
    );
    let mut secret: [u8; 32] = opened.as_slice().try_into().map_err(|_| WrapError)?;
    let key = Key::new(kid, secret);
    secret.zeroize();
    Ok(key)
}
