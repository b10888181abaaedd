//! Google's consent mode: seven kinds of storage and use, each granted or denied.
//!
//! Both ways: what a page's banner says takes away, and what stands here says what a page may tell
//! its tags. A kind nobody's purpose names is denied to tags, because absence is never permission.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Purpose;

/// A kind of storage or use, as the mode names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "named as the mode names them")]
pub enum ConsentType {
    AdStorage,
    AdUserData,
    AdPersonalization,
    AnalyticsStorage,
    FunctionalityStorage,
    PersonalizationStorage,
    SecurityStorage,
}

impl ConsentType {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::AdStorage,
        Self::AdUserData,
        Self::AdPersonalization,
        Self::AnalyticsStorage,
        Self::FunctionalityStorage,
        Self::PersonalizationStorage,
        Self::SecurityStorage,
    ];

    pub(super) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What the mode says of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentState {
    /// It may be.
    Granted,
    /// It may not.
    Denied,
}

/// The mode of a page: what it says of each kind it names.
pub type ConsentMode = BTreeMap<ConsentType, ConsentState>;

/// What a page may tell its tags: a kind is granted where some purpose needs it and every purpose
/// that needs it is permitted.
pub fn told_to_tags(purposes: &[(&Purpose, bool)]) -> ConsentMode {
    let state = |kind: ConsentType| {
        let mut named = purposes.iter().filter(|it| it.0.consent_mode.contains(&kind));
        let first = named.next().is_some_and(|it| it.1);
        if first && named.all(|it| it.1) { ConsentState::Granted } else { ConsentState::Denied }
    };
    ConsentType::ALL.into_iter().map(|it| (it, state(it))).collect()
}
