//! The workflows: which command runs when, in the one target directory.
//!
//! No step sets compiler flags of its own: `.ci/run` sets `RUSTFLAGS` once for all of them, so
//! that what one step compiled the next one finds.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, bail, ensure};

use crate::{
    images, it,
    tidy::{self, Tree},
};

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
        // Named one by one, because cargo has no word for all tests but those that need servers.
        let targets = targets(args).context("listing the tests")?;
        let args = args.iter().filter(|it| !it.starts_with("--profile"));
        run(cargo().arg("test").args(targets).args(scope).args(args))?;
    }
    say(&format!("test: all passed in {} s", begun.elapsed().as_secs()));
    Ok(())
}

/// The targets of the packages named, or of all, without the tests that need servers.
fn targets(args: &[String]) -> anyhow::Result<Vec<String>> {
    let mut members = vec![root().join("xtask")];
    for member in root().join("crates").read_dir()? {
        members.push(member?.path());
    }
    let named: Vec<_> = packages(args).collect();
    let is_meant = |it: &&PathBuf| named.is_empty() || named.iter().any(|name| it.ends_with(name));
    let mut targets = BTreeSet::from(["--bins".to_owned()]);
    for member in members.iter().filter(is_meant) {
        if member.join("src/lib.rs").is_file() {
            targets.insert("--lib".to_owned());
        }
        for target in member.join("tests").read_dir().into_iter().flatten() {
            let name =
                target?.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
            targets.insert(format!("--test={name}"));
        }
    }
    targets.remove("--test=it");
    Ok(targets.into_iter().collect())
}

/// Builds for release and runs the demo with these arguments.
pub(crate) fn demo(args: &[String]) -> anyhow::Result<()> {
    run(cargo().args(["build", "--release", "--package", "platform", "--bin", "assent"]))?;
    run(Command::new(target().join("release/assent")).arg("demo").args(args))
}

/// Runs the benches of the embedded default.
pub(crate) fn bench(args: &[String]) -> anyhow::Result<()> {
    run(cargo().args(["bench", "--package", "platform", "--bench", "house"]).args(args))
}

/// Everything a change must pass.
pub(crate) fn ci() -> anyhow::Result<()> {
    type Step = (&'static str, fn() -> anyhow::Result<()>);
    const STEPS: [Step; 6] = [
        ("tidy", tidy),
        ("lint", lint),
        ("test", test_to_the_end),
        ("it", || it::it(None, &[])),
        ("example", example),
        ("demo", small_demo),
    ];
    // Where nothing can be pulled, images take minutes: they are made while the tests compile.
    let mut preparing = images::in_background(&target().join("images.log"))?;
    for (name, step) in STEPS {
        let begun = Instant::now();
        if name == "it"
            && let Some(images) = &mut preparing
        {
            images.wait().context("waiting for the images")?;
        }
        step().with_context(|| format!("ci stopped at {name}"))?;
        say(&format!("ci: {name} took {} s", begun.elapsed().as_secs()));
    }
    say("ci: all passed");
    Ok(())
}

/// Checks, builds and runs the crate that a team would write, outside the workspace.
pub(crate) fn example() -> anyhow::Result<()> {
    const MANIFEST: &str = "--manifest-path=examples/compose-your-own/Cargo.toml";
    run(cargo().args(["fmt", "--check", MANIFEST]))?;
    // The workspace's versions: a lock file of its own would be out of date with every change.
    let lock = "examples/compose-your-own/Cargo.lock";
    std::fs::copy(root().join("Cargo.lock"), root().join(lock))
        .with_context(|| format!("copying the lock file to `{lock}`"))?;
    run(cargo().env("CARGO_TARGET_DIR", target()).args(["run", "--quiet", MANIFEST]))
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

/// Whether the arguments choose packages.
pub(crate) fn names_a_package(args: &[String]) -> bool {
    packages(args).next().is_some()
}

/// The packages that the arguments choose.
fn packages(args: &[String]) -> impl Iterator<Item = &str> {
    args.iter().enumerate().filter_map(|(at, arg)| match arg.as_str() {
        "-p" | "--package" => args.get(at + 1).map(String::as_str),
        it => it.strip_prefix("--package=").or_else(|| it.strip_prefix("-p")),
    })
}

/// Whether nextest is installed.
pub(crate) fn has_nextest() -> bool {
    cargo().args(["nextest", "--version"]).output().is_ok_and(|it| it.status.success())
}

/// Cargo, at the root of the repository.
pub(crate) fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(root());
    command
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    let elsewhere = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    root().join(elsewhere.unwrap_or_else(|| PathBuf::from("target")))
}

/// Runs a command, saying which, and fails with it.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
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
pub(crate) fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

#[cfg(test)]
mod tests {
    use super::{names_a_package, targets};

    fn check(args: &str, expected: &[&str]) {
        let args: Vec<_> = args.split_whitespace().map(str::to_owned).collect();
        assert_eq!(targets(&args).unwrap(), expected, "{args:?}");
        assert!(names_a_package(&args), "{args:?}");
    }

    #[test]
    fn tests_that_need_servers_are_in_no_other_run() {
        check("-p adapters some_filter", &["--bins", "--lib", "--test=sqlite"]);
        check("--package=testkit -pkernel", &["--bins", "--lib"]);
        check("--package xtask", &["--bins"]);
        assert!(!names_a_package(&["--profile=ci".to_owned()]));
        let all = targets(&[]).unwrap();
        assert!(!all.contains(&"--test=it".to_owned()) && all.len() > 4, "{all:?}");
    }
}
