//! Code, comments and literals are told apart.

use crate::tidy::rust::Rust;

#[track_caller]
fn check(text: &str, code: &str, literals: &[&str]) {
    let rust = Rust::read(text);
    assert_eq!(rust.code, code);
    assert_eq!(rust.code.len(), text.len());
    assert_eq!(rust.literals.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), literals);
}

#[test]
fn comments_and_literals_are_blanked() {
    check("a // b\nc", "a     \nc", &[]);
    check("a /* b /* c */ d */ e", "a                   e", &[]);
    check("f(\"x\")", "f(   )", &["x"]);
    check(r#"f("a\"b")"#, "f(      )", &[r#"a\"b"#]);
    check("f(r#\"a\"b\"#)", "f(        )", &["a\"b"]);
    check("f(b\"x\")", "f(    )", &["x"]);
    check("'\"' + \"x\"", "    +    ", &["x"]);
    check("'\\'' + \"x\"", "     +    ", &["x"]);
    check("fn f<'a>(it: &'a str)", "fn f<'a>(it: &'a str)", &[]);
    check("attribute\"x\"", "attribute   ", &["x"]);
}

#[test]
fn unbalanced_text_is_read_to_its_end() {
    check("\"x", "  ", &["x"]);
    check("/* x", "    ", &[]);
    check("r#\"x", "    ", &["x"]);
    check("ä\"ö\"", "ä    ", &["ö"]);
}

#[test]
fn words_are_whole() {
    let rust = Rust::read("use serde_json::Value; // toml\nlet hex_x = \"chrono\";");
    assert!(rust.names("serde_json"));
    assert!(!rust.names("serde"));
    assert!(!rust.names("hex"));
    assert!(!rust.names("toml"));
    assert!(!rust.names("chrono"));
}

#[test]
fn blocks_end_at_their_brace() {
    let rust = Rust::read("trait A { fn a() { } } trait B { }");
    assert_eq!(rust.block(0), " fn a() { } ");
    assert_eq!(rust.named_after("trait "), [(0, "A"), (23, "B")]);
    assert_eq!(rust.line(0), 1);
}
