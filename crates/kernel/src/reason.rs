//! Reason codes: permanent names for why something was refused, held or withheld.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `AREA.NAME[.DETAIL]` in `[A-Z0-9_.]`; permanent, never reused.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(Cow<'static, str>);

/// A text that is not a reason code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a reason code")]
pub struct ReasonError;

/// The longest code.
pub const REASON_BYTES_MAX: usize = 96;

const fn is_code(bytes: &[u8]) -> bool {
    let mut i = 0;
    let mut dots = 0;
    #[expect(clippy::indexing_slicing, reason = "the loop condition bounds the index")]
    while i < bytes.len() {
        match bytes[i] {
            b'A'..=b'Z' | b'0'..=b'9' | b'_' => {}
            b'.' if i > 0 && i + 1 < bytes.len() && bytes[i - 1] != b'.' => dots += 1,
            _ => return false,
        }
        i += 1;
    }
    dots >= 1 && bytes.len() <= REASON_BYTES_MAX
}

impl Reason {
    /// A code written in source; a malformed one fails the build when used in a `const`.
    #[expect(clippy::panic, reason = "evaluated at compile time in every const use")]
    pub const fn of(code: &'static str) -> Self {
        if is_code(code.as_bytes()) {
            Self(Cow::Borrowed(code))
        } else {
            panic!("not a reason code")
        }
    }

    /// A code read from data.
    pub fn parse(code: &str) -> Result<Self, ReasonError> {
        if is_code(code.as_bytes()) { Ok(Self(Cow::Owned(code.into()))) } else { Err(ReasonError) }
    }

    /// The code.
    pub fn code(&self) -> &str {
        &self.0
    }

    /// The area: everything before the first dot.
    pub fn area(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}
