//! Conditions: CEL syntax, a closed typed subset, three truth values.
//!
//! A condition is compiled once, when its node is, into postfix code over slots. Evaluation
//! allocates nothing, reads no clock and always ends; an unknown carries the fields to blame.

mod check;
mod emit;
mod lexer;
mod parser;
mod program;

use std::sync::Arc;

pub use check::Names;
pub use program::{Cell, ERROR_BIT, HISTORY_BIT, Mask, Program, Scope, TABLE_BIT};

/// The longest source text of a condition.
pub const SOURCE_BYTES_MAX: usize = 2_048;
/// The deepest nesting of an expression.
pub const DEPTH_MAX: usize = 24;
/// The most instructions of a program.
pub const OPS_MAX: usize = 512;
/// The most items of a literal list.
pub const LIST_MAX: usize = 256;
/// The longest literal string.
pub const TEXT_BYTES_MAX: usize = 1_024;

/// The types a condition knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Yes or no.
    Bool,
    /// A whole number.
    Int,
    /// Text.
    Text,
    /// A point in time.
    At,
    /// A span of time.
    Duration,
    /// A calendar date.
    Date,
}

impl Type {
    /// The name in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Text => "string",
            Self::At => "timestamp",
            Self::Duration => "duration",
            Self::Date => "date",
        }
    }
}

/// Why a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}, at byte {at}")]
pub struct ConditionError {
    /// The rule that refused it, permanent.
    pub rule: &'static str,
    /// Where in the text.
    pub at: usize,
    /// What is wrong.
    pub message: String,
}

impl ConditionError {
    pub(crate) fn new(rule: &'static str, at: usize, message: impl Into<String>) -> Self {
        Self { rule, at, message: message.into() }
    }
}

/// An expression and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expr {
    at: usize,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Bool(bool),
    Int(i64),
    Text(Arc<str>),
    /// A dotted name.
    Name(String),
    /// A function or a method with its dotted receiver (`hist.count`).
    Call(String, Vec<Expr>),
    List(Vec<Expr>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    Choose(Box<Expr>, Box<Expr>, Box<Expr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    In,
    Plus,
    Minus,
}

/// Compiles a condition that answers yes or no.
pub fn compile(source: &str, names: &mut Names) -> Result<Program, ConditionError> {
    let expr = parser::parse(source)?;
    check::condition(&expr, names)
}
