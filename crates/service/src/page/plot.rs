//! Plots drawn on the server: a list whose rows say their numbers in text, each with a strip of SVG.
//!
//! Only the marks are drawn, in per cent of the strip, so that text keeps its size on a phone and
//! the list reads the same without the drawing.

use std::fmt::Write as _;

/// One row of an interval plot, in parts per million.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntervalRow {
    /// What the row is about.
    pub label: String,
    /// Estimate and interval; absent where there is too little to say.
    pub interval: Option<(i64, i64, i64)>,
    /// Said beside the row.
    pub note: String,
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarRow {
    /// What is counted.
    pub label: String,
    /// The code behind it, where it has one.
    pub code: String,
    /// How many.
    pub count: u64,
}

/// The least an interval plot reaches to either side: one percentage point.
const REACH_MIN_PPM: i64 = 10_000;

/// Estimates with their intervals around a zero line; the widest interval spans the plot. Where no
/// row has an interval there is no scale either.
pub fn intervals(title: &str, rows: &[IntervalRow]) -> String {
    let known = || rows.iter().filter_map(|it| it.interval);
    let widest = known().flat_map(|(_, low, high)| [low.abs(), high.abs()]).max();
    let reach = widest.unwrap_or(0).max(REACH_MIN_PPM);
    let mut out = format!("<ul class=\"plot intervals\" aria-label=\"{}\">", escape(title));
    for row in rows {
        let _ = write!(out, "<li><span class=\"name\">{}</span>", escape(&row.label));
        if let Some(interval) = row.interval {
            strip(&mut out, interval, reach);
        }
        let _ = write!(out, "<span class=\"note\">{}</span></li>", escape(&row.note));
    }
    out.push_str("</ul>");
    if widest.is_some() {
        let _ = write!(
            out,
            "<div class=\"scale\" aria-hidden=\"true\"><span>{}</span><span>0</span><span>{}</span></div>",
            points(-reach),
            points(reach)
        );
    }
    out
}

fn strip(out: &mut String, (estimate, low, high): (i64, i64, i64), reach: i64) {
    let x = |ppm: i64| share(ppm.clamp(-reach, reach) + reach, 2 * reach);
    let tone = match (low > 0, high < 0) {
        (true, _) => " good",
        (_, true) => " bad",
        _ => "",
    };
    let _ = write!(
        out,
        "<svg class=\"strip\" aria-hidden=\"true\">\
         <line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"50%\" y2=\"50%\"/>\
         <line class=\"zero\" x1=\"50%\" x2=\"50%\" y1=\"0\" y2=\"100%\"/>\
         <line class=\"range{tone}\" x1=\"{}\" x2=\"{}\" y1=\"50%\" y2=\"50%\"/>\
         <circle class=\"dot{tone}\" cx=\"{}\" cy=\"50%\" r=\"6\"/></svg>",
        x(low),
        x(high),
        x(estimate)
    );
}

/// Horizontal bars, in the order given, the longest as wide as the plot.
pub fn bars(title: &str, rows: &[BarRow]) -> String {
    let most = rows.iter().map(|it| it.count).max().unwrap_or(0).max(1);
    let mut out = format!("<ul class=\"plot bars\" aria-label=\"{}\">", escape(title));
    for row in rows {
        let _ = write!(out, "<li><span class=\"name\">{}", escape(&row.label));
        if !row.code.is_empty() {
            let _ = write!(out, " <span class=\"mono muted\">{}</span>", escape(&row.code));
        }
        let span = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
        let _ = write!(
            out,
            "</span><svg class=\"strip\" aria-hidden=\"true\">\
             <rect class=\"bar\" width=\"{}\" height=\"100%\" rx=\"4\"/></svg>\
             <span class=\"note\">{}</span></li>",
            share(span(row.count), span(most)),
            grouped(row.count)
        );
    }
    out.push_str("</ul>");
    out
}

/// A part of a whole in per cent with one decimal, as SVG takes it.
fn share(part: i64, whole: i64) -> String {
    let tenths = i128::from(part) * 1_000 / i128::from(whole.max(1));
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// Parts per million as percentage points with one decimal and a sign.
pub fn points(ppm: i64) -> String {
    let tenths = (ppm.abs() + 500) / 1_000;
    let sign = match (ppm, tenths) {
        (_, 0) => "",
        (it, _) if it < 0 => "\u{2212}",
        _ => "+",
    };
    format!("{sign}{}.{} pp", tenths / 10, tenths % 10)
}

/// A count with thin spaces between thousands.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// Text for HTML and SVG.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            it => out.push(it),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_have_one_decimal_and_a_sign() {
        assert_eq!(points(23_400), "+2.3 pp");
        assert_eq!(points(-23_450), "\u{2212}2.3 pp");
        assert_eq!(points(400), "0.0 pp");
        assert_eq!(points(1_000_000), "+100.0 pp");
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
    }

    #[test]
    fn a_plot_escapes_what_it_is_told_and_shows_nothing_where_nothing_is_known() {
        let rows = [IntervalRow { label: "<a>".into(), interval: None, note: "too few".into() }];
        let plot = intervals("\"lift\"", &rows);
        assert!(plot.contains("&lt;a&gt;") && plot.contains("&quot;lift&quot;"));
        assert!(plot.contains("too few") && !plot.contains("<svg") && !plot.contains("scale"));
    }

    #[test]
    fn an_interval_clear_of_zero_is_marked() {
        let row = |low, high| IntervalRow {
            label: "n".into(),
            interval: Some((i64::midpoint(low, high), low, high)),
            note: String::new(),
        };
        assert!(intervals("t", &[row(1, 5)]).contains("range good"));
        assert!(intervals("t", &[row(-5, -1)]).contains("range bad"));
        assert!(!intervals("t", &[row(-5, 1)]).contains("range good"));
    }

    #[test]
    fn marks_are_placed_in_per_cent_of_their_strip() {
        let interval = Some((25_000, -50_000, 100_000));
        let rows = [IntervalRow { label: "n".into(), interval, note: "+2.5 pp".into() }];
        let plot = intervals("t", &rows);
        assert!(plot.contains("x1=\"25.0%\" x2=\"100.0%\"") && plot.contains("cx=\"62.5%\""));
        assert!(plot.contains("+10.0 pp") && plot.contains("+2.5 pp"));
        let row = |count| BarRow { label: "a & b".into(), code: "FQ.CAP".into(), count };
        let plot = bars("t", &[row(3_000), row(1_000), row(u64::MAX)]);
        assert!(plot.contains("a &amp; b <span class=\"mono muted\">FQ.CAP</span>"));
        assert!(plot.contains("width=\"100.0%\"") && plot.contains("width=\"0.0%\""));
        assert!(bars("t", &[row(3_000), row(1_000)]).contains("width=\"33.3%\""));
    }
}
