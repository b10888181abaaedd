//! `assent`: one binary, every role.

use std::process::ExitCode;

use clap::Parser as _;
use platform::cli::{self, Cli};

/// Decisions allocate much and briefly, on every core.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Usage or configuration: nothing was done.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match cli::run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            cli::complain(format_args!("error: {error:#}"));
            ExitCode::from(USAGE)
        }
    }
}
