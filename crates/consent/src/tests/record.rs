//! The record of processing activities: complete, or it says what is missing.

use super::world::{artifacts, bodies, compile, with};
use crate::ropa::{COLUMNS, csv, html, record};

#[test]
fn every_purpose_is_an_activity_and_no_cell_is_blank() {
    let record = record(&artifacts());
    assert_eq!(record.len(), artifacts().purposes().len());
    for it in &record {
        assert!(it.cells().iter().all(|it| !it.trim().is_empty()), "{it:?}");
    }
    let renewal = record.iter().find(|it| it.purpose == "marketing.renewal@3").unwrap();
    assert_eq!(
        renewal.bases,
        "EU: GDPR Art. 6(1)(a), on the notice renewal-offers; \
         GB: GDPR Art. 6(1)(a), on the notice renewal-offers"
    );
    assert!(renewal.controller.contains("Harbour Street") && renewal.recipients == "none");
    let claim = record.iter().find(|it| it.purpose.starts_with("contract.")).unwrap();
    assert_eq!(claim.retention, "not stated in the registry");
}

#[test]
fn what_the_registry_says_is_told_as_it_stands_in_both_forms() {
    let artifacts = with("marketing.renewal", |it| {
        it["name"] = "Renewal \"offers\", <b>now</b> & then".into();
    });
    let record = record(&artifacts);
    let table = csv(&record);
    assert_eq!(table.matches("\r\n").count(), record.len() + 1);
    assert!(table.starts_with("\"purpose\",\"name\","), "{table}");
    assert!(table.contains("\"Renewal \"\"offers\"\", <b>now</b> & then\""), "{table}");
    let page = html(&record);
    assert!(page.contains("Renewal &quot;offers&quot;, &lt;b&gt;now&lt;/b&gt; &amp; then"));
    assert!(!page.contains("<b>"));
    assert_eq!(page.matches("<dt>").count(), COLUMNS.len() * record.len());
}

#[test]
fn a_change_of_the_registry_changes_the_record() {
    let mut all = bodies();
    let before = record(&compile(&all).unwrap());
    all.retain(|it| it.1 != "service.recovery");
    let after = record(&compile(&all).unwrap());
    assert_eq!(before.len(), after.len() + 1);
}
