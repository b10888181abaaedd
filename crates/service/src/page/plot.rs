//! Plots drawn on the server: SVG with the numbers written beside the marks.

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

const WIDTH: i64 = 720;
const LEFT: i64 = 168;
const RIGHT: i64 = 548;
const ROW: i64 = 46;

/// Estimates with their intervals around a zero line; the widest interval spans the plot.
pub fn intervals(title: &str, rows: &[IntervalRow]) -> String {
    let reach = rows
        .iter()
        .filter_map(|it| it.interval)
        .flat_map(|(_, low, high)| [low.abs(), high.abs()])
        .max()
        .unwrap_or(0)
        .max(10_000);
    let x = |ppm: i64| {
        let middle = i64::midpoint(LEFT, RIGHT);
        middle + ppm.clamp(-reach, reach) * (RIGHT - LEFT) / 2 / reach
    };
    let height = ROW * i64::try_from(rows.len()).unwrap_or(0) + 40;
    let mut out = format!(
        "<svg class=\"figure\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">",
        escape(title)
    );
    let bottom = height - 28;
    let _ =
        write!(out, "<line class=\"zero\" x1=\"{0}\" x2=\"{0}\" y1=\"8\" y2=\"{bottom}\"/>", x(0));
    for (ppm, anchor) in [(-reach, "start"), (0, "middle"), (reach, "end")] {
        let _ = write!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            x(ppm),
            height - 8,
            points(ppm)
        );
    }
    for (row, top) in rows.iter().zip((0..).map(|it| it * ROW + 8)) {
        let y = top + ROW / 2;
        let _ = write!(
            out,
            "<text class=\"strong\" x=\"0\" y=\"{}\">{}</text>",
            y + 4,
            escape(&row.label)
        );
        if let Some((estimate, low, high)) = row.interval {
            let tone = if low > 0 {
                " good"
            } else if high < 0 {
                " bad"
            } else {
                ""
            };
            let _ = write!(
                out,
                "<line class=\"range{tone}\" x1=\"{}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\"/>\
                 <circle class=\"dot{tone}\" cx=\"{}\" cy=\"{y}\" r=\"6\"/>",
                x(low),
                x(high),
                x(estimate)
            );
        }
        let _ =
            write!(out, "<text x=\"{}\" y=\"{}\">{}</text>", RIGHT + 14, y + 4, escape(&row.note));
    }
    out.push_str("</svg>");
    out
}

/// Horizontal bars, longest first as given, with the count beside each.
pub fn bars(title: &str, rows: &[(String, u64)]) -> String {
    let most = rows.iter().map(|it| it.1).max().unwrap_or(0).max(1);
    let height = 34 * rows.len().max(1);
    let mut out = format!(
        "<svg class=\"figure\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">",
        escape(title)
    );
    for (row, top) in rows.iter().zip((0_usize..).map(|it| it * 34)) {
        let span = u128::from(row.1) * 330 / u128::from(most);
        let _ = write!(
            out,
            "<text x=\"0\" y=\"{}\">{}</text>\
             <rect class=\"bar\" x=\"260\" y=\"{}\" width=\"{}\" height=\"18\" rx=\"4\"/>\
             <text class=\"strong\" x=\"{}\" y=\"{}\">{}</text>",
            top + 21,
            escape(&row.0),
            top + 7,
            span.max(2),
            270 + span,
            top + 21,
            grouped(row.1)
        );
    }
    out.push_str("</svg>");
    out
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
        let svg = intervals("\"lift\"", &rows);
        assert!(svg.contains("&lt;a&gt;") && svg.contains("&quot;lift&quot;"));
        assert!(!svg.contains("<circle"));
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
}
