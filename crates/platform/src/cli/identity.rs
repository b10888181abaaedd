//! `assent identity`: matching records without a server, a network or a label.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

mod config;
mod evaluate;
mod matching;
mod reading;
mod report;
mod writing;

/// Find out which records are probably one person, and how good such an answer is.
#[derive(Debug, Subcommand)]
pub enum Identity {
    /// Match the records of one CSV file with each other, or those of several files.
    ///
    /// Columns are found by their names (given_name, surname, birth_date, street, house_number,
    /// postcode, email, phone, national_id, and common other names for them; id for the record) or
    /// named in a configuration. Nothing is labelled: what agreement means is learnt from the
    /// records. The same files, options and seed give the same bytes. A link is a probability: it is
    /// for review and for counting, and decides nothing about anybody.
    ///
    /// Needs about 500 bytes of memory a record and 12 a compared pair.
    Match(matching::Match),
    /// Judge clusters against a file of labels: pairs, whole clusters, and B-cubed.
    Evaluate(evaluate::Evaluate),
}

impl Identity {
    /// Runs it.
    pub fn run(self) -> Result<ExitCode> {
        match self {
            Self::Match(it) => it.run(),
            Self::Evaluate(it) => it.run(),
        }
    }
}
