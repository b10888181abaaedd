//! What this machine has: an engine, programs, packages, rights.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::ensure;

use crate::flow::{run, say};

/// Where Debian keeps the programs of Postgres, one directory per version.
const POSTGRES: &str = "/usr/lib/postgresql";

/// Whether a container engine answers, for testcontainers and for us.
pub(crate) fn has_engine() -> bool {
    succeeds(Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]))
}

/// Whether Postgres and Redis can be run as they are.
pub(crate) fn has_programs() -> bool {
    let postgres = on_path("initdb").is_some() || in_debians_place("initdb");
    postgres && on_path("redis-server").is_some()
}

/// Whether Debian's packages can be installed.
pub(crate) fn has_installer() -> bool {
    is_root() && on_path("apt-get").is_some()
}

/// Whether this process is root's.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// Installs Debian's packages.
pub(crate) fn install(packages: &[&str]) -> anyhow::Result<()> {
    ensure!(has_installer(), "only root on Debian can install {}", packages.join(" and "));
    say(&format!("installing {} from Debian's packages", packages.join(" and ")));
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    run(Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(packages))
}

/// A program of the search path.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|it| it.join(program)).find(|it| it.is_file())
}

/// Whether a command ends well; what it says is not shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|it| it.success())
}

fn in_debians_place(program: &str) -> bool {
    let versions = Path::new(POSTGRES).read_dir().into_iter().flatten().flatten();
    versions.into_iter().any(|it| it.path().join("bin").join(program).is_file())
}
