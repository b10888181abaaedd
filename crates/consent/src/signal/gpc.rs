//! Global Privacy Control (W3C): one header that says "do not sell or share".

use chrono::NaiveDate;
use serde::Serialize;

/// The header.
pub const HEADER: &str = "sec-gpc";
/// Who acts where it is recorded.
pub const ACTOR: &str = "gpc";
/// The only value that counts, exactly.
const ON: &str = "1";

/// Whether the header was sent with the one value that counts; its absence says nothing.
///
/// The specification defines the value `1` and no other: `"1"`, `01`, `1;x` and `true` are ignored.
pub fn counts<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> bool {
    values.into_iter().any(|it| it == ON.as_bytes())
}

/// What `/.well-known/gpc.json` says: that this site abides by the signal, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Support {
    gpc: bool,
    last_update: NaiveDate,
}

impl Support {
    /// Abides by it, as last stated on this day.
    pub const fn since(last_update: NaiveDate) -> Self {
        Self { gpc: true, last_update }
    }
}
