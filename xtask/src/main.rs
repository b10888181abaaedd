//! Every workflow of this repository: `cargo xtask tidy|lint|test|demo|bench|ci`.
//!
//! `assent` never builds and `xtask` never ships; it depends on nothing of the workspace, so that
//! it can judge a tree that does not compile.

mod flow;
mod tidy;

use clap::{Parser, Subcommand};

/// The workflows of the repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the laws of the tree: dependencies, manifests, anatomy, files, contracts, owners.
    Tidy,
    /// Check formatting, clippy and the documentation; every warning is an error.
    Lint,
    /// Run all tests; arguments go to nextest (`-p kernel`, a filter, `--profile ci`).
    Test {
        /// Passed on.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Build `assent` for release and live a month of an insurer (`--people --days --seed --exit`).
    Demo {
        /// Passed on.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run the benches against their floors.
    Bench {
        /// Passed on.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Everything a change must pass: tidy, lint, test, a small demo.
    Ci,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Tidy => flow::tidy(),
        Command::Lint => flow::lint(),
        Command::Test { args } => flow::test(&args),
        Command::Demo { args } => flow::demo(&args),
        Command::Bench { args } => flow::bench(&args),
        Command::Ci => flow::ci(),
    }
}
