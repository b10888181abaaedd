//! What other domains say happened is entered once, under the keys of whom it is about.

use kernel::{Fact, FactId, Limit, NodeId, Recovery, SeededEntropy};

use super::{World, acme, now, subject};
use crate::{entry::EntryKind, service::kind_of};

fn fact(n: u64, name: &str) -> Fact {
    Fact {
        id: FactId::mint(now(), &SeededEntropy::new(n)),
        tenant: acme(),
        name: name.to_owned(),
        at: now(),
        subject: Some(subject(1)),
        nodes: Vec::new(),
        cause: None,
        trace: None,
        body: serde_json::json!({ "purpose": "marketing.renewal" }),
    }
}

#[test]
fn only_what_is_to_be_proven_becomes_an_entry() {
    let table = [
        ("consent.withdrawn", Some(EntryKind::Consent)),
        ("objection.recorded", Some(EntryKind::Consent)),
        ("identity.merged", Some(EntryKind::IdentityLink)),
        ("identity.split", Some(EntryKind::IdentityUnlink)),
        ("identity.asserted", None),
        ("release.activated", Some(EntryKind::ArtifactRelease)),
        ("release.rolled_back", Some(EntryKind::ArtifactRollback)),
        ("delivery.accepted", Some(EntryKind::DeliveryAttempt)),
        ("delivery.planned", None),
        ("verdict.changed", Some(EntryKind::MeasurementReview)),
        ("decision.made", None),
        ("action.decided", None),
        ("context.field.changed", None),
        ("nonsense", None),
    ];
    for (name, kind) in table {
        assert_eq!(kind_of(name), kind, "{name}");
    }
}

#[tokio::test]
async fn a_fact_relayed_twice_is_one_entry() {
    let world = World::new();
    let facts =
        [fact(1, "consent.withdrawn"), fact(2, "decision.made"), fact(3, "delivery.accepted")];
    world.facts().observe(&facts).await.unwrap();
    world.facts().observe(&facts[..1]).await.unwrap();
    world.facts().observe(&facts).await.unwrap();
    let page = world.records().page(&acme(), None, None, Limit::default()).await.unwrap();
    let kinds: Vec<_> = page.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [EntryKind::Consent, EntryKind::DeliveryAttempt]);
    assert_eq!(page[0].record, facts[0].id.into());
    let kept: Fact = serde_json::from_value(page[0].group("fact").unwrap().clone()).unwrap();
    assert_eq!(kept, facts[0]);
    let of = world.records().of_subjects(&acme(), &[subject(1)], None, Limit::default()).await;
    assert_eq!(of.unwrap().len(), 2);
}

#[tokio::test]
async fn a_fact_about_nobody_or_about_nodes_is_entered_too() {
    let world = World::new();
    let nobody = Fact { subject: None, ..fact(1, "release.activated") };
    let node = NodeId::mint(now(), &SeededEntropy::new(9));
    let nodes = Fact { subject: None, nodes: vec![node], ..fact(2, "consent.recorded") };
    world.facts().observe(&[nobody, nodes]).await.unwrap();
    let page = world.records().page(&acme(), None, None, Limit::default()).await.unwrap();
    assert_eq!(page.iter().map(|it| it.groups.len()).collect::<Vec<_>>(), [2, 2]);
}

#[tokio::test]
async fn another_fact_under_the_same_id_is_escalated() {
    let world = World::new();
    let first = fact(1, "consent.recorded");
    let other = Fact { body: serde_json::json!({}), ..first.clone() };
    world.facts().observe(&[first]).await.unwrap();
    let refused = world.facts().observe(&[other]).await.unwrap_err();
    assert_eq!(refused.recovery(), Recovery::Escalate);
}

#[tokio::test]
async fn an_outage_of_the_log_is_a_fault_to_retry() {
    let world = World::new();
    world.log.set_outage(true);
    let fault = world.facts().observe(&[fact(1, "consent.recorded")]).await.unwrap_err();
    assert_eq!(fault.recovery(), Recovery::Retry);
}
