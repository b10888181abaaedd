//! The laws of measurement's ports, for every implementation and every wrapper.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken law panics")]

use chrono::{NaiveDate, TimeDelta};
use kernel::{
    DecisionId, Entropy, FactId, Instant, JourneyNode, SeededEntropy, SubjectId, TenantId,
};

use crate::{
    assign::Arm,
    evidence::{Assignment, Batch, Cell, Exposure, Outcome, Tally, TallyAsk},
    plan::{NodePlan, Pseudonym},
    ports::{ExposureStore, PlanSource, SignalStore, UnitSource},
    signal::{Sighting, Signal, SignalKind},
};

/// Evidence and signals under test.
pub trait EvidenceFixture: Send + Sync {
    /// The evidence.
    fn exposures(&self) -> &dyn ExposureStore;
    /// The signals.
    fn signals(&self) -> &dyn SignalStore;
}

/// What answers measurement's questions, under test.
pub trait SourceFixture: Send + Sync {
    /// The plans.
    fn plans(&self) -> &dyn PlanSource;
    /// The pseudonyms.
    fn units(&self) -> &dyn UnitSource;
    /// A tenant with at least one live node, and those nodes' plans as they should be.
    fn planned(&self) -> (TenantId, Vec<NodePlan>);
}

const START: Instant = Instant::from_micros(1_764_000_000_000_000);
const DAY: i64 = 86_400_000_000;

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn day(n: i64) -> Instant {
    START.plus(TimeDelta::days(n))
}

fn node(name: &str) -> JourneyNode {
    JourneyNode::new(name).unwrap()
}

fn assignment(entropy: &dyn Entropy, unit: u8, arm: Arm, at: Instant) -> Assignment {
    Assignment {
        fact: FactId::mint(at, entropy),
        decision: DecisionId::mint(at, entropy),
        node: node("renewal.day90"),
        unit: [unit; 32],
        person: Pseudonym([unit; 32]),
        arm,
        propensity_ppm: if arm == Arm::Treatment { 900_000 } else { 100_000 },
        at,
    }
}

fn exposure(entropy: &dyn Entropy, decision: DecisionId, at: Instant) -> Exposure {
    Exposure { fact: FactId::mint(at, entropy), decision, at }
}

fn outcome(entropy: &dyn Entropy, unit: u8, event: &str, at: Instant) -> Outcome {
    let person = Pseudonym([unit; 32]);
    Outcome { fact: FactId::mint(at, entropy), person, event: event.to_owned(), at }
}

fn batch(assignments: Vec<Assignment>, exposures: Vec<Exposure>, outcomes: Vec<Outcome>) -> Batch {
    Batch { tenant: acme(), assignments, exposures, outcomes }
}

fn ask() -> TallyAsk {
    TallyAsk {
        node: node("renewal.day90"),
        events: vec!["policy.renewed.v1".to_owned(), "policy.kept.v1".to_owned()],
        horizon_micros: 10 * DAY,
        as_of: day(20),
    }
}

fn cell(arm: Arm, units: u64, exposed: u64, converted: u64, mature: u64) -> Cell {
    let propensity_ppm = if arm == Arm::Treatment { 900_000 } else { 100_000 };
    Cell { arm, propensity_ppm, units, exposed, converted, mature }
}

async fn tally(fixture: &dyn EvidenceFixture) -> Tally {
    fixture.exposures().tally(&acme(), &ask()).await.unwrap()
}

/// No evidence is an empty tally.
pub async fn no_evidence_is_an_empty_tally(fixture: &dyn EvidenceFixture) {
    assert_eq!(tally(fixture).await, Tally::default());
    fixture.exposures().append(&Batch::empty(acme())).await.unwrap();
    assert_eq!(tally(fixture).await, Tally::default());
}

/// Units are counted by arm: assigned, exposed, converted within the horizon, mature.
pub async fn units_are_counted_by_arm(fixture: &dyn EvidenceFixture) {
    let e = SeededEntropy::new(1);
    let drawn = vec![
        assignment(&e, 1, Arm::Treatment, day(0)),
        assignment(&e, 2, Arm::Treatment, day(15)),
        assignment(&e, 3, Arm::Control, day(0)),
    ];
    let seen = vec![
        exposure(&e, drawn[0].decision, day(1)),
        exposure(&e, drawn[0].decision, day(2)),
        exposure(&e, DecisionId::mint(day(1), &e), day(1)),
    ];
    let did = vec![
        outcome(&e, 1, "policy.renewed.v1", day(10)),
        outcome(&e, 1, "policy.kept.v1", day(9)),
        outcome(&e, 2, "policy.issued.v1", day(16)),
        outcome(&e, 3, "policy.renewed.v1", day(10).plus(TimeDelta::microseconds(1))),
        outcome(&e, 9, "policy.renewed.v1", day(3)),
    ];
    fixture.exposures().append(&batch(drawn, seen, did)).await.unwrap();
    let cells = vec![cell(Arm::Control, 1, 0, 0, 1), cell(Arm::Treatment, 2, 1, 1, 1)];
    assert_eq!(tally(fixture).await, Tally { cells, contaminated: 0 });
}

/// What happened before the assignment, or after the instant asked for, does not count.
pub async fn only_the_window_counts(fixture: &dyn EvidenceFixture) {
    let e = SeededEntropy::new(2);
    let drawn = vec![
        assignment(&e, 1, Arm::Treatment, day(5)),
        assignment(&e, 2, Arm::Treatment, day(15)),
        assignment(&e, 3, Arm::Treatment, day(21)),
    ];
    let seen = vec![exposure(&e, drawn[1].decision, day(21))];
    let did = vec![
        outcome(&e, 1, "policy.renewed.v1", day(5).minus(TimeDelta::microseconds(1))),
        outcome(&e, 2, "policy.renewed.v1", day(21)),
    ];
    fixture.exposures().append(&batch(drawn, seen, did)).await.unwrap();
    let cells = vec![cell(Arm::Treatment, 2, 0, 0, 1)];
    assert_eq!(tally(fixture).await, Tally { cells, contaminated: 0 });
}

/// A unit counts once, from its first assignment, whichever came in first.
pub async fn a_unit_counts_from_its_first_assignment(fixture: &dyn EvidenceFixture) {
    let e = SeededEntropy::new(3);
    let later = assignment(&e, 1, Arm::Treatment, day(12));
    let first = assignment(&e, 1, Arm::Treatment, day(1));
    let seen = exposure(&e, later.decision, day(13));
    let did = outcome(&e, 1, "policy.renewed.v1", day(13));
    let exposures = fixture.exposures();
    exposures.append(&batch(vec![later], vec![seen], vec![did])).await.unwrap();
    let once = vec![cell(Arm::Treatment, 1, 1, 1, 0)];
    assert_eq!(tally(fixture).await.cells, once);
    exposures.append(&batch(vec![first], vec![], vec![])).await.unwrap();
    let moved = vec![cell(Arm::Treatment, 1, 1, 0, 1)];
    assert_eq!(tally(fixture).await.cells, moved);
}

/// A unit seen in both arms is in neither.
pub async fn a_unit_in_both_arms_is_in_neither(fixture: &dyn EvidenceFixture) {
    let e = SeededEntropy::new(4);
    let drawn = vec![
        assignment(&e, 1, Arm::Treatment, day(0)),
        assignment(&e, 1, Arm::Control, day(1)),
        assignment(&e, 2, Arm::Control, day(1)),
    ];
    fixture.exposures().append(&batch(drawn, vec![], vec![])).await.unwrap();
    let cells = vec![cell(Arm::Control, 1, 0, 0, 1)];
    assert_eq!(tally(fixture).await, Tally { cells, contaminated: 1 });
}

/// Telling a fact again changes nothing, in one batch or over several.
pub async fn a_repeated_fact_changes_nothing(fixture: &dyn EvidenceFixture) {
    let e = SeededEntropy::new(5);
    let drawn = assignment(&e, 1, Arm::Treatment, day(0));
    let seen = exposure(&e, drawn.decision, day(1));
    let did = outcome(&e, 1, "policy.renewed.v1", day(2));
    let twice = batch(vec![drawn.clone(), drawn], vec![seen.clone(), seen], vec![did.clone(), did]);
    fixture.exposures().append(&twice).await.unwrap();
    let once = tally(fixture).await;
    assert_eq!(once.cells, vec![cell(Arm::Treatment, 1, 1, 1, 1)]);
    fixture.exposures().append(&twice).await.unwrap();
    assert_eq!(tally(fixture).await, once);
}

/// Nodes, and units drawn with other probabilities, are counted apart; tenants do not meet.
pub async fn nodes_and_tenants_are_counted_apart(fixture: &dyn EvidenceFixture) {
    let e = SeededEntropy::new(6);
    let mut rarer = assignment(&e, 1, Arm::Control, day(0));
    rarer.propensity_ppm = 50_000;
    let mut elsewhere = assignment(&e, 2, Arm::Control, day(0));
    elsewhere.node = node("claim.status");
    let plain = assignment(&e, 3, Arm::Control, day(0));
    let mut other = batch(vec![plain.clone()], vec![], vec![]);
    other.tenant = TenantId::new("other").unwrap();
    let exposures = fixture.exposures();
    exposures.append(&batch(vec![rarer, elsewhere, plain], vec![], vec![])).await.unwrap();
    let apart = Cell { propensity_ppm: 50_000, ..cell(Arm::Control, 1, 0, 0, 1) };
    let cells = vec![apart, cell(Arm::Control, 1, 0, 0, 1)];
    assert_eq!(tally(fixture).await.cells, cells);
    exposures.append(&other).await.unwrap();
    assert_eq!(tally(fixture).await.cells, cells);
    let theirs = exposures.tally(&other.tenant, &ask()).await.unwrap();
    assert_eq!(theirs.cells, vec![cell(Arm::Control, 1, 0, 0, 1)]);
}

/// A batch of the largest size is kept whole.
pub async fn a_full_batch_is_kept(fixture: &dyn EvidenceFixture) {
    let e = SeededEntropy::new(7);
    let mut full = batch(vec![], vec![], vec![]);
    for n in 0..1_000_u32 {
        let mut drawn = assignment(&e, 0, Arm::Treatment, day(0));
        drawn.unit[..4].copy_from_slice(&n.to_be_bytes());
        drawn.person = Pseudonym(drawn.unit);
        full.exposures.push(exposure(&e, drawn.decision, day(1)));
        let mut did = outcome(&e, 0, "policy.renewed.v1", day(1));
        did.person = drawn.person;
        full.outcomes.push(did);
        full.assignments.push(drawn);
    }
    fixture.exposures().append(&full).await.unwrap();
    assert_eq!(tally(fixture).await.cells, vec![cell(Arm::Treatment, 1_000, 1_000, 1_000, 1_000)]);
}

fn sighting(entropy: &dyn Entropy, day: u32, kind: SignalKind, state: &str) -> Sighting {
    let signal = Signal {
        day: NaiveDate::from_ymd_opt(2026, 11, day).unwrap(),
        kind,
        node: "renewal.day90".to_owned(),
        state: state.to_owned(),
        reason: String::new(),
    };
    Sighting { fact: FactId::mint(START, entropy), signal, n: 1 }
}

/// Each sighting is counted once, as often as it says, by all of its labels, in order of the labels.
pub async fn sightings_are_counted_once(fixture: &dyn EvidenceFixture) {
    let e = SeededEntropy::new(8);
    assert!(fixture.signals().read(&acme()).await.unwrap().counts.is_empty());
    let mut all = vec![
        sighting(&e, 2, SignalKind::Delivery, "accepted"),
        sighting(&e, 1, SignalKind::Decision, "act"),
        sighting(&e, 1, SignalKind::Decision, "act"),
        sighting(&e, 1, SignalKind::Decision, "none"),
    ];
    all.extend(SignalKind::ALL.map(|it| sighting(&e, 3, it, "")));
    all[0].n = 5;
    all.push(all[1].clone());
    fixture.signals().add(&acme(), &all[..3]).await.unwrap();
    fixture.signals().add(&acme(), &all).await.unwrap();
    let read = fixture.signals().read(&acme()).await.unwrap();
    let counts: Vec<_> =
        read.counts.iter().map(|it| (it.signal.kind, &*it.signal.state, it.n)).collect();
    let mut wanted = vec![
        (SignalKind::Decision, "act", 2),
        (SignalKind::Decision, "none", 1),
        (SignalKind::Delivery, "accepted", 5),
    ];
    wanted.extend(SignalKind::ALL.map(|it| (it, "", 1)));
    assert_eq!(counts, wanted);
    assert_eq!(read.counts[2].signal, all[0].signal);
    let other = TenantId::new("other").unwrap();
    assert!(fixture.signals().read(&other).await.unwrap().counts.is_empty());
    fixture.signals().add(&other, &all[..1]).await.unwrap();
    assert_eq!(fixture.signals().read(&other).await.unwrap().counts.len(), 1);
    fixture.signals().add(&other, &[]).await.unwrap();
}

/// The same person always has the same pseudonym, answers keep the order, and people differ.
pub async fn a_person_has_one_pseudonym(fixture: &dyn SourceFixture) {
    let e = SeededEntropy::new(9);
    let (a, b) = (SubjectId::mint(START, &e), SubjectId::mint(START, &e));
    let (tenant, _) = fixture.planned();
    let units = fixture.units();
    let first = units.pseudonyms(&tenant, &[a, b]).await.unwrap();
    assert_eq!(first.len(), 2);
    assert_ne!(first[0], first[1]);
    let again = units.pseudonyms(&tenant, &[b, a, b]).await.unwrap();
    assert_eq!(again, [first[1], first[0], first[1]]);
    assert!(units.pseudonyms(&tenant, &[]).await.unwrap().is_empty());
    assert_ne!(&first[0].0[..16], a.uuid().as_bytes(), "the id shows through");
}

/// The plans are those of the live nodes, ascending.
pub async fn plans_follow_the_live_nodes(fixture: &dyn SourceFixture) {
    let (tenant, wanted) = fixture.planned();
    let plans = fixture.plans().plans(&tenant).await.unwrap();
    assert_eq!(plans, wanted);
    assert!(plans.windows(2).all(|it| it[0].node < it[1].node));
    let nobody = TenantId::new("nobody").unwrap();
    assert!(fixture.plans().plans(&nobody).await.unwrap().is_empty());
}

/// The suite of [`ExposureStore`] and [`SignalStore`]:
/// `evidence_suite!(module, async expression giving a fixture)`.
#[macro_export]
macro_rules! evidence_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::evidence_suite!(@law $fixture;
                no_evidence_is_an_empty_tally
                units_are_counted_by_arm
                only_the_window_counts
                a_unit_counts_from_its_first_assignment
                a_unit_in_both_arms_is_in_neither
                a_repeated_fact_changes_nothing
                nodes_and_tenants_are_counted_apart
                a_full_batch_is_kept
                sightings_are_counted_once
            );
        }
    };
    (@law $fixture:expr; $($law:ident)+) => {
        $(
            #[tokio::test]
            async fn $law() {
                let fixture = $fixture.await;
                $crate::contract::$law(&fixture).await;
            }
        )+
    };
}

/// The suite of [`PlanSource`] and [`UnitSource`], for whoever answers them:
/// `source_suite!(module, async expression giving a fixture)`.
#[macro_export]
macro_rules! source_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::evidence_suite!(@law $fixture;
                a_person_has_one_pseudonym
                plans_follow_the_live_nodes
            );
        }
    };
}
