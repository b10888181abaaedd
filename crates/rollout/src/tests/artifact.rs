//! From files to digests, bundles, findings and differences.

use kernel::{Digest, Finding};
use proptest::prelude::*;

use super::file;
use crate::{
    Bundle, Entry, Kind, SourceFile, Validators,
    artifact::{ARTIFACT_BYTES_MAX, NAME_BYTES_MAX},
    bundle::{BUNDLE_ENTRIES_MAX, BundleError},
    diff::diff,
    lint::{assemble, lint},
    parse::parse,
};

fn digest(path: &str, text: &str) -> Digest {
    parse(&file(path, text)).unwrap().artifact.digest()
}

fn rules(path: &str, text: &str) -> Vec<(String, String)> {
    let findings = parse(&file(path, text)).unwrap_err();
    findings.into_iter().map(|it| (it.rule, it.pointer)).collect()
}

#[test]
fn comments_order_and_format_are_not_content() {
    let plain = digest("cap/a.toml", "limit = 1\nper = \"P1D\"\n[deep]\nx = 2\n");
    let same = [
        ("cap/a.toml", "# why\nper   = 'P1D' # so\nlimit = 1\ndeep = { x = 2 }"),
        ("cap/b.toml", "deep.x = 2\nlimit = 0x1\nper = \"P1D\""),
        ("cap/a.json", r#"{ "deep": {"x": 2}, "per": "\u00501D", "limit": 1 }"#),
    ];
    for (path, text) in same {
        assert_eq!(digest(path, text), plain, "{path}: {text}");
    }
}

#[test]
fn any_edit_is_another_digest() {
    let plain = digest("cap/a.toml", "limit = 1\nper = \"P1D\"");
    let edits = [
        ("cap/a.toml", "limit = 2\nper = \"P1D\""),
        ("cap/a.toml", "limit = 1\nper = \"P1D \""),
        ("cap/a.toml", "limit = \"1\"\nper = \"P1D\""),
        ("cap/a.toml", "limit = 1"),
        ("cap/a.toml", "limit = 1\nper = \"P1D\"\nx = []"),
        ("node/a.toml", "limit = 1\nper = \"P1D\""),
    ];
    for (path, text) in edits {
        assert_ne!(digest(path, text), plain, "{path}: {text}");
    }
}

/// The digest is `sha256(JCS({kind, schema, body, deps}))`, whoever computes it.
#[test]
fn the_digest_is_reproducible_from_the_canonical_bytes() {
    let bytes = br#"{"body":{"limit":1},"deps":[],"kind":"cap","schema":"cap/1"}"#;
    assert_eq!(digest("cap/a.toml", "limit = 1"), Digest::of(bytes));
}

#[test]
fn dates_become_text() {
    let date = digest("node/a.toml", "on = 2027-06-30\nat = 2027-06-30T10:00:00Z");
    assert_eq!(date, digest("node/a.toml", "on = \"2027-06-30\"\nat = \"2027-06-30T10:00:00Z\""));
}

#[test]
fn what_has_no_canonical_bytes_is_found_where_it_is() {
    type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)]);
    let cases: &[Case] = &[
        ("cap/a.toml", "a = 1.5", &[("RL.ARTIFACT_FLOAT", "/a")]),
        ("cap/a.toml", "a = inf", &[("RL.ARTIFACT_INVALID", "")]),
        ("cap/a.json", r#"{"a": [1, {"b/c": 2.5}]}"#, &[("RL.ARTIFACT_FLOAT", "/a/1/b~1c")]),
        (
            "cap/a.json",
            r#"{"a": null, "b": null}"#,
            &[("RL.ARTIFACT_NULL", "/a"), ("RL.ARTIFACT_NULL", "/b")],
        ),
        ("cap/a.json", r#"{"a": 1, "a": 1}"#, &[("RL.ARTIFACT_INVALID", "")]),
        ("cap/a.toml", "a = 1\na = 1", &[("RL.ARTIFACT_INVALID", "")]),
        ("cap/a.toml", "a = 9007199254740992", &[("RL.ARTIFACT_NUMBER_UNSAFE", "/a")]),
        ("cap/a.json", "[]", &[("RL.ARTIFACT_INVALID", "")]),
        ("cap/a.json", "", &[("RL.ARTIFACT_INVALID", "")]),
        ("cap/a.toml", "a = \"e\u{301}\"", &[("RL.ARTIFACT_TEXT", "/a")]),
        ("cap/a.toml", "\"e\u{301}\" = 1", &[("RL.ARTIFACT_TEXT", "/e\u{301}")]),
        ("caps/a.toml", "a = 1", &[("RL.ARTIFACT_PATH", "")]),
        ("cap/a.yaml", "a: 1", &[("RL.ARTIFACT_PATH", "")]),
        ("cap/A.toml", "a = 1", &[("RL.ARTIFACT_PATH", "")]),
        ("cap/.toml", "a = 1", &[("RL.ARTIFACT_PATH", "")]),
        ("cap/deep/a.toml", "a = 1", &[("RL.ARTIFACT_PATH", "")]),
        ("a.toml", "a = 1", &[("RL.ARTIFACT_PATH", "")]),
    ];
    for (path, text, wanted) in cases {
        let found = rules(path, text);
        let found: Vec<_> = found.iter().map(|it| (&*it.0, &*it.1)).collect();
        assert_eq!(&found, wanted, "{path}: {text}");
    }
    assert!(parse(&file("cap/a.toml", "a = 9007199254740991")).is_ok());
    let not_text = SourceFile { path: "cap/a.toml".to_owned(), bytes: vec![0xff] };
    assert_eq!(parse(&not_text).unwrap_err()[0].rule, "RL.ARTIFACT_INVALID");
}

#[test]
fn a_file_at_its_limit_is_read_and_one_past_it_is_not() {
    let padded = |n: usize| {
        let mut it = file("cap/a.toml", "a = 1\n#");
        it.bytes.resize(n, b'x');
        it
    };
    assert!(parse(&padded(ARTIFACT_BYTES_MAX)).is_ok());
    let findings = parse(&padded(ARTIFACT_BYTES_MAX + 1)).unwrap_err();
    assert_eq!(findings[0].rule, "RL.ARTIFACT_TOO_LARGE");
    let named = |n: usize| file(&format!("cap/{}.toml", "n".repeat(n)), "a = 1");
    assert!(parse(&named(NAME_BYTES_MAX)).is_ok());
    assert!(parse(&named(NAME_BYTES_MAX + 1)).is_err());
    let nested =
        |n: usize| file("cap/a.json", &format!("{}1{}", "{\"a\":".repeat(n), "}".repeat(n)));
    assert!(parse(&nested(63)).is_ok());
    assert_eq!(parse(&nested(64)).unwrap_err()[0].rule, "RL.ARTIFACT_TOO_DEEP");
}

#[test]
fn a_bundle_at_its_limit_holds_and_one_past_it_does_not() {
    let entries = |n: usize| -> Vec<_> {
        let entry = |it| Entry {
            kind: Kind::new("cap").unwrap(),
            name: format!("cap-{it}"),
            digest: Digest::of(b"same"),
        };
        (0..n).map(entry).collect()
    };
    assert!(Bundle::new(entries(BUNDLE_ENTRIES_MAX)).is_ok());
    let past = Bundle::new(entries(BUNDLE_ENTRIES_MAX + 1));
    assert_eq!(past, Err(BundleError::TooMany(BUNDLE_ENTRIES_MAX + 1)));
}

#[test]
fn a_slot_is_filled_once() {
    let twice = [file("cap/a.toml", "a = 1"), file("cap/a.json", r#"{"a": 2}"#)];
    let findings = lint(&twice, &Validators::default());
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].rule, "RL.BUNDLE_INVALID");
    let kinds = [file("cap/a.toml", "a = 1"), file("node/a.toml", "a = 1")];
    assert!(lint(&kinds, &Validators::default()).is_empty());
}

#[test]
fn notes_and_golden_cases_are_no_artifacts() {
    let beside = ["README.md", "node/README.md", "node/a.cases.json"].map(|it| file(it, "x"));
    assert!(lint(&beside, &Validators::default()).is_empty());
    let it = assemble(&beside, &Validators::default()).unwrap();
    assert!(it.bundle.entries().is_empty());
}

#[test]
fn equal_bodies_may_go_by_two_names() {
    let files = [file("cap/a.toml", "a = 1"), file("cap/b.toml", "a = 1")];
    let it = assemble(&files, &Validators::default()).unwrap();
    assert_eq!((it.bundle.entries().len(), it.artifacts.len()), (2, 1));
}

/// Validators see the whole bundle, and only when every file can be read.
#[test]
fn validators_see_everything_at_once() {
    let validators = || {
        Validators::new(vec![Box::new(|sources| {
            let found = |it: &&kernel::ArtifactRef<'_>| it.kind == "node";
            let refers = sources.iter().any(|it| it.kind == "cap");
            let at = |it| Finding::at(it, "/cap", "node.cap", "no such cap");
            sources.iter().filter(found).filter(|_| !refers).map(at).collect()
        })])
    };
    let (node, cap) = (file("node/a.toml", "cap = \"a\""), file("cap/a.toml", "a = 1"));
    assert!(lint(&[node.clone(), cap], &validators()).is_empty());
    let alone = lint(std::slice::from_ref(&node), &validators());
    assert_eq!(alone[0].to_string(), "node/a/cap [node.cap] no such cap");
    let unread = lint(&[node, file("cap/b.toml", "a = ")], &validators());
    assert_eq!(unread.len(), 1);
    assert_eq!((&*unread[0].artifact, &*unread[0].rule), ("cap/b", "RL.ARTIFACT_INVALID"));
}

#[test]
fn a_difference_names_what_was_added_removed_and_changed() {
    let before = [
        file("cap/a.toml", "limit = 1\nper = { days = 1 }\nlist = [1, 2]"),
        file("cap/b.toml", "limit = 1"),
        file("notice/c.toml", "text = \"x\""),
    ];
    let after = [
        file("cap/a.toml", "limit = 1\nper = { days = 2 }\nlist = [1, 3]\nnew = true"),
        file("cap/b.toml", "limit = 1"),
        file("purpose/d.toml", "version = 1"),
    ];
    let load = |it: &[SourceFile]| assemble(it, &Validators::default()).unwrap().loaded;
    let (before, after) = (load(&before), load(&after));
    let it = diff(Some(&before), &after);
    assert_eq!(it.added.iter().map(Entry::slot).collect::<Vec<_>>(), ["purpose/d"]);
    assert_eq!(it.removed.iter().map(Entry::slot).collect::<Vec<_>>(), ["notice/c"]);
    assert_eq!(it.changed.len(), 1);
    assert_eq!(it.changed[0].name, "a");
    assert_ne!(it.changed[0].from, it.changed[0].to);
    assert_eq!(it.changed[0].places, ["/list/1", "/new", "/per/days"]);
    assert!(it.touches_policy());
    assert!(diff(Some(&after), &after).is_empty());
    assert!(!diff(Some(&after), &after).touches_policy());
    assert_eq!(diff(None, &after).added.len(), 3);
}

proptest! {
    /// The order in which files are read never shows.
    #[test]
    fn a_bundle_does_not_know_the_order_of_its_files(order in Just((0..12).collect::<Vec<_>>()).prop_shuffle()) {
        let at = |it: &usize| file(&format!("cap/c{it}.toml"), &format!("limit = {}", it % 5));
        let sorted: Vec<_> = (0..12).map(|it| at(&it)).collect();
        let shuffled: Vec<_> = order.iter().map(at).collect();
        let bundle = |it: &[SourceFile]| assemble(it, &Validators::default()).unwrap().bundle;
        prop_assert_eq!(bundle(&sorted), bundle(&shuffled));
    }

    /// Whatever bytes an author leaves behind are read or refused, never a panic.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), json: bool) {
        let path = if json { "cap/a.json" } else { "cap/a.toml" };
        let _ = parse(&SourceFile { path: path.to_owned(), bytes });
    }

    /// The same for text that looks like an artifact.
    #[test]
    fn any_text_is_read_or_refused(text in r#"[a-c"'= \n\[\]{}.,:0-9e+\-T]{0,80}"#) {
        let _ = parse(&file("cap/a.toml", &text));
        let _ = parse(&file("cap/a.json", &text));
    }
}
