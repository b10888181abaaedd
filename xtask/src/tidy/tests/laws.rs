//! Each law with a tree that breaks it and one that keeps it.

use super::offences;
use crate::services::tests::SMALL as SERVICES;

const PLAIN: &str = "[lib]\ndoctest = false\n[lints]\nworkspace = true\n";

/// The law finds exactly these in the tree, and nothing in its clean counterpart.
#[track_caller]
fn bites(rule: &str, broken: &[(&str, &str)], expected: &[&str], clean: &[(&str, &str)]) {
    let found = offences(rule, broken);
    let suffixed: Vec<_> = expected.iter().map(|it| format!("{it} [{rule}]")).collect();
    assert_eq!(found, suffixed);
    assert_eq!(offences(rule, clean), [""; 0]);
}

fn depending(table: &str, on: &str) -> String {
    format!("[{table}]\n{on} = {{ workspace = true }}\n{PLAIN}")
}

#[test]
fn no_crate_depends_on_one_above_or_beside_it() {
    let check = |member: &str, table: &str, on: &str, is_kept: bool| {
        let path = format!("crates/{member}/Cargo.toml");
        let (text, other) = (depending(table, on), format!("crates/{on}/Cargo.toml"));
        let found = offences("law.dependencies", &[(&path, &text), (&other, PLAIN)]);
        assert_eq!(found.is_empty(), is_kept, "{member} -> {on}: {found:?}");
    };
    for (member, on, is_kept) in [
        ("audit", "kernel", true),
        ("audit", "consent", false),
        ("audit", "adapters", false),
        ("kernel", "audit", false),
        ("adapters", "audit", true),
        ("adapters", "service", false),
        ("service", "audit", true),
        ("service", "adapters", false),
        ("service", "platform", false),
        ("platform", "adapters", true),
        ("platform", "service", true),
        ("testkit", "kernel", true),
        ("testkit", "audit", false),
        ("platform", "testkit", false),
    ] {
        check(member, "dependencies", on, is_kept);
    }
    check("audit", "dev-dependencies", "consent", false);
    check("audit", "dev-dependencies", "testkit", false);
    check("platform", "dev-dependencies", "testkit", true);
}

#[test]
fn a_manifest_that_is_not_toml_is_told() {
    let found = offences("law.dependencies", &[("crates/audit/Cargo.toml", "[")]);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_technology_is_named_by_one_crate() {
    bites(
        "law.technologies",
        &[("crates/delivery/Cargo.toml", &depending("dependencies", "sea-orm-migration"))],
        &["crates/delivery/Cargo.toml: only adapters and testkit may name `sea-orm-migration`"],
        &[("crates/adapters/Cargo.toml", &depending("dependencies", "sea-orm-migration"))],
    );
    bites(
        "law.technologies",
        &[("crates/adapters/Cargo.toml", &depending("dependencies", "axum"))],
        &["crates/adapters/Cargo.toml: only service may name `axum`"],
        &[("crates/service/Cargo.toml", &depending("dependencies", "axum"))],
    );
    bites(
        "law.technologies",
        &[("crates/platform/Cargo.toml", &depending("dependencies", "reqwest"))],
        &["crates/platform/Cargo.toml: only adapters and testkit may name `reqwest`"],
        &[("crates/platform/Cargo.toml", &depending("dev-dependencies", "reqwest"))],
    );
    bites(
        "law.technologies",
        &[("crates/service/Cargo.toml", &depending("dependencies", "anyhow"))],
        &["crates/service/Cargo.toml: only platform and xtask may name `anyhow`"],
        &[("xtask/Cargo.toml", &depending("dependencies", "anyhow"))],
    );
}

#[test]
fn members_take_lints_and_versions_from_the_workspace() {
    bites(
        "manifest.members",
        &[
            ("crates/audit/Cargo.toml", "[dependencies]\nhex = \"0.4\"\n"),
            ("crates/audit/src/lib.rs", "//! A.\n"),
        ],
        &[
            "crates/audit/Cargo.toml: `[lints] workspace = true` is missing",
            "crates/audit/Cargo.toml: `[lib] doctest = false` is missing",
            "crates/audit/Cargo.toml: `hex` must take its version from the workspace",
        ],
        &[
            ("crates/audit/Cargo.toml", &depending("dependencies", "hex")),
            ("crates/audit/src/lib.rs", "//! A.\n"),
            ("xtask/Cargo.toml", "[lints]\nworkspace = true\n"),
        ],
    );
}

#[test]
fn reference_implementations_do_not_ship() {
    let testing = |table: &str| {
        format!("[{table}]\nconsent = {{ workspace = true, features = [\"testing\"] }}\n{PLAIN}")
    };
    bites(
        "manifest.members",
        &[("crates/platform/Cargo.toml", &testing("dependencies"))],
        &["crates/platform/Cargo.toml: `consent` must not ship with its feature `testing`"],
        &[("crates/platform/Cargo.toml", &testing("dev-dependencies"))],
    );
}

#[test]
fn dependencies_are_used() {
    let root = "[workspace.dependencies]\nhex = \"0.4\"\nserde_json = \"1\"\n";
    let manifest = depending("dependencies", "serde_json");
    bites(
        "manifest.unused",
        &[
            ("Cargo.toml", root),
            ("crates/audit/Cargo.toml", &manifest),
            ("crates/audit/src/lib.rs", "//! A.\n// serde_json\n"),
        ],
        &["crates/audit/Cargo.toml: `serde_json` is not used", "Cargo.toml: no member uses `hex`"],
        &[
            ("Cargo.toml", "[workspace.dependencies]\nserde_json = \"1\"\n"),
            ("crates/audit/Cargo.toml", &manifest),
            ("crates/audit/tests/it.rs", "use serde_json::Value;\n"),
        ],
    );
}

#[test]
fn dependencies_say_why() {
    bites(
        "manifest.reasons",
        &[(
            "Cargo.toml",
            "[workspace.dependencies]\nhex = \"0.4\"\n\n# B.\nb = \"1\"\nc = \"1\"\n",
        )],
        &[
            "Cargo.toml:2: `hex` has no line that says why",
            "Cargo.toml:6: `c` has no line that says why",
        ],
        &[(
            "Cargo.toml",
            "[workspace.dependencies]\nour = { path = \"x\" }\n\n# B.\nb = \"1\"\nb-c = \"1\"\n[x]\nd = 1\n",
        )],
    );
}

#[test]
fn domains_are_alike() {
    let whole: Vec<_> = crate::tidy::DOMAINS
        .iter()
        .flat_map(|domain| {
            ["lib", "ports", "service", "memory", "contract", "tests"]
                .map(|file| format!("crates/{domain}/src/{file}.rs"))
        })
        .collect();
    let clean: Vec<_> = whole.iter().map(|it| (it.as_str(), "")).collect();
    let (broken, missing) = clean.split_at(clean.len() - 1);
    let expected = format!("{}: every domain has this file", missing[0].0);
    bites("anatomy.domains", broken, &[&expected], &clean);
}

#[test]
fn modules_are_nouns() {
    bites(
        "anatomy.names",
        &[("crates/audit/src/tree/mod.rs", ""), ("crates/audit/src/utils/key.rs", "")],
        &[
            "crates/audit/src/tree/mod.rs: `mod` is not a noun of the domain",
            "crates/audit/src/utils/key.rs: `utils` is not a noun of the domain",
        ],
        &[("crates/audit/src/tree.rs", ""), ("crates/audit/src/modality.rs", "")],
    );
}

#[test]
fn the_kernel_stays_small() {
    let full = "x\n// no code\n\n".repeat(crate::tidy::anatomy::KERNEL_LINES_MAX);
    let over = format!("{full}x\n");
    bites(
        "anatomy.kernel",
        &[("crates/kernel/src/id.rs", &over)],
        &["crates/kernel/src/lib.rs: 1401 lines of code; the kernel has at most 1400"],
        &[("crates/kernel/src/id.rs", &full), ("crates/kernel/src/tests.rs", &over)],
    );
}

#[test]
fn files_say_what_they_are_for_and_stay_short() {
    let fits = format!("//! A.\n{}", "\n".repeat(399));
    let over = format!("{fits}\n");
    bites(
        "file.shape",
        &[("a.rs", &over), ("b.rs", "fn f() {}\n")],
        &[
            "a.rs: 401 lines, at most 400",
            "b.rs:1: the first line says what the file is for (`//!`)",
        ],
        &[("a.rs", &fits), ("src/tests/b.rs", &over)],
    );
    let over = format!("//! A.\n{}", "\n".repeat(800));
    bites("file.shape", &[("src/tests.rs", &over)], &["src/tests.rs: 801 lines, at most 800"], &[]);
}

#[test]
fn files_leave_no_work_behind() {
    let todo = concat!("//! A.\n// TO", "DO: later\n");
    let never = "//! A.\n#[ignore]\n#[allow(dead_code)]\nfn f() { todo!() }\n";
    let sleepy = "//! A.\nfn test_it() { std::thread::sleep(x); tokio::time::sleep(x).await }\n";
    let kept = "//! A.\n// ignores #[allow(x)] and todo!()\nconst A: &str = \"#[ignore]\";\n";
    bites("file.words", &[("a.rs", todo)], &[concat!("a.rs:2: `TO", "DO`: open an issue")], &[]);
    assert_eq!(offences("file.words", &[("a.rs", never)]).len(), 3);
    assert_eq!(offences("file.words", &[("src/tests.rs", sleepy)]).len(), 3);
    assert_eq!(offences("file.words", &[("src/a.rs", sleepy), ("b.rs", kept)]), [""; 0]);
}

const LAW: &str =
    "pub trait X { fn x(&self) -> &dyn Ledger; }\npub async fn it_lasts(x: &dyn X) {}\n";
const SUITE: &str = "#[macro_export]\nmacro_rules! book_suite {\n    () => { it_lasts }\n}\n";

#[test]
fn laws_are_listed_and_run() {
    let contract = format!("{LAW}\n{SUITE}");
    bites(
        "contract.laws",
        &[("crates/consent/src/contract.rs", LAW)],
        &["crates/consent/src/contract.rs:2: no suite lists the law `it_lasts`"],
        &[],
    );
    bites(
        "contract.laws",
        &[("crates/consent/src/contract/a.rs", LAW), ("crates/consent/src/contract.rs", SUITE)],
        &["crates/consent/src/tests.rs: `book_suite!` does not run"],
        &[
            ("crates/consent/src/contract.rs", &contract),
            ("crates/consent/src/tests/suites.rs", "crate::book_suite!();\n"),
        ],
    );
}

#[test]
fn ports_are_small_and_under_contract() {
    let contract = format!("{LAW}{SUITE}");
    let contract = ("crates/consent/src/contract.rs", contract.as_str());
    let port = |methods: usize| format!("pub trait Ledger {{ {} }}\n", "fn f();".repeat(methods));
    let memory = "impl Ledger for MemoryLedger {}\n";
    bites(
        "contract.ports",
        &[("crates/consent/src/ports.rs", &port(6))],
        &[
            "crates/consent/src/ports.rs:1: `Ledger` has 6 methods, at most 5",
            "crates/consent/src/ports.rs:1: `Ledger` has no reference implementation",
            "crates/consent/src/ports.rs:1: `Ledger` has no suite",
        ],
        &[
            ("crates/consent/src/ports.rs", &port(5)),
            ("crates/consent/src/memory.rs", memory),
            contract,
        ],
    );
    let sql = ("crates/adapters/src/sql/consent.rs", "impl consent::Ledger for SqlLedger {}\n");
    let before = [
        ("crates/consent/src/ports.rs", "pub trait Ledger {}\n"),
        ("crates/consent/src/memory.rs", memory),
        contract,
        sql,
    ];
    let twice = "consent::book_suite!(plain);\nconsent::book_suite!(traced);\n";
    let mut after = before.to_vec();
    after.push(("crates/adapters/tests/sqlite/consent.rs", twice));
    bites(
        "contract.ports",
        &before,
        &["crates/consent/src/ports.rs:1: `book_suite!` does not run on SQLite"],
        &after,
    );
    let mut once = before.to_vec();
    once.push(("crates/adapters/tests/sqlite/consent.rs", "consent::book_suite!(plain);\n"));
    assert_eq!(offences("contract.ports", &once).len(), 1);
}

#[test]
fn ports_are_answered_by_what_ships() {
    let ports = ("crates/consent/src/ports.rs", "pub trait Ledger {}\n");
    let memory = ("crates/consent/src/memory.rs", "impl Ledger for MemoryLedger {}\n");
    let namesake = ("crates/adapters/src/sql/audit.rs", "impl audit::Ledger for SqlLedger {}\n");
    let bridge = ("crates/service/src/bridge/consent.rs", "impl consent::Ledger for Bridge {}\n");
    bites(
        "contract.answers",
        &[ports, memory, namesake],
        &["crates/consent/src/ports.rs:1: nothing that ships answers `Ledger`"],
        &[ports, bridge],
    );
}

#[test]
fn documents_name_what_exists() {
    let test = ("crates/audit/src/tests.rs", "fn a_law_is_kept() {}\n");
    let names = "`a_law_is_kept` in `crates/audit/src/tests.rs`, `crates/audit/` and `no_law`\n";
    bites(
        "document.names",
        &[("A.md", "x\n`a_law_is_broken` in `crates/audit/src/entry.rs`\n"), test],
        &[
            "A.md:2: `a_law_is_broken` does not exist",
            "A.md:2: `crates/audit/src/entry.rs` does not exist",
        ],
        &[("A.md", names), test],
    );
}

#[test]
fn time_chance_and_tasks_stay_banned() {
    let ban = |path: &str| format!("{{ path = \"{path}\", reason = \"x\" }},");
    let all = [
        "chrono::Utc::now",
        "std::time::SystemTime::now",
        "uuid::Uuid::now_v7",
        "uuid::Uuid::new_v4",
        "std::env::var",
        "reqwest::Client::new",
    ]
    .map(ban)
    .concat();
    let broken = format!("disallowed-methods = [{all} {{ path = \"tokio::spawn\" }}]\n");
    let clean = format!("disallowed-methods = [{all} {}]\n", ban("tokio::spawn"));
    bites(
        "ban.clippy",
        &[("clippy.toml", &broken)],
        &["clippy.toml: `tokio::spawn` is not banned with a reason"],
        &[("clippy.toml", &clean)],
    );
}

#[test]
fn a_path_has_one_owner() {
    let get = "#[utoipa::path(get, path = \"/v1/events\")]\n";
    let route = "fn f() { r.route(\"/v1/events\", x) }\n";
    let link = "const LINK: &str = \"/v1/events\";\n";
    bites(
        "owner.routes",
        &[("crates/service/src/http/events.rs", get), ("crates/service/src/page/inbox.rs", route)],
        &["crates/service/src/page/inbox.rs:1: `/v1/events` is already served by `events`"],
        &[
            ("crates/service/src/http/events.rs", get),
            ("crates/service/src/http/events/batch.rs", get),
            ("crates/service/src/page/inbox.rs", link),
        ],
    );
}

#[test]
fn a_fact_is_emitted_by_its_owner() {
    let emits = "fn f() { Fact { name: \"consent.withdrawn\".to_owned() } }\n";
    let reads = "match &*it.name { \"consent.withdrawn\" | \"consent.expired\" => x }\n";
    let returned = "fn f() { fact(\"action.returned\", x) }\n";
    bites(
        "owner.facts",
        &[("crates/audit/src/entry.rs", emits), ("crates/decision/src/record.rs", returned)],
        &[
            "crates/audit/src/entry.rs:1: `consent.withdrawn` is a fact of `consent`",
            "crates/decision/src/record.rs:1: `action.returned` is a fact of `delivery`",
        ],
        &[
            ("crates/consent/src/event.rs", emits),
            ("crates/measurement/src/service.rs", reads),
            ("crates/measurement/src/contract.rs", emits),
            ("crates/delivery/src/fact.rs", returned),
        ],
    );
}

#[test]
fn generated_files_say_what_they_are_generated_from() {
    let services = crate::services::Services::read(SERVICES).unwrap();
    let compose = crate::compose::render(&services);
    bites(
        "deployment.drift",
        &[("xtask/services.toml", SERVICES), ("docker-compose.yml", "services: {}\n")],
        &["docker-compose.yml: not what xtask/services.toml says: run `cargo xtask codegen`"],
        &[("xtask/services.toml", SERVICES), ("docker-compose.yml", &compose)],
    );
    let broken = SERVICES.replacen("\"worker\", ", "", 1);
    let found = offences("deployment.drift", &[("xtask/services.toml", &broken)]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("no service has the role `worker`"), "{found:?}");
}

#[test]
fn the_gateway_knows_every_path_of_a_role() {
    let services = ("xtask/services.toml", SERVICES);
    let route = |path: &str| format!("//! R.\n#[utoipa::path(get, path = \"{path}\")]\n");
    let (known, other) = (route("/v1/decisions"), route("/v1/decisions/{id}"));
    let (stray, page) =
        (route("/v1/events"), "//! S.\nfn public_pages() { x.route(\"/w/{t}\"); }\n");
    bites(
        "deployment.paths",
        &[
            services,
            ("crates/service/src/http/decisions.rs", &known),
            ("crates/service/src/http/intake.rs", &stray),
            ("crates/service/src/surface.rs", page),
        ],
        &[
            "crates/service/src/http/intake.rs:2: `front` does not name `/v1/events` in \
             xtask/services.toml",
            "crates/service/src/surface.rs:2: `front` does not name `/w/{t}` in \
             xtask/services.toml",
            "xtask/services.toml: `front` does not serve `/v1/decisions/{id}`",
        ],
        &[
            services,
            ("crates/service/src/http/decisions.rs", &known),
            ("crates/service/src/http/decisions/more.rs", &other),
            ("crates/service/src/http/console.rs", &stray),
        ],
    );
}
