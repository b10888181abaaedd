//! Names with one meaning everywhere: purposes, channels, classes, tiers, journey nodes.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A text that is not a legal name of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {kind}")]
pub struct WordError {
    kind: &'static str,
    text: String,
}

/// The longest dotted name.
pub const NAME_BYTES_MAX: usize = 96;

fn is_dotted(text: &str) -> bool {
    let segment = |it: &str| {
        !it.is_empty()
            && it
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
    };
    text.len() <= NAME_BYTES_MAX && text.split('.').all(segment)
}

macro_rules! dotted {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        // Invariant: dotted segments of `[a-z0-9_-]`.
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads a dotted name of `[a-z0-9_-]` segments.
            pub fn new(text: &str) -> Result<Self, WordError> {
                if is_dotted(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(WordError { kind: $kind, text: text.chars().take(64).collect() })
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
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = WordError;

            fn from_str(text: &str) -> Result<Self, WordError> {
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

dotted!(
    /// A purpose of the consent registry (`marketing.renewal`).
    PurposeKey, "a purpose key"
);
dotted!(
    /// A journey node's stable name (`renewal.day90`).
    JourneyNode, "a journey node"
);

impl PurposeKey {
    /// Whether this is the other purpose or lies under it: denials reach by prefix.
    pub fn is_or_under(&self, ancestor: &Self) -> bool {
        self.0.strip_prefix(&*ancestor.0).is_some_and(|it| it.is_empty() || it.starts_with('.'))
    }
}

/// A purpose at one version: what a grant matches exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurposeRef {
    /// The purpose.
    pub key: PurposeKey,
    /// Its version.
    pub version: u32,
}

impl fmt::Display for PurposeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.key, self.version)
    }
}

macro_rules! closed {
    ($(#[$doc:meta])* $name:ident, $kind:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name as written in files and bodies.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = WordError;

            fn from_str(text: &str) -> Result<Self, WordError> {
                Self::ALL.iter().copied().find(|it| it.as_str() == text).ok_or_else(|| WordError {
                    kind: $kind,
                    text: text.chars().take(64).collect(),
                })
            }
        }
    };
}

closed!(
    /// A contact channel; a closed list.
    Channel, "a channel" {
        /// Electronic mail.
        Email = "email",
        /// Text message.
        Sms = "sms",
        /// Push notification.
        Push = "push",
        /// A placement on a web page.
        Web = "web",
        /// A placement in an app.
        App = "app",
        /// A person calls or writes.
        HumanTask = "human_task",
        /// A partner's endpoint.
        Webhook = "webhook",
    }
);
closed!(
    /// Why an action exists.
    Class, "a class" {
        /// Law or contract requires it.
        Obligation = "obligation",
        /// Help, without promotion.
        Service = "service",
        /// Direct marketing.
        Marketing = "marketing",
    }
);
closed!(
    /// Risk tier: depth of testing and of human oversight.
    Tier, "a tier" {
        /// Cosmetic.
        T0 = "T0",
        /// Ordinary personalization.
        T1 = "T1",
        /// Costly or regulated.
        T2 = "T2",
        /// Legal or similarly significant effect (GDPR Art. 22).
        T3 = "T3",
    }
);
