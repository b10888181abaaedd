//! Node files: the shipped ones load, broken ones are refused by name.

use serde_json::{Value, json};

use super::world::{all_shipped, compile, node_name, shipped};
use crate::node::{ACTIONS_MAX, FIELDS_MAX, TABLES_MAX, Trigger};

#[test]
fn the_four_shipped_nodes_load() {
    let artifacts = compile(&all_shipped()).unwrap();
    let names: Vec<_> = artifacts.nodes().iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["claim.status", "onboarding.stalled", "renewal.day90", "service.recovery"]);
    let serving: Vec<_> = artifacts.serving("home.top").map(|it| it.name.as_str()).collect();
    assert_eq!(serving, ["renewal.day90"]);
    let renewal = artifacts.node(&node_name("renewal.day90")).unwrap();
    let Trigger::Date(trigger) = &renewal.trigger else { panic!("a date trigger") };
    assert_eq!(&*renewal.cut.fields[trigger.anchor].name, "policy.renewal_on");
    assert_eq!(artifacts.anchored_at("claim.reported_at").count(), 1);
    assert_eq!(artifacts.moved_by("policy.renewed.v1").count(), 1);
    assert_eq!(artifacts.moved_by("product.login.v1").count(), 0);
}

/// Sets the member at a pointer; `null` removes it.
fn changed(name: &str, pointer: &str, value: Value) -> Value {
    let mut node = shipped(name);
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    let parent = node.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
    match (parent, value) {
        (Value::Object(it), Value::Null) => drop(it.remove(member)),
        (Value::Object(it), value) => drop(it.insert(member.to_owned(), value)),
        (Value::Array(it), value) => it[member.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer} has no members"),
    }
    node
}

#[test]
fn broken_nodes_are_refused_by_name() {
    let renewal = "renewal.day90";
    for (name, pointer, value, rule) in [
        (renewal, "/node/schema", json!("node/2"), "node.schema"),
        (renewal, "/node/surprise", json!(1), "node.shape"),
        (renewal, "/node/expires_on", json!("soon"), "node.shape"),
        (renewal, "/node/currency", json!("euro"), "node.shape"),
        (renewal, "/explain", Value::Null, "node.shape"),
        (renewal, "/purpose/version", json!(9), "node.registry"),
        (renewal, "/purpose/basis/EU", json!("A6-1-f"), "node.registry"),
        (renewal, "/purpose/basis/EU", json!("because"), "node.basis"),
        (renewal, "/purpose/key", json!("marketing.other"), "node.reference"),
        (renewal, "/boundary/ref", json!("nowhere"), "node.reference"),
        (renewal, "/boundary/systems", json!([]), "node.boundary"),
        (renewal, "/boundary/max_fields", json!(2), "node.limit"),
        (renewal, "/boundary/deny_fields", json!(["policy.*"]), "node.data_denied"),
        (renewal, "/treatments/0/template", json!("no-such"), "node.reference"),
        (renewal, "/treatments/0/action", json!("dance"), "node.action"),
        (renewal, "/treatments/0/id", json!("banner"), "node.twice"),
        (renewal, "/treatments/0/needs", json!(["person.shoe_size"]), "node.data_unlisted"),
        (renewal, "/data/optional/claim.stage", json!("P1D"), "node.data_unused"),
        (renewal, "/data/optional/policy.status", json!("P1D"), "node.twice"),
        (renewal, "/rules/0/require", json!("ctx.policy.stature == 'x'"), "cel.field"),
        (renewal, "/rules/0/require", json!("ctx.policy.status == 1"), "ok"),
        (renewal, "/rules/0/require", json!("ctx.policy.renewal_on == 'x'"), "cel.type"),
        (renewal, "/rules/0/require", json!("((("), "cel.syntax"),
        (renewal, "/rules/0/say", json!("nobody.says"), "node.say"),
        (renewal, "/rules/0/id", json!("G1"), "node.twice"),
        (renewal, "/rules/0/actions", json!(["dance"]), "node.action"),
        (renewal, "/actions/0/smallest", json!(false), "node.smallest"),
        (renewal, "/actions/0/cost", json!(-1), "node.worth"),
        (renewal, "/actions/0/value", json!(1_000_000_000_001_i64), "node.worth"),
        (renewal, "/actions/0/ttl", json!("P0D"), "node.period"),
        (renewal, "/trigger/at", json!("25:00"), "node.time"),
        (renewal, "/trigger/zone_unknown", json!("Europe/Nowhere"), "node.zone"),
        (renewal, "/trigger/offsets", json!([]), "node.period"),
        (renewal, "/trigger/anchor", json!("policy.other"), "node.data_unlisted"),
        (renewal, "/arbitration/compete", Value::Null, "node.compete"),
        (renewal, "/kpis/0/counterfactual", json!("feeling"), "node.kpi"),
        (renewal, "/kpis/1/role", json!("primary"), "node.kpi"),
        (renewal, "/degraded/history", json!("proceed_to_gate"), "node.degraded"),
        (renewal, "/degraded/context", json!("proceed_to_gate"), "node.degraded"),
        ("claim.status", "/sending/caps", json!(["service-24h"]), "node.obligation"),
        (
            "claim.status",
            "/experiment",
            json!({ "unit": "person", "layer": "x", "holdback_ppm": 1 }),
            "node.obligation",
        ),
        (
            "claim.status",
            "/arbitration",
            json!({ "compete": { "group": "outbound", "rank": 1, "on_lose": "drop" } }),
            "node.obligation",
        ),
        ("claim.status", "/purpose/basis/EU", json!("A6-1-a"), "node.obligation"),
        ("claim.status", "/sequence/after", json!("P9D"), "node.sequence"),
        ("claim.status", "/sequence/state", json!("ignored"), "node.sequence"),
        ("claim.status", "/tables/0/rows/0/0", json!("table.contact == 'x'"), "cel.name"),
        ("onboarding.stalled", "/trigger/zone", json!("onboarding.last_step_at"), "cel.type"),
        ("service.recovery", "/trigger/when", json!("event.rating"), "ok"),
        ("service.recovery", "/trigger/when", json!("event.rating + 1"), "cel.type"),
        ("service.recovery", "/trigger/when", json!("ctx.rating == 1"), "cel.name"),
        ("service.recovery", "/treatments/2/action", json!("call_back"), "node.untreated"),
    ] {
        let rules: Vec<String> = match compile(&[changed(name, pointer, value.clone())]) {
            Ok(_) => vec!["ok".to_owned()],
            Err(findings) => findings.into_iter().map(|it| it.rule).collect(),
        };
        assert!(rules.iter().any(|it| it == rule), "{name}{pointer} = {value}: {rules:?}");
    }
}

#[test]
fn every_finding_names_the_artifact_and_the_place() {
    let node = changed("renewal.day90", "/rules/1/require", json!("days(today) > 1"));
    let findings = compile(&[node]).unwrap_err();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].artifact, "node/renewal.day90");
    assert_eq!(findings[0].pointer, "/rules/1/require");
}

#[test]
fn limits_of_a_node_hold_at_the_limit_and_refuse_one_past_it() {
    let limited = |node: Value| match compile(&[node]) {
        Ok(_) => false,
        Err(findings) => findings.iter().any(|it| it.rule == "node.limit"),
    };
    let actions = |n: usize| {
        let mut node = shipped("renewal.day90");
        let first = node["actions"][0].clone();
        let (mut actions, mut treatments) = (Vec::new(), Vec::new());
        for i in 0..n {
            let mut action = first.clone();
            action["id"] = json!(format!("a{i}"));
            action["smallest"] = json!(i == 0);
            actions.push(action);
            let id = format!("t{i}");
            treatments.push(json!({
                "id": id, "action": format!("a{i}"), "channel": "email", "template": "renewal-90",
                "needs": ["person.first_name"],
            }));
        }
        node["actions"] = json!(actions);
        node["treatments"] = json!(treatments);
        node
    };
    assert!(!limited(actions(ACTIONS_MAX)) && limited(actions(ACTIONS_MAX + 1)));
    let fields = |n: usize| {
        let mut node = shipped("renewal.day90");
        node["boundary"]["max_fields"] = json!(100);
        for i in 6..n {
            node["data"]["optional"][format!("x.f{i}")] = json!("P1D");
        }
        node
    };
    assert!(!limited(fields(FIELDS_MAX)) && limited(fields(FIELDS_MAX + 1)));
    let tables = |n: usize| {
        let mut node = shipped("renewal.day90");
        let table =
            |i: usize| json!({ "id": format!("t{i}"), "hit": "first", "rows": [["true", "x"]] });
        node["tables"] = json!((0..n).map(table).collect::<Vec<_>>());
        node
    };
    assert!(!limited(tables(TABLES_MAX)) && limited(tables(TABLES_MAX + 1)));
}
