//! The bytes a record was given on the first day, for ever.

use kernel::SeededEntropy;

use super::{group, now, record};
use crate::{
    entry::{Custody, EntryKind, RetentionClass},
    key::{Key, Kid},
    seal::{Keys, RecordHead, encode, seal},
};

#[test]
fn a_record_sealed_on_the_first_day_has_these_bytes() {
    let keys = Keys {
        subject: Some(Key::new(Kid::from_bytes([0x11; 16]), [0x22; 32])),
        period: Some(Key::new(Kid::from_bytes([0x33; 16]), [0x44; 32])),
    };
    let class = RetentionClass::of("decision");
    let head = RecordHead { record: record(1), kind: EntryKind::Decision, class, at: now() };
    let groups = vec![
        group("core", Custody::Period, r#"{"at_us":1,"node":"renewal.day90"}"#),
        group("note", Custody::Plain, r#"{"open":true}"#),
        group("subject", Custody::Subject, r#"{"minor":false}"#),
    ];
    let sealed = seal(head, groups, &keys, &SeededEntropy::new(5)).unwrap();
    let mut lines = vec![
        format!("leaf {}", hex::encode(sealed.leaf().as_bytes())),
        format!("record {}", hex::encode(encode(&sealed))),
    ];
    for group in &sealed.groups {
        let salt = sealed.open(group, &keys).unwrap().salt;
        lines.push(format!("{} {} {}", group.name, hex::encode(salt), group.commitment));
    }
    let golden = include_str!("golden/record.txt");
    assert_eq!(format!("{}\n", lines.join("\n")), golden);
}
