//! `assent identity`: matching records without a server or a label, and why people are who they are.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

mod config;
mod evaluate;
mod explain;
mod matching;
mod reading;
mod report;
mod writing;

/// Find out which records are probably one person, or why identifiers are one.
#[derive(Debug, Subcommand)]
pub enum Identity {
    /// Match the records of one CSV file with each other, or those of several files.
    ///
    /// Columns are found by their names (`given_name`, `surname`, `birth_date`, `street`,
    /// `house_number`, `postcode`, `email`, `phone`, `national_id`, and common other names for them;
    /// `id` for the record) or
    /// named in a configuration. Nothing is labelled: what agreement means is learnt from the
    /// records. The same files, options and seed give the same bytes. A link is a probability: it is
    /// for review and for counting, and decides nothing about anybody.
    ///
    /// Needs about 500 bytes of memory a record and 12 a compared pair.
    Match(matching::Match),
    /// Judge clusters against a file of labels: pairs, whole clusters, and B-cubed.
    Evaluate(evaluate::Evaluate),
    /// Say why two identifiers are one person, or what was refused between them; 1 if they are not.
    Why(explain::Two),
    /// Tell the history of an identifier: every entry of the log, how it stands, what it changed.
    How(explain::One),
    /// Say what taking two identifiers apart would do, without doing it; 1 if they are apart.
    WhatIf(explain::Two),
}

impl Identity {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        match self {
            Self::Match(it) => it.run(),
            Self::Evaluate(it) => it.run(),
            Self::Why(it) => explain::why(&it),
            Self::How(it) => explain::how(&it),
            Self::WhatIf(it) => explain::what_if(&it),
        }
    }
}
