//! Types, pools and rule sets.

use std::borrow::Cow;

use tollgate_runtime::Pattern;
use tollgate_runtime::pattern::{Glob, PathPattern, Regex};

use super::{Parser, Res};
use crate::entities::{Entity, GroupId, IndexVec, RuleSetId};
use crate::module::{
    Constant, Group, Operation, Otherwise, Policy, Rule, RuleSet, Site, State, StatePlace,
};
use crate::text::Place;
use crate::types::{FieldData, Type, TypeData, VariantData};

impl<'t> Parser<'t> {
    pub(super) fn record(&mut self, start: u32) -> Res<()> {
        let name = self.name()?;
        let Some(TypeData::Record(id)) = self.names.types.get(name.as_ref()).copied() else {
            return Err(self.fail("expected a record"));
        };
        self.places.push((Place::Record(id), start));
        self.module.types.records[id].fields = self.list(b'{', b'}', Parser::field)?;
        Ok(())
    }

    pub(super) fn enumeration(&mut self, start: u32) -> Res<()> {
        let name = self.name()?;
        let Some(TypeData::Enum(id)) = self.names.types.get(name.as_ref()).copied() else {
            return Err(self.fail("expected an enum"));
        };
        self.places.push((Place::Enum(id), start));
        self.module.types.enums[id].variants = self.list(b'{', b'}', |p| {
            let name = p.name()?.into();
            let has_fields = p.peek().tok == super::Tok::Punct(b'(');
            let fields = if has_fields {
                p.list(b'(', b')', Parser::field)?
            } else {
                Vec::new()
            };
            Ok(VariantData { name, fields })
        })?;
        Ok(())
    }

    fn field(&mut self) -> Res<FieldData> {
        let name = self.name()?.into();
        self.punct(b':')?;
        let ty = self.ty()?;
        Ok(FieldData { name, ty })
    }

    pub(super) fn state(&mut self, start: u32) -> Res<()> {
        let next = self.module.states.next();
        self.numbered_next("state", next)?;
        self.places.push((Place::State(next), start));
        let name = self.name()?.into();
        self.module.states.push(State { name });
        Ok(())
    }

    pub(super) fn state_place(&mut self, start: u32) -> Res<()> {
        let next = self.module.places.next();
        self.numbered_next("place", next)?;
        self.places.push((Place::StatePlace(next), start));
        let at = self.at;
        let word = self.word()?;
        let operation = Operation::ALL.iter().find(|o| o.name() == word).copied();
        let operation = operation.ok_or_else(|| self.fail_at(at, "expected an operation"))?;
        let states = self.list(b'(', b')', |p| p.entity("state"))?;
        self.expect_word("in")?;
        let rule = self.name()?.into();
        let params = self.types_in_parens()?;
        self.arrow()?;
        let result = self.ty()?;
        self.module.places.push(StatePlace {
            rule,
            operation,
            states,
            params,
            result,
        });
        Ok(())
    }

    pub(super) fn pattern(&mut self, start: u32) -> Res<()> {
        let next = self.module.patterns.next();
        self.numbered_next("pat", next)?;
        self.places.push((Place::Pattern(next), start));
        let at = self.at;
        let kind = self.word()?;
        let pattern = self.pattern_of(kind, at)?;
        // What is written twice stands twice: the text says which index everything has.
        if self.module.pattern(pattern.clone()) != next {
            self.module.patterns.push(pattern);
        }
        Ok(())
    }

    /// The pattern of a kind, a word that stands at `at`, by the text behind it.
    pub(super) fn pattern_of(&mut self, kind: &str, at: usize) -> Res<Pattern> {
        let known = ["path", "glob", "regex"].contains(&kind);
        if !known {
            return Err(self.fail_at(at, "expected `path`, `glob` or `regex`"));
        }
        let text = self.string()?;
        let pattern = match kind {
            "path" => PathPattern::parse(&text).map(|p| Pattern::Path(p.into())),
            "glob" => Glob::parse(&text).map(|p| Pattern::Glob(p.into())),
            _ => Regex::parse(&text).map(|p| Pattern::Regex(p.into())),
        };
        pattern.map_err(|e| self.fail_at(at + 1, e.to_string()))
    }

    pub(super) fn constant(&mut self, start: u32) -> Res<()> {
        let next = self.module.consts.next();
        let at = self.at;
        if self.entity::<crate::entities::ConstId>("const")? != next {
            return Err(self.fail_at(at, format!("the next constant is {next}")));
        }
        self.punct(b':')?;
        let ty = self.ty()?;
        self.punct(b'=')?;
        self.places.push((Place::Const(next), start));
        let value = self.value()?;
        if self.module.konst(ty, value.clone()) != next {
            self.module.consts.push(Constant { ty, value });
        }
        Ok(())
    }

    pub(super) fn site(&mut self, start: u32) -> Res<()> {
        let next = self.module.sites.next();
        self.numbered_next("site", next)?;
        self.places.push((Place::Site(next), start));
        let at = self.at;
        let site = match self.word()? {
            "rule" => Site::Rule {
                ruleset: self.name()?.into(),
                rule: self.name()?.into(),
            },
            "otherwise" => Site::Otherwise {
                ruleset: self.name()?.into(),
            },
            "stage" => Site::Stage {
                pipeline: self.name()?.into(),
                stage: self.name()?.into(),
            },
            "shadow" => Site::Shadow {
                ruleset: self.name()?.into(),
            },
            _ => {
                let message = "expected `rule`, `otherwise`, `stage` or `shadow`";
                return Err(self.fail_at(at, message));
            }
        };
        self.module.sites.push(site);
        Ok(())
    }

    fn numbered_next<E: Entity + std::fmt::Display>(&mut self, prefix: &str, next: E) -> Res<()> {
        let at = self.at;
        if self.entity::<E>(prefix)? != next {
            return Err(self.fail_at(at, format!("the next one is {next}")));
        }
        self.punct(b'=')
    }

    /// The name, parameters, result and policy of what decides.
    pub(super) fn decides(&mut self) -> Res<(Cow<'t, str>, Vec<Type>, Type, Policy)> {
        let name = self.name()?;
        let params = self.types_in_parens()?;
        self.arrow()?;
        Ok((name, params, self.ty()?, self.policy()?))
    }

    pub(super) fn ruleset_header(&mut self, start: u32) -> Res<RuleSetId> {
        let at = self.at;
        let (name, params, result, policy) = self.decides()?;
        let id = self.module.rulesets.push(RuleSet {
            name: name.as_ref().into(),
            params,
            result,
            policy,
            groups: IndexVec::new(),
            rules: Vec::new(),
            otherwise: None,
            key: None,
        });
        self.places.push((Place::RuleSet(id), start));
        let known = self.names.rulesets.insert(name.into_owned(), id);
        self.once(known, at, "a rule set of this name")?;
        Ok(id)
    }

    fn policy(&mut self) -> Res<Policy> {
        let at = self.at;
        Ok(match self.word()? {
            "first" => Policy::First,
            "unique" => Policy::Unique,
            "any" => Policy::Any,
            "all" => Policy::All,
            "best" => Policy::Best,
            "sum" => Policy::Sum,
            _ => return Err(self.fail_at(at, "expected a hit policy")),
        })
    }

    pub(super) fn ruleset_body(&mut self, id: RuleSetId) -> Res<()> {
        self.punct(b'{')?;
        while !self.eat(b'}') {
            let start = self.offset();
            let at = self.at;
            match self.word()? {
                "group" => self.group(id, start)?,
                "rule" => self.rule(id, start)?,
                "otherwise" => {
                    self.places.push((Place::Otherwise(id), start));
                    let site = self.entity("site")?;
                    self.expect_word("then")?;
                    let outcome = self.func_name()?;
                    let otherwise = &mut self.module.rulesets[id].otherwise;
                    let known = otherwise.replace(Otherwise { site, outcome });
                    self.once(known, at, "an `otherwise`")?;
                }
                "key" => {
                    self.places.push((Place::Key(id), start));
                    let key = self.func_name()?;
                    let known = self.module.rulesets[id].key.replace(key);
                    self.once(known, at, "a `key`")?;
                }
                _ => {
                    let message = "expected `group`, `rule`, `otherwise`, `key` or `}`";
                    return Err(self.fail_at(at, message));
                }
            }
        }
        Ok(())
    }

    fn group(&mut self, id: RuleSetId, start: u32) -> Res<()> {
        let next = self.module.rulesets[id].groups.next();
        let at = self.at;
        if self.entity::<GroupId>("group")? != next {
            return Err(self.fail_at(at, format!("the next group is {next}")));
        }
        self.places.push((Place::Group(id, next), start));
        let parent = self.in_group()?;
        self.punct(b'=')?;
        let cond = self.func_name()?;
        self.module.rulesets[id].groups.push(Group { parent, cond });
        Ok(())
    }

    fn rule(&mut self, id: RuleSetId, start: u32) -> Res<()> {
        let name = self.name()?.into();
        let site = self.entity("site")?;
        let group = self.in_group()?;
        let cond = match self.eat_word("when") {
            true => Some(self.func_name()?),
            false => None,
        };
        self.expect_word("then")?;
        let mut outcomes = vec![self.func_name()?];
        while self.eat(b',') {
            outcomes.push(self.func_name()?);
        }
        let rules = &mut self.module.rulesets[id].rules;
        self.places
            .push((Place::Rule(id, rules.len() as u32), start));
        rules.push(Rule {
            name,
            site,
            group,
            cond,
            outcomes,
        });
        Ok(())
    }

    fn in_group(&mut self) -> Res<Option<GroupId>> {
        if self.eat_word("in") {
            return self.entity("group").map(Some);
        }
        Ok(None)
    }
}
