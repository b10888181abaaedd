//! `cargo xtask assemble`: a directory per service, with everything it is deployed from.
//!
//! The binary, its configuration, a Dockerfile, and a manifest that says what the binary was made
//! of: the revision, the digest of the lock file, its own digest, every crate linked into it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{
    compose,
    flow::{cargo, root, run, say, target},
    gateway, images,
    services::{self, Service, Services},
};

/// The user of the services, in every image.
const USER: u32 = 10_001;

/// What was built, and from what.
#[derive(Debug, Clone)]
struct Built {
    binary: PathBuf,
    provenance: Provenance,
}

#[derive(Debug, Clone, Serialize)]
struct Provenance {
    /// The commit, or `unknown` outside a repository.
    revision: String,
    /// Whether the tree differed from the commit.
    modified: bool,
    profile: String,
    compiler: String,
    lock_sha256: String,
    binary_sha256: String,
    /// `name version` of every crate that is linked.
    dependencies: BTreeSet<String>,
}

#[derive(Debug, Serialize)]
struct Manifest<'a> {
    service: &'a str,
    roles: &'a [String],
    needs: &'a [String],
    port: u16,
    latency_ms_p99_max: u32,
    #[serde(flatten)]
    built: &'a Provenance,
}

/// The services of this repository.
pub(crate) fn services() -> anyhow::Result<Services> {
    let path = root().join(services::PATH);
    Services::read(&fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?)
}

/// Builds the binary and lays out one service, or all of them and the gateway.
pub(crate) fn assemble(name: Option<&str>, profile: &str) -> anyhow::Result<()> {
    let services = services()?;
    let chosen = match name {
        Some(name) => vec![services.named(name)?],
        None => services.all.iter().collect(),
    };
    let built = build(profile)?;
    let dist = root().join("dist");
    for service in chosen {
        lay_out(&dist.join(&service.name), service, &built)?;
        say(&format!("assemble: dist/{} serves {}", service.name, service.roles.join(", ")));
    }
    if name.is_none() {
        let files = [("Dockerfile", images::over_base(gateway::DOCKERFILE))];
        write_all(&dist.join("gateway"), &files)?;
        write_all(&dist.join("gateway"), &[("nginx.conf", gateway::render(&services))])?;
        say("assemble: dist/gateway hands each path to its service");
    }
    Ok(())
}

/// Writes what is generated from the services and kept in the repository.
pub(crate) fn codegen() -> anyhow::Result<()> {
    write_all(&root(), &[(compose::PATH, compose::render(&services()?))])?;
    say(&format!("codegen: {} says what {} says", compose::PATH, services::PATH));
    Ok(())
}

fn build(profile: &str) -> anyhow::Result<Built> {
    run(cargo()
        .args(["build", "--locked", "--package", "platform", "--bin", "assent"])
        .args(["--profile", profile]))?;
    // Cargo's name for the directory of the profile `dev`.
    let directory = if profile == "dev" { "debug" } else { profile };
    let binary = target().join(directory).join("assent");
    let tree = output(cargo().args(["tree", "--locked", "--package", "platform"]).args([
        "--edges=normal",
        "--prefix=none",
        "--format={p}",
    ]))?;
    let changes = output(Command::new("git").current_dir(root()).args(["status", "--porcelain"]));
    let provenance = Provenance {
        revision: output(Command::new("git").current_dir(root()).args(["rev-parse", "HEAD"]))
            .unwrap_or_else(|_| "unknown".to_owned()),
        modified: changes.map_or(true, |it| !it.is_empty()),
        profile: profile.to_owned(),
        compiler: output(Command::new("rustc").current_dir(root()).arg("--version"))?,
        lock_sha256: digest(&root().join("Cargo.lock"))?,
        binary_sha256: digest(&binary)?,
        dependencies: dependencies(&tree),
    };
    Ok(Built { binary, provenance })
}

/// One directory: whatever was there before is gone.
fn lay_out(directory: &Path, service: &Service, built: &Built) -> anyhow::Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory)
            .with_context(|| format!("removing `{}`", directory.display()))?;
    }
    let manifest = toml::to_string_pretty(&Manifest {
        service: &service.name,
        roles: &service.roles,
        needs: &service.needs,
        port: service.port,
        latency_ms_p99_max: service.latency_ms_p99_max,
        built: &built.provenance,
    })
    .context("writing the manifest")?;
    write_all(
        directory,
        &[
            ("Dockerfile", images::over_base(&dockerfile())),
            ("manifest.toml", manifest),
            ("service.env", configuration(service)),
        ],
    )?;
    let binary = directory.join("assent");
    fs::copy(&built.binary, &binary)
        .with_context(|| format!("copying `{}`", built.binary.display()))?;
    let copied = digest(&binary)?;
    ensure!(copied == built.provenance.binary_sha256, "the binary changed while it was copied");
    Ok(())
}

/// What the process reads from its environment, whatever starts it.
fn configuration(service: &Service) -> String {
    format!(
        "ASSENT_ROLE={}\nASSENT_LISTEN=0.0.0.0:{}\nASSENT_DATA=/var/lib/assent\n\
         ASSENT_LOG_JSON=true\n",
        service.roles.join(","),
        service.port
    )
}

/// The same for every service down to the last line, so that their images share their layers.
fn dockerfile() -> String {
    format!(
        "FROM {base}\n\
         # Outbound TLS needs the roots; a base made by `cargo xtask images` has them.\n\
         RUN test -e /etc/ssl/certs/ca-certificates.crt \\\n\
         \x20|| (apt-get update -qq \\\n\
         \x20&& DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
         ca-certificates \\\n\
         \x20&& apt-get clean && rm -rf /var/lib/apt/lists/*)\n\
         RUN useradd --system --uid {USER} --home-dir /var/lib/assent assent \\\n\
         \x20&& install -d -o assent -m 0700 /var/lib/assent\n\
         COPY assent /usr/local/bin/assent\n\
         USER assent\n\
         VOLUME /var/lib/assent\n\
         CMD [\"assent\", \"serve\"]\n",
        base = images::BASE
    )
}

/// `kernel v0.1.0 (/work/crates/kernel) (*)` is `kernel 0.1.0`.
fn dependencies(tree: &str) -> BTreeSet<String> {
    let words = tree.lines().map(str::split_whitespace);
    words
        .filter_map(|mut it| Some((it.next()?, it.next()?.strip_prefix('v')?)))
        .map(|(name, version)| format!("{name} {version}"))
        .collect()
}

fn write_all(directory: &Path, files: &[(&str, String)]) -> anyhow::Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("making `{}`", directory.display()))?;
    for (name, text) in files {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("writing `{}`", path.display()))?;
    }
    Ok(())
}

fn digest(path: &Path) -> anyhow::Result<String> {
    let mut file = fs::File::open(path).with_context(|| format!("opening `{}`", path.display()))?;
    let mut hasher = Hashing(Sha256::new());
    std::io::copy(&mut file, &mut hasher)
        .with_context(|| format!("reading `{}`", path.display()))?;
    Ok(hex::encode(hasher.0.finalize()))
}

/// A digest that is written to.
struct Hashing(Sha256);

impl std::io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a command says, trimmed.
fn output(command: &mut Command) -> anyhow::Result<String> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let out = command.output().with_context(|| format!("starting `{shown}`"))?;
    ensure!(
        out.status.success(),
        "`{shown}` failed: {}",
        String::from_utf8_lossy(&out.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::{Built, Provenance, dependencies, lay_out};
    use crate::services::{Services, tests::SMALL};

    fn built(binary: &std::path::Path) -> Built {
        let provenance = Provenance {
            revision: "0123".to_owned(),
            modified: false,
            profile: "release".to_owned(),
            compiler: "rustc 1".to_owned(),
            lock_sha256: "45".to_owned(),
            // SHA-256 of `binary`.
            binary_sha256: "9a3a45d01531a20e89ac6ae10b0b0beb0492acd7216a368aa062d1a5fecaf9cd"
                .to_owned(),
            dependencies: BTreeSet::from(["kernel 0.1.0".to_owned()]),
        };
        Built { binary: binary.to_owned(), provenance }
    }

    #[test]
    fn a_service_is_laid_out_with_its_origin_and_nothing_of_before() {
        let services = Services::read(SMALL).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let (binary, directory) = (scratch.path().join("assent"), scratch.path().join("front"));
        fs::write(&binary, "binary").unwrap();
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("left-over"), "").unwrap();
        let front = services.named("front").unwrap();
        lay_out(&directory, front, &built(&binary)).unwrap();
        let mut names: Vec<_> =
            directory.read_dir().unwrap().map(|it| it.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["Dockerfile", "assent", "manifest.toml", "service.env"]);
        let text = fs::read_to_string(directory.join("manifest.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        for (key, expected) in [("service", "front"), ("revision", "0123"), ("lock_sha256", "45")] {
            assert_eq!(manifest[key].as_str(), Some(expected), "{key}");
        }
        assert_eq!(manifest["dependencies"].as_array().unwrap().len(), 1);
        let environment = fs::read_to_string(directory.join("service.env")).unwrap();
        assert!(environment.contains("ASSENT_ROLE=decide,consent,ingest\n"), "{environment}");
        // A binary that is not the one the manifest speaks of is not laid out.
        fs::write(&binary, "another").unwrap();
        assert!(lay_out(&directory, front, &built(&binary)).is_err());
    }

    #[test]
    fn what_is_linked_is_listed_once_by_name_and_version() {
        let tree = "platform v0.1.0 (/work)\nserde v1.0.2 (proc-macro)\nserde v1.0.2 (*)\n\n";
        let expected = ["platform 0.1.0".to_owned(), "serde 1.0.2".to_owned()];
        assert_eq!(dependencies(tree), BTreeSet::from(expected));
    }
}
