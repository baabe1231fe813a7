//! Random expressions at the edges of their types: whole numbers that fill their 53 bits and leave 64, percentages and money at their
//! ties, floats at the ends of their range, texts that are long, foreign or nearly numbers, first and last addresses and days.
//!
//! What is as large as its type allows is brought back between small bounds before it meets the rest of a program, in ways that
//! let its lowest digits be seen; `tests/src/kinds/reached.rs` counts how often each edge is met.

use super::exprs::{Exprs, Int};
use super::inputs::{LAST_INT, ODD};

const COMPARE: &[&str] = &["<", "<=", ">", ">=", "==", "!="];
/// Whole numbers where something ends: a type, a register, a length.
const INTS: &[i64] = &[
    LAST_INT,
    -LAST_INT,
    LAST_INT - 1,
    1 << 52,
    1 << 32,
    -(1 << 31),
    (1 << 31) - 1,
    65_536,
    255,
    1,
    0,
    -1,
];
/// Percentages that lie in the middle between two neighbours of some kind, and at the ends.
const SHARES: &[&str] = &[
    "50%",
    "150%",
    "250%",
    "(-50%)",
    "(-150%)",
    "0.0000001%",
    "(-0.0000001%)",
    "99.9999999%",
    "100000000%",
    "(-100000000%)",
    "0%",
];
/// Divisors of percentages that keep every quotient in 64 bits.
const DIVISORS: &[&str] = &["50%", "3%", "(-7%)", "200%", "100000000%", "(-1%)"];
const FLOATS: &[&str] = &[
    "0.0",
    "1.0",
    "(-1.0)",
    "0.1",
    "9007199254740993.0",
    "0.000000000000000001",
    "900000000000000000.0",
    "(-900000000000000000.0)",
];
const NETWORKS: &[&str] = &[
    "ip\"0.0.0.0/0\"",
    "ip\"::/0\"",
    "ip\"10.20.0.0/16\"",
    "ip\"10.20.0.7/32\"",
    "ip\"255.255.255.254/31\"",
    "ip\"2001:db8:20::/48\"",
    "ip\"2001:db8:20::1/128\"",
    "ip\"::1/128\"",
];

impl Exprs<'_> {
    /// A whole number of the full range of `Int`.
    pub(crate) fn wide(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.rng.below(3) {
                0 => literal(*self.rng.pick(INTS)),
                _ => "r.w".into(),
            };
        }
        let d = depth - 1;
        match self.rng.below(9) {
            0 | 1 => {
                let op = *self.rng.pick(&["+|", "-|", "*|"]);
                format!("({} {op} {})", self.wide(d), self.wide(d))
            }
            2 => format!("(-{})", self.wide(d)),
            3 => format!("abs({})", self.wide(d)),
            4 => {
                let by = *self.rng.pick(&[-1, 1, 2, 3, -7, 4096]);
                format!("({} / {})", self.wide(d), literal(by))
            }
            5 => {
                let extreme = *self.rng.pick(&["min", "max"]);
                format!("{extreme}({}, {})", self.wide(d), self.wide(d))
            }
            6 => format!("(to_int({}) ?? {})", self.odd(), self.wide(d)),
            7 => format!(
                "(if ({}) then {} else {})",
                self.bool(d),
                self.wide(d),
                self.wide(d)
            ),
            _ => format!(
                "(div({}, {}) ?? {})",
                self.wide(d),
                self.wide(d),
                literal(7)
            ),
        }
    }

    /// A small whole number that is asked of something at an edge.
    pub(crate) fn int_at_edges(&mut self, d: u32) -> Int {
        let int = |text: String, lo: i64, hi: i64| Int { text, lo, hi };
        match self.rng.below(20) {
            17 => {
                let least = "(r.w * 1024 - 1024)";
                int(format!("mod({least}, -1 - k)"), -20, 20)
            }
            18 => self.narrowed("round(r.u)"),
            0..=2 => {
                let wide = self.wide(d.max(1));
                self.narrowed(&wide)
            }
            3 => {
                // In 64 bits, and no more.
                let text = match self.rng.below(4) {
                    0 => format!("({} + {})", self.wide(d), self.wide(d)),
                    1 => format!("({} - {})", self.wide(d), self.wide(d)),
                    2 => format!("({} * 1023)", self.wide(d)),
                    _ => format!("({} * 1024 - 1024)", self.wide(d)),
                };
                let by = *self.rng.pick(&[-1, 1, 7, -5, 1024]);
                match self.rng.below(2) {
                    0 => int(format!("mod({text}, {})", literal(by)), -1023, 1023),
                    _ => int(format!("clamp({text}, -50, 50)"), -50, 50),
                }
            }
            4 => {
                let share = self.share(d);
                self.narrowed(&format!("round({share})"))
            }
            5 => int(
                format!("clamp(cube({}), -1000, 1000)", {
                    let n = self.int(d);
                    format!("clamp({}, -99, 99)", n.text)
                }),
                -1000,
                1000,
            ),
            6 => int(format!("mod(hash({}), 10)", self.wide(d)), 0, 9),
            7 => {
                let of = self.odd();
                match self.rng.below(3) {
                    0 => int(format!("len({of})"), 0, 0x10_0000),
                    1 => int(format!("text_chars({of})"), 0, 0x10_0000),
                    _ => int(format!("clamp(bytes_len(to_bytes({of})), 0, 999)"), 0, 999),
                }
            }
            8 => int(
                format!(
                    "(weighted({}, [0, {}, 1], salt: \"e\") ?? 9)",
                    self.odd(),
                    self.rng.between(0, 3)
                ),
                0,
                255,
            ),
            9 => int(
                format!("shard_of({}, {})", self.odd(), self.rng.between(1, 300)),
                0,
                65_535,
            ),
            10 => int(
                format!(
                    "(two_choices({}, [{}, 2, {}]) ?? 9)",
                    self.odd(),
                    self.wide(0),
                    self.wide(0)
                ),
                0,
                255,
            ),
            11 | 19 => {
                let (calendar, lo, hi) = *self.rng.pick(&[
                    ("week_number", 197_001, 220_001),
                    ("year_number", 1970, 2199),
                    ("day_number", 1, 31),
                ]);
                int(format!("{calendar}({})", self.edge_date(d)), lo, hi)
            }
            12 => {
                let index = self.wide(0);
                int(format!("(r.xs[{index}] ?? 3)"), -50, 50)
            }
            13 => {
                let s = self.odd();
                int(
                    format!("({{(r.s): 1, (r.l): 2, \"ab\": 3}}[{s}] ?? 4)"),
                    1,
                    4,
                )
            }
            14 => {
                let x = self.fresh().replace('v', "x");
                let wide = self.wide(0);
                let sum = format!("sum({x} in r.xs where {x} != 3 => {x} + clamp({wide}, -9, 9))");
                int(sum, -236, 236)
            }
            15 => {
                let a = self.wide(0);
                int(
                    format!(
                        "(match {a} {{ 9007199254740991 => 1, < -9007199254740990 => 2, 0 .. 255 => 3, _ => 4 }})"
                    ),
                    1,
                    4,
                )
            }
            _ => int(format!("segment_count({})", self.path()), 1, 8192),
        }
    }

    /// What is wide, between small bounds: what is left of it, or which way it lies.
    fn narrowed(&mut self, wide: &str) -> Int {
        let int = |text: String, most: i64| Int {
            text,
            lo: -most,
            hi: most,
        };
        match self.rng.below(3) {
            0 => int(format!("clamp({wide}, -1000, 1000)"), 1000),
            1 => int(format!("mod({wide}, 1000)"), 999),
            _ => int(format!("({wide} / 9007199254741)"), 1000),
        }
    }

    /// A text at an edge: empty, long, foreign, or nearly a number.
    pub(crate) fn odd(&mut self) -> String {
        match self.rng.below(4) {
            0 => "r.l".into(),
            1 => "r.s".into(),
            2 => self.str(0),
            _ => quoted(self.rng.text(ODD)),
        }
    }

    /// A text that is made of such.
    pub(crate) fn str_at_edges(&mut self, d: u32) -> String {
        match self.rng.below(18) {
            16 => format!("(before({}, \"\") ?? \"none\")", self.odd()),
            14 => format!("encoded_path({})", self.path()),
            15 => format!("text_of_host(to_host({}) ?? r.host)", self.odd()),
            0 => format!("trim({})", self.odd()),
            1 => format!("lower({})", self.odd()),
            2 => format!("upper({})", self.odd()),
            3 => {
                let most = *self.rng.pick(&[0, 1, 2, 3, 5, 64, 200, 65_536]);
                format!(
                    "truncate(concat({}, {}, \"\u{20ac}\"), {most})",
                    self.odd(),
                    self.odd()
                )
            }
            4 => {
                let (s, by) = (
                    self.odd(),
                    quoted(self.rng.text(&["", "_", "a", "\u{e9}", " "])),
                );
                format!(
                    "(split({s}, {by})[{}] ?? \"none\")",
                    self.rng.pick(&[0, 1, 63, 64])
                )
            }
            5 => {
                let cut = *self
                    .rng
                    .pick(&["before", "after", "without_prefix", "without_suffix"]);
                let by = quoted(self.rng.text(&["", "", "_", "a", "\u{e9}", " "]));
                format!("({cut}({}, {by}) ?? \"none\")", self.odd())
            }
            6 => format!("text_of_int({})", self.wide(d)),
            7 => format!("text_of_percent({})", self.share(d)),
            8 => format!("text_of_duration({})", self.span(d)),
            9 => format!("text_of_date({})", self.edge_date(d)),
            10 => format!("text_of_instant({})", self.edge_instant(d)),
            11 => format!("text_of_cidr({})", self.network()),
            12 => format!("text_of_ip(first_address({}))", self.network()),
            13 => format!("(text_of_bytes(to_bytes({})) ?? \"none\")", self.odd()),
            _ => match self.rng.below(2) {
                0 => format!(
                    "(rendezvous({}, [{}, \"ab\", {}]) ?? \"\")",
                    self.odd(),
                    self.odd(),
                    self.odd()
                ),
                _ => format!("(non_empty({}) ?? \"empty\")", self.odd()),
            },
        }
    }

    /// A truth value about what lies at an edge.
    pub(crate) fn bool_at_edges(&mut self, d: u32) -> String {
        let op = *self.rng.pick(COMPARE);
        match self.rng.below(17) {
            0 => format!("{} {op} {}", self.wide(d), self.wide(d)),
            1 => format!("{} {op} {}", self.share(d), self.share(d)),
            2 => format!("{} {op} {}", self.price(d), self.price(d)),
            3 => format!("{} {op} {}", self.span(d), self.span(d)),
            4 | 5 => format!("{} {op} {}", self.edge_float(d), self.edge_float(d)),
            6 if self.rng.one_in(2) => format!("r.l {op} trim(r.l)"),
            6 => format!("{} {op} {}", self.odd(), self.odd()),
            7 => format!("{} {op} {}", self.edge_instant(d), self.edge_instant(d)),
            8 => format!("{} {op} {}", self.edge_date(d), self.edge_date(d)),
            9 => format!("r.ip in {}", self.network()),
            10 => {
                // Two that differ.
                let (of, behind) = (NETWORKS.len() as u64, NETWORKS.len() as u64 - 1);
                let (first, by) = (self.rng.below(of), 1 + self.rng.below(behind));
                let second = (first + by) % of;
                let [a, b] = [first, second].map(|i| NETWORKS[i as usize]);
                format!("r.ip in {{{a}, {b}}}")
            }
            11 => format!("{} == {}", self.network(), self.network()),
            12 => {
                let is = *self
                    .rng
                    .pick(&["is_ipv4", "is_ipv6", "is_internal", "is_loopback"]);
                format!("{is}(first_address({}))", self.network())
            }
            13 => {
                let to = *self.rng.pick(&[
                    "to_int",
                    "to_duration",
                    "to_instant",
                    "to_date",
                    "to_ip",
                    "to_host",
                ]);
                let text = match self.rng.below(3) {
                    0 => self.odd(),
                    _ => "r.l".into(),
                };
                format!("{to}({text}) is none")
            }
            14 => {
                let a = literal(*self.rng.pick(INTS));
                format!("{} in {{r.w, {a}, 3}}", self.wide(d))
            }
            15 => format!("contains(r.ws, {})", self.odd()),
            _ => {
                let how = *self.rng.pick(&["starts_with", "ends_with", "contains"]);
                format!("{}.{how}({})", self.odd(), self.odd())
            }
        }
    }

    /// Any percentage.
    pub(crate) fn share(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.rng.below(3) {
                0 => (*self.rng.pick(SHARES)).into(),
                1 => "r.p".into(),
                _ => "r.u".into(),
            };
        }
        let d = depth - 1;
        match self.rng.below(8) {
            7 => {
                let threshold = *self.rng.pick(&["50%", "1%", "100%"]);
                format!(
                    "rejection({}, {}, threshold: {threshold}, aggression: {})",
                    self.wide(d),
                    self.wide(d),
                    self.edge_float(d)
                )
            }
            0 | 1 => {
                let op = *self.rng.pick(&["+|", "-|", "*|", "*|"]);
                format!("({} {op} {})", self.share(d), self.share(d))
            }
            2 => format!("({} *| {})", self.wide(d), self.share(d)),
            3 => {
                let by = *self.rng.pick(DIVISORS);
                clamped(format!("{} / {by}", self.share(d)))
            }
            4 => format!("abs(-{})", self.share(d)),
            5 => {
                let by = *self.rng.pick(&["1h", "7m", "(-3m)"]);
                clamped(format!("{} / {by}", self.span(d)))
            }
            _ => {
                let by = *self.rng.pick(&["99999.99 SGD", "(-70000.00 SGD)"]);
                clamped(format!("{} / {by}", self.price(d)))
            }
        }
    }

    /// Any amount.
    pub(crate) fn price(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.rng.below(3) {
                0 => (*self.rng.pick(&[
                    "0.01 SGD",
                    "0.03 SGD",
                    "(-0.05 SGD)",
                    "90071992547409.91 SGD",
                ]))
                .into(),
                _ => "r.c".into(),
            };
        }
        let d = depth - 1;
        match self.rng.below(5) {
            0 => {
                let op = *self.rng.pick(&["+|", "-|"]);
                format!("({} {op} {})", self.price(d), self.price(d))
            }
            1 => format!("({} *| {})", self.price(d), self.share(d)),
            2 => format!("({} *| {})", self.price(d), self.wide(d)),
            3 => format!(
                "({} / {})",
                self.price(d),
                literal(*self.rng.pick(&[2, -3, 7]))
            ),
            _ => format!("(-{})", self.price(d)),
        }
    }

    /// Any duration.
    pub(crate) fn span(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.rng.below(3) {
                0 => (*self.rng.pick(&["1us", "(-1us)", "999ms", "80000d"])).into(),
                _ => "r.a".into(),
            };
        }
        let d = depth - 1;
        match self.rng.below(5) {
            0 => {
                let op = *self.rng.pick(&["+|", "-|"]);
                format!("({} {op} {})", self.span(d), self.span(d))
            }
            1 => format!("({} *| {})", self.span(d), self.share(d)),
            2 => format!("({} *| {})", self.span(d), self.wide(d)),
            3 => format!("({} - {})", self.edge_instant(d), self.edge_instant(d)),
            _ => {
                let by = *self.rng.pick(DIVISORS);
                format!("clamp({} / {by}, -100000d, 100000d)", self.span(d))
            }
        }
    }

    /// An instant anywhere.
    pub(crate) fn edge_instant(&mut self, depth: u32) -> String {
        if depth == 0 {
            let fixed = [
                "t\"1970-01-01T00:00Z\"",
                "t\"2199-12-31T23:59:59.999999Z\"",
                "t\"2026-03-29T00:59:59Z\"",
                "t\"2026-10-25T01:00Z\"",
            ];
            return match self.rng.below(3) {
                0 => (*self.rng.pick(&fixed)).into(),
                _ => "r.t".into(),
            };
        }
        let d = depth - 1;
        match self.rng.below(4) {
            0 => format!("({} +| {})", self.edge_instant(d), self.span(d)),
            1 => format!("({} -| {})", self.edge_instant(d), self.span(d)),
            2 => format!(
                "instant_at({}, {}, {})",
                self.edge_date(d),
                self.span(d),
                self.zone()
            ),
            _ => {
                let floor =
                    *self
                        .rng
                        .pick(&["floor_hour", "floor_day", "floor_week", "floor_month"]);
                format!("{floor}({}, {})", self.edge_instant(d), self.zone())
            }
        }
    }

    /// A date anywhere.
    fn edge_date(&mut self, depth: u32) -> String {
        if depth == 0 || self.rng.one_in(2) {
            return format!("day_of({}, {})", self.edge_instant(0), self.zone());
        }
        let d = depth - 1;
        match self.rng.below(3) {
            0 => format!("({} +| {})", self.edge_date(d), self.wide(d)),
            1 => format!("(to_date({}) ?? {})", self.odd(), self.edge_date(d)),
            _ => format!("add_days({}, {})", self.edge_date(d), self.wide(d)),
        }
    }

    /// A float anywhere in its range.
    pub(crate) fn edge_float(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.rng.below(3) {
                0 => (*self.rng.pick(FLOATS)).into(),
                _ => "r.f".into(),
            };
        }
        let d = depth - 1;
        match self.rng.below(8) {
            0 => format!("(-{})", self.edge_float(d)),
            1 => format!("to_float({})", self.wide(d)),
            2 => format!(
                "(div({}, {}) ?? 0.5)",
                self.edge_float(d),
                self.edge_float(d)
            ),
            3 => format!(
                "(if ({}) then {} else {})",
                self.bool(d),
                self.edge_float(d),
                self.edge_float(d)
            ),
            4 => format!("cube({})", self.edge_float(d)),
            _ => {
                let op = *self.rng.pick(&["+", "-", "*", "*"]);
                format!("({} {op} {})", self.edge_float(d), self.edge_float(d))
            }
        }
    }

    /// A network of any width, of an address that comes in or is written.
    fn network(&mut self) -> String {
        match self.rng.below(3) {
            0 => (*self.rng.pick(NETWORKS)).into(),
            _ => format!(
                "network_of(r.ip, {}, {})",
                self.rng.pick(&[0, 1, 16, 31, 32]),
                self.rng.pick(&[0, 1, 48, 127, 128])
            ),
        }
    }
}

/// What may be more than a percentage can be.
fn clamped(share: String) -> String {
    format!("clamp({share}, -100000000%, 100000000%)")
}

/// A whole number as an operand.
fn literal(value: i64) -> String {
    match value {
        0.. => value.to_string(),
        _ => format!("({value})"),
    }
}

/// A text as the source has it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '.. if c.is_alphanumeric() || c.is_ascii_punctuation() || c == ' ' => out.push(c),
            _ => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        }
    }
    out.push('"');
    out
}
