//! The servers as processes of this machine, over directories that go with them.

use std::{
    ffi::OsStr,
    fs::{File, read_dir},
    net::SocketAddr,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process::Stdio,
};

use tempfile::TempDir;
use tokio::process::{Child, Command};
use url::Url;

use super::{Failed, POSTGRES_SETTINGS, REDIS_SETTINGS};
use crate::free_address;

/// Where Debian keeps the programs of Postgres, one directory per version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Who runs Postgres when this process is root's; Postgres refuses root.
const POSTGRES_USER: &str = "postgres";

/// Running processes and their files.
#[derive(Debug)]
pub(super) struct Held {
    postgres: Child,
    postgres_programs: PathBuf,
    redis: Child,
    directory: TempDir,
    owner: Option<Owner>,
}

/// Whose processes and files they are, where they are not this process's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    user: u32,
    group: u32,
}

impl Held {
    /// Stops both and removes their files.
    pub(super) async fn stop(mut self) -> Result<(), Failed> {
        let data = self.directory.path().join("postgres");
        let mut stop = as_owner(&self.postgres_programs.join("pg_ctl"), self.owner);
        stop.arg("stop").arg("--mode=immediate").arg("--pgdata").arg(data);
        // A kill would leave Postgres's shared memory behind, so it is the second choice.
        if run(stop).await.is_err() {
            self.postgres.kill().await?;
        }
        self.redis.kill().await?;
        self.postgres.wait().await?;
        Ok(self.directory.close()?)
    }
}

/// Starts both.
pub(super) async fn start() -> Result<(Held, Url, Url), Failed> {
    let programs = postgres_programs()?;
    let owner = owner().await?;
    let directory = tempfile::Builder::new().prefix("assent-it-").tempdir()?;
    give(directory.path(), owner)?;
    let data = directory.path().join("postgres");
    init(&programs, owner, &data).await?;
    let at = free_address().await?;
    let log = |name: &str| File::create(directory.path().join(name));
    let postgres = postgres(&programs, owner, &data, at, log("postgres.log")?)?;
    let postgres_url = url_of(at)?;

    let at = free_address().await?;
    let mut redis = as_owner(Path::new("redis-server"), owner);
    redis.args(["--bind", "127.0.0.1", "--port", &at.port().to_string()]).args(REDIS_SETTINGS);
    let redis = quiet(redis.current_dir(directory.path()), log("redis.log")?).spawn()?;
    let redis_url = Url::parse(&format!("redis://{at}/"))?;
    let held = Held { postgres, postgres_programs: programs, redis, directory, owner };
    Ok((held, postgres_url, redis_url))
}

/// Gives a directory to whoever runs the servers.
pub(super) fn give(directory: &Path, owner: Option<Owner>) -> std::io::Result<()> {
    match owner {
        Some(Owner { user, group }) => chown(directory, Some(user), Some(group)),
        None => Ok(()),
    }
}

/// Makes the files of a Postgres.
pub(super) async fn init(programs: &Path, owner: Option<Owner>, data: &Path) -> Result<(), Failed> {
    let mut init = as_owner(&programs.join("initdb"), owner);
    init.arg("--pgdata").arg(data).args(["--username=assent", "--auth=trust", "--no-sync"]);
    run(init).await.map(drop)
}

/// Starts a Postgres over its files; it does not answer yet.
pub(super) fn postgres(
    programs: &Path,
    owner: Option<Owner>,
    data: &Path,
    at: SocketAddr,
    log: File,
) -> Result<Child, Failed> {
    let mut postgres = as_owner(&programs.join("postgres"), owner);
    postgres.arg("-D").arg(data).args(["-p", &at.port().to_string()]);
    for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories="] {
        postgres.args(["-c", setting]);
    }
    for setting in POSTGRES_SETTINGS {
        postgres.args(["-c", setting]);
    }
    Ok(quiet(&mut postgres, log).spawn()?)
}

/// The URL of a Postgres, as a role that may make databases.
pub(super) fn url_of(at: SocketAddr) -> Result<Url, Failed> {
    Ok(Url::parse(&format!("postgres://assent@{at}/postgres"))?)
}

/// The directory of `postgres`, `initdb` and `pg_ctl`: Debian's newest, or of the `PATH`.
pub(super) fn postgres_programs() -> Result<PathBuf, Failed> {
    let versions = read_dir(DEBIAN).into_iter().flatten().flatten();
    let of_debian = versions.filter_map(|it| {
        let version: u32 = it.file_name().to_str()?.parse().ok()?;
        Some((version, it.path().join("bin")))
    });
    let newest = of_debian.filter(|(_, bin)| bin.join("initdb").is_file()).max();
    let path = std::env::var_os("PATH").unwrap_or_default();
    newest
        .map(|(_, bin)| bin)
        .or_else(|| std::env::split_paths(&path).find(|it| it.join("initdb").is_file()))
        .ok_or_else(|| "`initdb` is neither in Debian's place nor on the PATH".into())
}

/// Nobody else for a plain user; `postgres` for root.
pub(super) async fn owner() -> Result<Option<Owner>, Failed> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let user = id("-u").await?;
    Ok(Some(Owner { user, group: id("-g").await? }))
}

async fn id(which: &str) -> Result<u32, Failed> {
    let mut command = Command::new("id");
    command.args([which, POSTGRES_USER]);
    Ok(run(command).await?.trim().parse()?)
}

pub(super) fn as_owner(program: &Path, owner: Option<Owner>) -> Command {
    let mut command = Command::new(program);
    if let Some(Owner { user, group }) = owner {
        command.uid(user).gid(group);
    }
    command.current_dir("/");
    command
}

pub(super) fn quiet(command: &mut Command, log: File) -> &mut Command {
    // The log is one file for both streams; a clone of a fresh handle fails only out of handles.
    let errors = log.try_clone().map_or_else(|_| Stdio::null(), Stdio::from);
    command.stdin(Stdio::null()).stdout(log).stderr(errors).kill_on_drop(true)
}

/// Runs a program to its end; its output, or what it complained of.
pub(super) async fn run(mut command: Command) -> Result<String, Failed> {
    let program = command.as_std().get_program().to_owned();
    let program = Path::new(&program).file_name().unwrap_or(OsStr::new("program")).to_owned();
    let out = command.stdin(Stdio::null()).output().await;
    let out = out.map_err(|error| format!("starting `{}`: {error}", program.display()))?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&out.stderr).trim().to_owned();
    Err(format!("`{}` ended with {}: {complaint}", program.display(), out.status).into())
}
