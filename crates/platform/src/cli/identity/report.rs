//! The report of a job: one page, no script, no network, no value of any record.

use std::fmt::Write as _;

use identity::matching::{
    blocking,
    job::{Outcome, Weigher},
    model::{Waterfall, Weight},
    pairs::Pair,
    probable::{DuplicateReview, ProbableLink},
};

use super::{
    reading::Records,
    writing::{named, number},
};

/// How many pairs are explained.
const EXPLAINED: usize = 12;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b1b1f;background:#fff}\
table{border-collapse:collapse;margin:1rem 0}th,td{border:1px solid #c8c8d0;padding:.25rem .6rem;text-align:right}\
th:first-child,td:first-child{text-align:left}thead th{background:#f0f0f4}tr.here{background:#fff3cd;font-weight:600}\
svg{max-width:100%;height:auto}summary{cursor:pointer;padding:.3rem 0}code{background:#f0f0f4;padding:0 .2rem}";

/// The page.
pub(super) fn page(
    records: &Records,
    outcome: &Outcome,
    links: &[(Pair, ProbableLink<DuplicateReview>)],
    basis: &str,
) -> String {
    let mut out = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Matching report</title><style>",
    );
    let _ = write!(out, "{STYLE}</style></head><body><h1>Matching report</h1>");
    let _ = write!(
        out,
        "<p>A link is a probability. It is for review and for counting; it decides nothing about \
         anybody.</p><p>Basis: {}</p>",
        escape(basis)
    );
    files(&mut out, records, outcome, links.len());
    histogram(&mut out, outcome);
    thresholds(&mut out, outcome);
    rules(&mut out, outcome);
    waterfalls(&mut out, records, outcome);
    let _ = write!(
        out,
        "<h2>Model</h2><p><code>{}</code></p><details><summary>As an artifact</summary><pre>{}</pre></details></body></html>",
        outcome.model.digest(),
        escape(&outcome.model.to_json())
    );
    out
}

fn files(out: &mut String, records: &Records, outcome: &Outcome, links: usize) {
    let _ = write!(
        out,
        "<h2>Records</h2><table><thead><tr><th scope=\"col\">File</th><th scope=\"col\">Records</th><th scope=\"col\">May be matched</th></tr></thead>"
    );
    for (name, all, may) in &records.files {
        let _ = write!(out, "<tr><td>{}</td><td>{all}</td><td>{may}</td></tr>", escape(name));
    }
    let people = (0_u32..).zip(&outcome.clusters.of).filter(|it| it.0 == *it.1).count();
    let _ = write!(
        out,
        "</table><p>{} pairs compared, {links} links, {people} probable people. Joins refused: {} \
         for a source without duplicates, {} for size.</p>",
        outcome.pairs.list.len(),
        outcome.clusters.one_source,
        outcome.clusters.over_cap
    );
}

/// Pairs by weight, on a scale of logarithms.
#[expect(clippy::cast_precision_loss, reason = "a drawing")]
fn histogram(out: &mut String, outcome: &Outcome) {
    const WIDTH: f64 = 880.0;
    const HEIGHT: f64 = 220.0;
    let bins: Vec<_> = outcome.histogram.bins().collect();
    let most = bins.iter().map(|it| it.1).max().unwrap_or(1) as f64;
    let x = |it: Weight| (it.as_bits().clamp(-40.0, 40.0) + 40.0) / 80.0 * WIDTH;
    let _ = write!(
        out,
        "<h2>Weights</h2><p>Pairs by weight in bits, each column ten times as high for as many again; \
         the line is the threshold.</p><svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" \
         aria-label=\"Histogram of weights; the same figures are in the table of thresholds\">",
        HEIGHT + 24.0
    );
    for (from, n) in &bins {
        let height = ((*n as f64).ln() + 1.0) / (most.ln() + 1.0) * HEIGHT;
        let fill = if *from >= outcome.threshold { "#1f6f43" } else { "#8a8a96" };
        let _ = write!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"2.4\" height=\"{height:.1}\" fill=\"{fill}\"><title>{:.2} bits: {n} pairs</title></rect>",
            x(*from),
            HEIGHT - height,
            from.as_bits()
        );
    }
    let at = x(outcome.threshold);
    let _ = write!(
        out,
        "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"0\" y2=\"{HEIGHT}\" stroke=\"#b00020\" stroke-width=\"2\"/>"
    );
    for bits in [-40, -30, -20, -10, 0, 10, 20, 30] {
        let at = x(Weight::bits(f64::from(bits)));
        let _ = write!(
            out,
            "<text x=\"{at:.1}\" y=\"{}\" font-size=\"12\">{bits}</text>",
            HEIGHT + 18.0
        );
    }
    out.push_str("</svg>");
}

#[expect(clippy::cast_precision_loss, reason = "a share for reading")]
fn thresholds(out: &mut String, outcome: &Outcome) {
    let _ = write!(
        out,
        "<h2>Thresholds</h2><p>What each would link, and how much of it the model expects to be wrong: \
         its own expectation, which an audit of links must bear out. Choose one and run again with \
         <code>--threshold</code>, or name the share as <code>--budget</code>.</p><table><thead><tr>\
         <th scope=\"col\">Bits</th><th scope=\"col\">Odds</th><th scope=\"col\">Pairs above</th>\
         <th scope=\"col\">Expected wrong</th><th scope=\"col\">Share</th></tr></thead>"
    );
    let here = (outcome.threshold.as_bits() * 4.0).round() / 4.0;
    let mut marks: Vec<f64> =
        [-4.0, -2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0].into();
    if !marks.contains(&here) {
        marks.push(here);
        marks.sort_by(f64::total_cmp);
    }
    for bits in marks {
        let (pairs, wrong) = outcome.histogram.above(Weight::bits(bits));
        let share = if pairs == 0 { 0.0 } else { wrong / pairs as f64 };
        let class = if (bits - here).abs() < 1e-9 { " class=\"here\"" } else { "" };
        let odds = bits.exp2();
        let odds =
            if odds >= 1.0 { format!("{odds:.0} to 1") } else { format!("1 to {:.0}", 1.0 / odds) };
        let _ = write!(
            out,
            "<tr{class}><td>{bits:.2}</td><td>{odds}</td><td>{pairs}</td><td>{wrong:.1}</td><td>{share:.5}</td></tr>"
        );
    }
    out.push_str("</table>");
}

fn rules(out: &mut String, outcome: &Outcome) {
    let _ = write!(
        out,
        "<h2>Blocking</h2><p>What two records must share to be compared. A block with more records than \
         its bound is left out: its pairs are compared only where another rule makes them.</p><table><thead>\
         <tr><th scope=\"col\">Rule</th><th scope=\"col\">Pairs</th><th scope=\"col\">Largest block</th>\
         <th scope=\"col\">Bound</th><th scope=\"col\">Left out</th></tr></thead>"
    );
    for (rule, it) in blocking::ALL.iter().zip(&outcome.blocks) {
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(rule.name),
            it.pairs,
            it.largest,
            rule.rows_max,
            it.skipped
        );
    }
    out.push_str("</table>");
}

/// Pairs around the threshold, where looking is worth most.
fn waterfalls(out: &mut String, records: &Records, outcome: &Outcome) {
    let weigher = Weigher::new(&records.table, &outcome.pairs, &outcome.scales);
    let mut near: Vec<_> = outcome
        .pairs
        .list
        .iter()
        .map(|it| (weigher.edge(it).weight.0.abs_diff(outcome.threshold.0), it))
        .collect();
    near.sort_by_key(|it| (it.0, it.1.pattern, named(records, number(records, it.1.left))));
    // One pair a pattern says what a hundred of it would.
    near.dedup_by_key(|it| it.1.pattern);
    let _ = write!(
        out,
        "<h2>Why</h2><p>Pairs next to the threshold, one of each kind. A household explains some \
         agreement as well as one person does; what it explains is taken off.</p>"
    );
    for (_, pair) in near.into_iter().take(EXPLAINED) {
        let [(_, left), (_, right)] =
            [pair.left, pair.right].map(|it| named(records, number(records, it)));
        let why = outcome.explain(&weigher, pair);
        let _ = write!(
            out,
            "<details open><summary>{} and {}: {:.2} bits</summary>",
            escape(left),
            escape(right),
            why.total.as_bits()
        );
        waterfall(out, &why);
        out.push_str("</details>");
    }
}

fn waterfall(out: &mut String, why: &Waterfall) {
    let mut bars = vec![("before anything is compared".to_owned(), why.prior)];
    bars.extend(
        why.steps.iter().map(|it| (format!("{}: {}", it.comparison.as_str(), it.says), it.same)),
    );
    bars.push(("explained by one household".to_owned(), Weight(-why.household.0)));
    bars.push(("rare or common names".to_owned(), why.terms));
    let x = |steps: i32| (Weight(steps).as_bits().clamp(-50.0, 50.0) + 50.0) * 4.4;
    out.push_str("<table><thead><tr><th scope=\"col\">What</th><th scope=\"col\">Bits</th><th scope=\"col\">Sum</th><th scope=\"col\"><span aria-hidden=\"true\">-50 … 50</span></th></tr></thead>");
    let mut sum = 0;
    for (what, weight) in bars {
        let before = sum;
        sum += weight.0;
        let (from, to) = (x(before.min(sum)), x(before.max(sum)));
        let fill = if weight.0 < 0 { "#b00020" } else { "#1f6f43" };
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{:+.2}</td><td>{:.2}</td><td><svg width=\"440\" height=\"14\" aria-hidden=\"true\">\
             <line x1=\"220\" x2=\"220\" y1=\"0\" y2=\"14\" stroke=\"#c8c8d0\"/>\
             <rect x=\"{from:.1}\" y=\"2\" width=\"{:.1}\" height=\"10\" fill=\"{fill}\"/></svg></td></tr>",
            escape(&what),
            weight.as_bits(),
            Weight(sum).as_bits(),
            (to - from).max(1.0)
        );
    }
    out.push_str("</table>");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
