//! Caps: exact, merge-safe, honest about when they free.

use chrono::TimeDelta;
use kernel::{ArtifactRef, Channel, Class, Digest, Instant, NodeId, Period, Zones};
use proptest::prelude::*;
use serde_json::json;

use crate::{
    caps::{Cap, CapVerdict, CapWindow, Counts, ENTRIES_READ_MAX, Unit, evaluate},
    contact::{ContactId, Entry, EntryState},
    content::Artifacts,
    contract::sample::{noon, person},
    reason,
};

fn entry(at: Instant, class: Class) -> Entry {
    Entry {
        id: ContactId(format!("{at}")),
        node: person(1).nodes[0],
        at,
        state: EntryState::Committed,
        channel: Channel::Email,
        class,
        journey: None,
    }
}

fn cap(limit: u32, window: CapWindow, gap: &str) -> Cap {
    Cap {
        name: "cap".to_owned(),
        counts: Counts { classes: [Class::Marketing].into(), ..Counts::default() },
        limit,
        window,
        min_gap: gap.parse().unwrap(),
    }
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn berlin() -> Zones {
    Zones::known(chrono_tz::Tz::Europe__Berlin)
}

fn frees_at(verdict: &CapVerdict) -> Option<Instant> {
    match verdict {
        CapVerdict::Grant => None,
        CapVerdict::Deny { frees_at, .. } => Some(*frees_at),
    }
}

#[test]
fn a_rolling_cap_frees_when_its_span_has_passed() {
    let cap = [cap(2, CapWindow::Rolling(Period::days(1)), "PT0S")];
    let entries = [
        entry(noon().minus(TimeDelta::hours(30)), Class::Marketing),
        entry(noon().minus(TimeDelta::hours(20)), Class::Marketing),
        entry(noon().minus(TimeDelta::hours(1)), Class::Marketing),
        entry(noon(), Class::Service),
    ];
    let denied = evaluate(&cap, &entries, noon(), &berlin());
    let frees = noon().plus(TimeDelta::hours(4));
    assert_eq!(frees_at(&denied), Some(frees));
    let before = frees.minus(TimeDelta::microseconds(1));
    assert!(frees_at(&evaluate(&cap, &entries, before, &berlin())).is_some());
    assert_eq!(evaluate(&cap, &entries, frees, &berlin()), CapVerdict::Grant);
}

#[test]
fn a_calendar_day_is_the_persons_own_and_a_gap_joins_two_days() {
    // 23:00 and 00:00 in Berlin.
    let (late, midnight) = (at("2026-03-02T22:00:00Z"), at("2026-03-02T23:00:00Z"));
    let entries = [entry(late, Class::Marketing)];
    let day = CapWindow::Calendar(Unit::Day);
    let without = [cap(1, day, "PT0S")];
    assert_eq!(frees_at(&evaluate(&without, &entries, late, &berlin())), Some(midnight));
    assert_eq!(evaluate(&without, &entries, midnight, &berlin()), CapVerdict::Grant);
    let with = [cap(1, day, "PT4H")];
    let verdict = evaluate(&with, &entries, midnight, &berlin());
    let frees = at("2026-03-03T02:00:00Z");
    let reason = reason::GAP;
    assert_eq!(verdict, CapVerdict::Deny { cap: "cap".to_owned(), reason, frees_at: frees });
}

#[test]
fn weeks_begin_on_monday_and_months_on_the_first() {
    let wednesday = [entry(at("2026-03-04T12:00:00Z"), Class::Marketing)];
    let now = at("2026-03-05T12:00:00Z");
    let frees = |unit| {
        let cap = [cap(1, CapWindow::Calendar(unit), "PT0S")];
        frees_at(&evaluate(&cap, &wednesday, now, &berlin()))
    };
    assert_eq!(frees(Unit::Week), Some(at("2026-03-08T23:00:00Z")));
    // By then Berlin keeps summer time.
    assert_eq!(frees(Unit::Month), Some(at("2026-03-31T22:00:00Z")));
}

#[test]
fn an_unknown_zone_never_frees_a_calendar_cap_earlier() {
    let zones =
        |names: &[&str]| Zones::new(names.iter().map(|it| it.parse().unwrap()).collect()).unwrap();
    let cap = [cap(1, CapWindow::Calendar(Unit::Day), "PT0S")];
    let entries = [entry(at("2026-03-02T12:00:00Z"), Class::Marketing)];
    let now = at("2026-03-02T20:00:00Z");
    let known = frees_at(&evaluate(&cap, &entries, now, &zones(&["Europe/Berlin"]))).unwrap();
    let wide = zones(&["Europe/Berlin", "Atlantic/Azores"]);
    assert!(frees_at(&evaluate(&cap, &entries, now, &wide)).unwrap() > known);
}

#[test]
fn a_limit_of_nothing_never_frees() {
    let cap = [cap(0, CapWindow::Rolling(Period::days(1)), "PT0S")];
    assert!(
        frees_at(&evaluate(&cap, &[], noon(), &berlin())).unwrap() > at("9999-01-01T00:00:00Z")
    );
}

#[test]
fn too_many_entries_deny_and_as_many_as_fit_do_not() {
    let cap = [cap(u32::MAX, CapWindow::Rolling(Period::days(1)), "PT0S")];
    let entries = vec![entry(noon(), Class::Marketing); ENTRIES_READ_MAX + 1];
    assert!(frees_at(&evaluate(&cap, &entries, noon(), &berlin())).is_some());
    let fit = &entries[1..];
    assert_eq!(evaluate(&cap, fit, noon(), &berlin()), CapVerdict::Grant);
    assert_eq!(evaluate(&[], &entries, noon(), &berlin()), CapVerdict::Grant);
}

fn compile(body: &serde_json::Value) -> Vec<String> {
    let digest = Digest::of(b"cap");
    let source = ArtifactRef { kind: "cap", name: "c", digest, body };
    match Artifacts::compile(&[source]) {
        Ok(_) => Vec::new(),
        Err(findings) => findings.into_iter().map(|it| it.rule).collect(),
    }
}

#[test]
fn a_cap_is_checked_at_release() {
    let with = |window: serde_json::Value, gap: Option<&str>| {
        let mut body = json!({ "schema": "cap/1", "limit": 3, "window": window });
        if let Some(gap) = gap {
            body["min_gap"] = json!(gap);
        }
        compile(&body)
    };
    assert!(with(json!({ "rolling": "P92D" }), None).is_empty());
    assert_eq!(with(json!({ "rolling": "P93D" }), None), ["cap.window"]);
    assert_eq!(with(json!({ "rolling": "PT0S" }), None), ["cap.window"]);
    assert_eq!(with(json!({ "rolling": "-P1D" }), None), ["cap.window"]);
    assert_eq!(with(json!({ "calendar": "day" }), None), ["cap.gap"]);
    assert!(with(json!({ "calendar": "day" }), Some("PT0S")).is_empty());
    assert_eq!(with(json!({ "rolling": "P1D" }), Some("P93D")), ["cap.gap"]);
    assert_eq!(with(json!({ "calendar": "year" }), Some("PT0S")), ["cap.shape"]);
    let body = json!({ "schema": "cap/2", "limit": 3, "window": { "rolling": "P1D" } });
    assert_eq!(compile(&body), ["cap.schema"]);
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec((0_i64..20_000, any::<bool>()), 0..12).prop_map(|all| {
        let mut all: Vec<_> = all
            .into_iter()
            .map(|(minutes, marketing)| {
                let class = if marketing { Class::Marketing } else { Class::Service };
                entry(noon().minus(TimeDelta::minutes(minutes)), class)
            })
            .collect();
        all.sort_by_key(|it| it.at);
        all
    })
}

fn any_cap() -> impl Strategy<Value = Cap> {
    let window = prop_oneof![
        (1_u32..14).prop_map(|it| CapWindow::Rolling(Period::days(it))),
        Just(CapWindow::Calendar(Unit::Day)),
        Just(CapWindow::Calendar(Unit::Week)),
        Just(CapWindow::Calendar(Unit::Month)),
    ];
    (1_u32..5, window, 0_u32..90_000).prop_map(|(limit, window, gap)| Cap {
        min_gap: Period::seconds(gap),
        ..cap(limit, window, "PT0S")
    })
}

proptest! {
    #[test]
    fn frees_at_is_the_first_instant_that_passes(
        caps in proptest::collection::vec(any_cap(), 1..4),
        entries in entries(),
    ) {
        if let CapVerdict::Deny { frees_at, .. } = evaluate(&caps, &entries, noon(), &berlin()) {
            prop_assert!(frees_at > noon());
            prop_assert_eq!(evaluate(&caps, &entries, frees_at, &berlin()), CapVerdict::Grant);
            let before = frees_at.minus(TimeDelta::microseconds(1));
            prop_assert_ne!(evaluate(&caps, &entries, before, &berlin()), CapVerdict::Grant);
        }
    }

    #[test]
    fn one_more_contact_never_frees_a_cap_earlier(
        caps in proptest::collection::vec(any_cap(), 1..4),
        entries in entries(),
        minutes in 0_i64..20_000,
    ) {
        let before = frees_at(&evaluate(&caps, &entries, noon(), &berlin()));
        let mut more = entries;
        more.push(entry(noon().minus(TimeDelta::minutes(minutes)), Class::Marketing));
        let after = frees_at(&evaluate(&caps, &more, noon(), &berlin()));
        prop_assert!(after >= before);
    }

    #[test]
    fn merge_then_split_equals_never_merged(entries in entries(), caps in any_cap()) {
        let nodes: [NodeId; 2] = [person(1).nodes[0], person(2).nodes[0]];
        let placed: Vec<Entry> = entries
            .into_iter()
            .enumerate()
            .map(|(i, it)| Entry { node: nodes[i % 2], ..it })
            .collect();
        let of = |nodes: &[NodeId]| -> Vec<Entry> {
            placed.iter().filter(|it| nodes.contains(&it.node)).cloned().collect()
        };
        let caps = [caps];
        let verdict = |nodes: &[NodeId]| frees_at(&evaluate(&caps, &of(nodes), noon(), &berlin()));
        // The merged person is at least as capped as either; taken apart, each is as before.
        prop_assert!(verdict(&nodes) >= verdict(&nodes[..1]).max(verdict(&nodes[1..])));
    }
}
