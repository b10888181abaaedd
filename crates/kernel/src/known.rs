//! Values that know whether they are known.

use std::{fmt, sync::Arc};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{Instant, Money};

/// The home system of a value, as the field catalogue names it (`crm`, `policy_admin`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SystemId(Arc<str>);

impl SystemId {
    /// The system of this name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The rule that made a value not applicable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(Arc<str>);

impl RuleId {
    /// The rule of this name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a value is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nothing was ever seen.
    Missing,
    /// Older than the asker accepts, or its source is silent.
    Stale,
    /// Something was seen that cannot be read.
    Malformed,
    /// There is a value the asker may not have.
    Withheld,
    /// The source could not be asked.
    SourceDown,
    /// Past a limit.
    Overflow,
}

/// A value, the cause of its absence, or the rule that makes it meaningless.
///
/// There is no conversion from `Option`: whoever has nothing must say why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    /// Known.
    Is {
        /// The value.
        value: T,
        /// The system it came from.
        source: SystemId,
        /// When it was true.
        as_of: Instant,
    },
    /// Not known, and why.
    Unknown(Why),
    /// Known to have no meaning here, by a named rule.
    NotApplicable(RuleId),
}

impl<T> Known<T> {
    /// The value, where it is known.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Is { value, .. } => Some(value),
            Self::Unknown(_) | Self::NotApplicable(_) => None,
        }
    }

    /// The same knowledge about another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::Is { value, source, as_of } => Known::Is { value: f(value), source, as_of },
            Self::Unknown(why) => Known::Unknown(why),
            Self::NotApplicable(rule) => Known::NotApplicable(rule),
        }
    }
}

/// What a field can hold, in every domain that reads fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// An integer within ±(2⁵³−1).
    Int(i64),
    /// Text in NFC.
    Text(String),
    /// A point in time.
    At(Instant),
    /// A calendar date without a zone.
    Date(NaiveDate),
    /// An amount.
    Money(Money),
    /// A bounded list.
    List(Vec<Value>),
}

impl Value {
    /// The name of the value's type, as schemas and conditions write it.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Text(_) => "string",
            Self::At(_) => "timestamp",
            Self::Date(_) => "date",
            Self::Money(_) => "money",
            Self::List(_) => "list",
        }
    }
}
