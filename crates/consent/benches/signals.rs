//! What it costs to read the strings of the frameworks, against a hash of 512 bytes in the same run.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints and may stop")]

use std::{hint::black_box, time::Instant as Stopwatch};

use consent::{
    Signals,
    signal::{
        Raw,
        gpp::{Field, GppString, Section, UsSection},
        tcf::{Area, TcString, VendorSet},
    },
};
use kernel::Digest;

const ROUNDS: u32 = 20_000;
const RUNS: usize = 15;
/// The budget of the design: both strings in 40 hashes.
const HASHES_MAX: f64 = 40.0;

/// The median of several runs, in microseconds a round.
fn micros(mut work: impl FnMut()) -> f64 {
    let mut runs: Vec<f64> = (0..RUNS)
        .map(|_| {
            let begun = Stopwatch::now();
            (0..ROUNDS).for_each(|_| work());
            begun.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS)
        })
        .collect();
    runs.sort_by(f64::total_cmp);
    runs.get(RUNS / 2).copied().unwrap_or_default()
}

/// Strings as a large page sends them: 800 vendors, and a section of the nation and of two states.
fn strings() -> (String, String) {
    let mut europe = TcString::blank(Area::Europe);
    for purpose in 1..=11 {
        europe.choose(purpose, purpose % 3 != 0, purpose % 2 == 0);
    }
    europe.vendors = VendorSet::of((1..=800).filter(|it| it % 7 != 0));
    europe.vendors_beside = VendorSet::of((1..=800).filter(|it| it % 3 == 0));
    let state = |id| {
        let mut section = UsSection::blank(id).unwrap();
        section.set(Field::SaleOptOut, &[1]);
        (id, Section::Us(section))
    };
    let gpp = GppString::of(vec![state(7), state(8), state(16)]).unwrap();
    (europe.to_string(), gpp.to_string())
}

fn main() {
    let (tcf, gpp) = strings();
    let raw = Raw { tcf: Some(tcf.clone()), gpp: Some(gpp.clone()), ..Raw::default() };
    let bytes = [7_u8; 512];
    let hash = micros(|| {
        let _ = black_box(Digest::of(black_box(&bytes)));
    });
    let tcf_took = micros(|| {
        let _ = black_box(TcString::parse(Area::Europe, black_box(&tcf)));
    });
    let gpp_took = micros(|| {
        let _ = black_box(GppString::parse(black_box(&gpp)));
    });
    let both = micros(|| {
        let _ = black_box(Signals::read(black_box(&raw)));
    });
    println!("hash of 512 B     {hash:8.3} us");
    println!("TCF, {:4} chars   {tcf_took:8.3} us", tcf.len());
    println!("GPP, {:4} chars   {gpp_took:8.3} us", gpp.len());
    println!("both, and meaning {both:8.3} us  {:6.1} hashes", both / hash);
    assert!(both <= HASHES_MAX * hash, "reading took more than {HASHES_MAX} hashes");
}
