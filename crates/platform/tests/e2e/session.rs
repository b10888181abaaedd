//! The short session of the README, run as it is written there.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
};

const README: &str = include_str!("../../../../README.md");
/// What stands for anything in the expected output.
const WILDCARD: char = '…';
/// A line the shell writes after each command, which no command writes.
const MARK: &str = "--- end of command ---";

/// One command of the session and what it prints.
#[derive(Debug, Default)]
struct Turn {
    command: String,
    printed: String,
}

/// The commands of the console blocks under the heading.
fn turns() -> Vec<Turn> {
    let section = README.split_once("## A short session").unwrap().1;
    let section = section.split_once("\n## ").unwrap().0;
    let blocks = section.split("```console\n").skip(1).map(|it| it.split_once("```").unwrap().0);
    let mut turns: Vec<Turn> = Vec::new();
    for line in blocks.flat_map(str::lines) {
        if let Some(command) = line.strip_prefix("$ ") {
            turns.push(Turn { command: format!("{command}\n"), printed: String::new() });
            continue;
        }
        let turn = turns.last_mut().unwrap();
        let (text, line) = match line.strip_prefix("> ") {
            Some(more) if turn.printed.is_empty() => (&mut turn.command, more),
            _ => (&mut turn.printed, line),
        };
        text.push_str(line);
        text.push('\n');
    }
    turns
}

/// Whether a text is as described, where the wildcard stands for anything.
fn is_like(text: &str, described: &str) -> bool {
    let mut parts = described.trim().split(WILDCARD);
    let Some(mut rest) = text.trim().strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let Some(last) = described.trim().contains(WILDCARD).then(|| parts.next_back()).flatten()
    else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs commands through one shell, and says what each printed.
fn run(directory: &Path, commands: &[String]) -> (Vec<String>, String) {
    let binaries = Path::new(env!("CARGO_BIN_EXE_assent")).parent().unwrap();
    let errors = fs::File::create(directory.join("stderr")).unwrap();
    let mut shell = Command::new("bash")
        .current_dir(directory)
        .env_remove("ASSENT_DATA")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(errors)
        .process_group(0)
        .spawn()
        .unwrap();
    let mut stdin = shell.stdin.take().unwrap();
    writeln!(stdin, "PATH='{}':$PATH", binaries.display()).unwrap();
    for command in commands {
        writeln!(stdin, "{command}echo; echo '{MARK}'").unwrap();
    }
    drop(stdin);
    let group = format!("-{}", shell.id());
    let output = shell.wait_with_output().unwrap();
    // The session ends its own server; what a broken one leaves behind ends here.
    drop(Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status());
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed = printed.split(MARK).map(str::to_owned).collect();
    (printed, fs::read_to_string(directory.join("stderr")).unwrap())
}

#[test]
fn the_session_in_the_readme_does_what_it_says() {
    let directory = tempfile::tempdir().unwrap();
    let turns = turns();
    assert!(turns.len() > 10, "{} commands", turns.len());
    let address = format!("127.0.0.1:{}", free_port());
    let here = |text: &str| text.replace("127.0.0.1:8080", &address);
    let commands: Vec<String> = turns.iter().map(|it| here(&it.command)).collect();
    let (printed, errors) = run(directory.path(), &commands);
    for (i, turn) in turns.iter().enumerate() {
        let printed = printed.get(i).map_or("nothing: the shell ended", String::as_str);
        let (command, expected) = (&turn.command, here(&turn.printed));
        assert!(
            is_like(printed, &expected),
            "$ {command}\nprinted\n{printed}\nexpected\n{expected}\nstandard error\n{errors}"
        );
    }
}

#[test]
fn a_wildcard_stands_for_anything_and_nothing_else_does() {
    assert!(is_like("a b c\n", "a … c"));
    assert!(is_like("a\nb\nc", "a…c"));
    assert!(is_like("a", "a…"));
    assert!(!is_like("a b", "a … c"));
    assert!(!is_like("ab", "a"));
    assert!(!is_like("", "a"));
}
