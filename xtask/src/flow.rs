//! The workflows: which command runs when, in the one target directory.
//!
//! No step sets compiler flags of its own: `.ci/run` sets `RUSTFLAGS` once for all of them, so
//! that what one step compiled the next one finds.

use std::{
    ffi::OsString,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, bail, ensure};

use crate::tidy::{self, Tree};

/// The repository: the directory above this crate.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Checks the laws of the tree.
pub(crate) fn tidy() -> anyhow::Result<()> {
    let tree = Tree::read(&root())?;
    let findings = tidy::check(&tree);
    for finding in &findings {
        say(&finding.to_string());
    }
    ensure!(findings.is_empty(), "tidy found {} offences", findings.len());
    say(&format!("tidy: {} files keep {} laws", tree.len(), tidy::RULES.len()));
    Ok(())
}

/// Checks formatting, lints and documentation.
pub(crate) fn lint() -> anyhow::Result<()> {
    run(cargo().args(["fmt", "--all", "--check"]))?;
    run(cargo()
        .args(["clippy", "--workspace", "--all-targets", "--all-features"])
        .args(["--", "-D", "warnings"]))?;
    run(cargo().env("RUSTDOCFLAGS", "-D warnings").args([
        "doc",
        "--workspace",
        "--all-features",
        "--no-deps",
    ]))
}

/// Runs all tests, by nextest where it is installed.
pub(crate) fn test(args: &[String]) -> anyhow::Result<()> {
    const SCOPE: [&str; 2] = ["--workspace", "--all-features"];
    let scope: &[&str] = if names_a_package(args) { &["--all-features"] } else { &SCOPE };
    let begun = Instant::now();
    if has_nextest() {
        run(cargo().args(["nextest", "run"]).args(scope).args(args))?;
    } else {
        say(
            "cargo-nextest is not installed (`cargo install --locked cargo-nextest`): running cargo test.",
        );
        let args = args.iter().filter(|it| !it.starts_with("--profile"));
        run(cargo().arg("test").args(scope).args(args))?;
    }
    say(&format!("test: all passed in {} s", begun.elapsed().as_secs()));
    Ok(())
}

/// Builds for release and runs the demo with these arguments.
pub(crate) fn demo(args: &[String]) -> anyhow::Result<()> {
    run(cargo().args(["build", "--release", "--package", "platform", "--bin", "assent"]))?;
    run(Command::new(target().join("release/assent")).arg("demo").args(args))
}

/// Runs the benches.
pub(crate) fn bench(args: &[String]) -> anyhow::Result<()> {
    run(cargo().args(["bench", "--package", "platform"]).args(args))
}

/// Everything a change must pass.
pub(crate) fn ci() -> anyhow::Result<()> {
    type Step = (&'static str, fn() -> anyhow::Result<()>);
    const STEPS: [Step; 4] =
        [("tidy", tidy), ("lint", lint), ("test", test_to_the_end), ("demo", small_demo)];
    for (name, step) in STEPS {
        let begun = Instant::now();
        step().with_context(|| format!("ci stopped at {name}"))?;
        say(&format!("ci: {name} took {} s", begun.elapsed().as_secs()));
    }
    say("ci: all passed");
    Ok(())
}

fn test_to_the_end() -> anyhow::Result<()> {
    test(&["--profile=ci".to_owned()])
}

/// The demo on the binary the tests have built: nothing is compiled again.
fn small_demo() -> anyhow::Result<()> {
    let binary = target().join("debug/assent");
    if !binary.is_file() {
        bail!("`{}` is missing: the tests build it", binary.display());
    }
    run(Command::new(binary).args(["demo", "--people", "200", "--days", "10", "--exit"]))
}

fn names_a_package(args: &[String]) -> bool {
    args.iter().any(|it| it == "-p" || it.starts_with("--package"))
}

fn has_nextest() -> bool {
    cargo().args(["nextest", "--version"]).output().is_ok_and(|it| it.status.success())
}

fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(root());
    command
}

fn target() -> PathBuf {
    let elsewhere = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    root().join(elsewhere.unwrap_or_else(|| PathBuf::from("target")))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_owned();
    let shown: Vec<_> = std::iter::once(program.to_string_lossy())
        .chain(command.get_args().map(std::ffi::OsStr::to_string_lossy))
        .collect();
    let shown = shown.join(" ");
    say(&format!("$ {shown}"));
    let status = command.status().with_context(|| format!("starting `{shown}` failed"))?;
    ensure!(status.success(), "`{shown}` failed with {status}");
    Ok(())
}

/// One line to the terminal; a closed pipe is no reason to fail.
fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}
