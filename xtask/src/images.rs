//! `cargo xtask images`: the images that containers are made from, pulled or built.
//!
//! The official image is pulled where a registry answers. Where none does, Debian's packages make
//! images of the same names that answer to what is asked of them here; `xtask/images/` has the
//! recipes. What is there stays as it is.

use std::{
    fs::File,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, bail, ensure};

use crate::{
    flow::{root, run, say},
    machine,
};

/// What the images built here stand on.
pub(crate) const BASE: &str = "debian:bookworm-slim";
/// The official images the recipes stand in for.
const POSTGRES: &str = "postgres:15";
const REDIS: &str = "redis:7.0";
/// The release of Debian the base is made of.
const SUITE: &str = "bookworm";
/// Marks what was built here.
const LABEL: &str = "assent.built-from=debian-packages";

/// The image the services stand on: `BASE_IMAGE`, or a slim Debian. One with an older C library than
/// the machine that built the binary cannot run it.
fn base_image() -> String {
    chosen("BASE_IMAGE", BASE)
}

/// A recipe over that image.
pub(crate) fn over_base(recipe: &str) -> String {
    recipe.replacen(BASE, &base_image(), 1)
}

/// The image of Postgres: `POSTGRES_IMAGE`, or the official one.
pub(crate) fn postgres() -> String {
    chosen("POSTGRES_IMAGE", POSTGRES)
}

/// The image of Redis: `REDIS_IMAGE`, or the official one.
pub(crate) fn redis() -> String {
    chosen("REDIS_IMAGE", REDIS)
}

fn chosen(variable: &str, otherwise: &str) -> String {
    let given = std::env::var_os(variable).and_then(|it| it.into_string().ok());
    given.filter(|it| !it.is_empty()).unwrap_or_else(|| otherwise.to_owned())
}

/// Prepares everything: the servers and what the services stand on.
pub(crate) fn all() -> anyhow::Result<()> {
    ensure!(machine::has_engine(), "no container engine answers `docker version`");
    prepare(&base_image(), bootstrap)?;
    servers()
}

/// Prepares everything in a process of its own, which says what it does to this file; nothing where
/// no engine answers.
pub(crate) fn in_background(log: &Path) -> anyhow::Result<Option<Child>> {
    if !machine::has_engine() {
        return Ok(None);
    }
    if let Some(directory) = log.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let file = File::create(log).with_context(|| format!("making `{}`", log.display()))?;
    let program = std::env::current_exe().context("finding this program")?;
    say(&format!("images: prepared meanwhile; `{}` says how", log.display()));
    let mut command = Command::new(program);
    command.arg("images").stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    Ok(Some(command.spawn().context("preparing images")?))
}

/// Prepares Postgres and Redis.
pub(crate) fn servers() -> anyhow::Result<()> {
    prepare(&postgres(), || from_recipe(POSTGRES, "postgres"))?;
    prepare(&redis(), || from_recipe(REDIS, "redis"))
}

/// Whether the engine has the image.
fn is_there(image: &str) -> bool {
    machine::succeeds(Command::new("docker").args(["image", "inspect", image]))
}

fn prepare(image: &str, build: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    if is_there(image) {
        say(&format!("images: {image} is there"));
        return Ok(());
    }
    let begun = Instant::now();
    let how = if machine::succeeds(Command::new("docker").args(["pull", "--quiet", image])) {
        "pulled"
    } else if [BASE, POSTGRES, REDIS].contains(&image) {
        say(&format!("images: {image} cannot be pulled, so it is built from Debian's packages"));
        build().with_context(|| format!("building `{image}` failed"))?;
        "built"
    } else {
        bail!("`{image}` is not there and cannot be pulled, and there is no recipe for it");
    };
    say(&format!("images: {image} was {how} in {} s", begun.elapsed().as_secs()));
    Ok(())
}

/// Builds an image from its directory under `xtask/images/`.
fn from_recipe(image: &str, recipe: &str) -> anyhow::Result<()> {
    prepare(BASE, bootstrap)?;
    build(image, &root().join("xtask/images").join(recipe))
}

/// Builds an image with the classic builder, which every engine has and which finds a base that is
/// in no registry.
fn build(image: &str, directory: &Path) -> anyhow::Result<()> {
    run(Command::new("docker")
        .env("DOCKER_BUILDKIT", "0")
        .args(["build", "--label", LABEL, "--tag", image])
        .arg(directory)
        .stdout(Stdio::null()))
}

/// Makes the base: a minimal Debian, imported as it is.
fn bootstrap() -> anyhow::Result<()> {
    ensure!(machine::is_root(), "only root can make a Debian of its own (debootstrap)");
    if machine::on_path("debootstrap").is_none() {
        machine::install(&["debootstrap"])?;
    }
    let directory = std::env::temp_dir().join(format!("assent-base-{}", std::process::id()));
    let made = import(&directory);
    let removed = std::fs::remove_dir_all(&directory);
    made?;
    removed.with_context(|| format!("removing `{}`", directory.display()))
}

fn import(directory: &Path) -> anyhow::Result<()> {
    run(Command::new("debootstrap")
        .args(["--variant=minbase", "--include=ca-certificates", SUITE])
        .arg(directory)
        .stdout(Stdio::null()))?;
    let mut archive = Command::new("tar")
        .arg("--directory")
        .arg(directory)
        .args(["--create", "--exclude=./var/cache/apt/*", "--exclude=./var/lib/apt/lists/*", "."])
        .stdout(Stdio::piped())
        .spawn()
        .context("starting `tar`")?;
    let out = archive.stdout.take().context("`tar` has no output")?;
    run(Command::new("docker")
        .args(["import", "--change", &format!("LABEL {LABEL}")])
        .args(["--change", "CMD [\"bash\"]", "-", BASE])
        .stdin(out)
        .stdout(Stdio::null()))?;
    ensure!(archive.wait()?.success(), "archiving `{}` failed", directory.display());
    Ok(())
}
