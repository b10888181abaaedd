//! Zones and sending windows: doubt never widens a window.

use chrono::TimeDelta;
use kernel::{ArtifactRef, Channel, Digest, Opening, Windows, next_open};
use proptest::prelude::*;
use serde_json::json;

use crate::{
    content::Artifacts,
    contract::sample::noon,
    message::WindowClass,
    zone::{ZoneEvidence, candidates},
};

#[test]
fn evidence_gives_every_zone_it_allows() {
    let names = |evidence| {
        let zones = candidates(&evidence);
        zones.as_slice().iter().map(|it| it.name()).collect::<Vec<_>>()
    };
    assert_eq!(names(ZoneEvidence::Zone("Asia/Kathmandu".to_owned())), ["Asia/Kathmandu"]);
    assert_eq!(
        names(ZoneEvidence::Country("PT".to_owned())),
        ["Atlantic/Azores", "Atlantic/Madeira", "Europe/Lisbon"]
    );
    let anywhere = names(ZoneEvidence::Unknown);
    assert!(anywhere.contains(&"Atlantic/Azores") && anywhere.contains(&"Asia/Nicosia"));
    assert_eq!(names(ZoneEvidence::Country("XX".to_owned())), anywhere);
    assert_eq!(names(ZoneEvidence::Zone("Mars/Olympus".to_owned())), anywhere);
}

#[test]
fn a_window_is_checked_at_release() {
    let compile = |name: &str, body: serde_json::Value| {
        let source = ArtifactRef { kind: "window", name, digest: Digest::of(b"w"), body: &body };
        match Artifacts::compile(&[source]) {
            Ok(artifacts) => {
                let windows = artifacts.windows(WindowClass::Standard).unwrap();
                assert_eq!(windows.of(Channel::App), Some(&None));
                assert!(matches!(windows.of(Channel::Sms), Some(Some(_))));
                Vec::new()
            }
            Err(findings) => findings.into_iter().map(|it| it.rule).collect(),
        }
    };
    let always = json!(["email", "push", "web", "app", "human_task", "webhook"]);
    let stretch = |from: &str, to: &str| json!([{ "days": ["mon"], "from": from, "to": to }]);
    let body = |sms: serde_json::Value| json!({ "schema": "window/1", "always": always, "open": { "sms": sms } });
    assert!(compile("standard", body(stretch("08:00", "24:00"))).is_empty());
    assert_eq!(compile("lunch", body(stretch("08:00", "20:00"))), ["window.class"]);
    for (from, to) in
        [("8:00", "20:00"), ("08:00", "24:01"), ("24:00", "20:00"), ("08:60", "20:00")]
    {
        let findings = compile("standard", body(stretch(from, to)));
        assert_eq!(findings, ["window.stretch", "window.channel"], "{from} {to}");
    }
    let twice = json!({
        "schema": "window/1", "always": always,
        "open": { "sms": stretch("08:00", "20:00"), "email": stretch("08:00", "20:00") },
    });
    assert_eq!(compile("standard", twice), ["window.twice"]);
    let silent = json!({ "schema": "window/1", "always": always });
    assert_eq!(compile("standard", silent), ["window.channel"]);
}

proptest! {
    #[test]
    fn a_wider_candidate_set_never_opens_earlier(
        hours in 0_i64..8_760, from in 0_u16..1_440, to in 1_u16..1_440,
    ) {
        let now = noon().plus(TimeDelta::hours(hours));
        let windows = Windows::daily(from, to).unwrap();
        let opens = |evidence| {
            match next_open(now, &windows, &candidates(&evidence), TimeDelta::days(8)) {
                Opening::Open => Some(now),
                Opening::At(at, _) => Some(at),
                Opening::Never => None,
            }
        };
        let known = opens(ZoneEvidence::Zone("Europe/Lisbon".to_owned()));
        let country = opens(ZoneEvidence::Country("PT".to_owned()));
        let unknown = opens(ZoneEvidence::Unknown);
        let later = |a: Option<kernel::Instant>, b: Option<kernel::Instant>| match (a, b) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(a), Some(b)) => a <= b,
        };
        prop_assert!(later(known, country));
        prop_assert!(later(country, unknown));
    }
}
