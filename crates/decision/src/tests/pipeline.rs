//! The pipeline: what is lacking never acts, and the same inputs give the same bytes.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{
    DecisionId, Digest, Epochs, Instant, Known, OccurrenceKey, RuleId, SystemId, Value, Why,
};
use uuid::Uuid;

use super::world::{acme, all_shipped, at, compile, date, node_name, person};
use crate::{
    Artifacts, Inputs, NodeInputs, Outcome,
    inputs::{Cut, Draw, Headroom, Mode, Permission, Verdict, ZoneUsed},
    node::Node,
    occurrence::ObjectRef,
    pipeline::{Fate, decide},
    ports::Release,
    rank, reasons,
};

pub(super) fn release() -> Release {
    let artifacts = Arc::new(compile(&all_shipped()).unwrap());
    Release { digest: Digest::of(b"bundle"), sequence: 7, artifacts }
}

fn now() -> Instant {
    at("2026-07-01T08:00:00Z")
}

fn known(value: Value) -> Known<Value> {
    Known::Is { value, source: SystemId::new("crm"), as_of: at("2026-06-30T00:00:00Z") }
}

/// A value with which every shipped rule passes.
fn good(field: &str) -> Value {
    match field {
        "policy.renewal_on" => Value::Date(date("2026-09-20")),
        "policy.status" => Value::Text("active".into()),
        "policy.autorenew" | "service.open_complaint" | "person.needs_support" => {
            Value::Bool(false)
        }
        "onboarding.last_step_at" => Value::At(at("2026-06-20T00:00:00Z")),
        "onboarding.step" => Value::Text("identity".into()),
        "app.push_enabled" | "service.fault_confirmed" => Value::Bool(true),
        "claim.reported_at" => Value::At(at("2026-06-28T00:00:00Z")),
        "claim.stage" => Value::Text("assessing".into()),
        "claim.next_step_on" => Value::Date(date("2026-07-10")),
        "service.cause" => Value::Text("error".into()),
        "billing.overcharge_minor" => Value::Int(500),
        "person.time_zone" => Value::Text("Europe/Paris".into()),
        "person.first_name" => Value::Text("Ada".into()),
        other => panic!("no value for {other}"),
    }
}

pub(super) fn verdict(permission: Permission) -> Verdict {
    Verdict {
        permission,
        reasons: Vec::new(),
        basis: Some("A6-1-a".into()),
        jurisdiction: Some("EU".into()),
        epochs: Epochs::default(),
        good_until: Some(at("2026-07-01T09:00:00Z")),
        evidence: Some(Digest::of(b"receipt")),
        obligations: Vec::new(),
    }
}

fn node_inputs(node: &Node, key: u8) -> NodeInputs {
    NodeInputs {
        node: node.name.clone(),
        key: OccurrenceKey([key; 32]),
        object: (!node.is_about_person()).then(|| ObjectRef::new(&node.object, "X-1")),
        label: "P3D".into(),
        due_at: now(),
        today: date("2026-07-01"),
        zone: ZoneUsed { name: "Europe/Paris".into(), assumed: false },
        cut: Cut {
            fields: node.cut.fields.iter().map(|it| known(good(&it.name))).collect(),
            withheld: Vec::new(),
            refusal: None,
            digests: vec![("catalogue".into(), Digest::of(b"catalogue"))],
        },
        verdicts: node.channels.iter().map(|_| Some(verdict(Permission::Permitted))).collect(),
        counts: vec![Some(0); node.counters.len()],
        headroom: Headroom::Free,
        objections: Vec::new(),
        draw: node.experiment.as_ref().map(|it| Draw {
            arm: "treated".into(),
            holdout: false,
            propensity_ppm: 900_000,
            layer: Arc::clone(&it.layer),
            seed: "s1".into(),
            bucket: 123_456,
        }),
    }
}

pub(super) fn inputs(artifacts: &Artifacts, names: &[&str]) -> Inputs {
    let nodes = names
        .iter()
        .zip(1_u8..)
        .map(|(name, key)| node_inputs(artifacts.node(&node_name(name)).unwrap(), key));
    Inputs {
        id: DecisionId::from_uuid(Uuid::from_u128(1)),
        tenant: acme(),
        as_of: now(),
        mode: Mode::Triggered,
        request: None,
        person: person(1),
        round: 0,
        supersedes: None,
        hints: BTreeMap::new(),
        nodes: nodes.collect(),
    }
}

pub(super) const ALL: [&str; 4] =
    ["claim.status", "onboarding.stalled", "renewal.day90", "service.recovery"];

fn reason(inputs: &Inputs) -> Option<kernel::Reason> {
    match decide(&release(), inputs).outcome {
        Outcome::None(it) => Some(it),
        Outcome::Act(_) | Outcome::Holdout(_) => None,
    }
}

#[test]
fn with_everything_known_and_permitted_every_node_acts() {
    let release = release();
    for (name, treatment) in [
        ("claim.status", "sms-dated"),
        ("onboarding.stalled", "push"),
        ("renewal.day90", "email"),
        ("service.recovery", "credit-note"),
    ] {
        let decided = decide(&release, &inputs(&release.artifacts, &[name]));
        let Outcome::Act(chosen) = decided.outcome else { panic!("{name}") };
        assert_eq!(&*chosen.treatment().id, treatment);
        assert_eq!(decided.fates, [Fate::Act]);
        assert_eq!(decided.record.outcome.effect, "serve");
    }
}

#[test]
fn no_unknown_field_ever_gains_an_action() {
    let release = release();
    let bad = [
        Known::Unknown(Why::Missing),
        Known::Unknown(Why::Stale),
        Known::Unknown(Why::Malformed),
        Known::Unknown(Why::Withheld),
        Known::Unknown(Why::SourceDown),
        Known::Unknown(Why::Overflow),
        Known::NotApplicable(RuleId::new("none")),
    ];
    for name in ALL {
        let full = inputs(&release.artifacts, &[name]);
        let node = release.artifacts.node(&node_name(name)).unwrap();
        for (slot, ask) in node.cut.fields.iter().enumerate() {
            for state in &bad {
                let mut lacking = full.clone();
                lacking.nodes[0].cut.fields[slot] = state.clone();
                let decided = decide(&release, &lacking);
                let acts = matches!(decided.outcome, Outcome::Act(_));
                let unknown = matches!(state, Known::Unknown(_));
                assert!(!(acts && ask.required && unknown), "{name} {} {state:?}", ask.name);
                if !acts {
                    assert!(decided.record.outcome.reason.is_some());
                }
            }
        }
    }
}

#[test]
fn a_required_field_that_is_lacking_is_named() {
    let release = release();
    let mut lacking = inputs(&release.artifacts, &["renewal.day90"]);
    let node = release.artifacts.node(&node_name("renewal.day90")).unwrap();
    let slot = node.slot("policy.status").unwrap();
    lacking.nodes[0].cut.fields[slot] = Known::Unknown(Why::Stale);
    let record = decide(&release, &lacking).record;
    let failure = &record.rationale.candidates[0].failures[0];
    assert_eq!(failure.reason, reasons::CTX_LACKING);
    assert_eq!(failure.blame, ["policy.status".into()]);
    assert!(record.rationale.candidates[0].passed.is_empty());
}

#[test]
fn without_permission_no_rule_runs() {
    let release = release();
    for (permission, expected, fate) in [
        (Permission::Refused, reasons::PRM_REFUSED, Fate::None(reasons::PRM_REFUSED)),
        (
            Permission::Held { until: at("2026-07-02T06:00:00Z") },
            reasons::PRM_HELD,
            Fate::Again { at: at("2026-07-02T06:00:00Z"), reason: reasons::PRM_HELD },
        ),
    ] {
        for name in ALL {
            let mut asked = inputs(&release.artifacts, &[name]);
            for verdict in asked.nodes[0].verdicts.iter_mut().flatten() {
                verdict.permission = permission;
            }
            let decided = decide(&release, &asked);
            assert_eq!(decided.record.outcome.reason, Some(expected.clone()));
            assert_eq!(decided.record.outcome.effect, "deny");
            assert_eq!(decided.fates, std::slice::from_ref(&fate));
            for candidate in &decided.record.rationale.candidates {
                assert!(candidate.passed.is_empty() && candidate.score.is_none());
                assert_eq!(candidate.stage, "gathered");
            }
        }
    }
}

#[test]
fn an_unreachable_source_is_retried_and_never_acted_around() {
    let release = release();
    let retry = |minutes| now().plus(chrono::TimeDelta::minutes(minutes));
    let mut context = inputs(&release.artifacts, &["renewal.day90"]);
    context.nodes[0].cut.refusal = Some(reasons::CTX_UNREACHABLE);
    let mut permission = inputs(&release.artifacts, &["renewal.day90"]);
    for verdict in permission.nodes[0].verdicts.iter_mut().flatten() {
        *verdict = Verdict::unreachable();
    }
    let mut history = inputs(&release.artifacts, &["renewal.day90"]);
    history.nodes[0].headroom = Headroom::Unknown;
    for (asked, reason) in [
        (context, reasons::CTX_UNREACHABLE),
        (permission, reasons::PRM_UNREACHABLE),
        (history, reasons::HIS_UNREACHABLE),
    ] {
        let decided = decide(&release, &asked);
        assert_eq!(decided.fates, [Fate::Again { at: retry(15), reason }]);
    }
    let mut duty = inputs(&release.artifacts, &["claim.status"]);
    duty.nodes[0].headroom = Headroom::Unknown;
    assert_eq!(reason(&duty), None);
    let mut refuses = inputs(&release.artifacts, &["onboarding.stalled"]);
    refuses.nodes[0].headroom = Headroom::Unknown;
    let fate = Fate::None(reasons::HIS_UNREACHABLE);
    assert_eq!(decide(&release, &refuses).fates, [fate]);
}

#[test]
fn full_caps_put_off_until_there_is_room() {
    let release = release();
    let until = at("2026-07-03T00:00:00Z");
    let mut capped = inputs(&release.artifacts, &["renewal.day90"]);
    capped.nodes[0].headroom = Headroom::Full { until };
    let decided = decide(&release, &capped);
    assert_eq!(decided.fates, [Fate::Again { at: until, reason: reasons::HIS_CAPPED }]);
}

#[test]
fn an_unknown_count_stops_a_guardrail() {
    let release = release();
    let mut unknown = inputs(&release.artifacts, &["service.recovery"]);
    unknown.nodes[0].counts = vec![None];
    let record = decide(&release, &unknown).record;
    let failures = &record.rationale.candidates[0].failures;
    assert_eq!(failures.last().unwrap().reason, reasons::GRD_UNKNOWN);
    assert_eq!(failures.last().unwrap().blame, ["hist".into()]);
}

#[test]
fn an_unknown_row_stops_its_table() {
    let release = release();
    let mut unknown = inputs(&release.artifacts, &["claim.status"]);
    unknown.nodes[0].label = "P7D".into();
    let node = release.artifacts.node(&node_name("claim.status")).unwrap();
    let slot = node.slot("claim.stage").unwrap();
    unknown.nodes[0].cut.fields[slot] = Known::NotApplicable(RuleId::new("none"));
    let record = decide(&release, &unknown).record;
    assert_eq!(record.outcome.kind, "none");
    assert_eq!(record.rationale.tables[0].value, None);
    assert_eq!(record.rationale.tables[0].blame, ["claim.stage".into()]);
}

#[test]
fn a_week_of_silence_becomes_a_call() {
    let release = release();
    let mut silent = inputs(&release.artifacts, &["claim.status"]);
    silent.nodes[0].label = "P7D".into();
    let node = release.artifacts.node(&node_name("claim.status")).unwrap();
    let slot = node.slot("claim.stage").unwrap();
    silent.nodes[0].cut.fields[slot] = known(Value::Text("received".into()));
    let Outcome::Act(chosen) = decide(&release, &silent).outcome else { panic!("no act") };
    assert_eq!(&*chosen.action().id, "handler_calls");
}

#[test]
fn who_needs_support_is_called_and_not_written_to() {
    let release = release();
    let mut vulnerable = inputs(&release.artifacts, &["service.recovery"]);
    let node = release.artifacts.node(&node_name("service.recovery")).unwrap();
    let slot = node.slot("person.needs_support").unwrap();
    vulnerable.nodes[0].cut.fields[slot] = known(Value::Bool(true));
    let Outcome::Act(chosen) = decide(&release, &vulnerable).outcome else { panic!("no act") };
    assert_eq!(&*chosen.action().id, "call_back");
}

#[test]
fn of_competitors_one_wins_and_every_key_is_recorded() {
    let release = release();
    let asked = inputs(&release.artifacts, &["renewal.day90", "onboarding.stalled"]);
    let decided = decide(&release, &asked);
    let Outcome::Act(chosen) = &decided.outcome else { panic!("no act") };
    assert_eq!(chosen.node().name.as_str(), "onboarding.stalled");
    let later = now().plus(chrono::TimeDelta::hours(24));
    let deferred = Fate::Again { at: later, reason: reasons::ARB_OUTRANKED };
    assert_eq!(decided.fates, [deferred, Fate::Act]);
    assert!(decided.record.rationale.candidates.iter().all(|it| it.score.is_some()));
}

#[test]
fn the_holdout_is_decided_in_full() {
    let release = release();
    let mut held = inputs(&release.artifacts, &["renewal.day90"]);
    if let Some(draw) = &mut held.nodes[0].draw {
        draw.holdout = true;
        draw.arm = "holdout".into();
    }
    let decided = decide(&release, &held);
    assert!(matches!(decided.outcome, Outcome::Holdout(_)));
    assert_eq!(decided.fates, [Fate::Holdout]);
    let outcome = &decided.record.outcome;
    assert_eq!((&*outcome.kind, &*outcome.effect), ("holdout", "suppress"));
    assert_eq!(outcome.reason, Some(reasons::EXP_HOLDOUT));
    assert_eq!(&*outcome.action.as_ref().unwrap().treatment, "email");
    let mut refused = held.clone();
    refused.nodes[0].verdicts[0] = Some(verdict(Permission::Refused));
    assert_eq!(reason(&refused), Some(reasons::PRM_REFUSED));
}

#[test]
fn a_node_that_experiments_never_acts_without_a_draw() {
    let release = release();
    let mut undrawn = inputs(&release.artifacts, &["renewal.day90"]);
    undrawn.nodes[0].draw = None;
    assert_eq!(reason(&undrawn), Some(reasons::ENG_INVARIANT));
}

#[test]
fn a_hint_that_matches_raises_the_score_by_its_points() {
    let release = release();
    let node = release.artifacts.node(&node_name("renewal.day90")).unwrap();
    let hints = BTreeMap::from([("intent".into(), "renew".into())]);
    let plain = rank::score(node, &node.actions[0], &BTreeMap::new());
    let hinted = rank::score(node, &node.actions[0], &hints);
    assert_eq!((plain.c_ppm, hinted.c_ppm, plain.l_ppm), (1_000_000, 1_550_000, 1_550_000));
    assert_eq!(plain.net, 120_000 * 1_800 - 2_000_000);
    assert_eq!(plain.total, plain.net * 1_000_000 * 1_550_000);
    assert_eq!(hinted.total * 100, plain.total * 155);
}

#[test]
fn permuted_inputs_give_the_same_bytes() {
    let release = release();
    let forward = inputs(&release.artifacts, &ALL);
    let expected = decide(&release, &forward).record.store().unwrap();
    for shift in 1..ALL.len() {
        let mut permuted = forward.clone();
        permuted.nodes.rotate_left(shift);
        assert_eq!(decide(&release, &permuted).record.store().unwrap(), expected);
    }
}

#[test]
fn an_expired_node_decides_nothing() {
    let release = release();
    let mut late = inputs(&release.artifacts, &["renewal.day90"]);
    late.nodes[0].today = date("2030-06-30");
    assert_ne!(reason(&late), Some(reasons::TRG_NODE_EXPIRED));
    late.nodes[0].today = date("2030-07-01");
    assert_eq!(reason(&late), Some(reasons::TRG_NODE_EXPIRED));
}
