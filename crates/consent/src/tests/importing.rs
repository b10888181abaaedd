//! Imports: a restriction freely, a permission only with proof, nothing from a row that says nothing.

use kernel::PurposeKey;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    house::House,
    world::{key, label, node},
};
use crate::{
    EventKind, Practice,
    import::{Idle, Naming, Row, Shape, event, read},
    service::RecordOutcome,
};

const AT: &str = "2026-01-02T03:04:05Z";

fn naming() -> Naming {
    let purposes: [(&str, Option<PurposeKey>); 4] = [
        ("Newsletter", Some(key("marketing.renewal"))),
        ("Advertising", Some(key("marketing"))),
        ("collect", Some(key("marketing.profile"))),
        ("Analytics", None),
    ];
    let purposes = purposes.into_iter().map(|(name, it)| (name.to_owned(), it)).collect();
    Naming { purposes, namespace: "email".into() }
}

/// Each thing a row says: the kind of event, or why there is none.
fn told(row: &Row) -> Vec<String> {
    let told = row.said.iter().map(|it| match it {
        Ok(said) => said.kind.name().to_owned(),
        Err(idle) => format!("{idle:?}"),
    });
    told.collect()
}

fn check(shape: Shape, row: impl std::borrow::Borrow<Value>, expected: &[&str]) {
    let row = row.borrow();
    let read = read(shape, &naming(), row);
    assert_eq!(told(&read), expected, "{row}");
    let permits = |it: &EventKind| !it.is_restrictive();
    let any = read.said.iter().flatten().any(|it| permits(&it.kind));
    assert!(!any || shape == Shape::Table, "{row}");
}

#[test]
fn an_export_of_onetrust_takes_away_and_never_gives() {
    let purposes = |status: &str| {
        json!({ "Identifier": "a@b.example", "Purposes": [
            { "Name": "Newsletter", "Status": status, "LastTransactionDate": AT }] })
    };
    for (status, expected) in [
        ("WITHDRAWN", "withdrawn"),
        ("opt_out", "withdrawn"),
        ("NO_CONSENT", "refused"),
        ("ACTIVE", "NoProof"),
        ("PENDING", "NoAction"),
        ("", "NoAction"),
        ("YES_PLEASE", "UnknownAction"),
    ] {
        check(Shape::Onetrust, purposes(status), &[expected]);
    }
    check(Shape::Onetrust, json!({ "Identifier": "a@b.example" }), &["NoAction"]);
    check(Shape::Onetrust, json!({ "Purposes": [{ "Name": "Newsletter" }] }), &["Nobody"]);
    let several = json!({ "Identifier": "a", "Purposes": [
        { "Name": "Analytics", "Status": "WITHDRAWN", "LastTransactionDate": AT },
        { "Name": "Mystery", "Status": "WITHDRAWN", "LastTransactionDate": AT },
        { "Name": "Newsletter", "Status": "WITHDRAWN", "LastTransactionDate": "yesterday" } ] });
    check(Shape::Onetrust, several, &["Foreign", "Unnamed", "NoTime"]);
}

#[test]
fn an_export_of_segment_takes_away_and_never_gives() {
    let with = |preferences: Value| {
        json!({ "userId": "u", "timestamp": AT,
            "context": { "consent": { "categoryPreferences": preferences } } })
    };
    let row = with(json!({ "Advertising": false, "Analytics": false, "Newsletter": true }));
    check(Shape::Segment, row, &["refused", "Foreign", "NoProof"]);
    check(Shape::Segment, with(json!({ "Advertising": "no" })), &["UnknownAction"]);
    check(Shape::Segment, with(json!({})), &["NoAction"]);
    check(Shape::Segment, with(Value::Null), &["NoAction"]);
}

#[test]
fn an_export_of_adobe_takes_away_and_never_gives() {
    let with = |consents: Value| {
        json!({ "identityMap": { "Email": [{ "id": "a@b.example", "primary": true }] },
            "consents": consents })
    };
    let time = json!({ "time": AT });
    let no = json!({ "val": "n" });
    let row = with(json!({ "marketing": { "any": no, "email": no, "sms": { "val": "y" } },
        "share": no, "collect": { "val": "p" }, "adID": no, "metadata": time }));
    let expected = ["objected", "channel_pref", "NoProof", "opted_out", "NoAction", "Unnamed"];
    check(Shape::AdobeXdm, row.clone(), &expected);
    let read = read(Shape::AdobeXdm, &naming(), &row);
    let share = EventKind::OptedOut { practice: Practice::SaleOrShare };
    assert_eq!(read.said[3].as_ref().unwrap().kind, share);
    assert_eq!(read.person.unwrap().value, "a@b.example");
    check(Shape::AdobeXdm, with(json!({ "share": no })), &["NoTime"]);
    check(Shape::AdobeXdm, with(json!({})), &["NoAction"]);
    check(Shape::AdobeXdm, json!({ "consents": { "share": no } }), &["Nobody"]);
}

fn table() -> Value {
    json!({ "identifier": "a@b.example", "purpose": "Newsletter", "action": "given",
        "purpose_version": "3", "at": AT, "channels": "email web", "expression": "explicit",
        "notice": "renewal-offers", "notice_version": "7", "method": "toggle",
        "prechecked": "false" })
}

#[test]
fn a_table_gives_only_with_every_part_of_the_proof() {
    check(Shape::Table, table(), &["given"]);
    for part in ["notice", "notice_version", "method", "prechecked", "purpose_version"] {
        let mut poorer = table();
        poorer.as_object_mut().unwrap().remove(part);
        check(Shape::Table, poorer, &["NoProof"]);
    }
    for (part, expected) in
        [("action", "NoAction"), ("purpose", "Unnamed"), ("at", "NoTime"), ("identifier", "Nobody")]
    {
        for empty in [json!(""), Value::Null, json!("  ")] {
            let mut poorer = table();
            poorer[part] = empty;
            check(Shape::Table, poorer, &[expected]);
        }
    }
    for (part, wrong, expected) in [
        ("prechecked", "true", "NoProof"),
        ("method", "dismiss", "NoProof"),
        ("notice_version", "0", "NoProof"),
        ("action", "subscribed", "UnknownAction"),
        ("channels", "email fax", "UnknownAction"),
    ] {
        let mut spoiled = table();
        spoiled[part] = wrong.into();
        check(Shape::Table, spoiled, &[expected]);
    }
    for action in ["refused", "withdrawn", "objected"] {
        let row = json!({ "identifier": "a", "purpose": "Newsletter", "action": action, "at": AT });
        check(Shape::Table, row, &[action]);
    }
}

#[tokio::test]
async fn the_same_row_of_the_same_batch_is_kept_once() {
    let house = House::new();
    let batch = label("ot-2026-01");
    let row = json!({ "identifier": "a", "purpose": "Newsletter", "action": "refused", "at": AT });
    let read = read(Shape::Table, &naming(), &row);
    let said = read.said[0].as_ref().unwrap();
    let kept = async |batch| {
        let event = event(batch, &row, 0, node(1), said);
        house.record(vec![event]).await.remove(0)
    };
    assert!(matches!(kept(&batch).await, RecordOutcome::Recorded(_)));
    assert!(matches!(kept(&batch).await, RecordOutcome::Duplicate(_)));
    assert!(matches!(kept(&label("ot-2026-02")).await, RecordOutcome::Recorded(_)));
    assert_eq!(house.log(1).await.len(), 2);
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        "[a-z]{0,6}".prop_map(Value::from),
        Just(json!("given")),
        Just(json!("y")),
        Just(json!("ACTIVE")),
        Just(json!("true")),
        Just(json!(AT)),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let name = prop_oneof![
            Just("Identifier"),
            Just("identifier"),
            Just("Purposes"),
            Just("Status"),
            Just("Name"),
            Just("action"),
            Just("purpose"),
            Just("at"),
            Just("consents"),
            Just("marketing"),
            Just("any"),
            Just("val"),
            Just("identityMap"),
            Just("context"),
            Just("consent"),
            Just("categoryPreferences"),
            Just("Newsletter"),
            Just("userId"),
            Just("timestamp"),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..5).prop_map(|it| {
                it.into_iter()
                    .map(|(k, v)| (k.to_owned(), v))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_row_gives_without_proof_and_every_row_says_something(row in values()) {
        for shape in [Shape::Onetrust, Shape::Segment, Shape::AdobeXdm, Shape::Table] {
            let read = read(shape, &naming(), &row);
            prop_assert!(!read.said.is_empty());
            for said in read.said.iter().flatten() {
                prop_assert!(said.kind.is_restrictive(), "{row}");
            }
            if read.person.is_none() {
                prop_assert_eq!(&read.said, &[Err(Idle::Nobody)]);
            }
        }
    }
}
