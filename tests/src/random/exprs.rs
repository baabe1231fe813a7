//! Random expressions, asked for by type.

use super::Rng;
use super::edges::quoted;
use super::inputs::ODD;

/// Texts that programs compare with and inputs hold.
pub(crate) const WORDS: &[&str] = &[
    "", "a", "ab", "abc", "b", "Ab", "c_1", "c_22", "x-y", "zz", "\u{e4}b",
];
/// Paths of inputs.
pub(crate) const PATHS: &[&str] = &[
    "/",
    "/a",
    "/a/",
    "/a/b",
    "/a/b/",
    "/a/c_1/d",
    "/v2/carts/c_22",
    "/v2/carts/x/y/z",
    "/v1",
];
/// Patterns over them, and how many texts each captures.
const PATH_PATTERNS: &[(&str, &[&str])] = &[
    ("/", &[]),
    ("/a/**", &[]),
    ("/a/*", &[]),
    ("/a/{}", &["String"]),
    ("/a/{}/d", &["String"]),
    ("/v2/carts/{}/**", &["String"]),
    ("/v2/{}/{}", &["String", "String"]),
    ("/{}/**", &["String"]),
];
const REGEXES: &[&str] = &["c_[0-9]+", "a.*", "[ab]*", "(a|ab)(c|bcd)?", ".*y"];

/// A name in scope.
#[derive(Clone)]
pub(crate) struct Var {
    pub(crate) name: String,
    pub(crate) ty: Ty,
}

/// The types that names have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ty {
    /// A whole number and its bounds.
    Int(i64, i64),
    Str,
    Bool,
    /// A text that a path pattern captured, which may stand in a path.
    Segment,
    /// The rest of a path, which may too.
    Rest,
}

/// The text of a whole number and the bounds that are proved of it.
pub(crate) struct Int {
    pub(crate) text: String,
    pub(crate) lo: i64,
    pub(crate) hi: i64,
}

/// Makes expressions over the record `r` and the names in scope.
pub(crate) struct Exprs<'r> {
    pub(crate) rng: &'r mut Rng,
    pub(crate) scope: Vec<Var>,
    /// How many names have been made, so that each is new.
    names: usize,
}

/// Bounds that keep every product of two in 64 bits.
const WIDE: i64 = 1 << 30;

impl Exprs<'_> {
    pub(crate) fn new(rng: &mut Rng, scope: Vec<Var>) -> Exprs<'_> {
        Exprs {
            rng,
            scope,
            names: 0,
        }
    }

    pub(crate) fn fresh(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    pub(crate) fn var(&mut self, wanted: impl Fn(Ty) -> bool) -> Option<Var> {
        let fitting: Vec<&Var> = self.scope.iter().filter(|v| wanted(v.ty)).collect();
        if fitting.is_empty() {
            None
        } else {
            Some((*self.rng.pick(&fitting)).clone())
        }
    }

    fn literal(&mut self) -> Int {
        let value = self.rng.between(-6, 12);
        let text = if value < 0 {
            format!("({value})")
        } else {
            value.to_string()
        };
        Int {
            text,
            lo: value,
            hi: value,
        }
    }

    /// A whole number.
    pub(crate) fn int(&mut self, depth: u32) -> Int {
        if depth == 0 {
            return self.int_leaf();
        }
        let d = depth - 1;
        match self.rng.below(24) {
            0..=3 => self.arithmetic(d),
            4 => {
                let (c, a, b) = (self.bool(d), self.int(d), self.int(d));
                let text = format!("(if ({c}) then {} else {})", a.text, b.text);
                Int {
                    text,
                    lo: a.lo.min(b.lo),
                    hi: a.hi.max(b.hi),
                }
            }
            5 => {
                let (a, lo, hi) = (
                    self.int(d),
                    self.rng.between(-9, 0),
                    self.rng.between(1, 30),
                );
                Int {
                    text: format!("clamp({}, {lo}, {hi})", a.text),
                    lo,
                    hi,
                }
            }
            6 => {
                let (a, b) = (self.int(d), self.int(d));
                if self.rng.one_in(2) {
                    Int {
                        text: format!("min({}, {})", a.text, b.text),
                        lo: a.lo.min(b.lo),
                        hi: a.hi.min(b.hi),
                    }
                } else {
                    Int {
                        text: format!("max({}, {})", a.text, b.text),
                        lo: a.lo.max(b.lo),
                        hi: a.hi.max(b.hi),
                    }
                }
            }
            7 => {
                let (a, b) = (self.int(d), self.rng.between(1, 7));
                let most = a.lo.abs().max(a.hi.abs());
                if self.rng.one_in(2) {
                    Int {
                        text: format!("({} / {b})", a.text),
                        lo: -most,
                        hi: most,
                    }
                } else {
                    Int {
                        text: format!("mod({}, {b})", a.text),
                        lo: -(b - 1),
                        hi: b - 1,
                    }
                }
            }
            8 => {
                let (a, b, c) = (self.int(d), self.int(d), self.literal());
                let most = a.lo.abs().max(a.hi.abs());
                Int {
                    text: format!("(div({}, {}) ?? {})", a.text, b.text, c.text),
                    lo: (-most).min(c.lo),
                    hi: most.max(c.hi),
                }
            }
            9 => {
                let (x, filter) = self.element_filter(d);
                Int {
                    text: format!("count({x} in r.xs where {filter})"),
                    lo: 0,
                    hi: 4,
                }
            }
            10 => {
                let (x, filter) = self.element_filter(d);
                Int {
                    text: format!("sum({x} in r.xs where {filter} => {x})"),
                    lo: -200,
                    hi: 200,
                }
            }
            11 => {
                let (a, b) = (self.int(d), self.int(d));
                let text = format!(
                    "(match r.e {{ Red => {}, Blue => 3, sized(w) => w + 1, named(label: \"ab\") => 7, _ => {} }})",
                    a.text, b.text
                );
                Int {
                    text,
                    lo: a.lo.min(b.lo).min(1),
                    hi: a.hi.max(b.hi).max(101),
                }
            }
            12 => {
                let (i, c) = (self.rng.between(0, 5), self.literal());
                Int {
                    text: format!("(r.xs[{i}] ?? {})", c.text),
                    lo: c.lo.min(-50),
                    hi: c.hi.max(50),
                }
            }
            13 => {
                let (s, c) = (self.str(d), self.literal());
                Int {
                    text: format!("(r.h[{s}] ?? {})", c.text),
                    lo: c.lo.min(0),
                    hi: c.hi.max(9),
                }
            }
            14 => {
                let a = self.int(d);
                let text = format!("twice(clamp({}, -100, 100))", a.text);
                Int {
                    text,
                    lo: -200,
                    hi: 200,
                }
            }
            15 => self.int_leaf(),
            _ => self.int_of_others(d),
        }
    }

    fn arithmetic(&mut self, depth: u32) -> Int {
        let (a, b) = (self.int(depth), self.int(depth));
        let op = *self.rng.pick(&["+", "-", "*"]);
        let corners = |f: fn(i64, i64) -> i64| {
            let all = [f(a.lo, b.lo), f(a.lo, b.hi), f(a.hi, b.lo), f(a.hi, b.hi)];
            (
                all.into_iter().min().unwrap_or(0),
                all.into_iter().max().unwrap_or(0),
            )
        };
        let (lo, hi) = match op {
            "+" => (a.lo + b.lo, a.hi + b.hi),
            "-" => (a.lo - b.hi, a.hi - b.lo),
            _ => corners(|x, y| x * y),
        };
        let text = format!("({} {op} {})", a.text, b.text);
        if lo < -WIDE || hi > WIDE {
            return Int {
                text: format!("clamp({text}, -1000, 1000)"),
                lo: -1000,
                hi: 1000,
            };
        }
        Int { text, lo, hi }
    }

    fn int_leaf(&mut self) -> Int {
        match self.rng.below(8) {
            0 => Int {
                text: "r.n".into(),
                lo: -1000,
                hi: 1000,
            },
            1 => {
                let c = self.literal();
                Int {
                    text: format!("(r.m ?? {})", c.text),
                    lo: c.lo.min(-100),
                    hi: c.hi.max(100),
                }
            }
            2 => Int {
                text: "k".into(),
                lo: 0,
                hi: 20,
            },
            3 => Int {
                text: "(r.q.x ?? 4)".into(),
                lo: 0,
                hi: 9,
            },
            4 | 5 => match self.var(|ty| matches!(ty, Ty::Int(..))) {
                Some(Var {
                    name,
                    ty: Ty::Int(lo, hi),
                }) => Int { text: name, lo, hi },
                _ => self.literal(),
            },
            _ => self.literal(),
        }
    }

    /// A new name, and a condition about it.
    fn element_filter(&mut self, depth: u32) -> (String, String) {
        let x = self.fresh().replace('v', "x");
        let bound = self.int(depth.min(1));
        let op = *self.rng.pick(&["<", "<=", ">", ">=", "==", "!="]);
        (x.clone(), format!("{x} {op} {}", bound.text))
    }

    /// A text.
    pub(crate) fn str(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.rng.below(5) {
                0 => "r.s".into(),
                1 => format!("(r.o ?? {})", self.word()),
                2 => "(r.q.y ?? \"none\")".into(),
                3 => self
                    .var(|ty| matches!(ty, Ty::Str | Ty::Segment))
                    .map_or_else(|| self.word(), |v| v.name),
                _ => self.word(),
            };
        }
        let d = depth - 1;
        match self.rng.below(11) {
            0 => format!("lower({})", self.str(d)),
            1 => format!("trim({})", self.str(d)),
            2 => format!(
                "truncate(concat({}, {}), {})",
                self.str(d),
                self.str(d),
                self.rng.between(0, 9)
            ),
            3 => format!(
                "(if ({}) then {} else {})",
                self.bool(d),
                self.str(d),
                self.str(d)
            ),
            4 => format!(
                "(match r.e {{ named(text, _) => text, sized(0) => \"zero\", _ => {} }})",
                self.str(d)
            ),
            5 | 6 => self.str(0),
            _ => self.str_of_others(d),
        }
    }

    pub(crate) fn word(&mut self) -> String {
        match self.rng.one_in(12) {
            true => quoted(self.rng.text(ODD)),
            false => quoted(self.rng.text(WORDS)),
        }
    }

    /// A truth value that binds nothing.
    pub(crate) fn bool(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.rng.below(4) {
                0 => "r.b".into(),
                1 => format!(
                    "r.n {} {}",
                    self.rng.pick(&["<", ">=", "==", "!="]),
                    self.literal().text
                ),
                2 => format!("r.s == {}", self.word()),
                _ => self
                    .var(|ty| ty == Ty::Bool)
                    .map_or_else(|| "true".into(), |v| v.name),
            };
        }
        let d = depth - 1;
        match self.rng.below(32) {
            0 | 1 => {
                let (a, b) = (self.int(d), self.int(d));
                format!(
                    "{} {} {}",
                    a.text,
                    self.rng.pick(&["<", "<=", ">", ">=", "==", "!="]),
                    b.text
                )
            }
            2 => format!("({}) and ({})", self.bool(d), self.bool(d)),
            3 => format!("({}) or ({})", self.bool(d), self.bool(d)),
            4 => format!("not ({})", self.bool(d)),
            5 => format!("({}) implies ({})", self.bool(d), self.bool(d)),
            6 => format!(
                "{} {} {}",
                self.str(d),
                self.rng.pick(&["==", "!=", "<", ">="]),
                self.str(d)
            ),
            7 => format!(
                "{} in {{{}, {}, {}}}",
                self.str(d),
                "\"a\"",
                "\"ab\"",
                "\"zz\""
            ),
            8 => {
                let (a, lo) = (self.int(d), self.rng.between(-5, 5));
                format!(
                    "{} in {lo} {} {}",
                    a.text,
                    self.rng.pick(&["..", "..<"]),
                    lo + 6
                )
            }
            9 => format!(
                "{}.{}({})",
                self.str(0),
                self.rng.pick(&["starts_with", "ends_with", "contains"]),
                self.word()
            ),
            10 => self
                .rng
                .pick(&[
                    "r.m is none",
                    "r.o.present",
                    "r.q is none",
                    "r.q.y.present",
                    "r.m.present",
                ])
                .to_string(),
            11 => self
                .rng
                .pick(&[
                    "r.e is Red",
                    "r.e is sized",
                    "r.e is sized(w: < 5)",
                    "r.e is named(_, {1, 2})",
                    "r.e is {Red, Blue}",
                ])
                .to_string(),
            12 => {
                let quantifier = *self.rng.pick(&["any", "all", "no", "only"]);
                {
                    let (x, filter) = self.element_filter(d);
                    format!("{quantifier}({x} in r.xs where {filter})")
                }
            }
            13 => {
                let quantifier = *self.rng.pick(&["any", "no", "only"]);
                format!(
                    "{quantifier}(w in r.ws where w == {} or w.starts_with({}))",
                    self.word(),
                    self.word()
                )
            }
            14 => {
                let (pattern, captures) = *self.rng.pick(PATH_PATTERNS);
                let mut text = pattern.to_owned();
                for _ in captures {
                    text = text.replacen("{}", "*", 1);
                }
                format!("r.path matches p\"{text}\"")
            }
            15 => format!(
                "r.ip in {}",
                self.rng.pick(&[
                    "ip\"10.20.0.0/16\"",
                    "{ip\"10.20.0.0/16\", ip\"10.22.0.0/24\"}"
                ])
            ),
            16 => format!(
                "r.p {} {}%",
                self.rng.pick(&["<", ">=", ">"]),
                self.rng.between(0, 100)
            ),
            17 => format!(
                "r.d {} {}s",
                self.rng.pick(&["<", ">=", "=="]),
                self.rng.between(0, 60)
            ),
            18 => format!(
                "r.c {} {}.50 SGD",
                self.rng.pick(&["<", ">="]),
                self.rng.between(0, 40)
            ),
            19 => format!(
                "r.t {} t\"2026-11-{:02}T12:00Z\"",
                self.rng.pick(&["<", ">="]),
                self.rng.between(1, 28)
            ),
            20 => format!("{} matches re\"{}\"", self.str(0), self.rng.pick(REGEXES)),
            21 => format!(
                "r.f {} {}.5",
                self.rng.pick(&["<", ">", "<=", ">="]),
                self.rng.between(0, 9)
            ),
            _ => self.bool_of_others(d),
        }
    }

    /// An operand of a spine: a condition, or something that binds for what stands to the right.
    pub(crate) fn operand(&mut self, depth: u32) -> String {
        let name = self.fresh();
        match self.rng.below(18) {
            13 => {
                self.scope.push(Var {
                    name: name.clone(),
                    ty: Ty::Rest,
                });
                format!("r.path matches p\"/a/{{{name}: **}}\"")
            }
            14..=16 => format!("({})", self.bool_at_edges(depth)),
            12 => {
                // The first group always takes part, the second may not.
                let other = self.fresh();
                let (text, tail) = (self.odd(), self.word());
                for name in [&name, &other] {
                    self.scope.push(Var {
                        name: name.clone(),
                        ty: Ty::Str,
                    });
                }
                let whole = self.fresh();
                format!(
                    "{text} matches re\"(?<{name}>[a-c]*)(?<{whole}>_[0-9]+)?.*\" and let {other} = {whole} ?? {tail}"
                )
            }
            0 => {
                let value = self.int(depth);
                self.scope.push(Var {
                    name: name.clone(),
                    ty: Ty::Int(value.lo, value.hi),
                });
                format!("let {name} = {}", value.text)
            }
            1 => {
                self.scope.push(Var {
                    name: name.clone(),
                    ty: Ty::Int(-100, 100),
                });
                format!("let {name} = r.m ?? skip")
            }
            2 => {
                self.scope.push(Var {
                    name: name.clone(),
                    ty: Ty::Str,
                });
                format!("let {name} = r.o ?? skip")
            }
            3 => {
                self.scope.push(Var {
                    name: name.clone(),
                    ty: Ty::Int(0, 100),
                });
                format!("r.e is sized({name})")
            }
            4 => {
                let other = self.fresh();
                self.scope.push(Var {
                    name: name.clone(),
                    ty: Ty::Str,
                });
                self.scope.push(Var {
                    name: other.clone(),
                    ty: Ty::Int(0, 9),
                });
                format!("r.e is named(at: {other}, label: {name})")
            }
            5 => {
                let (pattern, captures) = *self.rng.pick(PATH_PATTERNS);
                let mut text = pattern.to_owned();
                for _ in captures {
                    let name = self.fresh();
                    text = text.replacen("{}", &format!("{{{name}}}"), 1);
                    self.scope.push(Var {
                        name,
                        ty: Ty::Segment,
                    });
                }
                format!("r.path matches p\"{text}\"")
            }
            6 => {
                let value = self.bool(depth);
                self.scope.push(Var {
                    name: name.clone(),
                    ty: Ty::Bool,
                });
                format!("let {name} = ({value})")
            }
            7 => format!("(r.m ?? skip) > {}", self.literal().text),
            _ => format!("({})", self.bool(depth)),
        }
    }
}
