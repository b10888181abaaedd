//! Conditions: what they mean, what is refused, and why an unknown is never a yes.

use std::sync::Arc;

use chrono::NaiveDate;
use kernel::{Instant, Known, RuleId, SystemId, Value, Why};
use proptest::prelude::*;

use crate::{
    condition::{
        Cell, DEPTH_MAX, ERROR_BIT, HISTORY_BIT, LIST_MAX, Names, SOURCE_BYTES_MAX, Scope,
        TEXT_BYTES_MAX, compile,
    },
    node::COUNTERS_MAX,
};

const FIELDS: [&str; 6] = ["p.a", "p.b", "n.i", "n.j", "t.s", "d.on"];

fn names() -> Names {
    Names::of_cut(FIELDS.iter().map(|it| Arc::from(*it)).collect())
}

fn is(value: Value) -> Known<Value> {
    Known::Is { value, source: SystemId::new("crm"), as_of: Instant::EPOCH }
}

fn unknown() -> Known<Value> {
    Known::Unknown(Why::Missing)
}

/// A yes, a no, or the mask of whom the unknown is owed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    Unknown(u64),
}

fn run(source: &str, fields: &[Known<Value>], counts: &[Option<u32>]) -> Answer {
    let mut names = names();
    let program = compile(source, &mut names).unwrap_or_else(|it| panic!("{source}: {it}"));
    let scope = Scope {
        fields,
        types: names.types(),
        as_of: Instant::from_micros(10_000_000),
        today: NaiveDate::from_ymd_opt(2026, 6, 1).unwrap(),
        label: "P7D",
        object: "C-1",
        counts,
        tables: &[],
    };
    match program.run(&scope) {
        Cell::Bool(true) => Answer::Yes,
        Cell::Bool(false) => Answer::No,
        Cell::Unknown(mask) => Answer::Unknown(mask),
        other => panic!("{source} gave {other:?}"),
    }
}

fn check(source: &str, expected: Answer) {
    let fields = [
        is(Value::Bool(true)),
        unknown(),
        is(Value::Int(3)),
        unknown(),
        is(Value::Text("active".into())),
        is(Value::Date(NaiveDate::from_ymd_opt(2026, 8, 30).unwrap())),
    ];
    assert_eq!(run(source, &fields, &[Some(2), None]), expected, "{source}");
}

#[test]
fn conditions_answer_in_three_values() {
    let b = Answer::Unknown(1 << 1);
    let j = Answer::Unknown(1 << 3);
    for (source, expected) in [
        ("ctx.p.a", Answer::Yes),
        ("!ctx.p.a", Answer::No),
        ("ctx.p.b", b),
        ("!ctx.p.b", b),
        ("ctx.p.a && ctx.p.b", b),
        ("!ctx.p.a && ctx.p.b", Answer::No),
        ("ctx.p.b && !ctx.p.a", Answer::No),
        ("ctx.p.a || ctx.p.b", Answer::Yes),
        ("ctx.p.b || ctx.p.a", Answer::Yes),
        ("ctx.p.b || ctx.n.j > 1", Answer::Unknown(1 << 1 | 1 << 3)),
        ("ctx.n.i == 3", Answer::Yes),
        ("ctx.n.i != 3", Answer::No),
        ("ctx.n.j == 3", j),
        ("ctx.n.j == ctx.n.i + 0", j),
        ("ctx.n.i + 2 >= 5 && ctx.n.i - 4 < 0", Answer::Yes),
        ("-ctx.n.i == 0 - 3", Answer::Yes),
        ("ctx.t.s in ['new', 'active']", Answer::Yes),
        ("!(ctx.t.s in ['closed', 'withdrawn'])", Answer::Yes),
        ("ctx.n.j in [1, 2]", j),
        ("ctx.t.s == \"act\\\"ive\"", Answer::No),
        ("ctx.p.a ? ctx.n.i == 3 : ctx.p.b", Answer::Yes),
        ("ctx.p.b ? true : true", b),
        ("days(today, ctx.d.on) == 90", Answer::Yes),
        ("days(ctx.d.on, today) == -90", Answer::Yes),
        ("ctx.d.on > date('2026-01-01')", Answer::Yes),
        ("as_of - timestamp('1970-01-01T00:00:00Z') == duration('10s')", Answer::Yes),
        ("as_of + duration('1h30m') > as_of", Answer::Yes),
        ("occ.label == 'P7D' && occ.object == 'C-1'", Answer::Yes),
        ("hist.count('accepted', 'P30D') < 3", Answer::Yes),
        (
            "hist.count('accepted', 'P1D') < 3 && hist.count('accepted', 'P2D') < 3",
            Answer::Unknown(HISTORY_BIT),
        ),
        ("applies(ctx.p.a)", Answer::Yes),
        ("applies(ctx.p.b)", b),
        ("ctx.n.i + 9007199254740991 + 9007199254740991 > 0", Answer::Yes),
    ] {
        check(source, expected);
    }
}

#[test]
fn what_does_not_apply_is_known_and_has_no_value() {
    let fields = [Known::NotApplicable(RuleId::new("no_policy"))];
    assert_eq!(run("applies(ctx.p.a)", &fields, &[]), Answer::No);
    assert_eq!(run("ctx.p.a", &fields, &[]), Answer::Unknown(1));
    assert_eq!(run("applies(ctx.p.a) && ctx.p.a", &fields, &[]), Answer::No);
}

#[test]
fn a_value_of_another_type_is_unknown() {
    let fields = [is(Value::Text("true".into()))];
    assert_eq!(run("ctx.p.a", &fields, &[]), Answer::Unknown(1));
    assert_eq!(run("ctx.p.a == 'true'", &fields, &[]), Answer::Yes);
}

#[test]
fn an_overflow_is_unknown() {
    let fields = [unknown(), unknown(), is(Value::Int(i64::MAX))];
    assert_eq!(run("ctx.n.i + 1 > 0", &fields, &[]), Answer::Unknown(ERROR_BIT));
    assert_eq!(run("ctx.n.i - 1 > 0", &fields, &[]), Answer::Yes);
}

#[test]
fn what_is_not_a_condition_is_refused_by_name() {
    for (source, rule) in [
        ("", "cel.syntax"),
        ("ctx.p.a &&", "cel.syntax"),
        ("ctx.p.a ctx.p.b", "cel.syntax"),
        ("(ctx.p.a", "cel.syntax"),
        ("ctx..a", "cel.syntax"),
        ("1 = 1", "cel.sign"),
        ("ctx.p.a # b", "cel.sign"),
        ("'open", "cel.text"),
        ("'a\\n' == 'b'", "cel.text"),
        ("9007199254740992 > 0", "cel.number"),
        ("1x > 0", "cel.number"),
        ("ctx.no.such", "cel.field"),
        ("no_such", "cel.name"),
        ("table.nothing == 'x'", "cel.name"),
        ("permission.granted", "cel.name"),
        ("has(ctx.p.a)", "cel.call"),
        ("now() > as_of", "cel.call"),
        ("ctx.n.i", "ok"),
        ("ctx.n.i + 1", "cel.type"),
        ("1 && true", "cel.type"),
        ("ctx.t.s == 'a' || ctx.t.s == 1", "cel.type"),
        ("true < false", "cel.type"),
        ("today + 1 > today", "cel.type"),
        ("ctx.n.i == ctx.n.j", "cel.untyped"),
        ("ctx.t.s in []", "cel.list"),
        ("ctx.t.s in ['a', ctx.t.s]", "cel.list"),
        ("['a'] == 'a'", "cel.list"),
        ("duration('3 days') == duration('3h')", "cel.constant"),
        ("ctx.d.on == date('2026-13-01')", "cel.constant"),
        ("hist.count('accepted', 'P0D') < 1", "cel.duration"),
        ("hist.count('accepted', 'P401D') < 1", "cel.duration"),
        ("hist.count('accepted') < 1", "cel.call"),
        ("hist.count('ignored', 'P30D') < 1", "cel.outcome"),
    ] {
        let found = compile(source, &mut names()).map_or_else(|it| it.rule, |_| "ok");
        assert_eq!(found, rule, "{source}");
    }
}

#[test]
fn an_outcome_nobody_counts_is_refused_where_it_stands_with_those_that_are() {
    let source = "true && hist.count('ignored', 'P30D') < 2";
    let error = compile(source, &mut names()).unwrap_err();
    assert_eq!((error.rule, error.at), ("cel.outcome", source.find("'ignored'").unwrap()));
    assert!(error.message.contains("`ignored`") && error.message.contains("`accepted`"), "{error}");
}

#[test]
fn limits_hold_at_the_limit_and_refuse_one_past_it() {
    let legal = |source: &str| compile(source, &mut names()).is_ok();
    let counting = |n: usize| {
        let counts = (1..=n).map(|days| format!("hist.count('accepted', 'P{days}D') < 9"));
        counts.collect::<Vec<_>>().join(" && ")
    };
    assert!(legal(&counting(COUNTERS_MAX)) && !legal(&counting(COUNTERS_MAX + 1)));
    let padded = |n: usize| format!("true{}", " ".repeat(n - 4));
    assert!(legal(&padded(SOURCE_BYTES_MAX)) && !legal(&padded(SOURCE_BYTES_MAX + 1)));
    let nested = |n: usize| format!("{}true{}", "(".repeat(n), ")".repeat(n));
    assert!(legal(&nested(DEPTH_MAX - 1)) && !legal(&nested(DEPTH_MAX)));
    let negated = |n: usize| format!("{}true", "!".repeat(n));
    assert!(legal(&negated(DEPTH_MAX - 1)) && !legal(&negated(DEPTH_MAX)));
    let chained = |n: usize| format!("true{}", " && true".repeat(n));
    assert!(legal(&chained(DEPTH_MAX)) && !legal(&chained(DEPTH_MAX + 1)));
    let list = |n: usize| format!("ctx.n.i in [{}]", vec!["1"; n].join(","));
    assert!(legal(&list(LIST_MAX)) && !legal(&list(LIST_MAX + 1)));
    let text = |n: usize| format!("'{}' == 'a'", "a".repeat(n));
    assert!(legal(&text(TEXT_BYTES_MAX)) && !legal(&text(TEXT_BYTES_MAX + 1)));
}

#[test]
fn as_of_minus_a_field_tells_the_type_of_the_field() {
    let mut names = Names::of_cut(vec!["o.last".into()]);
    compile("as_of - ctx.o.last >= duration('72h')", &mut names).unwrap();
    assert_eq!(names.types(), [Some(crate::condition::Type::At)]);
}

fn number() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (-2_i64..4).prop_map(|it| if it < 0 { format!("(0 - {})", -it) } else { it.to_string() }),
        Just("(ctx.n.i + 0)".to_owned()),
        Just("(ctx.n.j + 0)".to_owned()),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        (inner.clone(), prop_oneof![Just("+"), Just("-")], inner)
            .prop_map(|(a, sign, b)| format!("({a} {sign} {b})"))
    })
}

fn truth() -> impl Strategy<Value = String> {
    let sign = prop_oneof![Just("=="), Just("!="), Just("<"), Just("<="), Just(">"), Just(">=")];
    let leaf = prop_oneof![
        Just("ctx.p.a".to_owned()),
        Just("ctx.p.b".to_owned()),
        Just("applies(ctx.p.a)".to_owned()),
        (number(), sign, number()).prop_map(|(a, sign, b)| format!("({a} {sign} ({b} + 0))")),
        number().prop_map(|it| format!("(({it} + 0) in [0, 2, 3])")),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|it| format!("!{it}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} == ({b} && true))")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

/// The values a slot may complete to.
fn domain(slot: usize) -> Vec<Known<Value>> {
    match slot {
        0 | 1 => [false, true].map(|it| is(Value::Bool(it))).to_vec(),
        _ => [-1, 0, 2, 3].map(|it| is(Value::Int(it))).to_vec(),
    }
}

fn state(slot: usize) -> impl Strategy<Value = Known<Value>> {
    let values = domain(slot);
    prop_oneof![Just(unknown()), proptest::sample::select(values)]
}

/// Every way of filling in what is unknown.
fn completions(fields: &[Known<Value>]) -> Vec<Vec<Known<Value>>> {
    let mut out = vec![Vec::new()];
    for (slot, field) in fields.iter().enumerate() {
        let choices = match field {
            Known::Unknown(_) => domain(slot),
            known => vec![known.clone()],
        };
        out = out
            .iter()
            .flat_map(|head| {
                choices.iter().map(move |it| {
                    let mut next = head.clone();
                    next.push(it.clone());
                    next
                })
            })
            .collect();
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Kleene soundness: a known answer is the answer of every completion.
    #[test]
    fn a_known_answer_is_the_answer_of_every_completion(
        source in truth(),
        fields in (state(0), state(1), state(2), state(3)),
    ) {
        let fields = [fields.0, fields.1, fields.2, fields.3];
        let answer = run(&source, &fields, &[]);
        if !matches!(answer, Answer::Unknown(_)) {
            for full in completions(&fields) {
                prop_assert_eq!(run(&source, &full, &[]), answer, "{}", source);
            }
        }
    }

    /// Knowing one field more never reverses an answer, and only the lacking are blamed.
    #[test]
    fn knowing_more_never_reverses(
        source in truth(),
        fields in (state(0), state(1), state(2), state(3)),
        slot in 0_usize..4,
        choice in 0_usize..4,
    ) {
        let mut fields = [fields.0, fields.1, fields.2, fields.3];
        let before = run(&source, &fields, &[]);
        if let Answer::Unknown(mask) = before {
            for (slot, field) in fields.iter().enumerate() {
                let lacking = matches!(field, Known::Unknown(_));
                prop_assert!(lacking || mask >> slot & 1 == 0, "{} blames {}", source, slot);
            }
        }
        if matches!(fields[slot], Known::Unknown(_)) {
            let domain = domain(slot);
            fields[slot] = domain[choice % domain.len()].clone();
            let after = run(&source, &fields, &[]);
            prop_assert!(matches!(before, Answer::Unknown(_)) || before == after, "{}", source);
        }
    }

    /// No text makes the compiler panic.
    #[test]
    fn any_text_is_compiled_or_refused(source in "[ -~]{0,60}") {
        let _ = compile(&source, &mut names());
    }
}
