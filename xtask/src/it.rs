//! `cargo xtask it`: the servers of a test run are started once, handed over by URL, and stopped.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, bail, ensure};

use crate::{
    backing::{Backing, Offers, URLS, choose},
    flow::{cargo, has_nextest, names_a_package, run, say, target},
    images, machine,
};

/// The name of the run, which the databases and keys it makes carry.
const RUN: &str = "ASSENT_TEST_RUN";
/// Debian's packages of the two servers.
const PACKAGES: [&str; 2] = ["postgresql", "redis-server"];

/// The race over Redis and Postgres, and how many people it is told to have.
const RACE: &str = "no_hand_off_starts_after_a_withdrawal_acknowledged_over_redis_and_postgres";
const RACERS: &str = "ASSENT_TEST_RACERS";

/// The tests that start and kill servers of their own are in modules of this name.
const PROGRAMS: &str = "::programs::";

/// Runs the tests that need servers.
pub(crate) fn it(asked: Option<Backing>, args: &[String]) -> anyhow::Result<()> {
    let (backing, because) = choose(asked, offers(asked))?;
    say(&format!("it: {backing}, because {because}"));
    let has_programs = has_programs()?;
    // Built before the servers start, so that what does not compile costs no server.
    build_holder()?;
    let begun = Instant::now();
    let servers = Servers::start(backing, has_programs)?;
    say(&format!("it: servers are ready after {:.1} s", begun.elapsed().as_secs_f32()));
    let begun = Instant::now();
    let tested = test(&servers, has_programs, args);
    let took = begun.elapsed().as_secs();
    let stopped = servers.stop(backing);
    tested.with_context(|| format!("a test with servers failed after {took} s"))?;
    say(&format!("it: all passed in {took} s"));
    stopped
}

/// Runs the benches that need servers.
pub(crate) fn bench(args: &[String]) -> anyhow::Result<()> {
    alone("bench", |command| {
        command.args(["bench", "--package", "platform", "--bench", "servers"]).args(args);
    })
}

/// Runs the race of withdrawals and sends over Redis and Postgres with so many people.
pub(crate) fn race(people: u32) -> anyhow::Result<()> {
    alone("race", |command| {
        command.env(RACERS, people.to_string());
        command.args(["test", "--quiet", "--workspace", "--all-features", "--test=it", "--"]);
        command.args(["--nocapture", RACE]);
    })
}

/// Runs one command of cargo on servers of its own.
fn alone(name: &str, asked: impl FnOnce(&mut Command)) -> anyhow::Result<()> {
    let (backing, because) = choose(None, offers(None))?;
    say(&format!("{name}: {backing}, because {because}"));
    build_holder()?;
    let servers = Servers::start(backing, false)?;
    let mut command = cargo();
    command.envs(servers.urls.iter().map(|(name, url)| (name, url))).env(RUN, &servers.run);
    asked(&mut command);
    let done = run(&mut command);
    let stopped = servers.stop(backing);
    done.and(stopped)
}

/// The features are those of the tests, so that nothing is compiled twice.
fn build_holder() -> anyhow::Result<()> {
    run(cargo().args(["build", "--quiet", "--workspace", "--all-features", "--bin", "servers"]))
}

fn offers(asked: Option<Backing>) -> Offers {
    let wants = |backing| asked.is_none_or(|it| it == backing);
    let engine = wants(Backing::Containers) && machine::has_engine();
    Offers {
        engine,
        // Prepared here, because only trying tells whether a registry answers.
        images: engine && told(images::servers()),
        programs: machine::has_programs(),
        installer: machine::has_installer(),
        urls: URLS.iter().all(|it| std::env::var_os(it).is_some_and(|it| !it.is_empty())),
    }
}

fn told(prepared: anyhow::Result<()>) -> bool {
    prepared.inspect_err(|error| say(&format!("it: no images: {error:#}"))).is_ok()
}

/// Whether the tests that start servers of their own can run, wherever the shared servers are from.
fn has_programs() -> anyhow::Result<bool> {
    if !machine::has_programs() && machine::has_installer() {
        machine::install(&PACKAGES)?;
    }
    let has = machine::has_programs();
    if !has {
        say(
            "it: Postgres and Redis are not both installed: the tests that kill and restart them, \
             and those on a cluster, are left out",
        );
    }
    Ok(has)
}

fn test(servers: &Servers, has_programs: bool, args: &[String]) -> anyhow::Result<()> {
    let mut scope = vec!["--all-features", "--test=it"];
    if !names_a_package(args) {
        scope.push("--workspace");
    }
    let mut command = cargo();
    command.envs(servers.urls.iter().map(|(name, url)| (name, url))).env(RUN, &servers.run);
    if has_nextest() {
        let rest = format!("not test({PROGRAMS})");
        let filter: &[&str] = if has_programs { &[] } else { &["-E", &rest] };
        run(command.args(["nextest", "run", "--profile=it"]).args(scope).args(filter).args(args))
    } else {
        // After `--` stand the words for the tests themselves, of which the caller's may be some.
        let mut words = args.splitn(2, |it| it == "--");
        let (ours, theirs) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let filter: &[&str] = if has_programs { &[] } else { &["--skip", PROGRAMS] };
        command.args(["test", "--no-fail-fast"]).args(scope).args(ours);
        run(command.arg("--").args(filter).args(theirs))
    }
}

/// The servers of a run; the process that holds them ends when this is dropped, or with us.
#[derive(Debug)]
struct Servers {
    urls: Vec<(String, String)>,
    run: String,
    holders: Vec<Child>,
}

impl Servers {
    fn start(backing: Backing, has_programs: bool) -> anyhow::Result<Self> {
        let run = format!("r{}", std::process::id());
        let mut servers = Self { urls: Vec::new(), run, holders: Vec::new() };
        match backing {
            Backing::Urls => {
                let url = |name: &str| std::env::var_os(name)?.into_string().ok();
                let urls = URLS.iter().filter_map(|it| Some(((*it).to_owned(), url(it)?)));
                servers.urls.extend(urls);
            }
            Backing::Containers => {
                remove_orphans()?;
                servers.hold(&["containers", &images::postgres(), &images::redis()])?;
            }
            Backing::Native => servers.hold(&["native"])?,
        }
        if has_programs {
            servers.hold(&["cluster"])?;
        }
        Ok(servers)
    }

    /// Starts a program that holds some servers, and takes note of where they are.
    fn hold(&mut self, what: &[&str]) -> anyhow::Result<()> {
        // A process group of its own: Ctrl-C at the terminal is not for it. It stops the servers
        // when the pipe to its standard input closes, which happens however this process ends.
        let mut holder = holder()
            .args(what)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the program that holds the servers")?;
        self.urls.extend(read(&mut holder)?);
        self.holders.push(holder);
        Ok(())
    }

    /// Stops them and leaves nothing behind; servers that were there before lose what we made.
    fn stop(self, backing: Backing) -> anyhow::Result<()> {
        if backing == Backing::Urls {
            let urls = self.urls.iter().map(|(name, url)| (name, url));
            run(holder().arg("sweep").envs(urls).env(RUN, &self.run))?;
        }
        for mut holder in self.holders {
            drop(holder.stdin.take());
            let ended = holder.wait().context("waiting for the servers to stop")?;
            ensure!(ended.success(), "stopping the servers failed with {ended}");
        }
        Ok(())
    }
}

/// Removes the containers of runs whose holder was killed before it could.
fn remove_orphans() -> anyhow::Result<()> {
    let all = Command::new("docker")
        .args(["ps", "--all", "--filter", "label=assent.it"])
        .args(["--format", "{{.ID}} {{.Label \"assent.it\"}}"])
        .output()
        .context("listing containers")?;
    for line in String::from_utf8_lossy(&all.stdout).lines() {
        let (id, owner) = line.split_once(' ').context("a container without an owner")?;
        if !Path::new("/proc").join(owner).exists() {
            run(Command::new("docker").args(["rm", "--force", "--volumes", id]))?;
        }
    }
    Ok(())
}

fn holder() -> Command {
    Command::new(target().join("debug/servers"))
}

/// The URLs the holder tells; it says `ready` when both servers answer.
fn read(holder: &mut Child) -> anyhow::Result<Vec<(String, String)>> {
    let out = holder.stdout.take().context("the holder has no output")?;
    let mut urls = Vec::new();
    for line in BufReader::new(out).lines() {
        let line = line.context("reading where the servers are")?;
        if line == "ready" {
            return Ok(urls);
        }
        let (name, url) = line.split_once('=').context("an address without a name")?;
        urls.push((name.to_owned(), url.to_owned()));
    }
    bail!("the servers did not start: {}", holder.wait()?)
}
