//! Children: from which age a person consents alone (Art. 8(1)), by member state and date.
//!
//! A table of law as data, from public surveys of national law; counsel is to confirm each row.

use chrono::{NaiveDate, NaiveTime};
use kernel::Instant;

use crate::Jurisdiction;

/// The age where no law says another one (Art. 8(1)), and where it is not known whose law applies.
pub const CONSENT_AGE_MAX: i32 = 16;
/// The lowest age a law may say.
pub const CONSENT_AGE_MIN: i32 = 13;

/// The regime of the member states of the EEA.
const UNION: &str = "EU";

/// An age in force in a state since a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsentAge {
    /// ISO 3166-1; `GR`, not `EL`.
    pub state: &'static str,
    /// Year, month and day.
    pub since: (i32, u32, u32),
    /// From this age on a person consents alone.
    pub years: i32,
}

const fn row(state: &'static str, years: i32) -> ConsentAge {
    ConsentAge { state, since: (2018, 5, 25), years }
}

/// Ascending by state, then by day.
pub const CONSENT_AGES: &[ConsentAge] = &[
    row("AT", 14),
    row("BE", 13),
    row("BG", 14),
    row("CY", 14),
    row("CZ", 15),
    row("DE", 16),
    row("DK", 13),
    ConsentAge { state: "DK", since: (2024, 1, 1), years: 15 },
    row("EE", 13),
    row("ES", 14),
    row("FI", 13),
    row("FR", 15),
    row("GB", 13),
    row("GR", 15),
    row("HR", 16),
    row("HU", 16),
    row("IE", 16),
    row("IS", 13),
    row("IT", 14),
    row("LI", 16),
    row("LT", 14),
    row("LU", 16),
    row("LV", 13),
    row("MT", 13),
    row("NL", 16),
    row("NO", 13),
    row("PL", 16),
    row("PT", 13),
    row("RO", 16),
    row("SE", 13),
    row("SI", 16),
    ConsentAge { state: "SI", since: (2023, 1, 26), years: 15 },
    row("SK", 16),
];

impl ConsentAge {
    /// When it came into force: the beginning of its day, in UTC.
    pub fn in_force_from(&self) -> Instant {
        let (year, month, day) = self.since;
        let day = NaiveDate::from_ymd_opt(year, month, day);
        day.map_or(Instant::EPOCH, |it| Instant::from(it.and_time(NaiveTime::MIN).and_utc()))
    }
}

/// The ages of a state, in the order in which they came into force; none where nobody listed it.
pub fn consent_ages(of: Jurisdiction) -> impl Iterator<Item = &'static ConsentAge> {
    CONSENT_AGES.iter().filter(move |it| it.state == of.as_str())
}

/// Whether it is a member state of the EEA, where the purposes of the Union apply.
pub fn is_member_state(of: Jurisdiction) -> bool {
    of.as_str() != "GB" && consent_ages(of).next().is_some()
}

/// The regime a jurisdiction falls under: a member state falls under the Union's.
pub fn regime(of: Jurisdiction) -> Jurisdiction {
    match Jurisdiction::new(UNION) {
        Ok(union) if is_member_state(of) => union,
        _ => of,
    }
}
