//! From values of features to an input, and what the interpreter makes of it.
//!
//! The values are laid down where the features read ([`Draft`]); everything else is as simple as its type allows, or as it
//! was. The input is then written as JSON and read back through the boundary, so that it is one a host could give, and the
//! reference interpreter says which conditions hold and which rules decide. What could not be laid down is left to chance, and shows
//! there.

use tollgate_runtime::kinds::time::write_instant;
use tollgate_runtime::schema::{Field, TypeId};
use tollgate_runtime::{Arena, Cx, Value, Word, json};

use super::draft::{Draft, show};
use super::place::{Input, Root};
use crate::entities::{RuleSetId, SiteId};
use crate::interp::Interp;
use crate::module::{Module, Rule, Target};

/// An input that shows something: the interpreter has confirmed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Those parts of the input that matter, as JSON: the parameter if there is one, else an object of them. Empty when
    /// every input will do.
    pub input: String,
    /// Data, the time and the id of the decision, where they matter: name and JSON.
    pub beside: Vec<(String, String)>,
    /// The whole of it.
    pub facts: Facts,
}

/// All that a decision is given, as a host gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The parameter if there is one, else an object of them, as JSON.
    pub input: String,
    /// Every `data` of the program: name and JSON.
    pub data: Vec<(String, String)>,
    /// The decision's id, where it matters and the input has none.
    pub id: Option<String>,
    /// The decision's time in microseconds since 1970, where it matters and the input has none.
    pub time: Option<i64>,
}

/// All that a decision is given, as values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// One a parameter.
    pub params: Vec<Value>,
    /// One a `data`; absent where it is not known.
    pub data: Vec<Value>,
    /// The decision's id.
    pub id: Box<str>,
    /// The decision's time.
    pub time: i64,
}

/// What the interpreter said about an input.
#[derive(Debug)]
pub(super) struct Observed {
    /// For each rule asked, whether its groups and its condition hold.
    pub(super) holds: Vec<bool>,
    /// For each rule asked, its first outcome.
    pub(super) outcomes: Vec<Value>,
    /// What was marked.
    pub(super) by: Vec<SiteId>,
    pub(super) witness: Witness,
    pub(super) draft: Draft,
    pub(super) given: Given,
}

/// What runs inputs: the program in the interpreter.
pub(super) struct Lab<'m> {
    pub(super) input: Input<'m>,
    pub(super) rules: RuleSetId,
    interp: Interp<&'m Module>,
}

impl<'m> Lab<'m> {
    pub(super) fn new(input: Input<'m>, rules: RuleSetId) -> Lab<'m> {
        Lab {
            input,
            rules,
            interp: Interp::new(input.module),
        }
    }

    /// As [`Lab::observe`], of what a rule matches: what it does not is not looked at any further.
    pub(super) fn matching(&self, mut draft: Draft, rule: u32, base: &Given) -> Option<Observed> {
        draft.settle(&self.input);
        let arena = Arena::new();
        let given = self.given(&draft, Some(base))?;
        let words = |values: &[Value]| values.iter().map(|v| v.word(&arena)).collect::<Vec<_>>();
        let (params, data) = (words(&given.params), words(&given.data));
        let mut cx = Cx::new(&arena, &given.id, given.time);
        cx.data = &data;
        let rules = &self.input.module.rulesets[self.rules].rules;
        match self.holds(&rules[rule as usize], &mut cx, &params) {
            true => self.observe(draft, &[rule], Some(base)),
            false => None,
        }
    }

    /// Lets a draft in through the boundary and asks the interpreter; `None` when it is not let in. What the draft says nothing
    /// about is as in `base`, or as simple as can be.
    pub(super) fn observe(
        &self,
        mut draft: Draft,
        asked: &[u32],
        base: Option<&Given>,
    ) -> Option<Observed> {
        let input = &self.input;
        draft.settle(input);
        let arena = Arena::new();
        let given = self.given(&draft, base)?;
        let words = self.let_in(&given.params, &arena)?;
        let mut data = Vec::new();
        for (value, declared) in given.data.iter().zip(input.data) {
            let word = value.word(&arena);
            if *value != Value::None && !is_let_in(input, *declared, word, &arena) {
                return None;
            }
            data.push(word);
        }
        let mut cx = Cx::new(&arena, &given.id, given.time);
        cx.data = &data;
        let set = &input.module.rulesets[self.rules];
        let (mut holds, mut outcomes) = (Vec::new(), Vec::new());
        for rule in asked {
            let rule = &set.rules[*rule as usize];
            holds.push(self.holds(rule, &mut cx, words));
            let outcome = rule.outcomes.first().map_or(Word::None, |outcome| {
                self.interp.run(Target::Func(*outcome), &mut cx, words)
            });
            outcomes.push(Value::of(outcome));
        }
        cx.marks.clear();
        self.interp.run(Target::Rules(self.rules), &mut cx, words);
        Some(Observed {
            holds,
            outcomes,
            by: cx.marks.iter().map(|m| SiteId(m.0)).collect(),
            witness: self.witness(&draft, &given),
            draft,
            given,
        })
    }

    /// Everything that a decision is given by a draft.
    fn given(&self, draft: &Draft, base: Option<&Given>) -> Option<Given> {
        let input = &self.input;
        let under = |n: usize| base.and_then(|b| b.params.get(n));
        let params = (0..input.params.len())
            .map(|n| draft.value(input, Root::Param(n as u32), under(n)))
            .collect::<Option<Vec<Value>>>()?;
        let under = |n: usize| base.and_then(|b| b.data.get(n));
        let data = (0..input.module.data.len())
            .map(|n| draft.value(input, Root::Data(n as u32), under(n)))
            .map(|value| value.unwrap_or(Value::None))
            .collect();
        let said = |root| draft.roots.get(&root).and_then(|n| n.whole.clone());
        // As a session takes them: from the first parameter, where that has some.
        let (id_field, time_field) = input.schema.decision_inputs(input.params);
        let own = |field: Option<usize>| match params.first()? {
            Value::Seq(fields) => fields.get(field?).cloned(),
            _ => None,
        };
        let id = match (own(id_field), said(Root::Id), base) {
            (Some(Value::Str(id)), ..) if !id.is_empty() => id,
            (_, Some(Value::Str(id)), _) => id,
            (_, _, Some(base)) => base.id.clone(),
            _ => "".into(),
        };
        let time = match (own(time_field), said(Root::Time), base) {
            (Some(Value::Int(time)), ..) if time != 0 => time,
            (_, Some(Value::Int(time)), _) => time,
            (_, _, Some(base)) => base.time,
            _ => 0,
        };
        Some(Given {
            params,
            data,
            id,
            time,
        })
    }

    /// The arguments as the boundary lets them in; `None` when it does not, or makes something else of them.
    fn let_in<'a>(&self, params: &[Value], arena: &'a Arena) -> Option<&'a [Word<'a>]> {
        let input = &self.input;
        let words: Vec<Word<'_>> = params.iter().map(|v| v.word(arena)).collect();
        let mut text = String::new();
        json::encode_fields(input.schema, input.params, &words, &mut text);
        let read = json::decode_params(input.schema, input.params, text.as_bytes(), arena).ok()?;
        let same = read.words.iter().zip(&words).all(|(a, b)| a.same(*b));
        same.then_some(read.words)
    }

    fn holds<'a>(&'a self, rule: &Rule, cx: &mut Cx<'a>, args: &[Word<'a>]) -> bool {
        let set = &self.input.module.rulesets[self.rules];
        let mut conditions = Vec::new();
        let mut group = rule.group;
        while let Some(id) = group {
            conditions.push(set.groups[id].cond);
            group = set.groups[id].parent;
        }
        conditions.reverse();
        conditions.extend(rule.cond);
        conditions
            .into_iter()
            .all(|cond| self.interp.run(Target::Func(cond), cx, args).bool())
    }

    fn witness(&self, draft: &Draft, given: &Given) -> Witness {
        let input = &self.input;
        let mut shown: Vec<(&str, String)> = Vec::new();
        let mut beside = Vec::new();
        for (root, node) in &draft.roots {
            let mut out = String::new();
            match root {
                Root::Param(n) => {
                    let n = *n as usize;
                    let (Some(param), Some(value)) = (input.params.get(n), given.params.get(n))
                    else {
                        continue;
                    };
                    show(input, node, param.ty, value, &mut out);
                    shown.push((&param.name, out));
                }
                Root::Data(n) => {
                    let n = *n as usize;
                    let data = input.module.data.values().nth(n);
                    let (Some(data), Some(ty), Some(value)) =
                        (data, input.data.get(n), given.data.get(n))
                    else {
                        continue;
                    };
                    show(input, node, *ty, value, &mut out);
                    beside.push((data.name.to_string(), out));
                }
                Root::Id if node.whole.is_some() => {
                    beside.push(("id".into(), Value::Str(given.id.clone()).to_string()));
                }
                Root::Time if node.whole.is_some() => {
                    // Writing to a string does not fail.
                    let _ = write_instant(&mut out, given.time);
                    beside.push(("time".into(), out));
                }
                Root::Id | Root::Time => {}
            }
        }
        let said = |root: Root| draft.roots.get(&root).is_some_and(|n| n.whole.is_some());
        Witness {
            input: of_params(input.params, &shown),
            beside,
            facts: Facts {
                id: said(Root::Id).then(|| given.id.to_string()),
                time: said(Root::Time).then_some(given.time),
                ..self.facts(given)
            },
        }
    }

    /// All of what a decision is given, as a host gives it.
    fn facts(&self, given: &Given) -> Facts {
        let input = &self.input;
        let arena = Arena::new();
        let json = |ty: TypeId, value: &Value| {
            let mut out = String::new();
            json::encode(input.schema, ty, value.word(&arena), &mut out);
            out
        };
        let params = input.params.iter().zip(&given.params);
        let params: Vec<(&str, String)> = params
            .map(|(param, value)| (&*param.name, json(param.ty, value)))
            .collect();
        let data = input.module.data.values().zip(input.data).zip(&given.data);
        let data = data.map(|((data, ty), value)| (data.name.to_string(), json(*ty, value)));
        Facts {
            input: of_params(input.params, &params),
            data: data.collect(),
            id: None,
            time: None,
        }
    }
}

/// Whether the boundary lets a word in, as it is.
fn is_let_in(input: &Input<'_>, ty: TypeId, word: Word<'_>, arena: &Arena) -> bool {
    let mut text = String::new();
    json::encode(input.schema, ty, word, &mut text);
    let read = json::decode(input.schema, ty, text.as_bytes(), arena);
    read.is_ok_and(|read| read.word.same(word))
}

/// The one parameter that there is, or an object of those that something is said about.
fn of_params(params: &[Field], shown: &[(&str, String)]) -> String {
    match (shown, params.len()) {
        ([], _) => String::new(),
        ([(_, one)], 1) => one.clone(),
        (several, _) => {
            let members = several
                .iter()
                .map(|(name, json)| format!("\"{name}\": {json}"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}
