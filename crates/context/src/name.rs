//! The names context gives to things: fields, event types, objects, boundaries, regions.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest name of any kind.
pub const NAME_BYTES_MAX: usize = 96;
/// The longest object id or identifier.
pub const ID_BYTES_MAX: usize = 256;

/// A text that is not a legal name of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {0}")]
pub struct NameError(&'static str);

fn is_name(text: &str, parts_min: usize) -> bool {
    let legal = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"_-".contains(&it);
    text.len() <= NAME_BYTES_MAX
        && text.split('.').count() >= parts_min
        && text.split('.').all(|part| !part.is_empty() && part.bytes().all(legal))
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $parts_min:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        // Invariant: dotted segments of `[a-z0-9_-]`, at least as many as its kind has.
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads the name.
            pub fn new(text: &str) -> Result<Self, NameError> {
                if is_name(text, $parts_min) { Ok(Self(text.into())) } else { Err(NameError($kind)) }
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// So that maps are asked with a text.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(&text).map_err(de::Error::custom)
            }
        }
    };
}

name!(
    /// A field of the catalogue: `entity.attribute`.
    FieldKey, "a field key such as `policy.renewal_on`", 2
);
name!(
    /// The type of an event, its major version included: `claim.milestone.v2`.
    EventType, "an event type such as `claim.milestone.v2`", 2
);
name!(
    /// What kind of business object a field belongs to: `policy`, `claim`, `interaction`.
    ObjectKind, "an object kind", 1
);
name!(
    /// A boundary artifact.
    BoundaryId, "a boundary name", 1
);
name!(
    /// A category of personal data.
    CategoryKey, "a category", 1
);

/// A business object: some fields belong to it, not to the person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its id within its kind, 1 to [`ID_BYTES_MAX`] bytes.
    pub id: String,
}

/// A region or jurisdiction: `EU`, `GB`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Invariant: 2 to 8 ASCII capitals or hyphens.
pub struct Region(Arc<str>);

impl Region {
    /// Reads 2 to 8 capitals.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let legal = |it: u8| it.is_ascii_uppercase() || it == b'-';
        if (2..=8).contains(&text.len()) && text.bytes().all(legal) {
            Ok(Self(text.into()))
        } else {
            Err(NameError("a region such as `EU`"))
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(de::Error::custom)
    }
}

/// What is done with data; a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataAction {
    /// Show or read in a rule.
    Read,
    /// Compute something new from it.
    Compute,
    /// Compare people by it.
    Match,
    /// Put it into a message to the person.
    Send,
    /// Hand it to another controller.
    Share,
    /// Train a model on it.
    Train,
    /// Export it in bulk.
    Export,
}

impl DataAction {
    /// Every action, in order.
    pub const ALL: [Self; 7] = [
        Self::Read,
        Self::Compute,
        Self::Match,
        Self::Send,
        Self::Share,
        Self::Train,
        Self::Export,
    ];
}
