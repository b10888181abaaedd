//! The processor alone: what a decision and a verdict cost once all they rest on is in memory.

use std::{hint::black_box, sync::Arc, time::Instant};

use consent::Ask;
use decision::{inputs::Inputs, ports::ReleaseSource};
use kernel::{Channel, Known, Limit, PurposeKey, PurposeRef, RuleId};

use crate::open::House;

/// The best of so many rounds counts.
const ROUNDS: u32 = 10;

/// Nanoseconds of one turn, in the best round.
fn best(turns: usize, mut round: impl FnMut()) -> f64 {
    let spans = (0..ROUNDS).map(|_| {
        let begun = Instant::now();
        round();
        begun.elapsed().as_secs_f64()
    });
    let least = spans.fold(f64::MAX, f64::min);
    least * 1e9 / f64::from(u32::try_from(turns).unwrap_or(u32::MAX))
}

/// Decides what was decided before, from inputs in memory, and judges one person.
pub(crate) async fn run(house: &House) {
    let app = &house.assent.app;
    let tenant = &app.tenant;
    let release = ReleaseSource::current(&app.live, tenant).await.expect("read").expect("live");
    let page = app.journal.range(tenant, None, Limit::MAX).await.expect("read");
    let records: Vec<_> = page.items.iter().filter_map(|it| it.parse().ok()).collect();
    let inputs: Vec<Inputs> = records
        .iter()
        .filter_map(|it| decision::replay::inputs(it, &release.artifacts).ok())
        .collect();
    let decide = best(inputs.len(), || {
        for it in &inputs {
            black_box(decision::decide(&release, black_box(it)));
        }
    });
    let record = best(inputs.len(), || {
        for it in &inputs {
            let decided = decision::decide(&release, black_box(it));
            black_box(decided.record.store().expect("canonical"));
        }
    });
    println!(
        "  decide one node                  {:>8.1} us  and to canonical bytes {:.1} us",
        decide / 1e3,
        record / 1e3
    );

    let subject = records.last().expect("a decision").subject.subject_ref;
    let person = app.people.person(tenant, subject.uuid()).await.expect("read").expect("known");
    let snapshot = app.verdicts.snapshot(tenant, &person).await.expect("read");
    let artifacts = consent::ports::ArtifactSource::live(&app.live, tenant).await.expect("live");
    let key = PurposeKey::new("marketing.renewal").expect("a key");
    let ask = Ask {
        channel: Some(Channel::Email),
        bundle: Known::NotApplicable(RuleId::new("context.no_special_fields")),
        ..Ask::about(PurposeRef { key, version: 3 }, &person)
    };
    let (now, artifacts) = (app.clock.now(), Arc::clone(&artifacts));
    let verdict = best(1_000, || {
        for _ in 0..1_000 {
            black_box(consent::evaluate(black_box(&ask), &snapshot, &artifacts, now));
        }
    });
    println!("  consent verdict                  {:>8.2} us", verdict / 1e3);
}
