//! Random expressions of the types that are not plain numbers or texts: percentages, money, times, dates, floats, paths,
//! addresses, collections, nested variants. What may leave the bounds of its type is clamped back into them.

use super::exprs::{Exprs, Int, PATHS, Ty};

const ZONES: &[&str] = &[
    "utc",
    "sg",
    "tz\"Europe/Berlin\"",
    "tz\"Asia/Kathmandu\"",
    "tz\"America/Sao_Paulo\"",
];
const COMPARE: &[&str] = &["<", "<=", ">", ">=", "==", "!="];

impl Exprs<'_> {
    /// A whole number that something else is asked for.
    pub(crate) fn int_of_others(&mut self, d: u32) -> Int {
        let int = |text: String, lo: i64, hi: i64| Int { text, lo, hi };
        match self.rng.below(25) {
            20..=24 => self.int_at_edges(d),
            0 => {
                let (calendar, lo, hi) = *self.rng.pick(&[
                    ("hour_of", 0, 23),
                    ("minute_of", 0, 59),
                    ("second_of", 0, 59),
                    ("month_of", 1, 12),
                    ("year_of", 1970, 2199),
                    ("week_of", 197_001, 220_001),
                ]);
                int(
                    format!("{calendar}({}, {})", self.instant(d), self.zone()),
                    lo,
                    hi,
                )
            }
            1 => {
                let (calendar, lo, hi) = *self.rng.pick(&[
                    ("weekday_number", 1, 7),
                    ("day_number", 1, 31),
                    ("month_number", 1, 12),
                ]);
                int(format!("{calendar}({})", self.date(d)), lo, hi)
            }
            2 => int(
                format!(
                    "clamp(days_between({}, {}), -99, 99)",
                    self.date(d),
                    self.date(d)
                ),
                -99,
                99,
            ),
            3 => int(format!("mod(hash_text({}), 10)", self.str(d)), 0, 9),
            4 => int(
                format!(
                    "clamp(round({} * {}), -100, 100)",
                    self.int(d).text,
                    self.percent(d)
                ),
                -100,
                100,
            ),
            5 => {
                let op = *self.rng.pick(&["+|", "-|", "*|"]);
                let (a, b) = (self.int(d), self.int(d));
                int(
                    format!("clamp({} {op} {}, -1000, 1000)", a.text, b.text),
                    -1000,
                    1000,
                )
            }
            6 => {
                let (s, w) = (self.str(d), self.word());
                let x = self.fresh().replace('v', "x");
                int(
                    format!("count({x} in split({s}, \"_\") where {x} != {w})"),
                    0,
                    64,
                )
            }
            7 => int(
                format!("len(split({}, {}))", self.str(d), self.word()),
                0,
                64,
            ),
            8 => int(format!("clamp(len({}), 0, 9)", self.str(d)), 0, 9),
            9 => int("len(r.xs)".into(), 0, 4),
            10 => int(
                format!(
                    "({{\"a\": 1, \"ab\": -2, \"c_1\": 3}}[{}] ?? 4)",
                    self.str(d)
                ),
                -2,
                4,
            ),
            11 => {
                let (s, a, b) = (self.str(d), self.int(d), self.int(d));
                int(
                    format!(
                        "(match {s} {{ \"a\" => {}, {{\"ab\", \"b\"}} => 2, _ => {} }})",
                        a.text, b.text
                    ),
                    a.lo.min(b.lo).min(2),
                    a.hi.max(b.hi).max(2),
                )
            }
            12 => {
                let (n, a, b) = (self.int(d), self.int(d), self.int(d));
                int(
                    format!(
                        "(match {} {{ 0 => {}, 1 .. 3 => 5, < 0 => {}, {{7, 9}} => 1, _ => 6 }})",
                        n.text, a.text, b.text
                    ),
                    a.lo.min(b.lo).min(1),
                    a.hi.max(b.hi).max(6),
                )
            }
            13 => {
                let (a, b) = (self.int(d), self.int(d));
                int(
                    format!(
                        "(match r.g {{ leaf(0) => {}, leaf(n) => n, wrap(sized(w), _) => w, wrap(named(at: < 5), true) => {}, wrap(_, flag) => if flag then 1 else 2, empty => 0 }})",
                        a.text, b.text
                    ),
                    a.lo.min(b.lo).min(-50),
                    a.hi.max(b.hi).max(100),
                )
            }
            14 => int(format!("segment_count({})", self.path()), 1, 8192),
            15 => int(
                format!("clamp(to_int({}) ?? 3, -10, 10)", self.str(d)),
                -10,
                10,
            ),
            16 => {
                let (x, s) = (self.fresh().replace('v', "x"), self.word());
                int(format!("count({x} in r.ws where {x} >= {s})"), 0, 1024)
            }
            17 => int(format!("text_chars({})", self.word()), 0, 0x10_0000),
            18 => int(
                format!(
                    "([1, {}, 3][{}] ?? 7)",
                    self.rng.between(-4, 9),
                    self.rng.between(0, 3)
                ),
                -4,
                9,
            ),
            _ => int(format!("clamp({}, -20, 20)", self.int(d).text), -20, 20),
        }
    }

    /// A text that something else is asked for.
    pub(crate) fn str_of_others(&mut self, d: u32) -> String {
        match self.rng.below(18) {
            14..=17 => self.str_at_edges(d),
            0 => format!("upper({})", self.str(d)),
            1 => {
                let cut = *self
                    .rng
                    .pick(&["before", "after", "without_prefix", "without_suffix"]);
                format!(
                    "({cut}({}, {}) ?? {})",
                    self.str(d),
                    self.word(),
                    self.word()
                )
            }
            2 => format!("text_of_int({})", self.int(d).text),
            3 => format!("text_of_percent({})", self.percent(d)),
            4 => format!("text_of_duration({})", self.duration(d)),
            5 => format!("text_of_date({})", self.date(d)),
            6 => format!("text_of_instant({})", self.instant(d)),
            7 => "text_of_ip(r.ip)".into(),
            8 => format!(
                "(split({}, \"_\")[{}] ?? {})",
                self.str(d),
                self.rng.between(0, 2),
                self.word()
            ),
            9 => format!(
                "({{\"a\": \"x\", \"ab\": {}}}[{}] ?? \"q\")",
                self.word(),
                self.str(d)
            ),
            10 => format!(
                "(segment({}, {}) ?? \"s\")",
                self.path(),
                self.rng.between(0, 3)
            ),
            11 => format!("text_of_path({})", self.path()),
            12 => {
                let n = self.int(d);
                format!(
                    "(match {} {{ < -1 => \"low\", -1 .. 1 => {}, _ => {} }})",
                    n.text,
                    self.str(d),
                    self.word()
                )
            }
            _ => format!(
                "text_of_cidr(network_of(r.ip, {}, 56))",
                self.rng.between(0, 32)
            ),
        }
    }

    /// A truth value about something else; binds nothing.
    pub(crate) fn bool_of_others(&mut self, d: u32) -> String {
        let op = *self.rng.pick(COMPARE);
        match self.rng.below(28) {
            22..=27 => self.bool_at_edges(d),
            0 => format!("{} {op} {}", self.percent(d), self.percent(d)),
            1 => format!("{} {op} {}", self.money(d), self.money(d)),
            2 => format!("{} {op} {}", self.duration(d), self.duration(d)),
            3 => format!("{} {op} {}", self.instant(d), self.instant(d)),
            4 => format!("{} {op} {}", self.date(d), self.date(d)),
            5 => format!("{} {op} {}", self.float(d), self.float(d)),
            6 => format!(
                "{} - {} {} {}",
                self.instant(d),
                self.instant(d),
                self.rng.pick(&["<", ">"]),
                self.duration(d)
            ),
            7 => {
                let pattern = *self.rng.pick(&[
                    "sized(1 .. 5)",
                    "sized(< 9)",
                    "{Red, Blue}",
                    "named(label: \"ab\", at: < 5)",
                    "named(\"a\", _)",
                    "sized({1, 7})",
                    "named(at: 3 ..< 7)",
                ]);
                format!("r.e is {pattern}")
            }
            8 => {
                let pattern = *self.rng.pick(&[
                    "wrap(sized(> 3), true)",
                    "wrap({Red, Blue}, _)",
                    "leaf(-1 .. 4)",
                    "wrap(flag: false)",
                    "wrap(named(label: {\"a\", \"ab\"}), true)",
                    "empty",
                    "{empty, leaf(0)}",
                ]);
                format!("r.g is {pattern}")
            }
            9 => (*self.rng.pick(&["r.q is none", "not (r.q is none)"])).into(),
            10 => format!(
                "{} matches p\"{}\"",
                self.path(),
                self.rng.pick(&["/a/**", "/x/*", "/v3/*/**", "/**"])
            ),
            11 => format!("{} == {}", self.path(), self.path()),
            12 => format!("is_weekend({}, {})", self.instant(d), self.zone()),
            13 => format!(
                "in_hours(r.t, {}h, {}h, {})",
                self.rng.between(0, 23),
                self.rng.between(0, 23),
                self.zone()
            ),
            14 => format!(
                "weekday_of(r.t, {}) == {}",
                self.zone(),
                self.rng.pick(&["Sunday", "Monday", "Friday"])
            ),
            15 => {
                let quantifier = *self.rng.pick(&["any", "only", "no"]);
                let (x, w) = (self.fresh().replace('v', "x"), self.word());
                format!(
                    "{quantifier}({x} in split({}, \"_\") where {x}.starts_with({w}))",
                    self.str(d)
                )
            }
            16 => {
                let quantifier = *self.rng.pick(&["any", "only", "no"]);
                let x = self.fresh().replace('v', "x");
                let inner = self.int(d.min(1));
                format!(
                    "{quantifier}({x} in r.xs where {x} * 2 {op} {})",
                    inner.text
                )
            }
            17 => format!(
                "{} in {{{}, 3, 5, -4}}",
                self.int(d).text,
                self.rng.between(6, 12)
            ),
            18 => format!("to_int({}) is none", self.str(d)),
            19 => format!(
                "r.ip in network_of(r.ip, {}, 56) and is_private(r.ip)",
                self.rng.between(0, 32)
            ),
            20 => format!("in_share({}, \"s\", {})", self.str(d), self.percent(d)),
            _ => (*self.rng.pick(&[
                "r.ws.present",
                "r.m.present",
                "r.o is none",
                "r.q.y.present",
            ]))
            .into(),
        }
    }

    /// Of 0% .. 100%.
    pub(crate) fn percent(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.rng.below(3) {
                0 => format!("{}%", self.rng.between(0, 100)),
                1 => format!("{}.{}%", self.rng.between(0, 99), self.rng.between(1, 9)),
                _ => "r.p".into(),
            };
        }
        let d = depth - 1;
        match self.rng.below(7) {
            0 => format!("bucket({}, salt: \"s{}\")", self.str(d), self.rng.below(3)),
            1 => {
                let op = *self.rng.pick(&["+", "-", "*"]);
                format!(
                    "clamp({} {op} {}, 0%, 100%)",
                    self.percent(d),
                    self.percent(d)
                )
            }
            2 => format!(
                "clamp({} / {}%, 0%, 100%)",
                self.percent(d),
                self.rng.between(1, 70)
            ),
            3 => format!(
                "clamp({} * {}, 0%, 100%)",
                self.int(d).text,
                self.percent(d)
            ),
            4 => format!(
                "(if ({}) then {} else {})",
                self.bool(d),
                self.percent(d),
                self.percent(d)
            ),
            5 => format!("min({}, {})", self.percent(d), self.percent(d)),
            _ => self.percent(0),
        }
    }

    /// Of 0.00 SGD .. 90.00 SGD.
    fn money(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.rng.below(2) {
                0 => format!(
                    "{}.{:02} SGD",
                    self.rng.between(0, 50),
                    self.rng.between(0, 99)
                ),
                _ => "clamp(r.c, 0.00 SGD, 90.00 SGD)".into(),
            };
        }
        let d = depth - 1;
        let clamped = |text: String| format!("clamp({text}, 0.00 SGD, 90.00 SGD)");
        match self.rng.below(5) {
            0 => {
                let op = *self.rng.pick(&["+", "-"]);
                clamped(format!("{} {op} {}", self.money(d), self.money(d)))
            }
            1 => clamped(format!("{} * {}", self.money(d), self.percent(d))),
            2 => clamped(format!("{} * {}", self.money(d), self.rng.between(0, 9))),
            3 => format!(
                "(if ({}) then {} else {})",
                self.bool(d),
                self.money(d),
                self.money(d)
            ),
            _ => self.money(0),
        }
    }

    /// Of 0s .. 1h.
    pub(crate) fn duration(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.rng.below(2) {
                0 => format!(
                    "{}{}",
                    self.rng.between(0, 59),
                    self.rng.pick(&["s", "ms", "m"])
                ),
                _ => "r.d".into(),
            };
        }
        let d = depth - 1;
        match self.rng.below(5) {
            0 => {
                let op = *self.rng.pick(&["+", "-"]);
                format!(
                    "clamp({} {op} {}, 0s, 1h)",
                    self.duration(d),
                    self.duration(d)
                )
            }
            1 => format!(
                "clamp({} * {}, 0s, 1h)",
                self.duration(d),
                self.rng.between(0, 9)
            ),
            2 => format!(
                "clamp(clock_of({}, {}), 0s, 1h)",
                self.instant(d),
                self.zone()
            ),
            3 => format!("max({}, {})", self.duration(d), self.duration(d)),
            _ => format!(
                "(if ({}) then {} else {})",
                self.bool(d),
                self.duration(d),
                self.duration(d)
            ),
        }
    }

    fn instant(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.rng.below(2) {
                0 => format!(
                    "t\"2026-11-{:02}T{:02}:30Z\"",
                    self.rng.between(1, 28),
                    self.rng.between(0, 23)
                ),
                _ => "r.t".into(),
            };
        }
        let d = depth - 1;
        match self.rng.below(5) {
            0 => {
                let floor =
                    *self
                        .rng
                        .pick(&["floor_hour", "floor_day", "floor_week", "floor_month"]);
                format!("{floor}({}, {})", self.instant(d), self.zone())
            }
            1 => format!("instant_of({}, {})", self.date(d), self.zone()),
            2 => format!(
                "instant_at({}, {}, {})",
                self.date(d),
                self.duration(d),
                self.zone()
            ),
            3 => format!(
                "(if ({}) then {} else {})",
                self.bool(d),
                self.instant(d),
                self.instant(d)
            ),
            _ => self.instant(0),
        }
    }

    fn date(&mut self, depth: u32) -> String {
        if depth == 0 || self.rng.one_in(2) {
            return format!("day_of({}, {})", self.instant(0), self.zone());
        }
        let n = self.int(depth - 1);
        format!(
            "add_days({}, clamp({}, -40, 40))",
            self.date(depth - 1),
            n.text
        )
    }

    fn float(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.rng.below(3) {
                0 => format!("{}.5", self.rng.between(0, 9)),
                1 => "(-1.25)".into(),
                _ => "r.f".into(),
            };
        }
        let d = depth - 1;
        match self.rng.below(4) {
            0 => format!("({} / {}.5)", self.float(d), self.rng.between(0, 4)),
            1 => self.float(0),
            _ => {
                let op = *self.rng.pick(&["+", "-", "*"]);
                format!("({} {op} {})", self.float(d), self.float(d))
            }
        }
    }

    /// A path: of the record, a literal, or a template over what a path pattern captured.
    pub(crate) fn path(&mut self) -> String {
        match self.rng.below(4) {
            0 => "r.path".into(),
            1 => format!("p\"{}\"", self.rng.pick(PATHS)),
            _ => match self.var(|ty| matches!(ty, Ty::Segment | Ty::Rest)) {
                Some(var) => format!(
                    "p\"{}/{{{}}}\"",
                    self.rng.pick(&["", "/x", "/v3/y"]),
                    var.name
                ),
                None => "r.path".into(),
            },
        }
    }

    pub(crate) fn zone(&mut self) -> &'static str {
        let zone: &&str = self.rng.pick(ZONES);
        zone
    }
}
