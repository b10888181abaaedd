//! Short texts that cannot be wrong: labels and jurisdictions.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest label.
pub const LABEL_BYTES_MAX: usize = 128;
/// The longest jurisdiction code.
pub const JURISDICTION_BYTES_MAX: usize = 8;

/// A text that is not a label or a jurisdiction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {0}")]
pub struct LabelError(&'static str);

/// A short printable text: a source, a topic, a contract type, a reference.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Invariant: 1 to 128 bytes of printable ASCII.
pub struct Label(Arc<str>);

impl Label {
    /// Reads a label: 1 to [`LABEL_BYTES_MAX`] printable ASCII characters.
    pub fn new(text: &str) -> Result<Self, LabelError> {
        let legal = |b: u8| (b' '..=b'~').contains(&b);
        if (1..=LABEL_BYTES_MAX).contains(&text.len()) && text.bytes().all(legal) {
            Ok(Self(text.into()))
        } else {
            Err(LabelError("a label of 1 to 128 printable ASCII characters"))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        Self::new(text)
    }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(de::Error::custom)
    }
}

/// A legal regime a person may live under (`EU`, `GB`, `US-CA`); small enough to copy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Invariant: 2 to 8 of `[A-Z0-9-]`, padded with zero bytes.
pub struct Jurisdiction([u8; JURISDICTION_BYTES_MAX]);

impl Jurisdiction {
    /// Reads a code: 2 to [`JURISDICTION_BYTES_MAX`] of `[A-Z0-9-]`.
    pub fn new(text: &str) -> Result<Self, LabelError> {
        let legal = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
        if !(2..=JURISDICTION_BYTES_MAX).contains(&text.len()) || !text.bytes().all(legal) {
            return Err(LabelError("a jurisdiction of 2 to 8 of A-Z, 0-9 and -"));
        }
        let mut code = [0_u8; JURISDICTION_BYTES_MAX];
        for (to, from) in code.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        Ok(Self(code))
    }

    /// Whether it is the other one, a state of it (`US-CA` of `US`), or a member state of the Union.
    pub fn is_in(self, other: Self) -> bool {
        self == other
            || crate::minor::regime(self) == other
            || self.as_str().split_once('-').is_some_and(|it| it.0 == other.as_str())
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default().trim_end_matches('\0')
    }
}

impl fmt::Display for Jurisdiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Jurisdiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Jurisdiction {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        Self::new(text)
    }
}

impl Serialize for Jurisdiction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Jurisdiction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(de::Error::custom)
    }
}
