//! Curves over the number of rules, both axes logarithmic, as SVG.
#![expect(
    clippy::disallowed_methods,
    reason = "a picture is drawn, and decides nothing"
)]

use std::fmt::Write;

/// A line through points, with its name at its end.
pub(crate) struct Curve {
    /// What stands beside it.
    pub(crate) name: String,
    /// The number of rules, and nanoseconds.
    pub(crate) points: Vec<(f64, f64)>,
    /// Drawn to stand out.
    pub(crate) strong: bool,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 460.0;
/// Left, top, right, bottom; names stand at the right.
const MARGIN: [f64; 4] = [70.0, 46.0, 150.0, 52.0];
/// Colours that people who see few colours can tell apart (Okabe, Ito 2008).
const COLOURS: [&str; 8] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#b8a400",
];
/// Least distance of two names.
const LINE: f64 = 13.0;

/// Draws them. Points that are not positive numbers are left out.
pub(crate) fn log_log(title: &str, curves: &[Curve]) -> String {
    let known = |(x, y): &&(f64, f64)| *x > 0.0 && *y > 0.0 && y.is_finite();
    let points: Vec<(f64, f64)> = curves
        .iter()
        .flat_map(|c| c.points.iter().filter(known))
        .copied()
        .collect();
    let range = |value: fn(&(f64, f64)) -> f64| {
        let logs = points.iter().map(|p| value(p).log10());
        let (lo, hi) = logs.fold((f64::MAX, f64::MIN), |(lo, hi), v| (lo.min(v), hi.max(v)));
        (lo.floor(), hi.ceil().max(lo.floor() + 1.0))
    };
    let ((x0, x1), (y0, y1)) = (range(|p| p.0), range(|p| p.1));
    let [left, top, right, bottom] = MARGIN;
    let at_x = |x: f64| left + (x.log10() - x0) / (x1 - x0) * (WIDTH - left - right);
    let at_y = |y: f64| HEIGHT - bottom - (y.log10() - y0) / (y1 - y0) * (HEIGHT - top - bottom);

    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\" fill=\"#333\">\n<title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{left}\" y=\"26\" font-size=\"15\">{title}</text>\n"
    );
    let (bottom_y, right_x) = (HEIGHT - bottom, WIDTH - right);
    for power in x0 as i32..=x1 as i32 {
        let x = at_x(10f64.powi(power));
        line(&mut out, [x, top, x, bottom_y]);
        let label = rules(10f64.powi(power));
        text(&mut out, x, bottom_y + 18.0, "middle", "#333", &label);
    }
    for power in y0 as i32..=y1 as i32 {
        let y = at_y(10f64.powi(power));
        line(&mut out, [left, y, right_x, y]);
        text(&mut out, left - 8.0, y + 4.0, "end", "#333", &time(power));
    }
    text(
        &mut out,
        (left + right_x) / 2.0,
        HEIGHT - 14.0,
        "middle",
        "#333",
        "rules",
    );

    let mut names: Vec<(f64, String, &str)> = Vec::new();
    for (i, curve) in curves.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let points: Vec<(f64, f64)> = curve.points.iter().filter(known).copied().collect();
        let Some((_, last)) = points.last() else {
            continue;
        };
        let (width, dash) = match (curve.strong, i >= COLOURS.len()) {
            (true, _) => (3.2, ""),
            (false, true) => (1.5, " stroke-dasharray=\"5 3\""),
            (false, false) => (1.5, ""),
        };
        let path: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{:.1},{:.1}", at_x(*x), at_y(*y)))
            .collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"{dash}/>",
            path.join(" ")
        );
        for point in &path {
            let (x, y) = point.split_once(',').unwrap_or_default();
            let _ = writeln!(
                out,
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"{width}\" fill=\"{colour}\"/>"
            );
        }
        names.push((at_y(*last), curve.name.clone(), colour));
    }
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = top;
    for (y, name, colour) in names {
        let y = y.max(free);
        free = y + LINE;
        text(&mut out, right_x + 10.0, y + 4.0, "start", colour, &name);
    }
    out.push_str("</svg>\n");
    out
}

fn line(out: &mut String, [x1, y1, x2, y2]: [f64; 4]) {
    let _ = writeln!(
        out,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#ddd\"/>"
    );
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, colour: &str, text: &str) {
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{text}</text>"
    );
}

fn rules(n: f64) -> String {
    let digits = format!("{n:.0}");
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn time(power: i32) -> String {
    let unit = ["ns", "µs", "ms", "s"][(power.div_euclid(3)).clamp(0, 3) as usize];
    format!("{} {unit}", 10i64.pow(power.rem_euclid(3) as u32))
}
