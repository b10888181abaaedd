//! Records: canonical, small, and enough to decide again.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{DecisionId, Digest, Known, RuleId, Why};
use uuid::Uuid;

use super::{
    pipeline::{ALL, inputs, release, verdict},
    world::at,
};
use crate::{
    inputs::{Headroom, Mode, Permission, Verdict},
    pipeline::decide,
    ports::Release,
    reasons,
    record::{RECORD_BYTES_MAX, Record, StoredRecord},
    replay::{Mismatch, replay},
};

fn stored(names: &[&str]) -> (Release, StoredRecord) {
    let release = release();
    let record = decide(&release, &inputs(&release.artifacts, names)).record;
    let stored = record.store().unwrap();
    (release, stored)
}

#[test]
fn records_are_canonical_and_small() {
    for names in [&ALL[..], &ALL[..1], &ALL[1..2], &ALL[2..3], &ALL[3..], &[]] {
        let (_, stored) = stored(names);
        let value: serde_json::Value = serde_json::from_slice(&stored.bytes).unwrap();
        let canonical = kernel::canonical(&value).unwrap();
        assert_eq!(&*stored.bytes, &*canonical);
        assert!(stored.bytes.len() <= RECORD_BYTES_MAX, "{}", stored.bytes.len());
        assert!(stored.bytes.is_ascii());
    }
}

#[test]
fn a_record_past_the_limit_is_not_written() {
    let (_, stored) = stored(&ALL);
    let padded = |n: usize| {
        let mut record: Record = stored.parse().unwrap();
        record.inputs.hints = BTreeMap::from([("k".into(), "x".repeat(n).into())]);
        record.store().map(|it| it.bytes.len())
    };
    let base = padded(0).unwrap();
    assert_eq!(padded(RECORD_BYTES_MAX - base), Ok(RECORD_BYTES_MAX));
    assert!(padded(RECORD_BYTES_MAX - base + 1).is_err());
}

#[test]
fn every_kind_of_record_replays_bit_for_bit() {
    let release = release();
    let mut all = Vec::new();
    let base = inputs(&release.artifacts, &ALL);
    all.push(base.clone());
    let mut odd = base.clone();
    odd.nodes[0].cut.refusal = Some(reasons::CTX_UNREACHABLE);
    odd.nodes[1].cut.fields[0] = Known::Unknown(Why::Withheld);
    odd.nodes[1].cut.withheld = vec![("app.push_enabled".into(), reasons::PRM_REFUSED)];
    odd.nodes[1].counts = vec![None];
    odd.nodes[2].headroom = Headroom::Full { until: at("2026-07-03T00:00:00Z") };
    odd.nodes[3].cut.fields[0] = Known::NotApplicable(RuleId::new("none"));
    let held = Permission::Held { until: at("2026-07-02T00:00:00Z") };
    odd.nodes[3].verdicts[0] = Some(verdict(held));
    odd.nodes[3].verdicts[1] =
        Some(Verdict { reasons: vec![reasons::PRM_REFUSED], ..verdict(Permission::Refused) });
    odd.nodes[3].objections = vec![reasons::TRG_REENTRY];
    odd.supersedes = Some(DecisionId::from_uuid(Uuid::from_u128(9)));
    odd.round = 3;
    all.push(odd);
    let mut inbound = base.clone();
    inbound.mode = Mode::Inbound { placement: "home.top".into() };
    inbound.request = Some(Digest::of(b"ask"));
    inbound.hints = BTreeMap::from([("intent".into(), "renew".into())]);
    all.push(inbound);
    let mut empty = base;
    empty.nodes.clear();
    all.push(empty);
    for inputs in all {
        let stored = decide(&release, &inputs).record.store().unwrap();
        let artifacts = Arc::clone(&release.artifacts);
        replay(&stored, &|it| (it == release.digest).then(|| Arc::clone(&artifacts))).unwrap();
    }
}

#[test]
fn a_tampered_record_differs_where_it_was_touched() {
    let (release, stored) = stored(&ALL);
    let again = |bytes: Vec<u8>| {
        let stored = StoredRecord { id: stored.id, bytes: bytes.into() };
        replay(&stored, &|_| Some(Arc::clone(&release.artifacts)))
    };
    let text = String::from_utf8(stored.bytes.to_vec()).unwrap();
    let touched = text.replacen("\"effect\":\"serve\"", "\"effect\":\"deny\"", 1);
    assert_eq!(
        again(touched.into_bytes()),
        Err(Mismatch::Differs { pointer: "/outcome/effect".into() })
    );
    let older = text.replace("\"semantics\":1", "\"semantics\":0");
    assert_eq!(again(older.into_bytes()), Err(Mismatch::Semantics(0)));
    assert!(matches!(again(b"{}".to_vec()), Err(Mismatch::Record(_))));
    let missing = replay(&stored, &|_| None);
    assert_eq!(missing, Err(Mismatch::Release(release.digest)));
    let spaced = text.replacen("\"kind\":\"decision\"", "\"kind\": \"decision\"", 1);
    assert!(again(spaced.into_bytes()).is_err());
}
