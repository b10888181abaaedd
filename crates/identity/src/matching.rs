//! Probabilistic matching: which records are probably one person, and what that may never decide.
//!
//! Records become [`row`]s; [`blocking`] says which two are worth comparing, [`pattern`] what
//! comparing them says, [`chance`] and [`fit`] what that means without a label, [`model`] what it
//! weighs, [`cluster`] who is one person. Pure: the same records, options and seed give the same
//! answer in any order.

use kernel::Reason;

pub mod blocking;
pub mod chance;
pub mod cluster;
pub mod dice;
pub mod fit;
pub mod fold;
pub mod job;
pub mod likeness;
pub mod model;
pub mod pairs;
pub mod pattern;
pub mod probable;
pub mod quality;
pub mod row;
pub mod threshold;

#[cfg(any(test, feature = "testing"))]
pub mod population;

#[cfg(test)]
mod tests;

/// The most records of a job.
pub const ROWS_MAX: usize = 50_000_000;
/// The most rows of a block; a larger one is left out and reported.
pub const BLOCK_ROWS_MAX: usize = 4_000;
/// The most rows of a block whose rule asks for no more than two names, or a name and a postcode.
pub const LOOSE_ROWS_MAX: usize = 64;
/// The most pairs all blocks may make: twelve bytes each.
pub const PAIRS_MAX: u64 = 1_000_000_000;
/// The most records of a cluster.
pub const CLUSTER_RECORDS_MAX: usize = 1_000;
/// The most rounds of a fit.
pub const EM_ITERATIONS_MAX: usize = 500;

/// The attributes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// The given name.
    GivenName,
    /// The surname.
    Surname,
    /// The birth date.
    BirthDate,
    /// The street.
    Street,
    /// The house number.
    Number,
    /// The postcode.
    Postcode,
    /// The e-mail address.
    Email,
    /// The phone number.
    Phone,
    /// The national id.
    NationalId,
}

impl Attribute {
    /// Every attribute, in the order of [`Values`].
    pub const ALL: [Self; 9] = [
        Self::GivenName,
        Self::Surname,
        Self::BirthDate,
        Self::Street,
        Self::Number,
        Self::Postcode,
        Self::Email,
        Self::Phone,
        Self::NationalId,
    ];

    /// The name as a file's column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GivenName => "given_name",
            Self::Surname => "surname",
            Self::BirthDate => "birth_date",
            Self::Street => "street",
            Self::Number => "house_number",
            Self::Postcode => "postcode",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::NationalId => "national_id",
        }
    }

    /// Other names files have for it; none means two things.
    pub const fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::GivenName => &["first_name", "firstname", "given", "forename"],
            Self::Surname => &["last_name", "lastname", "family_name"],
            Self::BirthDate => &["date_of_birth", "dob", "birthdate", "birthday"],
            Self::Street => &["street_name", "address_1", "address"],
            Self::Number => &["street_number", "number", "house_no"],
            Self::Postcode => &["post_code", "zip", "zip_code", "postal_code"],
            Self::Email => &["e_mail", "email_address", "mail"],
            Self::Phone => &["phone_number", "telephone", "mobile"],
            Self::NationalId => &["soc_sec_id", "ssn", "tax_id", "nin"],
        }
    }
}

/// What a record says, in the order of [`Attribute`]; empty where it says nothing.
pub type Values<'a> = [&'a str; 9];

/// Why a job was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// The blocks make more pairs than [`PAIRS_MAX`].
    #[error("the blocks make {0} pairs, more than are allowed")]
    TooManyPairs(u64),
    /// Not one pair looks like one person: there is nothing to learn from.
    #[error("no pair of records looks like one person")]
    NoMatchClass,
    /// The fit did not settle within [`EM_ITERATIONS_MAX`] rounds.
    #[error("the fit did not settle")]
    NotConverged,
}

impl MatchError {
    /// The code it is refused with.
    pub const fn reason(self) -> Reason {
        match self {
            Self::TooManyPairs(_) => Reason::of("ID.MATCH.PAIRS_OVER_LIMIT"),
            Self::NoMatchClass => Reason::of("ID.MATCH.NO_MATCH_CLASS"),
            Self::NotConverged => Reason::of("ID.MATCH.NOT_CONVERGED"),
        }
    }
}
