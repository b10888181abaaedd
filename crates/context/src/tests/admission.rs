//! Admitting: once, whole, accounted for, and never with a value in an answer.

use kernel::Limit;
use serde_json::{Map, Value, json};

use super::world::{T0, World, compile, instant, issued, login, shipped, tenant};
use crate::{
    Code, RawBatch,
    admit::{Admitter, Caller, IDENTIFIERS_MAX, Judgement, SKEW, admit},
    ports::{EventLog, Status},
    service::{AdmitError, ImportError, ItemOutcome},
};

fn codes(outcomes: &[ItemOutcome]) -> Vec<Option<Code>> {
    let code = |it: &ItemOutcome| match it {
        ItemOutcome::Parked { refusal } | ItemOutcome::Refused { refusal } => Some(refusal.code),
        ItemOutcome::Accepted { .. } | ItemOutcome::Duplicate { .. } => None,
    };
    outcomes.iter().map(code).collect()
}

#[tokio::test]
async fn an_event_is_admitted_once() {
    let world = World::new();
    let first = world.admit(vec![login("1", &json!({})), login("1", &json!({}))]).await;
    let ItemOutcome::Accepted { event_id } = first[0] else { panic!("{first:?}") };
    assert_eq!(first[1], ItemOutcome::Duplicate { event_id });
    let other = login("1", &json!({ "data": { "device_id": "D2" } }));
    let again = world.admit(vec![login("1", &json!({ "traceparent": "00-x" })), other]).await;
    assert_eq!(again[0], ItemOutcome::Duplicate { event_id });
    assert_eq!(codes(&again[1..]), [Some(Code::IdConflict)]);
    let kept = world.context.events(&tenant(), &[event_id]).await.unwrap();
    assert_eq!(kept[0].data, json!({ "device_id": "D1" }));
}

#[tokio::test]
async fn each_stage_has_its_code() {
    let world = World::new();
    for (changes, status, code, pointer) in [
        (json!({ "id": null }), Status::Refused, Code::MissingAttribute, "/id"),
        (json!({ "time": null }), Status::Refused, Code::MissingAttribute, "/time"),
        (json!({ "type": "no.such.v1" }), Status::Refused, Code::UnknownType, "/type"),
        (json!({ "type": "Bad Type" }), Status::Refused, Code::UnknownType, "/type"),
        (json!({ "source": "crm" }), Status::Refused, Code::SourceNotAllowed, "/source"),
        (
            json!({ "dataschema": "urn:x" }),
            Status::Refused,
            Code::SchemaUnregistered,
            "/dataschema",
        ),
        (json!({ "data": { "x": 1 } }), Status::Refused, Code::SchemaViolation, "/data"),
        (
            json!({ "data": { "device_id": 7 } }),
            Status::Refused,
            Code::SchemaViolation,
            "/data/device_id",
        ),
        (json!({ "subject": "U1" }), Status::Refused, Code::SubjectMissing, "/subject"),
        (json!({ "subject": null, "data": {} }), Status::Refused, Code::SubjectMissing, "/subject"),
        (json!({ "expirytime": "soon" }), Status::Refused, Code::BadTime, "/expirytime"),
        (
            json!({ "time": "2026-01-10T12:05:00.000001Z" }),
            Status::Parked,
            Code::ClockFuture,
            "/time",
        ),
    ] {
        let outcome = world.admit(vec![login("1", &changes)]).await.remove(0);
        assert_eq!(outcome.status(), status, "{changes}");
        let (ItemOutcome::Parked { refusal } | ItemOutcome::Refused { refusal }) = outcome else {
            panic!("{changes}")
        };
        assert_eq!((refusal.code, refusal.pointer.as_str()), (code, pointer), "{changes}");
    }
}

#[tokio::test]
async fn time_is_judged_at_its_bounds() {
    let world = World::new();
    let now = instant(T0);
    let admit = |id: &'static str, kind: &'static str, time: kernel::Instant| {
        let mut event = login(id, &json!({ "type": kind, "time": time.to_string(), "data": {} }));
        event["source"] = json!("app");
        world.admit(vec![event])
    };
    let within = chrono::TimeDelta::hours(1);
    let micro = chrono::TimeDelta::microseconds(1);
    let beat = "assent.heartbeat.v1";
    assert_eq!(codes(&admit("1", "product.login.v1", now.plus(SKEW)).await), [None]);
    assert_eq!(codes(&admit("2", beat, now.minus(within)).await), [None]);
    let late = admit("3", beat, now.minus(within + micro)).await;
    assert_eq!(codes(&late), [Some(Code::TooLate)]);
    let old = admit("4", "product.login.v1", now.minus(chrono::TimeDelta::days(3))).await;
    let ItemOutcome::Accepted { event_id } = old[0] else { panic!("{old:?}") };
    assert!(world.context.events(&tenant(), &[event_id]).await.unwrap()[0].late);
}

#[tokio::test]
async fn a_caller_speaks_for_its_own_sources_only() {
    let world = World::new();
    let batch = RawBatch {
        batched: false,
        items: vec![Ok(login("1", &json!({})).as_object().unwrap().clone())],
    };
    let crm = Caller { sources: Some(vec!["crm".into()]) };
    let outcome = world.admission.admit(&tenant(), &crm, batch.clone()).await.unwrap();
    assert_eq!(codes(&outcome), [Some(Code::SourceNotAllowed)]);
    let app = Caller { sources: Some(vec!["app".into()]) };
    let outcome = world.admission.admit(&tenant(), &app, batch).await.unwrap();
    assert_eq!(codes(&outcome), [None]);
}

#[tokio::test]
async fn everything_received_is_accounted_for() {
    let world = World::new();
    let mut sent = 0;
    for round in 0..3 {
        let events = vec![
            login("same", &json!({})),
            login(&format!("n{round}"), &json!({})),
            login("late", &json!({ "time": "2027-01-01T00:00:00Z" })),
            login("bad", &json!({ "data": [] })),
            login("bad", &json!({ "type": 7 })),
        ];
        sent += u64::try_from(events.len()).unwrap();
        world.admit(events).await;
    }
    let health = world.health.health(&tenant(), Limit::MAX).await.unwrap();
    let total = |status| -> u64 {
        health.tallies.iter().filter(|it| it.status == status).map(|it| it.n).sum()
    };
    assert_eq!(Status::ALL.into_iter().map(total).sum::<u64>(), sent);
    assert_eq!(total(Status::Accepted), 4);
    assert_eq!(total(Status::Duplicate), 2);
    assert_eq!((total(Status::Parked), total(Status::Refused)), (3, 6));
    let groups: Vec<_> = health.dead_letters.iter().map(|it| (it.code, it.n)).collect();
    let kept = [(Code::UnknownType, 3), (Code::SchemaViolation, 3), (Code::ClockFuture, 3)];
    assert!(kept.iter().all(|it| groups.contains(it)), "{groups:?}");
}

#[tokio::test]
async fn no_value_of_an_event_is_in_a_fact_an_answer_or_a_listing() {
    let world = World::new();
    let canary = "canary-7f3a";
    let data = json!({ "device_id": canary, canary: canary });
    let outcomes = world
        .admit(vec![
            login("1", &json!({ "data": data })),
            login("2", &json!({ "type": canary })),
            login("3", &json!({ "source": canary })),
            login("4", &json!({ "subject": canary })),
            login("5", &json!({ "data": { "device_id": canary } })),
        ])
        .await;
    world.applies.run_once(10).await.unwrap();
    let health = world.health.health(&tenant(), Limit::MAX).await.unwrap();
    for text in
        [format!("{:?}", world.feed.facts()), format!("{outcomes:?}"), format!("{health:?}")]
    {
        assert!(!text.contains(canary), "{text}");
    }
}

#[tokio::test]
async fn an_outage_admits_nothing_and_says_so() {
    let world = World::new();
    world.context.set_outage(true);
    let batch = RawBatch {
        batched: false,
        items: vec![Ok(login("1", &json!({})).as_object().unwrap().clone())],
    };
    let outcome = world.admission.admit(&tenant(), &Caller::default(), batch).await;
    assert!(matches!(outcome, Err(AdmitError::Fault(_))));
    world.context.set_outage(false);
    assert!(world.feed.facts().is_empty());
    assert_eq!(codes(&world.admit(vec![login("1", &json!({}))]).await), [None]);
}

const HEADER: &str = "crm_id,email,email_verified,phone,first_name,last_name,birth_date,country,\
                      time_zone,language,needs_support,updated_at\n";

#[tokio::test]
async fn rows_are_admitted_like_any_other_event() {
    let world = World::new();
    let csv = format!(
        "\u{feff}{HEADER}\
         C1,a@b.example,true,,Ann,Smith,1980-01-01,DE,Europe/Berlin,de,false,2026-01-01T00:00:00Z\n\
         C2,,,,,,,,,,,2026-01-01T00:00:00Z\n\
         C3,a@b.example,maybe,,Ann,,,,,,,2026-01-01T00:00:00Z\n\
         ,a@b.example,true,,Ann,,,,,,,2026-01-01T00:00:00Z\n\
         C5,,,,,,,,,,,yesterday\n"
    );
    let report = world.imports.import(&tenant(), "crm", csv.as_bytes()).await.unwrap();
    assert_eq!((report.rows, report.accepted, report.refused), (5, 2, 3));
    let problems: Vec<_> =
        report.problems.iter().map(|it| (it.line, it.column.as_deref(), it.code)).collect();
    assert_eq!(
        problems,
        [
            (4, Some("email_verified"), Code::SchemaViolation),
            (5, Some("crm_id"), Code::MissingAttribute),
            (6, None, Code::BadTime),
        ]
    );
    let again = world.imports.import(&tenant(), "crm", csv.as_bytes()).await.unwrap();
    assert_eq!((again.accepted, again.duplicate), (0, 2));
    let pending = world.context.pending(Limit::MAX).await.unwrap().events;
    let (_, first) = &pending[0];
    assert_eq!(first.ce_id, "crm:C1:2026-01-01T00:00:00Z");
    let names: Vec<_> =
        first.identifiers.iter().map(|it| (it.namespace.as_str(), it.verified)).collect();
    assert_eq!(names, [("crm_id", true), ("email", true)]);
    let kept = first.data.as_object().unwrap();
    assert!(!kept.contains_key("last_name") && !kept.contains_key("birth_date"));
    assert_eq!(pending[1].1.data, json!({ "crm_id": "C2", "updated_at": "2026-01-01T00:00:00Z" }));
}

#[tokio::test]
async fn a_file_must_be_what_its_connector_declares() {
    let world = World::new();
    for (system, csv) in [
        ("warehouse", "a\n"),
        ("crm", "crm_id,updated_at,marketing_consent\n"),
        ("crm", "crm_id,crm_id,updated_at\n"),
        ("crm", "crm_id\n"),
        ("crm", "crm_id,updated_at\nC1\n"),
    ] {
        let outcome = world.imports.import(&tenant(), system, csv.as_bytes()).await;
        match outcome.unwrap_err() {
            ImportError::UnknownSystem => assert_eq!(system, "warehouse"),
            ImportError::Column(name) => assert!(csv.contains(&name) || name == "updated_at"),
            ImportError::Line { line } => assert_eq!(line, 2),
            it => panic!("{it}"),
        }
    }
    let large = format!("crm_id,updated_at,first_name\nC1,2026-01-01T00:00:00Z,{}\n", {
        "x".repeat(crate::connector::ROW_BYTES_MAX)
    });
    let report = world.imports.import(&tenant(), "crm", large.as_bytes()).await.unwrap();
    assert_eq!(report.problems[0].code, Code::TooLarge);
}

#[tokio::test]
async fn rows_of_every_system_are_admitted() {
    let world = World::new();
    let at = "2026-01-09T08:00:00Z";
    for (system, csv) in [
        (
            "service_desk",
            format!("service_no,crm_id,email,open_complaint,updated_at\nS1,C1,,false,{at}\n"),
        ),
        (
            "app",
            format!(
                "user_id,crm_id,email,email_verified,device_id,onboarding_step,last_step_at,push_enabled,\
                 account_tenure_months,updated_at\nU1,,u@x.example,true,D1,identity,{at},true,3,{at}\n"
            ),
        ),
        (
            "policy_admin",
            format!(
                "policy_no,crm_id,status,renewal_on,autorenew,tenure_months,premium_minor,currency,\
                 updated_at\nP1,C1,active,2026-04-10,false,24,12000,EUR,{at}\n"
            ),
        ),
        (
            "comms",
            format!(
                "comms_no,crm_id,email,email_verified,last_sent_at,updated_at\nM1,,u@x.example,true,{at},{at}\n"
            ),
        ),
    ] {
        let report = world.imports.import(&tenant(), system, csv.as_bytes()).await.unwrap();
        assert_eq!((report.rows, report.accepted), (1, 1), "{system}: {report:?}");
    }
}

#[tokio::test]
async fn an_event_names_its_subject_its_leaves_and_its_object() {
    let world = World::new();
    let outcome = world.admit(vec![issued("1", T0, "2026-04-10")]).await;
    let ItemOutcome::Accepted { event_id } = outcome[0] else { panic!("{outcome:?}") };
    let kept = &world.context.events(&tenant(), &[event_id]).await.unwrap()[0];
    let names: Vec<_> = kept.identifiers.iter().map(|it| it.namespace.as_str()).collect();
    assert_eq!(names, ["crm_id", "policy_no"]);
    assert_eq!(kept.object.as_ref().unwrap().id, "P1");
}

#[test]
fn an_event_names_a_person_in_eight_ways_at_most() {
    let judge = |n: usize| {
        let leaf = |it| (format!("l{it}"), json!({ "type": "string", "x-subject-ref": "device" }));
        let mut sources = shipped();
        let schema = sources.iter_mut().find(|it| it.1 == "account.closed.v1" && it.0 == "schema");
        // The subject is one of them.
        schema.unwrap().2["properties"] = Value::Object((1..n).map(leaf).collect());
        let data: Map<_, _> =
            (1..n).map(|it| (format!("l{it}"), json!(format!("D{it}")))).collect();
        let event = login("1", &json!({ "type": "account.closed.v1", "data": data }));
        let artifacts = compile(&sources).unwrap();
        let caller = Caller::default();
        let tenant = tenant();
        let now = instant(T0);
        let admitter = Admitter { tenant: &tenant, caller: &caller, artifacts: &artifacts, now };
        let id = kernel::EventId::from_uuid(super::world::node(1).uuid());
        admit(admitter, id, event.as_object().unwrap())
    };
    assert!(matches!(judge(IDENTIFIERS_MAX), Judgement::Admit(it) if it.identifiers.len() == 8));
    let outcome = judge(IDENTIFIERS_MAX + 1);
    assert!(matches!(outcome, Judgement::Refuse(it) if it.code == Code::TooLarge));
}
