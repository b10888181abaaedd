//! `cargo xtask up` and `down`: the deployment of docker-compose.yml on this machine.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};

use crate::{
    assemble,
    flow::{root, run, say},
    images, machine,
};

/// How long a container may take until it is healthy, after everything it needs is.
const HEALTHY_SECONDS_MAX: u64 = 120;
/// How often it is asked.
const ASK: Duration = Duration::from_millis(500);
/// The name of the key made for whoever starts the deployment.
const KEY_NAME: &str = "me";

/// Assembles, prepares the images, starts everything, and says where it is.
pub(crate) fn up(profile: &str) -> anyhow::Result<()> {
    ensure!(machine::has_engine(), "no container engine answers `docker version`");
    let compose = Compose::find()?;
    assemble::assemble(None, profile)?;
    images::all()?;
    compose.run(&["build"])?;
    let services = assemble::services()?;
    let servers = services.servers();
    compose.run(&[&["up", "--detach"], servers.as_slice()].concat())?;
    for server in servers {
        compose.wait(server)?;
    }
    // Once, and before the services: they read their keys when they start.
    compose.run(&["run", "--rm", "-T", "--no-deps", "setup"])?;
    let dist = root().join("dist");
    let key = make_key(&compose, &dist.join("key"))?;
    let public = compose.output(&["cat", "/var/lib/assent/log.vkey"])?;
    fs::write(dist.join("log.vkey"), public).context("writing `dist/log.vkey`")?;
    compose.run(&["up", "--detach"])?;
    compose.wait("gateway")?;
    let port = port().unwrap_or_else(|| services.gateway.port.to_string());
    say(&format!("up: the console is at http://127.0.0.1:{port}/console"));
    say(&format!("up: {key}; the log's public key is in dist/log.vkey"));
    say("up: `cargo xtask down` stops it and keeps its data, `down --volumes` forgets it");
    Ok(())
}

/// The gateway's port on this machine, where it is not that of the services file.
fn port() -> Option<String> {
    let given = std::env::var_os("ASSENT_PORT").and_then(|it| it.into_string().ok());
    given.filter(|it| !it.is_empty())
}

/// Stops everything; data is kept unless told otherwise.
pub(crate) fn down(volumes: bool) -> anyhow::Result<()> {
    let mut arguments = vec!["down", "--remove-orphans"];
    if volumes {
        arguments.push("--volumes");
    }
    Compose::find()?.run(&arguments)?;
    if volumes {
        // A key of a deployment that is forgotten opens nothing.
        for name in ["key", "log.vkey"] {
            let path = root().join("dist").join(name);
            if path.exists() {
                fs::remove_file(&path).with_context(|| format!("removing `{}`", path.display()))?;
            }
        }
    }
    Ok(())
}

/// Makes a key that may do everything, unless there is one; where it is.
fn make_key(compose: &Compose, path: &Path) -> anyhow::Result<String> {
    let arguments = ["assent", "key", "new", "--name", KEY_NAME, "--scope", "all"];
    match compose.output(&arguments) {
        Ok(key) => {
            let mut options = fs::OpenOptions::new();
            let mut file =
                options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
            file.write_all(key.as_bytes()).context("writing the key")?;
            Ok("a key that may do everything is in dist/key".to_owned())
        }
        Err(error) if error.to_string().contains("already") => Ok(if path.is_file() {
            "the key of before is in dist/key".to_owned()
        } else {
            format!("there is a key named `{KEY_NAME}`, which is not in dist/key")
        }),
        Err(error) => Err(error),
    }
}

/// The compose of this machine: the plugin, or Debian's docker-compose 1.29.
#[derive(Debug)]
struct Compose {
    words: &'static [&'static str],
}

impl Compose {
    fn find() -> anyhow::Result<Self> {
        for words in [&["docker", "compose"][..], &["docker-compose"]] {
            let compose = Self { words };
            if machine::succeeds(compose.command().arg("version")) {
                return Ok(compose);
            }
        }
        if machine::has_installer() {
            machine::install(&["docker-compose"])?;
            return Ok(Self { words: &["docker-compose"] });
        }
        bail!("neither `docker compose` nor `docker-compose` is installed")
    }

    fn command(&self) -> Command {
        let (program, rest) = self.words.split_first().unwrap_or((&"docker", &[]));
        let mut command = Command::new(program);
        command.args(rest).current_dir(root());
        if let (Some(port), None) = (port(), std::env::var_os("ASSENT_BASE_URL")) {
            // Links in messages lead to where the gateway is.
            command.env("ASSENT_BASE_URL", format!("http://127.0.0.1:{port}"));
        }
        if !machine::succeeds(Command::new("docker").args(["buildx", "version"])) {
            // The builder every engine has.
            command.env("DOCKER_BUILDKIT", "0").env("COMPOSE_DOCKER_CLI_BUILD", "0");
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<()> {
        run(self.command().args(arguments))
    }

    /// What a program says, in a container over the secrets of the deployment.
    fn output(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let out = self
            .command()
            .args(["run", "--rm", "-T", "--no-deps", "setup"])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .context("starting compose")?;
        let complaint = String::from_utf8_lossy(&out.stderr);
        ensure!(out.status.success(), "`{}` failed: {}", arguments.join(" "), complaint.trim());
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// Waits until a service is healthy.
    fn wait(&self, service: &str) -> anyhow::Result<()> {
        let out = self.command().args(["ps", "--quiet", service]).output()?;
        let id = String::from_utf8_lossy(&out.stdout).trim().to_owned();
        let begun = Instant::now();
        while begun.elapsed().as_secs() < HEALTHY_SECONDS_MAX {
            let health = Command::new("docker")
                .args(["inspect", "--format", "{{.State.Health.Status}}", &id])
                .output()?;
            if String::from_utf8_lossy(&health.stdout).trim() == "healthy" {
                return Ok(());
            }
            sleep(ASK);
        }
        bail!("`{service}` is not healthy after {HEALTHY_SECONDS_MAX} s")
    }
}
