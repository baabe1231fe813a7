//! The picture of a simulation, as SVG: panels above one another over the same time.

use std::fmt::Write;

use crate::report::{Report, thousands};
use crate::series::{Bin, Line};

/// Pixels.
const WIDTH: f64 = 860.0;
const LEFT: f64 = 76.0;
/// Names stand at the right.
const RIGHT: f64 = 150.0;
const TOP: f64 = 40.0;
const PANEL: f64 = 110.0;
/// Between panels: a title.
const GAP: f64 = 34.0;
const BOTTOM: f64 = 46.0;
/// Between two names.
const NAME: f64 = 16.0;

/// Colours that people who see few colours can tell apart, on white (Okabe, Ito 2008) and on black.
const COLOURS: [(&str, &str); 8] = [
    ("#0072b2", "#4aa3df"),
    ("#e69f00", "#e69f00"),
    ("#009e73", "#2cc295"),
    ("#d55e00", "#ee7733"),
    ("#cc79a7", "#dd99bb"),
    ("#56b4e9", "#99ddff"),
    ("#7f7f7f", "#a6a6a6"),
    ("#b8a400", "#ddcc55"),
];

/// What is counted of each class in a bin.
type Counts = fn(&Bin) -> &Vec<u64>;

/// A panel: its place and its scale.
struct Panel<'c> {
    chart: &'c Chart<'c>,
    top: f64,
    /// What stands at its upper edge.
    most: f64,
}

struct Chart<'c> {
    bins: &'c [Bin],
    /// Seconds of a bin.
    width: f64,
}

/// Draws a report.
pub(crate) fn draw(report: &Report) -> String {
    let series = &report.series;
    let chart = Chart {
        bins: &series.bins,
        width: series.width as f64 / 1e6,
    };
    let names: Vec<&str> = report.classes.iter().map(|c| &*c.name).collect();
    let failed = report.all().admitted > report.all().finished;
    let panels = if failed { 5 } else { 4 };
    let height = TOP + f64::from(panels) * (PANEL + GAP) - GAP + BOTTOM + 22.0;
    let mut out = head(report, height);
    let asked = |bin: &Bin| bin.admitted.iter().chain(&bin.shed).sum::<u64>();
    let most = chart.bins.iter().map(asked).max().unwrap_or(0) as f64 / chart.width;
    let by = escaped(report.by.as_deref().unwrap_or("class"));
    let stacks: [(&str, Counts); 3] = [
        ("admitted", |bin| &bin.admitted),
        ("shed", |bin| &bin.shed),
        ("admitted, and no response in time", |bin| &bin.failed),
    ];
    let stacks = &stacks[..if failed { 3 } else { 2 }];
    let mut top = TOP + 22.0;
    for (title, what) in stacks {
        let title = format!("{title}, by {by}");
        let panel = Panel::new(&chart, &mut out, &mut top, most, (&title, "requests/s"));
        panel.stack(&mut out, *what, &names);
    }
    let panel = Panel::new(&chart, &mut out, &mut top, 100.0, ("load", "%"));
    let lines = [
        ("busy", 0, Line::Busy),
        ("workers at work", 2, Line::Workers),
        ("errors", 3, Line::Errors),
    ];
    for (row, (name, colour, line)) in lines.into_iter().enumerate() {
        panel.line(&mut out, (row, colour, name), |bin| {
            Some(bin.share(line)? * 100.0)
        });
    }
    let took = |bin: &Bin, percent| Some(bin.took.quantile(percent)?.as_secs_f64() * 1e3);
    let slowest = chart.bins.iter().filter_map(|bin| took(bin, 99));
    let slowest = slowest.fold(0.0, f64::max);
    let title = ("from asking to the response", "ms");
    let panel = Panel::new(&chart, &mut out, &mut top, slowest, title);
    panel.line(&mut out, (0, 0, "p50"), |bin| took(bin, 50));
    panel.line(&mut out, (1, 3, "p99"), |bin| took(bin, 99));
    chart.time(&mut out, top - GAP, report);
    out.push_str("</svg>\n");
    out
}

fn head(report: &Report, height: f64) -> String {
    let title = format!(
        "{}: {} requests, {} workers, seed {}",
        report.entry,
        thousands(report.all().arrived),
        thousands(u64::from(report.workers)),
        report.seed
    );
    let title = escaped(&title);
    let colours = |of: fn(&(&'static str, &'static str)) -> &'static str| -> String {
        let rule = |(i, colours): (usize, &(&'static str, &'static str))| {
            let colour = of(colours);
            format!(".a{i}{{fill:{colour}}}.l{i}{{stroke:{colour}}}")
        };
        COLOURS.iter().enumerate().map(rule).collect()
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>{title}</title>\n<style>\n\
         .page{{fill:#fff}}text{{fill:#222}}.grid{{stroke:#ddd}}.axis{{stroke:#888}}.mark{{stroke:#222;stroke-dasharray:4 3}}\n\
         .line{{fill:none;stroke-width:1.6}}{}\n\
         @media (prefers-color-scheme: dark){{\n\
         .page{{fill:#16181c}}text{{fill:#ddd}}.grid{{stroke:#333}}.axis{{stroke:#888}}.mark{{stroke:#ddd}}\n{}\n}}\n</style>\n\
         <rect class=\"page\" width=\"100%\" height=\"100%\"/>\n\
         <text x=\"{LEFT}\" y=\"26\" font-size=\"15\">{title}</text>\n",
        colours(|(light, _)| light),
        colours(|(_, dark)| dark)
    )
}

impl Chart<'_> {
    /// The pixel at the beginning of a bin.
    fn x(&self, bin: usize) -> f64 {
        self.x_at(bin as f64 * self.width)
    }

    /// The pixel of a time in seconds.
    fn x_at(&self, seconds: f64) -> f64 {
        let all = self.width * self.bins.len().max(1) as f64;
        LEFT + seconds / all * (WIDTH - LEFT - RIGHT)
    }

    /// The axis of time below all panels, and what operators did.
    fn time(&self, out: &mut String, bottom: f64, report: &Report) {
        let all = self.width * self.bins.len().max(1) as f64;
        let (unit, name) = match all {
            ..=300.0 => (1.0, "s"),
            ..=14_400.0 => (60.0, "min"),
            _ => (3_600.0, "h"),
        };
        for tick in ticks(all / unit, 8) {
            let x = self.x_at(tick * unit);
            // The last one may lie behind the end.
            if x > WIDTH - RIGHT {
                continue;
            }
            text(out, x, bottom + 18.0, "middle", &label(tick));
        }
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        text(
            out,
            middle,
            bottom + 36.0,
            "middle",
            &format!("time, {name}"),
        );
        for (i, change) in report.shed_from.iter().enumerate() {
            let x = self.x_at(change.at.0 as f64 / 1e6);
            if x > WIDTH - RIGHT {
                continue;
            }
            let said = match change.priority {
                Some(priority) => format!("shed from {priority}"),
                None => "shed none".to_owned(),
            };
            let y = TOP + 22.0;
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "<line class=\"mark\" x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\"/>"
            );
            // Neighbours do not write over each other.
            let row = (i % 2) as f64 * 14.0;
            text(out, x + 4.0, y + 12.0 + row, "start", &said);
        }
    }
}

impl<'c> Panel<'c> {
    /// The next panel: its title, and its axis up to a round number.
    fn new(
        chart: &'c Chart<'c>,
        out: &mut String,
        next: &mut f64,
        most: f64,
        (title, unit): (&str, &str),
    ) -> Panel<'c> {
        let ticks = ticks(most, 4);
        let last = ticks.last().copied().unwrap_or_default();
        let most = most.max(last).max(f64::MIN_POSITIVE);
        let panel = Panel {
            chart,
            top: *next,
            most,
        };
        *next += PANEL + GAP;
        text(out, LEFT, panel.top - 8.0, "start", title);
        let (x, y) = (18.0, panel.top + PANEL / 2.0);
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "<text transform=\"translate({x:.1},{y:.1}) rotate(-90)\" text-anchor=\"middle\">{unit}</text>"
        );
        for tick in ticks {
            let y = panel.y(tick);
            let class = if tick == 0.0 { "axis" } else { "grid" };
            let _ = writeln!(
                out,
                "<line class=\"{class}\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"/>",
                WIDTH - RIGHT
            );
            text(out, LEFT - 8.0, y + 4.0, "end", &label(tick));
        }
        panel
    }

    fn y(&self, value: f64) -> f64 {
        self.top + PANEL - value / self.most * PANEL
    }

    /// An area for each class, one above the other, the first at the bottom.
    fn stack(&self, out: &mut String, what: Counts, names: &[&str]) {
        let mut below = vec![0; self.chart.bins.len()];
        for (i, name) in names.iter().enumerate() {
            let bins = self.chart.bins.iter().zip(&below);
            let above: Vec<u64> = bins.map(|(bin, below)| below + what(bin)[i]).collect();
            if above != below {
                let mut path = self.steps(&above, false);
                path.push_str(&self.steps(&below, true));
                // Writing to a string cannot fail.
                let _ = writeln!(out, "<path class=\"a{i}\" d=\"M{}Z\"/>", &path[1..]);
            }
            self.legend(out, i, i, name);
            below = above;
        }
    }

    /// The upper edge of counts, as steps, from left to right or back.
    fn steps(&self, counts: &[u64], back: bool) -> String {
        let corners = counts.iter().enumerate().flat_map(|(bin, count)| {
            let y = self.y(*count as f64 / self.chart.width);
            [(self.chart.x(bin), y), (self.chart.x(bin + 1), y)]
        });
        let mut corners: Vec<(f64, f64)> = corners.collect();
        if back {
            corners.reverse();
        }
        // Where it goes on at the same height there is no corner.
        let mut kept: Vec<(f64, f64)> = Vec::new();
        for (i, corner) in corners.iter().enumerate() {
            let before = i.checked_sub(1).map(|i| corners[i].1);
            let behind = corners.get(i + 1).map(|corner| corner.1);
            if before != Some(corner.1) || behind != Some(corner.1) {
                kept.push(*corner);
            }
        }
        let mut path = String::new();
        for (x, y) in kept {
            // Writing to a string cannot fail.
            let _ = write!(path, "L{x:.1},{y:.1}");
        }
        path
    }

    /// A line through the middles of the bins, broken where nothing is known.
    fn line(
        &self,
        out: &mut String,
        (row, colour, name): (usize, usize, &str),
        value: impl Fn(&Bin) -> Option<f64>,
    ) {
        let (mut path, mut on) = (String::new(), false);
        for (at, bin) in self.chart.bins.iter().enumerate() {
            let Some(value) = value(bin) else {
                on = false;
                continue;
            };
            let x = (self.chart.x(at) + self.chart.x(at + 1)) / 2.0;
            let y = self.y(value);
            let step = if on { 'L' } else { 'M' };
            // Writing to a string cannot fail.
            let _ = write!(path, "{step}{x:.1},{y:.1}");
            on = true;
        }
        if !path.is_empty() {
            let _ = writeln!(out, "<path class=\"line l{colour}\" d=\"{path}\"/>");
        }
        self.legend(out, row, colour, name);
    }

    /// What a colour stands for, at the right of the panel.
    fn legend(&self, out: &mut String, row: usize, colour: usize, name: &str) {
        let (x, y) = (WIDTH - RIGHT + 14.0, self.top + row as f64 * NAME);
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "<rect class=\"a{colour}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"10\" height=\"10\"/>"
        );
        let short: String = match name.chars().count() {
            ..=18 => name.to_owned(),
            _ => name.chars().take(17).chain(['…']).collect(),
        };
        text(out, x + 16.0, y + 9.5, "start", &escaped(&short));
    }
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
    );
}

/// Round numbers from 0 to about `most`, not more than `count` steps; the last is at least `most` where few are asked for.
fn ticks(most: f64, count: u32) -> Vec<f64> {
    if most <= 0.0 || !most.is_finite() {
        return vec![0.0];
    }
    let mut unit = 1.0;
    while unit * 10.0 <= most {
        unit *= 10.0;
    }
    while unit > most {
        unit /= 10.0;
    }
    let steps = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0].map(|step| step * unit);
    let fits = |step: &&f64| most / **step <= f64::from(count);
    let step = steps.iter().find(fits).copied().unwrap_or(most);
    let last = (most / step).ceil() as u32;
    (0..=last).map(|i| f64::from(i) * step).collect()
}

/// A number of an axis.
fn label(value: f64) -> String {
    match value {
        v if v == v.trunc() => thousands(v as u64),
        v => {
            let text = format!("{v:.3}");
            text.trim_end_matches('0').to_owned()
        }
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // XML has no place for them.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_the_top() {
        assert_eq!(ticks(0.0, 4), [0.0]);
        assert_eq!(ticks(100.0, 4), [0.0, 50.0, 100.0]);
        assert_eq!(ticks(1_234.0, 4), [0.0, 500.0, 1_000.0, 1_500.0]);
        assert_eq!(ticks(0.3, 4), [0.0, 0.1, 0.2, 0.30000000000000004]);
        assert_eq!(ticks(6.0, 8).len(), 7);
        for most in [1e-7, 0.9, 1.0, 7.0, 99.0, 1e9] {
            let ticks = ticks(most, 4);
            assert!(
                ticks.len() <= 6 && ticks[ticks.len() - 1] >= most,
                "{most}: {ticks:?}"
            );
        }
    }

    #[test]
    fn labels_are_short() {
        assert_eq!(
            [0.0, 0.5, 0.30000000000000004, 1_500.0].map(label),
            ["0", "0.5", "0.3", "1,500"]
        );
    }
}
