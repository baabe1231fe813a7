//! Drawings as a picture: the root on the left, leaves in a column each below the other, a node beside the middle of its children.
//!
//! The layout is the simplest that is tidy (Reingold and Tilford, *Tidier drawings of trees*, 1981, for trees whose levels are
//! columns): leaves take the next free place, so that no two subtrees overlap.

use std::fmt::Write;

use super::dot::lines;
use super::{Drawing, REST, Shows};

/// Width of a character and height of a line, in pixels, of the fonts used here.
const CHAR: f64 = 7.3;
const LINE: f64 = 16.0;
/// Around text in a box, between boxes of a column, around everything.
const PAD: f64 = 8.0;
const GAP: f64 = 12.0;
const MARGIN: f64 = 16.0;

/// Where a box stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// One picture, with the drawings one below the other.
pub fn svg(drawings: &[Drawing]) -> String {
    let mut body = String::new();
    let mut top = MARGIN;
    let mut right: f64 = 0.0;
    for drawing in drawings {
        let (bottom, end) = one(&mut body, drawing, top);
        top = bottom + 2.0 * MARGIN;
        right = right.max(end);
    }
    let (width, height) = (right + MARGIN, top - MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"monospace\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

/// Draws from `top` on, and says where it ends below and on the right.
fn one(out: &mut String, drawing: &Drawing, top: f64) -> (f64, f64) {
    let mut right = MARGIN + width(&drawing.title) * 1.1;
    let mut y = top + LINE;
    words(out, MARGIN, y, &drawing.title, " font-weight=\"bold\"");
    if drawing.boxes.is_empty() {
        return (y, right);
    }
    let figures = drawing.figures.iter();
    let figures: Vec<String> = figures.map(|(what, n, _)| format!("{what} {n}")).collect();
    let figures = figures.join(" · ");
    y += LINE;
    words(out, MARGIN, y, &figures, " fill=\"#555555\"");
    right = right.max(MARGIN + width(&figures));
    let (places, bottom) = places(drawing, y + MARGIN);
    for (drawn, from) in drawing.boxes.iter().zip(&places) {
        for (label, child) in &drawn.edges {
            edge(out, *from, places[*child], label);
        }
    }
    for (drawn, place) in drawing.boxes.iter().zip(&places) {
        let fill = match drawn.shows {
            Shows::Asks { below: None, .. } => "#dbe9f6",
            Shows::Asks { .. } => "#eeeeee",
            Shows::Rules { .. } => "#e4f2e0",
        };
        let Place {
            x,
            y,
            width,
            height,
        } = *place;
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"3\" fill=\"{fill}\" \
             stroke=\"#8899aa\"/>"
        );
        for (i, line) in lines(drawn).iter().enumerate() {
            let at = y + PAD + LINE * (i as f64 + 0.75);
            words(out, x + PAD, at, line, "");
        }
        right = right.max(x + width);
    }
    (bottom, right)
}

/// Where each box stands, and where the lowest ends.
pub(super) fn places(drawing: &Drawing, top: f64) -> (Vec<Place>, f64) {
    let boxes = &drawing.boxes;
    let mut depths = vec![0usize; boxes.len()];
    let mut places = vec![Place::default(); boxes.len()];
    // The widest box and the widest label behind it, by column.
    let mut columns: Vec<(f64, f64)> = Vec::new();
    for (at, drawn) in boxes.iter().enumerate() {
        let lines = lines(drawn);
        let widest = lines.iter().map(|l| width(l)).fold(0.0, f64::max);
        places[at].width = widest + 2.0 * PAD;
        places[at].height = lines.len() as f64 * LINE + 2.0 * PAD;
        let depth = depths[at];
        if columns.len() <= depth {
            columns.push((0.0, 0.0));
        }
        columns[depth].0 = columns[depth].0.max(places[at].width);
        for (label, child) in &drawn.edges {
            columns[depth].1 = columns[depth].1.max(width(label));
            depths[*child] = depth + 1;
        }
    }
    let lefts: Vec<f64> = columns
        .iter()
        .scan(MARGIN, |left, (boxes, labels)| {
            let here = *left;
            *left += boxes + labels + 6.0 * PAD;
            Some(here)
        })
        .collect();
    // Leaves downwards, in the order in which they hang; nodes beside the middle of their children, when these stand.
    let mut free = top;
    let mut placed: Vec<usize> = Vec::new();
    // A node, and where what is free and placed began if its children stand.
    let mut waiting: Vec<(usize, Option<(f64, usize)>)> = vec![(0, None)];
    while let Some((at, below)) = waiting.pop() {
        places[at].x = lefts[depths[at]];
        let edges = &boxes[at].edges;
        match (edges.first().zip(edges.last()), below) {
            (None, _) => places[at].y = free,
            (Some(_), None) => {
                waiting.push((at, Some((free, placed.len()))));
                waiting.extend(edges.iter().rev().map(|(_, child)| (*child, None)));
                continue;
            }
            (Some(((_, first), (_, last))), Some((begin, from))) => {
                let between = (middle(&places[*first]) + middle(&places[*last])) / 2.0;
                let y = between - places[at].height / 2.0;
                // Taller than what hangs from it: that makes room.
                let down = (begin - y).max(0.0);
                for below in &placed[from..] {
                    places[*below].y += down;
                }
                free += down;
                places[at].y = y + down;
            }
        }
        placed.push(at);
        free = free.max(places[at].y + places[at].height + GAP);
    }
    let bottom = places.iter().map(|p| p.y + p.height).fold(free, f64::max);
    (places, bottom)
}

fn middle(place: &Place) -> f64 {
    place.y + place.height / 2.0
}

fn edge(out: &mut String, from: Place, to: Place, label: &str) {
    let (x1, y1) = (from.x + from.width, middle(&from));
    let (x2, y2) = (to.x, middle(&to));
    let dashed = if label == REST {
        " stroke-dasharray=\"4 3\""
    } else {
        ""
    };
    let bend = x1 + 3.0 * PAD;
    let straight = bend + PAD;
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<path d=\"M{x1:.1} {y1:.1} C{bend:.1} {y1:.1} {x1:.1} {y2:.1} {straight:.1} {y2:.1} L{x2:.1} {y2:.1}\" fill=\"none\" \
         stroke=\"#8899aa\"{dashed}/>"
    );
    words(out, straight, y2 - 3.0, label, " fill=\"#335577\"");
}

fn width(text: &str) -> f64 {
    text.chars().count() as f64 * CHAR
}

fn words(out: &mut String, x: f64, y: f64, text: &str, attributes: &str) {
    let _ = write!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" xml:space=\"preserve\"{attributes}>"
    );
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // What XML 1.0 does not allow anywhere.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out.push_str("</text>\n");
}
