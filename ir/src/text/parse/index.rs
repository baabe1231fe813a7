//! Indexes.

use tollgate_runtime::Value;
use tollgate_runtime::index::{Atom, Base, Formula, Test};

use super::{Parser, Res, Tok};
use crate::entities::{IndexId, SiteId};
use crate::rule_index::{Given, IndexedRule, Parts, Read, RuleIndex};
use crate::text::Place;

impl Parser<'_> {
    /// The name and types, so that functions can search it; what is in it comes later.
    pub(super) fn index_header(&mut self, start: u32) -> Res<IndexId> {
        let at = self.at;
        let (name, params, result, policy) = self.decides()?;
        let id = self.module.indexes.push(RuleIndex::new(Parts {
            name: name.as_ref().into(),
            params,
            result,
            policy,
            features: Vec::new(),
            rules: Vec::new(),
            otherwise: None,
            key: None,
        }));
        self.places.push((Place::RuleIndex(id), start));
        let known = self.names.indexes.insert(name.into_owned(), id);
        self.once(known, at, "an index of this name")?;
        Ok(id)
    }

    pub(super) fn index_body(&mut self, id: IndexId) -> Res<()> {
        let header = &self.module.indexes[id];
        let mut parts = Parts {
            name: header.name.clone(),
            params: header.params.clone(),
            result: header.result,
            policy: header.decider.policy,
            features: Vec::new(),
            rules: Vec::new(),
            otherwise: None,
            key: None,
        };
        let mut finder = None;
        self.punct(b'{')?;
        while !self.eat(b'}') {
            let at = self.at;
            match self.word()? {
                "rule" => {
                    let rule = self.indexed_rule()?;
                    parts.rules.push(rule);
                }
                "otherwise" => {
                    let site = self.entity("site")?;
                    self.expect_word("then")?;
                    let given = self.given()?;
                    let known = parts.otherwise.replace((site, given));
                    self.once(known, at, "an `otherwise`")?;
                }
                "key" => {
                    let known = parts.key.replace(self.func_name()?);
                    self.once(known, at, "a `key`")?;
                }
                "finder" => {
                    let known = finder.replace(self.func_name()?);
                    self.once(known, at, "a `finder`")?;
                }
                word if feature_number(word) == Some(parts.features.len() as u32) => {
                    self.punct(b'=')?;
                    let read = self.feature()?;
                    parts.features.push(read);
                }
                _ => {
                    let next = parts.features.len();
                    let message = format!(
                        "expected `rule`, `otherwise`, `key`, `finder`, the feature `f{next}` or `}}`"
                    );
                    return Err(self.fail_at(at, message));
                }
            }
        }
        let index = RuleIndex::new(parts);
        self.module.indexes[id] = match finder {
            Some(finder) => index.with_finder(finder),
            None => index,
        };
        Ok(())
    }

    fn indexed_rule(&mut self) -> Res<IndexedRule> {
        let site: SiteId = self.entity("site")?;
        let key = match self.eat_word("key") {
            true => Some(self.int()?),
            false => None,
        };
        let condition = match self.eat_word("when") {
            true => self.formula()?,
            false => Formula::ALWAYS,
        };
        let asks = match self.eat_word("asks") {
            true => Some(self.func_name()?),
            false => None,
        };
        self.expect_word("then")?;
        let mut outcomes = vec![self.given()?];
        while self.eat(b',') {
            outcomes.push(self.given()?);
        }
        Ok(IndexedRule {
            site,
            condition,
            asks,
            outcomes,
            key,
        })
    }

    fn given(&mut self) -> Res<Given> {
        let at = self.at;
        match self.word()? {
            "konst" => self.entity("const").map(Given::Const),
            "call" => self.func_name().map(Given::Call),
            _ => Err(self.fail_at(at, "expected `konst` or `call`")),
        }
    }

    /// How a feature is read, and its name, if it has one.
    fn feature(&mut self) -> Res<(Read, Box<str>)> {
        let read = self.read()?;
        let named = self.peek().tok == Tok::Str;
        let name = if named { self.string()? } else { "".into() };
        Ok((read, name.into()))
    }

    fn read(&mut self) -> Res<Read> {
        let at = self.at;
        let base = match self.word()? {
            "param" => Base::Param(self.index()?),
            "data" => Base::Data(self.index()?),
            "decision_id" => Base::Id,
            "decision_time" => Base::Time,
            "call" => return self.func_name().map(Read::Call),
            _ => {
                let message = "expected `param`, `data`, `decision_id`, `decision_time` or `call`";
                return Err(self.fail_at(at, message));
            }
        };
        let steps = self.list(b'[', b']', Parser::index)?.into();
        let tag = self.eat_word("tag");
        Ok(Read::Path { base, steps, tag })
    }

    fn formula(&mut self) -> Res<Formula> {
        self.nested(|p| {
            let want = !p.eat_word("not");
            let at = p.at;
            match p.word()? {
                "all" if want => Ok(Formula::All(p.list(b'(', b')', Parser::formula)?)),
                "any" if want => Ok(Formula::Any(p.list(b'(', b')', Parser::formula)?)),
                word => match feature_number(word) {
                    Some(feature) => {
                        let test = p.test()?;
                        Ok(Formula::Atom(Atom {
                            feature,
                            want,
                            test,
                        }))
                    }
                    None => Err(p.fail_at(at, "expected `all`, `any` or a feature such as `f0`")),
                },
            }
        })
    }

    fn test(&mut self) -> Res<Test> {
        let at = self.at;
        let test = match self.word()? {
            "true" => Test::True,
            "present" => Test::Present,
            "int" => {
                let ranges = self.list(b'{', b'}', |p| {
                    let lo = p.int()?;
                    let hi = if p.eat_word("to") { p.int()? } else { lo };
                    Ok((lo, hi))
                })?;
                let apart =
                    |w: &[(i64, i64)]| w[0].1.checked_add(1).is_some_and(|end| end < w[1].0);
                if !ranges.windows(2).all(apart) || ranges.iter().any(|(lo, hi)| lo > hi) {
                    return Err(self.fail_at(
                        at,
                        "ranges are ascending, with a gap between one and the next",
                    ));
                }
                Test::Ints(ranges.into())
            }
            "text" => {
                let texts = self.list(b'{', b'}', |p| Ok(p.string()?.into()))?;
                self.sorted(&texts, at)?;
                Test::Texts(texts.into())
            }
            "value" => {
                let values = self.list(b'{', b'}', Parser::value)?;
                self.sorted(&values, at)?;
                Test::Values(values.into())
            }
            "net" => {
                let nets = self.list(b'{', b'}', |p| match p.value()? {
                    Value::Cidr(net) => Ok(net),
                    _ => Err(p.fail("expected a network")),
                })?;
                self.sorted(&nets, at)?;
                Test::Nets(nets.into())
            }
            "prefix" => Test::Prefix(self.string()?.into()),
            "suffix" => Test::Suffix(self.string()?.into()),
            "part" => Test::Part(self.string()?.into()),
            kind => Test::Matches(self.pattern_of(kind, at)?),
        };
        Ok(test)
    }

    fn sorted<T: Ord>(&self, items: &[T], at: usize) -> Res<()> {
        match items.is_sorted_by(|a, b| a < b) {
            true => Ok(()),
            false => Err(self.fail_at(at, "what a set holds is sorted and distinct")),
        }
    }
}

/// The number of a feature: `f7`.
fn feature_number(word: &str) -> Option<u32> {
    let digits = word.strip_prefix('f')?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}
