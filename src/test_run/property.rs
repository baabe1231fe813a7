//! `forall`: values are drawn until one does not satisfy what is expected; that is then made small.

use std::sync::Arc;

use tollgate_frontend::lower::{Asked, TestCases, TestFn, TestPlan, TestStep};
use tollgate_ir::predicates::solve::Given;
use tollgate_runtime::fnv::Fnv;
use tollgate_runtime::schema::TypeId;
use tollgate_runtime::{Arena, Cx, Value, Word};

use super::aim::Aimed;
use super::draw::Draw;
use super::failure::{self, Unmet};
use super::places::Places;
use super::shrink::shrink;
use super::simplest::simplest;
use super::write::write;
use super::{Compiled, TestFailure, TestOptions, TestResult, Tests, copied, place};
use crate::error::Error;

/// Values that are drawn for each that is to satisfy `where`.
const TRIES: u64 = 50;
/// Values that are aimed at a rule, which takes longer than to draw one.
const AIMED: u32 = 64;

/// Tries values.
pub(super) fn result(
    tests: &Tests,
    compiled: &Compiled,
    plan: &TestPlan,
    options: &TestOptions,
    places: &Places,
) -> Result<TestResult, Error> {
    let TestCases::Forall {
        types,
        filter,
        asked,
    } = &plan.cases
    else {
        return Ok(failure::result(plan, None, &[], places));
    };
    let property = Property {
        tests,
        compiled,
        plan,
        filter: *filter,
        types: plan.params.iter().map(|p| p.ty).collect(),
    };
    let mut draw = Draw::new(&tests.module, seed_of(options.seed, &plan.title));
    let (mut held, mut tried, mut aimed, mut mended) = (0, 0, 0, 0);
    let mut never = false;
    let mut failures = Vec::new();
    while held < options.cases && tried < u64::from(options.cases) * TRIES {
        let mut values = property.drawn(&mut draw, tried);
        tried += 1;
        if !asked.is_empty() && aimed < AIMED && draw.rng.one_in(3) {
            aimed += 1;
            property.aim(&mut values, asked, &mut draw);
        }
        if !property.counts(&values) {
            // One that does not count is changed into one that does, for each that is wanted.
            if mended == options.cases {
                continue;
            }
            mended += 1;
            match property.mended(&values) {
                Aimed::Found(found) if property.counts(&found) => values = found,
                Aimed::Found(_) | Aimed::Unknown => continue,
                Aimed::Never => {
                    never = true;
                    break;
                }
            }
        }
        if let Some(unmet) = property.unmet(&values)? {
            let values = property.small(values, unmet.at);
            failures.push(property.failure(&values, unmet, types, options.seed, places));
            break;
        }
        held += 1;
    }
    if failures.is_empty() && held < options.cases {
        let message = match never {
            true => "no value satisfies `where`: its parts contradict each other".to_owned(),
            false => format!(
                "`where` is satisfied by {held} of {tried} values, which is too few: ask for less, or draw what it asks for (a narrower type, a `given` made of smaller parts)"
            ),
        };
        failures.push(failure::of_test(
            plan.span,
            message,
            if never {
                "nothing can be tried"
            } else {
                "nearly nothing was tried"
            },
            places,
        ));
    }
    let (file, line) = place(&places.sources, plan.span);
    Ok(TestResult {
        title: plan.title.to_string(),
        file,
        line,
        row: None,
        cases: Some(held),
        failures,
    })
}

/// A test for values of some types.
struct Property<'t> {
    tests: &'t Tests,
    compiled: &'t Compiled,
    plan: &'t TestPlan,
    filter: Option<TestFn>,
    types: Vec<TypeId>,
}

impl<'t> Property<'t> {
    /// The simplest values first, then others.
    fn drawn(&self, draw: &mut Draw<'_>, tried: u64) -> Vec<Value> {
        let mut one = |ty: &TypeId| match tried {
            0 => simplest(&self.tests.module.schema, *ty).unwrap_or_else(|| draw.value(*ty)),
            _ => draw.value(*ty),
        };
        self.types.iter().map(&mut one).collect()
    }

    /// Changes values so that some rule that is asked matches, and half of the time a part of them once more.
    fn aim(&self, values: &mut [Value], asked: &[Asked], draw: &mut Draw<'_>) {
        let Some(aim) = &self.tests.aim else {
            return;
        };
        let Some(asked) = draw.rng.pick(asked) else {
            return;
        };
        let rules = aim.rules(asked);
        if rules == 0 {
            return;
        }
        let rule = draw.rng.below(rules as u64) as usize;
        let params = asked.args.iter().map(|n| values[*n].clone()).collect();
        let given = self.given(params, values);
        if let Aimed::Found(params) = aim.at_rule(asked, rule, &given) {
            for (n, value) in asked.args.iter().zip(params) {
                values[*n] = value;
            }
            if draw.rng.one_in(2) {
                let at = draw.rng.below(values.len() as u64) as usize;
                values[at] = draw.varied(self.types[at], &values[at]);
            }
        }
    }

    /// Values near these that `where` lets count.
    fn mended(&self, values: &[Value]) -> Aimed {
        match (&self.tests.aim, self.filter) {
            (Some(aim), Some(filter)) => {
                let given = self.given(values.to_vec(), values);
                aim.at_where(filter, self.plan, &given)
            }
            _ => Aimed::Unknown,
        }
    }

    /// What a decision about these parameters is given.
    fn given(&self, params: Vec<Value>, values: &[Value]) -> Given {
        Given {
            params,
            data: self.data(values),
            id: "".into(),
            time: 0,
        }
    }

    /// The data that the test gives, for these values.
    fn data(&self, values: &[Value]) -> Vec<Value> {
        let arena = Arena::new();
        let args = self.words(values, &arena);
        let mut data: Vec<Value> = (self.compiled.module.data.keys())
            .map(|id| self.compiled.empty(id).map_or(Value::None, Value::of))
            .collect();
        for step in &self.plan.steps {
            if let TestStep::Data(id, func) = step {
                let word = self.compiled.call(*func, &mut Cx::new(&arena, "", 0), args);
                data[id.0 as usize] = Value::of(word);
            }
        }
        data
    }

    /// Whether `where` lets values count. Data is not looked at: it is given by the steps behind.
    fn counts(&self, values: &[Value]) -> bool {
        let Some(filter) = self.filter else {
            return true;
        };
        let arena = Arena::new();
        let data = self.data(values);
        let mut cx = Cx::new(&arena, "", 0);
        cx.data = arena.seq_with(data.len(), |i| data[i].word(&arena));
        let args = self.words(values, &arena);
        self.compiled.call(filter, &mut cx, args).bool()
    }

    /// The first expectation that does not hold. Each time the states are as if nothing had happened.
    fn unmet(&self, values: &[Value]) -> Result<Option<Unmet<'t>>, Error> {
        let arena = Arena::new();
        let args = self.words(values, &arena);
        let unmet = self.compiled.unmet(self.plan, args, None)?;
        Ok(unmet.into_iter().next())
    }

    /// As [`Property::unmet`], where states could be kept before.
    fn fails(&self, values: &[Value]) -> Option<Unmet<'t>> {
        self.unmet(values).ok().flatten()
    }

    /// The values made small, while the same expectation does not hold.
    fn small(&self, values: Vec<Value>, step: usize) -> Vec<Value> {
        let schema = &self.tests.module.schema;
        shrink(schema, &self.types, values, &mut |values| {
            self.counts(values) && self.fails(values).is_some_and(|unmet| unmet.at == step)
        })
    }

    fn failure(
        &self,
        values: &[Value],
        first: Unmet<'t>,
        types: &[Arc<str>],
        seed: u64,
        places: &Places,
    ) -> TestFailure {
        let unmet = self.fails(values).unwrap_or(first);
        let mut failure = unmet.failure(None, places);
        let schema = &self.tests.module.schema;
        let params = self.plan.params.iter().zip(types).zip(values);
        failure.given = params
            .map(|((param, ty), value)| {
                let mut text = format!("given {}: {ty} = ", param.name);
                write(schema, param.ty, value, &mut text);
                text
            })
            .collect();
        failure.seed = Some(seed);
        failure
    }

    fn words<'a>(&self, values: &[Value], arena: &'a Arena) -> &'a [Word<'a>] {
        let words: Vec<Word<'_>> = values.iter().map(|v| v.word(arena)).collect();
        copied(&words, arena)
    }
}

/// A seed of its own for each test, so that what one draws does not depend on which others are run (the hash of the title).
fn seed_of(seed: u64, title: &str) -> u64 {
    let start = Fnv::seeded(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    start.bytes(title.as_bytes()).get()
}
