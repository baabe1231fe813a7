//! Finders: code that finds the rules that match, where that takes less than searching the index.
//!
//! A search asks what stands in a tree as data. Machine code made for the rules asks the same with the values in its instructions: by a
//! feature that most rules compare with texts or few integers it tells them apart, with a table and a jump, until few are left, which it
//! asks one after the other (`plan.rs`). That is a decision tree over rules as pattern matching compiles to (Maranget, *Compiling pattern
//! matching to good decision trees*, 2008), cut off where a chain is as good.
//!
//! ```text
//! func route.finder(Request) -> int {
//! block0(v0: Request):
//!     v1 = field v0, 0        the host
//!     v2 = lookup …, v1       which of those that rules name
//!     switch …                behind it the rules of that host, then those of every host
//! ```
//!
//! Where one rule decides, the code gives its number as the index has it, and as many as there are rules if there is none. Where several
//! do, it marks them in order. Everything else about a decision is the index's: what rules give, and what happens when none matches.
//! The code grows with the rules, so there is none for large sets; nor where rules ask states, which is done in the order of the source.

mod plan;

use tollgate_ir::bug;
use tollgate_ir::builder::FuncBuilder;
use tollgate_ir::entities::{Block, FuncId, SiteId, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Jump, Module};
use tollgate_ir::operand::Cc;
use tollgate_ir::predicates::Predicates;
use tollgate_ir::types::{Type, TypeData};
use tollgate_runtime::index::{Atom, Formula, Test};
use tollgate_runtime::kinds::net::Ip;
use tollgate_runtime::pattern::Glob;
use tollgate_runtime::{Pattern, Value};

pub(crate) use self::plan::{CHAIN_MAX, EXPRESSIONS_MAX, count_atoms, is_regex_or_glob};
use self::plan::{Cases, Plan, Row, Rules, askable, bare, values};

/// Rules of the largest set that code is made for. It does not know where the processor's memory for code ends; a search reads data, and
/// its own code is small.
const RULES_MAX: usize = 1_024;

/// How the rules of a set are found by code.
pub(crate) struct Finder<'r> {
    rules: Rules<'r>,
    plan: Plan,
}

/// What a finder is written with.
pub(crate) struct With<'w> {
    /// What the features are, of a module that may have grown since.
    pub(crate) asked: &'w Predicates,
    /// The functions of those that are not read in place.
    pub(crate) computed: &'w [Option<FuncId>],
    /// What the rules' marks say, by their places in the source.
    pub(crate) sites: &'w [SiteId],
}

impl<'r> Finder<'r> {
    /// Looks whether rules with these conditions can be found by code in a good way. `order` has their places in the order of a search; `one`
    /// says whether one rule decides. Linear in the rules.
    pub(crate) fn new(
        module: &Module,
        asked: &Predicates,
        conditions: &'r [Formula],
        order: impl Iterator<Item = u32>,
        one: bool,
    ) -> Option<Finder<'r>> {
        if conditions.is_empty() || conditions.len() > RULES_MAX {
            return None;
        }
        let mut good = true;
        for condition in conditions {
            condition.atoms(&mut |atom| {
                let feature = asked.features.get(atom.feature as usize);
                let ty = feature.map(|feature| asked.terms.ty(feature.term));
                good &= ty.is_some_and(|ty| askable(&module.types, ty, &atom.test));
            });
        }
        let rules = Rules::new(conditions, one);
        let plan = good.then(|| rules.plan(order))??;
        Some(Finder { rules, plan })
    }

    /// Adds the function to the module. Its name is unique there.
    pub(crate) fn write(&self, module: &mut Module, with: &With<'_>, name: Box<str>) -> FuncId {
        let terms = &with.asked.terms;
        let params: Vec<Type> = terms.params().iter().map(|p| terms.ty(*p)).collect();
        let mut writer = Writer {
            b: FuncBuilder::new(module, name, &params, Type::INT),
            with,
            rules: &self.rules,
        };
        let done = writer.b.block(&[Type::INT]);
        writer.search(&self.plan, None, done);
        writer.b.switch_to(done);
        let found = writer.b.block_params(done)[0];
        writer.b.ret(found);
        writer.b.finish()
    }
}

struct Writer<'m, 'w, 'r> {
    b: FuncBuilder<'m>,
    with: &'w With<'w>,
    rules: &'w Rules<'r>,
}

impl Writer<'_, '_, '_> {
    /// Goes from the current block to `done` with the number of the first rule that matches. `limit` is one that was found before, if any
    /// may have been: rules behind it are of no interest.
    fn search(&mut self, plan: &Plan, limit: Option<Val>, done: Block) {
        match plan {
            Plan::Chain(rows) => {
                for row in rows {
                    self.row(row, limit, done);
                }
                let none = self.none(limit);
                self.b.jump(done, &[none]);
            }
            Plan::Split {
                feature,
                cases,
                rest,
            } => {
                let asked_behind = !matches!(&**rest, Plan::Chain(rows) if rows.is_empty());
                let after = match self.rules.one && asked_behind {
                    true => self.b.block(&[Type::INT]),
                    false => done,
                };
                let value = self.feature(*feature);
                let value = self.bare(value);
                let ended = self.b.current();
                let (value, jumps) = match cases {
                    Cases::Ints(cases) => {
                        let cases = cases.iter().map(|(key, plan)| (*key, plan));
                        (value, self.cases(cases, limit, after))
                    }
                    Cases::Texts(cases) => {
                        let which = self.which(cases.iter().map(|(key, _)| &**key), value);
                        let cases = (0..).zip(cases.iter().map(|(_, plan)| plan));
                        (which, self.cases(cases, limit, after))
                    }
                };
                let other = self.b.block(&[]);
                self.b.switch_to(other);
                match after == done {
                    true => self.search(rest, limit, done),
                    false => {
                        let none = self.none(limit);
                        self.b.jump(after, &[none]);
                    }
                }
                self.b.switch_to(ended);
                self.b.switch(value, jumps, to(other));
                if after != done {
                    self.b.switch_to(after);
                    let found = self.b.block_params(after)[0];
                    self.search(rest, Some(found), done);
                }
            }
        }
    }

    /// A block for each case.
    fn cases<'p>(
        &mut self,
        cases: impl Iterator<Item = (i64, &'p Plan)>,
        limit: Option<Val>,
        after: Block,
    ) -> Vec<(i64, Jump)> {
        let case = |(key, plan): (i64, &'p Plan)| {
            let block = self.b.block(&[]);
            self.b.switch_to(block);
            self.search(plan, limit, after);
            (key, to(block))
        };
        cases.map(case).collect()
    }

    /// Asks a rule, and goes on where it does not match.
    fn row(&mut self, row: &Row, limit: Option<Val>, done: Block) {
        let number = self.b.iconst(row.number.into());
        if let Some(limit) = limit {
            let behind = self.b.icmp(Cc::Ge, number, limit);
            let before = self.b.block(&[]);
            self.b.br(behind, (done, &[limit]), (before, &[]));
            self.b.switch_to(before);
        }
        let (yes, no) = (self.b.block(&[]), self.b.block(&[]));
        // In the order in which they are written; what is cheap stands together where the first of it does.
        let parts = self.rules.open(row).map(|(_, part)| part);
        let (cheap, dear): (Vec<_>, Vec<_>) =
            parts.enumerate().partition(|(_, part)| is_cheap(part));
        let at = cheap.first().map_or(usize::MAX, |(i, _)| *i);
        let (before, behind): (Vec<_>, Vec<_>) = dear.into_iter().partition(|(i, _)| *i < at);
        for (_, part) in before {
            let next = self.b.block(&[]);
            self.formula(part, next, no);
            self.b.switch_to(next);
        }
        self.all_cheap(cheap.into_iter().map(|(_, part)| part), no);
        self.all(behind.into_iter().map(|(_, part)| part), yes, no);
        self.b.switch_to(yes);
        match self.rules.one {
            true => self.b.jump(done, &[number]),
            false => {
                self.b.mark(self.with.sites[row.rule as usize]);
                self.b.jump(no, &[]);
            }
        }
        self.b.switch_to(no);
    }

    /// What is found where nothing more is.
    fn none(&mut self, limit: Option<Val>) -> Val {
        limit.unwrap_or_else(|| self.b.iconst(self.rules.parts.len() as i64))
    }

    /// Goes on if all parts hold, and to a block if one does not. All are asked, with one branch behind them: they cost less than a branch that
    /// a processor did not foresee.
    fn all_cheap<'p>(&mut self, parts: impl Iterator<Item = &'p Formula>, no: Block) {
        let mut all = None;
        for part in parts {
            let Formula::Atom(atom) = part else {
                continue;
            };
            let mut holds = self.atom(atom);
            if !atom.want {
                holds = self.b.ins(Inst::Bnot { a: holds });
            }
            all = Some(match all {
                Some(all) => self.b.ins(Inst::Band { a: all, b: holds }),
                None => holds,
            });
        }
        if let Some(all) = all {
            let next = self.b.block(&[]);
            self.b.br(all, (next, &[]), (no, &[]));
            self.b.switch_to(next);
        }
    }

    /// Goes to one block if all parts hold, and to the other if one does not.
    fn all<'p>(&mut self, parts: impl Iterator<Item = &'p Formula>, yes: Block, no: Block) {
        for part in parts {
            let next = self.b.block(&[]);
            self.formula(part, next, no);
            self.b.switch_to(next);
        }
        self.b.jump(yes, &[]);
    }

    /// As deep as conditions can be nested, which the parser bounds.
    fn formula(&mut self, formula: &Formula, yes: Block, no: Block) {
        match formula {
            Formula::Atom(atom) => {
                let holds = self.atom(atom);
                match atom.want {
                    true => self.b.br(holds, (yes, &[]), (no, &[])),
                    false => self.b.br(holds, (no, &[]), (yes, &[])),
                }
            }
            Formula::All(of) => self.all(of.iter(), yes, no),
            Formula::Any(of) => {
                for way in of {
                    let next = self.b.block(&[]);
                    self.formula(way, yes, next);
                    self.b.switch_to(next);
                }
                self.b.jump(no, &[]);
            }
        }
    }

    /// The answer of a test, whatever is wanted.
    fn atom(&mut self, atom: &Atom) -> Val {
        let word = self.feature(atom.feature);
        if atom.test == Test::Present {
            return self.b.ins(Inst::IsSome { a: word });
        }
        let a = self.bare(word);
        match &atom.test {
            Test::True => a,
            Test::Ints(ranges) => self.ints(ranges, a),
            Test::Texts(texts) => match &texts[..] {
                [one] => {
                    let b = self.b.sconst(one);
                    self.b.ins(Inst::Scmp { cc: Cc::Eq, a, b })
                }
                several => {
                    let texts = several.iter().map(|text| Value::str(text.clone()));
                    self.contains(Type::STR, texts, a)
                }
            },
            Test::Nets(nets) => match &nets[..] {
                [one] => {
                    let net = self.b.konst(Type::CIDR, Value::Cidr(*one));
                    self.b.ins(Inst::CidrHas { a: net, ip: a })
                }
                several => {
                    let set = Value::set(several.iter().map(|net| Value::Cidr(*net)));
                    let ty = self.b.module().types.intern(TypeData::Set(Type::CIDR));
                    let nets = self.b.konst(ty, set);
                    self.b.ins(Inst::CidrsHave { a: nets, ip: a })
                }
            },
            Test::Matches(pattern) => self.matches(pattern.clone(), a),
            Test::Prefix(text) => self.glob(&format!("{text}*"), a),
            Test::Suffix(text) => self.glob(&format!("*{text}"), a),
            Test::Present | Test::Values(_) | Test::Part(_) => {
                bug!("code cannot ask `{}`", atom.test)
            }
        }
    }

    fn ints(&mut self, ranges: &[(i64, i64)], a: Val) -> Val {
        if let Some(values) = values(ranges).filter(|_| ranges.len() > 1) {
            let values: Vec<Value> = values.map(Value::Int).collect();
            return self.contains(Type::INT, values.into_iter(), a);
        }
        let mut holds = None;
        for (lo, hi) in ranges {
            let one = self.range(*lo, *hi, a);
            holds = Some(match holds {
                Some(holds) => self.b.ins(Inst::Bor { a: holds, b: one }),
                None => one,
            });
        }
        holds.unwrap_or_else(|| self.b.bconst(false))
    }

    fn range(&mut self, lo: i64, hi: i64, a: Val) -> Val {
        let compare = |writer: &mut Self, cc, with| {
            let b = writer.b.iconst(with);
            writer.b.icmp(cc, a, b)
        };
        match (lo, hi) {
            (i64::MIN, i64::MAX) => self.b.bconst(true),
            (i64::MIN, hi) => compare(self, Cc::Le, hi),
            (lo, i64::MAX) => compare(self, Cc::Ge, lo),
            (lo, hi) if lo == hi => compare(self, Cc::Eq, lo),
            (lo, hi) => {
                let (a, b) = (compare(self, Cc::Ge, lo), compare(self, Cc::Le, hi));
                self.b.ins(Inst::Band { a, b })
            }
        }
    }

    fn contains(&mut self, ty: Type, values: impl Iterator<Item = Value>, item: Val) -> Val {
        let ty = self.b.module().types.intern(TypeData::Set(ty));
        let a = self.b.konst(ty, Value::set(values));
        self.b.ins(Inst::Contains { a, item })
    }

    fn glob(&mut self, text: &str, a: Val) -> Val {
        match Glob::parse(text) {
            Ok(glob) => self.matches(Pattern::Glob(glob.into()), a),
            Err(_) => bug!("`{text}` is no glob"),
        }
    }

    fn matches(&mut self, pattern: Pattern, a: Val) -> Val {
        let pattern = self.b.pattern(pattern);
        self.b.ins(Inst::Matches { a, pattern })
    }

    /// Which of some texts a text is; -1 if it is none.
    fn which<'t>(&mut self, texts: impl Iterator<Item = &'t str>, key: Val) -> Val {
        let entries = texts
            .zip(0..)
            .map(|(text, i)| (Value::str(text), Value::Int(i)));
        let entries = Value::map(entries);
        let map = TypeData::Map(Type::STR, Type::INT);
        let ty = self.b.module().types.intern(map);
        let a = self.b.konst(ty, entries);
        let found = self.b.ins(Inst::Lookup { a, key });
        let none = self.b.iconst(-1);
        self.b.ins(Inst::UnwrapOr { a: found, b: none })
    }

    /// The word of a feature.
    fn feature(&mut self, feature: u32) -> Val {
        let number = feature as usize;
        let args = self.b.params().to_vec();
        if let Some(Some(func)) = self.with.computed.get(number) {
            return self.b.call(*func, &args);
        }
        let asked = self.with.asked;
        asked.emit_in(&mut self.b, &args, asked.features[number].term)
    }

    /// What an optional holds, or what a test reads an absent one as: the empty text, zero.
    fn bare(&mut self, a: Val) -> Val {
        let ty = self.b.ty(a);
        let of = bare(&self.b.module().types, ty);
        if of == ty {
            return a;
        }
        let b = match of {
            Type::BOOL => self.b.bconst(false),
            Type::INT => self.b.iconst(0),
            Type::STR => self.b.sconst(""),
            Type::IP => self.b.konst(of, Value::Ip(Ip([0; 16]))),
            _ => bug!("code cannot ask {ty:?}"),
        };
        self.b.ins(Inst::UnwrapOr { a, b })
    }
}

/// Whether a part of a condition is a few operations on a number.
fn is_cheap(part: &Formula) -> bool {
    match part {
        Formula::Atom(atom) => matches!(atom.test, Test::True | Test::Present | Test::Ints(_)),
        Formula::All(_) | Formula::Any(_) => false,
    }
}

fn to(block: Block) -> Jump {
    Jump {
        block,
        args: Vec::new(),
    }
}
