//! Every workflow of this repository: `cargo xtask tidy|lint|test|it|…`.
//!
//! `assent` never builds and `xtask` never ships; it depends on nothing of the workspace, so that
//! it can judge a tree that does not compile.

mod assemble;
mod backing;
mod compose;
mod flow;
mod gateway;
mod images;
mod it;
mod machine;
mod services;
mod tidy;
mod up;

use std::{io::Write as _, process::ExitCode};

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
    /// Run the tests that need Postgres and Redis, on servers started for the run.
    It {
        /// Where the servers come from; the first of these that the machine offers, if absent.
        #[arg(long, value_enum)]
        backing: Option<backing::Backing>,
        /// Passed on.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Build `assent` and lay out a service under dist/, or all of them and the gateway.
    Assemble {
        /// The service, as xtask/services.toml names it.
        name: Option<String>,
        /// Cargo's profile.
        #[arg(long, default_value = "release")]
        profile: String,
    },
    /// Write docker-compose.yml from xtask/services.toml.
    Codegen,
    /// Start the assembled services with Postgres and Redis, by docker compose.
    Up {
        /// Cargo's profile.
        #[arg(long, default_value = "release")]
        profile: String,
    },
    /// Stop what `up` started.
    Down {
        /// Forget its data as well.
        #[arg(long)]
        volumes: bool,
    },
    /// Pull the container images, or build what cannot be pulled from Debian's packages.
    Images,
    /// Build `assent` for release and live a month of an insurer (`--people --days --seed --exit`).
    Demo {
        /// Passed on.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Build and run examples/compose-your-own, with the versions of the workspace.
    Example,
    /// Run the benches against their floors.
    Bench {
        /// On Postgres and Redis, which are started for it; on the embedded default otherwise.
        #[arg(long)]
        servers: bool,
        /// The withdrawals of so many people against a burst of sends, on Postgres and Redis.
        #[arg(long, value_name = "PEOPLE", num_args = 0..=1, default_missing_value = "1000000",
            conflicts_with = "servers")]
        race: Option<u32>,
        /// Passed on.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Everything a change must pass: tidy, lint, test, it, the example, a small demo.
    Ci,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Tidy => flow::tidy(),
        Command::Lint => flow::lint(),
        Command::Test { args } => flow::test(&args),
        Command::It { backing, args } => it::it(backing, &args),
        Command::Assemble { name, profile } => assemble::assemble(name.as_deref(), &profile),
        Command::Codegen => assemble::codegen(),
        Command::Up { profile } => up::up(&profile),
        Command::Down { volumes } => up::down(volumes),
        Command::Images => images::all(),
        Command::Demo { args } => flow::demo(&args),
        Command::Example => flow::example(),
        Command::Bench { race: Some(people), .. } => it::race(people),
        Command::Bench { servers: true, args, .. } => it::bench(&args),
        Command::Bench { args, .. } => flow::bench(&args),
        Command::Ci => flow::ci(),
    }
}
