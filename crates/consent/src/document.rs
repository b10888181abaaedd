//! Documents handed to a person, signed so that they verify offline: Ed25519 (RFC 8032) over the
//! canonical bytes (RFC 8785) of everything but the signature.

use std::{fmt, str::FromStr};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use kernel::CanonicalError;
use serde_json::{Value, json};

/// What is signed begins with this, so that no signature serves anything else.
const CONTEXT: &[u8] = b"assent.document/1\n";
const ALGORITHM: &str = "Ed25519";
const CANONICALIZATION: &str = "RFC 8785";
const SIGNATURE: &str = "signature";
const PREFIX: &str = "assent-documents+";

/// The key that signs documents.
pub struct DocumentKey(SigningKey);

impl fmt::Debug for DocumentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DocumentKey(..)")
    }
}

/// The public half: what a stranger must get from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// A text that is no public key of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public key of documents: `assent-documents+` and 64 hexadecimal digits")]
pub struct KeyError;

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hex::encode(self.0))
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let digits = text.trim().strip_prefix(PREFIX).ok_or(KeyError)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| KeyError)?;
        Ok(Self(bytes))
    }
}

impl DocumentKey {
    /// The key of this secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// The document with its signature; one that is no object is left as it is.
    pub fn sign(&self, mut document: Value) -> Result<Value, CanonicalError> {
        if let Some(members) = document.as_object_mut() {
            members.remove(SIGNATURE);
        }
        let signature = self.0.sign(&signed_bytes(&document)?);
        if let Some(members) = document.as_object_mut() {
            let signature = json!({
                "algorithm": ALGORITHM,
                "canonicalization": CANONICALIZATION,
                "public_key": self.public().to_string(),
                "value": hex::encode(signature.to_bytes()),
            });
            members.insert(SIGNATURE.into(), signature);
        }
        Ok(document)
    }
}

fn signed_bytes(document: &Value) -> Result<Vec<u8>, CanonicalError> {
    Ok([CONTEXT, &kernel::canonical::canonical_value(document)?].concat())
}

/// How far a document can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Signed by the trusted key, and nothing was changed.
    Trusted,
    /// Sound, but nobody said that its key is to be trusted.
    UnknownKey,
    /// Changed, or signed by another key than it says.
    Broken,
    /// Not a signed document.
    NotOne,
}

/// Whether a value looks like a signed document of ours.
pub fn is_signed(document: &Value) -> bool {
    document.get(SIGNATURE).is_some_and(|it| it["canonicalization"] == CANONICALIZATION)
}

/// Checks a document, offline.
pub fn verify(document: &Value, trusted: Option<&PublicKey>) -> Trust {
    let mut document = document.clone();
    let signature = document.as_object_mut().and_then(|it| it.remove(SIGNATURE));
    let Some(signature) = signature.filter(|it| it["canonicalization"] == CANONICALIZATION) else {
        return Trust::NotOne;
    };
    let text = |name: &str| signature.get(name).and_then(Value::as_str).unwrap_or_default();
    let Ok(public) = text("public_key").parse::<PublicKey>() else { return Trust::Broken };
    let mut bytes = [0; 64];
    if text("algorithm") != ALGORITHM || hex::decode_to_slice(text("value"), &mut bytes).is_err() {
        return Trust::Broken;
    }
    let Ok(key) = VerifyingKey::from_bytes(&public.0) else { return Trust::Broken };
    let Ok(signed) = signed_bytes(&document) else { return Trust::Broken };
    match key.verify_strict(&signed, &Signature::from_bytes(&bytes)) {
        Ok(()) if trusted == Some(&public) => Trust::Trusted,
        Ok(()) if trusted.is_none() => Trust::UnknownKey,
        Ok(()) | Err(_) => Trust::Broken,
    }
}
