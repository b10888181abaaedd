//! Lists in pages: an opaque cursor, never an offset.

use serde::{Deserialize, Serialize};

/// The most items a page may hold.
pub const LIMIT_MAX: u16 = 1_000;
/// The items a page holds when nobody says.
pub const LIMIT_DEFAULT: u16 = 100;

/// How many items to return: 1 to [`LIMIT_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u16);

/// A limit outside 1 to [`LIMIT_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("limit must lie between 1 and 1000")]
pub struct LimitError;

impl Limit {
    /// The largest page.
    pub const MAX: Self = Self(LIMIT_MAX);

    /// A limit of 1 to [`LIMIT_MAX`].
    pub const fn new(n: u16) -> Result<Self, LimitError> {
        if n >= 1 && n <= LIMIT_MAX { Ok(Self(n)) } else { Err(LimitError) }
    }

    /// The number of items.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(LIMIT_DEFAULT)
    }
}

/// Where the next page begins; opaque to whoever holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
}
