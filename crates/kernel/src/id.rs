//! Typed identifiers: every id is its own type and prints its kind.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::{Entropy, Instant};

/// A text that is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {kind}")]
pub struct IdError {
    kind: &'static str,
    text: String,
}

/// A `UUIDv7` (RFC 9562) of the instant, with 74 bits of chance.
fn uuid_v7(now: Instant, entropy: &dyn Entropy) -> Uuid {
    let mut random = [0_u8; 10];
    entropy.fill(&mut random);
    let millis = u64::try_from(now.micros() / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh id of this instant; minted in use cases, never in adapters.
            pub fn mint(now: Instant, entropy: &dyn Entropy) -> Self {
                Self(uuid_v7(now, entropy))
            }

            /// The id with this UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Reads `prefix_uuid` or the bare UUID.
            fn from_str(text: &str) -> Result<Self, IdError> {
                let bare = text.strip_prefix(concat!($prefix, "_")).unwrap_or(text);
                Uuid::try_parse(bare)
                    .map(Self)
                    .map_err(|_| IdError { kind: $kind, text: clip(text) })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

fn clip(text: &str) -> String {
    text.chars().take(64).collect()
}

uuid_id!(
    /// The person (data subject): the UUID of the founder node.
    SubjectId, "sub", "a subject id"
);
uuid_id!(
    /// One identifier of one system, minted by identity at first sight.
    NodeId, "nod", "a node id"
);
uuid_id!(
    /// One decision and its record.
    DecisionId, "dec", "a decision id"
);
uuid_id!(
    /// One delivery, and the idempotency key of its hand-offs.
    DeliveryId, "dlv", "a delivery id"
);
uuid_id!(
    /// One admitted event.
    EventId, "evt", "an event id"
);
uuid_id!(
    /// One fact; consumers deduplicate on it.
    FactId, "fct", "a fact id"
);

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        // Invariant: 1 to 40 of `[a-z0-9._-]`.
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads the name: 1 to 40 of `[a-z0-9._-]`.
            pub fn new(text: &str) -> Result<Self, IdError> {
                let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
                if (1..=40).contains(&text.len()) && text.bytes().all(legal) {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError { kind: $kind, text: clip(text) })
                }
            }

            /// The name.
            pub fn as_str(&self) -> &str {
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
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
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

name_id!(
    /// The controller's tenant; the first argument of every finder.
    TenantId, "a tenant id"
);
name_id!(
    /// A member of staff, so that "never the author" means one thing.
    StaffId, "a staff id"
);
