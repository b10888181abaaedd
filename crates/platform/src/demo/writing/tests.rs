//! The texts are what the importers and the intake are promised, noise included.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde_json::Value;

use super::{consent_event, extracts, line, stream};
use crate::demo::population::Population;

const HEADERS: [(&str, &str); 5] = [
    (
        "crm.csv",
        "crm_id,email,email_verified,phone,first_name,last_name,birth_date,country,time_zone,language,needs_support,updated_at",
    ),
    ("service.csv", "service_no,crm_id,email,open_complaint,updated_at"),
    (
        "product.csv",
        "user_id,crm_id,email,email_verified,device_id,onboarding_step,last_step_at,push_enabled,account_tenure_months,updated_at",
    ),
    (
        "policy.csv",
        "policy_no,crm_id,status,renewal_on,autorenew,tenure_months,premium_minor,currency,updated_at",
    ),
    ("comms.csv", "comms_no,crm_id,email,email_verified,last_sent_at,updated_at"),
];

fn population() -> Population {
    Population::generate(7, 1_000, NaiveDate::from_ymd_opt(2026, 6, 1).unwrap(), 30)
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let (one, same) = (population(), population());
    assert_eq!(extracts(&one), extracts(&same));
    assert_eq!(stream(&one, 3), stream(&same, 3));
    assert_ne!(stream(&one, 3), stream(&one, 4));
}

#[test]
fn extracts_have_their_headers_and_every_record() {
    let population = population();
    let mut rows = 0;
    for (extract, (file, header)) in extracts(&population).iter().zip(HEADERS) {
        let mut lines = extract.text.lines();
        assert_eq!((extract.file, lines.next()), (file, Some(header)));
        let cells = header.split(',').count();
        for row in lines {
            assert_eq!(row.split(',').count(), cells, "{row}");
            rows += 1;
        }
    }
    assert_eq!(rows, population.truth().records);
}

#[test]
fn a_stream_has_every_event_of_its_day_and_some_noise() {
    let population = population();
    let mut repeated = 0;
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for day in 0..population.days {
        let lines = stream(&population, day);
        assert!(lines.is_sorted_by_key(|it| it.at));
        let texts: BTreeSet<_> = lines.iter().map(|it| it.text.as_str()).collect();
        let sent: BTreeSet<_> = population.events_on(day).map(|it| line(it).text).collect();
        assert!(sent.iter().all(|it| texts.contains(it.as_str())));
        repeated += lines.len() - texts.len();
        for text in texts.iter().filter(|it| !sent.contains(**it)) {
            *reasons.entry(what_is_wrong(text)).or_default() += 1;
        }
    }
    let share = repeated * 1_000 / population.events.len();
    assert!((5..20).contains(&share), "{share}");
    let expected = ["envelope", "not json", "payload", "time", "type"];
    assert_eq!(reasons.keys().copied().collect::<Vec<_>>(), expected, "{reasons:?}");
}

fn what_is_wrong(text: &str) -> &'static str {
    let Ok(event) = serde_json::from_str::<Value>(text) else {
        return "not json";
    };
    if event["specversion"] != "1.0" {
        "envelope"
    } else if event["type"] == "product.mystery.v9" {
        "type"
    } else if event["data"].get("surprise").is_some() {
        "payload"
    } else {
        "time"
    }
}

#[test]
fn events_are_cloud_events() {
    let population = population();
    let event = population.events.iter().find(|it| it.kind == "product.login.v1").unwrap();
    let text: Value = serde_json::from_str(&line(event).text).unwrap();
    let members: BTreeSet<_> = text.as_object().unwrap().keys().map(String::as_str).collect();
    let expected =
        ["data", "datacontenttype", "id", "source", "specversion", "subject", "time", "type"];
    assert_eq!(members, BTreeSet::from(expected));
    assert_eq!(text["source"], "app");
    assert!(text["subject"].as_str().unwrap().starts_with("user_id:U"));
    let beat = population.events.iter().find(|it| it.kind == "assent.heartbeat.v1").unwrap();
    assert!(!line(beat).text.contains("subject"));
}

#[test]
fn choices_are_written_for_intake() {
    let population = population();
    let granted = population.choices.iter().find(|it| it.kind.get("given").is_some()).unwrap();
    let text = consent_event(granted);
    assert_eq!(text["kind"]["given"]["purpose"]["key"], "marketing.renewal");
    assert_eq!(text["event_time"], granted.at.to_string());
    assert_eq!(text["actor"], "subject");
    let identifier = &text["person"]["identifiers"][0];
    let identifier =
        [&identifier["namespace"], &identifier["value"]].map(|it| it.as_str().unwrap());
    assert_eq!(identifier.join(":"), granted.subject);
}
