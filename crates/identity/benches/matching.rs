//! What matching costs and how good it is, on generated people with known truth.
//!
//! `cargo bench -p identity --features testing --bench matching -- [PEOPLE] [SEED]`; seconds are CPU
//! seconds of one thread, ratios are against Jaro-Winkler of `strsim` in the same run. Development
//! used seeds below 100; 7,001 and up are for reports.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a bench prints and may stop"
)]

use std::hint::black_box;

use identity::matching::{
    blocking::{self, Blocks},
    fold::DateOrder,
    job::{self, Options, Outcome, Phase},
    population::{Told, people},
    quality::judge,
    row::{Folder, Source, Table},
};

/// CPU seconds of this process so far (Linux): other work on the machine does not count.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// The most memory this process held, in bytes (Linux).
fn peak() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|it| it.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0
}

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|it| it.parse().ok()).collect();
    let n = usize::try_from(numbers.first().copied().unwrap_or(20_000)).unwrap();
    let seed = numbers.get(1).copied().unwrap_or(7_001);
    let told = people(n, seed);
    let before = peak();
    println!("{} records of {n} people, seed {seed}", told.len());
    let (table, outcome) = timed(&told);
    let held = peak() - before;
    println!("  {:.0} bytes a record held at most", held / told.len() as f64);
    blocks(&outcome.blocks);
    quality(&told, &table, &outcome);
}

fn timed(told: &[Told]) -> (Table, Outcome) {
    let began = cpu();
    let mut folder = Folder::new(1, DateOrder::default());
    for (i, it) in told.iter().enumerate() {
        let source = Source { number: 0, unique: false };
        folder.push(source, &i.to_le_bytes(), it.values()).unwrap();
    }
    let table = folder.finish().unwrap();
    let mut phases = vec![("fold", cpu() - began)];
    let (mut at, mut phase) = (cpu(), "");
    let outcome = job::run(&table, Options::default(), None, |next| {
        if !phase.is_empty() {
            phases.push((phase, cpu() - at));
        }
        at = cpu();
        phase = match next {
            Phase::Blocking => "block",
            Phase::Comparing { .. } => "compare",
            Phase::Learning => "learn",
            Phase::Clustering => "weigh and cluster",
        };
    });
    phases.push((phase, cpu() - at));
    let pairs = outcome.as_ref().unwrap().pairs.list.len() as f64;
    let paired: f64 =
        phases.iter().filter(|it| !["fold", "learn"].contains(&it.0)).map(|it| it.1).sum();
    for (name, seconds) in &phases {
        println!("  {name:<18} {seconds:7.2} s");
    }
    println!("  {:<18} {:7.2} s", "all", cpu() - began);
    let floor = floor(told);
    println!(
        "  {pairs} pairs blocked, compared, weighed and clustered: {:.2} M a second, {:.0} ns each, \
         {:.2} times one strsim Jaro-Winkler of two given names ({:.0} ns)",
        pairs / paired / 1e6,
        paired / pairs * 1e9,
        paired / pairs / floor,
        floor * 1e9,
    );
    (table, outcome.unwrap())
}

/// Seconds of one Jaro-Winkler of `strsim`.
fn floor(told: &[Told]) -> f64 {
    const ROUNDS: usize = 1_000_000;
    // Few enough to stay in the cache: what is measured is the algorithm.
    let near = told.get(..1_000).unwrap_or(told);
    let began = cpu();
    for i in 0..ROUNDS {
        let (a, b) = (&near[i % near.len()].values[0], &near[(i * 7 + 1) % near.len()].values[0]);
        black_box(strsim::jaro_winkler(a, b));
    }
    (cpu() - began) / ROUNDS as f64
}

fn blocks(all: &[Blocks]) {
    for (rule, it) in blocking::ALL.iter().zip(all) {
        println!(
            "  {:<44} {:>10} pairs, largest {:>6}, left out {}",
            rule.name, it.pairs, it.largest, it.skipped
        );
    }
}

fn quality(told: &[Told], table: &Table, outcome: &Outcome) {
    let person = |at: &u32| told[usize::try_from(*at).unwrap()].person;
    let each = outcome.clusters.of.iter().zip(table.came());
    let quality = judge(each.map(|(cluster, at)| (cluster, person(at))));
    for (name, it) in
        [("pairs", quality.pairs), ("clusters", quality.clusters), ("b-cubed", quality.records)]
    {
        println!(
            "  {name:<9} precision {:.4} recall {:.4} f1 {:.4}",
            it.precision,
            it.recall,
            it.f1()
        );
    }
    let (found, wrong) = outcome.histogram.above(outcome.threshold);
    println!("  {found} pairs above the threshold, {wrong:.0} of them expected wrong");
}
