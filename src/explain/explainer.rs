//! What explanations of a program are made from: its meaning, and its IR with the rule sets whole.

use std::cell::OnceCell;
use std::sync::Arc;

use tollgate_ask::{Answers, Asking};
use tollgate_frontend::analysis::{self, closest};
use tollgate_frontend::hir::{self, Callee, PipelineId, RuleSetId};
use tollgate_frontend::library::{Loaded, Loader};
use tollgate_frontend::lower::{Lowered, lower_parts, lower_stages};
use tollgate_grammar::source::SourceMap;
use tollgate_ir::Level;
use tollgate_ir::asks::answered;
use tollgate_ir::cost::Costs;
use tollgate_ir::entities::SiteId;
use tollgate_ir::interp::Interp;
use tollgate_ir::module::{Module, Site, Target};
use tollgate_ir::predicates::solve::Given;
use tollgate_runtime::{Arena, Cx, Value, Word};

use super::conditions::{Asker, With, run};
use super::{Closest, Explanation, Place, RuleExplained, StageExplained, Which};
use crate::decision::Decision;
use crate::entry::{EntryInfo, Facts};
use crate::error::Error;
use crate::loader;
use crate::pipeline::{self, Main};
use crate::program::{Origin, Program, Shared};
use crate::session::{Call, Memory};
use crate::states::{Attempt, States};
use crate::tiers::Tiers;

/// Most rules that are explained because none of them matched.
const MOST_OTHERWISE: usize = 8;

/// Explains the decisions of a program.
pub(crate) struct Explainer {
    pub(crate) sources: Arc<SourceMap>,
    pub(crate) program: hir::Program,
    pub(crate) lowered: Lowered,
    costs: Costs,
    /// The program without an index: every rule is asked.
    chain: Program,
}

/// The rules that are explained, and those that were: a name that fits no rule is the caller's mistake.
struct Wanted<'w> {
    which: Which<'w>,
    found: bool,
    /// The program with what states answered in the place of asking them, made for the first rule that did not match.
    answered: OnceCell<Lowered>,
}

impl Explainer {
    /// Reads a program again, from the texts that it was compiled from.
    pub(crate) fn new(program: &Program) -> Result<Explainer, Error> {
        let sources = program.report().sources();
        let (_, main) = sources
            .files()
            .find(|(_, file)| **file.name() == *program.main_file())
            .ok_or_else(|| bug("the source is gone"))?;
        let main = Main {
            name: main.name(),
            text: main.text(),
        };
        let (hir, lowered, report) = pipeline::lower_any(&main, &mut Remembered(sources))?;
        let entries = EntryInfo::all(&lowered.module);
        let backend = program.first_backend();
        let aim = backend.aim(Level::O0);
        let module = Arc::new(pipeline::optimize(lowered.module.clone(), aim)?);
        let tiers = Tiers::only(backend, backend.compile(&module, Level::O0)?);
        let origin = Origin::new(main.name);
        let plan = program.plan().cloned();
        let chain = Shared::new(module, tiers, entries, origin, plan);
        Ok(Explainer {
            sources: report.shared_sources(),
            costs: Costs::new(&lowered.module),
            chain: Program::new(chain),
            program: hir,
            lowered,
        })
    }

    /// Explains the decision of an entry; of one that asks states with what they answered.
    pub(crate) fn explain(
        &self,
        program: &Program,
        entry: usize,
        facts: &Facts,
        (call, answers): (&Call<'_>, Option<&Answers>),
        which: Which<'_>,
    ) -> Result<Explanation, Error> {
        let info = program.at(entry);
        let none = Answers::default();
        let answers = match (info.asks, answers) {
            (true, None) => {
                return Err(Error::other(format!(
                    "`{}` asks states, and what it decides depends on their answers: explain it with those of the decision (`Program::explain_answered`)",
                    info.name
                )));
            }
            (_, answers) => answers.unwrap_or(&none),
        };
        // Nobody asks these: every answer is there.
        let states = program.local_states()?;
        let mut session = program.session_of(&states, Memory::default());
        let decided = match info.asks {
            false => session.decide_facts(program.handle(entry), facts, call)?,
            true => match session.attempt_facts(info, facts, call, answers)? {
                Attempt::Decided(decided) => decided,
                Attempt::Pending(_) => return Err(other_answers()),
            },
        };
        if !decided.answers().fit(answers) {
            return Err(other_answers());
        }
        let replay = decided.asking.filter(|_| info.asks).map(Asking::replay);
        let given = self.given(program, entry, facts, call);
        let with = With {
            given: &given,
            states: replay.as_ref(),
        };
        self.agree(program, entry, &decided, (&given, answers, &states))?;
        let callee = self.program.entries[entry];
        let mut explanation = Explanation {
            entry: program.entries().nth(entry).unwrap_or_default().to_owned(),
            value: decided.value_json(),
            by: decided.by().collect(),
            rules: Vec::new(),
            stages: Vec::new(),
            operations: decided.operations(),
            sources: self.sources.clone(),
        };
        let mut wanted = Wanted {
            which,
            found: false,
            answered: OnceCell::new(),
        };
        match callee {
            Callee::RuleSet(id) => explanation.rules = self.rules(id, with, None, &mut wanted)?,
            Callee::Pipeline(id) => explanation.stages = self.stages(id, with, &mut wanted)?,
        }
        match which {
            Which::Named(name) if !wanted.found => {
                let entry = &explanation.entry;
                Err(Error::other(format!("`{entry}` has no rule `{name}`")))
            }
            _ => Ok(explanation),
        }
    }

    /// What a session gives the rules.
    fn given(&self, program: &Program, entry: usize, facts: &Facts, call: &Call<'_>) -> Given {
        let info = program.at(entry);
        let args = facts.args(info);
        let (id, time) = info.decision_inputs(args, call);
        let arena = Arena::new();
        let data = program.data(&arena).unwrap_or_default();
        Given {
            params: args.iter().map(|word| Value::of(*word)).collect(),
            data: data.iter().map(|word| Value::of(*word)).collect(),
            id: id.into(),
            time,
        }
    }

    /// Whether the interpreter decides as the program did, and as the chain of rules does, and asks states the same.
    fn agree(
        &self,
        program: &Program,
        entry: usize,
        decided: &Decision<'_>,
        (given, answers, states): (&Given, &Answers, &States),
    ) -> Result<(), Error> {
        let chain = self.chain.with_data_of(program);
        let module = &self.lowered.module;
        let plan = program.plan();
        let asking = |module| plan.map(|plan| states.asking(plan, module));
        let (of_interp, of_chain) = (asking(module), asking(chain.module()));
        let (interp, arena) = (Interp::new(module), Arena::new());
        let target = module.entries[entry].target;
        let with = (given, answers, &arena);
        let reference = traced((&chain, entry), with, of_interp.as_ref(), |cx, args| {
            interp.run(target, cx, args)
        });
        let Target::Func(func) = chain.at(entry).target else {
            return Err(bug("a rule set was not lowered"));
        };
        let asked = traced((&chain, entry), with, of_chain.as_ref(), |cx, args| {
            *chain.executable().run(func, cx, args)
        });
        let mut of_engine = String::new();
        decided.write_trace(&mut of_engine);
        match reference == of_engine && reference == asked {
            true => Ok(()),
            false => Err(bug(&format!(
                "the interpreter decides {reference}, the chain of rules {asked}, the engine {of_engine}"
            ))),
        }
    }

    /// The rules of a set that are wanted, asked of what it is given. `stage` is the one of a pipeline that asks.
    fn rules(
        &self,
        id: RuleSetId,
        with: With<'_>,
        stage: Option<&str>,
        wanted: &mut Wanted<'_>,
    ) -> Result<Vec<RuleExplained>, Error> {
        let set = &self.program.rulesets[id];
        let Some(rules) = self.lowered.ruleset(id) else {
            return Err(bug("a rule set that decides was not lowered"));
        };
        let module = &self.lowered.module;
        let (interp, arena) = (Interp::new(module), Arena::new());
        let mut marks = Vec::new();
        run(&interp, Target::Rules(rules), with, &arena, &mut marks);
        // Where a stage was not reached nobody has decided by it: its states were not asked.
        if !with.is_known() {
            marks.clear();
        }
        let sites: Vec<SiteId> = marks.iter().map(|mark| SiteId(mark.0)).collect();
        let by = self.names(&sites);
        let whole = &module.rulesets[rules];
        let decides = |n: usize| sites.contains(&whole.rules[n].site);
        let is_wanted = |n: &usize| match wanted.which {
            Which::Deciding => decides(*n),
            Which::All => true,
            Which::Named(name) => {
                let own = &*set.rules[*n].name;
                let full = name.split_once('.');
                name == own || full.is_some_and(|(of, rule)| Some(of) == stage && rule == own)
            }
        };
        let mut chosen: Vec<usize> = (0..set.rules.len()).filter(is_wanted).collect();
        // Where none decided, it is all of them that did not match.
        let few = set.rules.len() <= MOST_OTHERWISE;
        if chosen.is_empty() && wanted.which == Which::Deciding && few {
            chosen = (0..set.rules.len()).collect();
        }
        wanted.found |= !chosen.is_empty();
        let (lowered, parts) = lower_parts(&self.program, id, &chosen);
        let asker = Asker::new(&lowered, with, &self.sources);
        let mut explained = Vec::with_capacity(parts.len());
        for parts in &parts {
            let rule = &set.rules[parts.rule];
            let (conditions, matched) = asker.spine(parts);
            if matched != self.matches(&interp, &whole.rules[parts.rule], rules, with) {
                return Err(bug(&format!(
                    "the parts of the condition of `{}` say something else than the whole",
                    rule.name
                )));
            }
            let decided = decides(parts.rule);
            let nearest = match matched {
                Some(false) => self.closest((id, parts.rule), with, wanted),
                Some(true) | None => None,
            };
            explained.push(RuleExplained {
                ruleset: set.name.to_string(),
                name: rule.name.to_string(),
                why: rule.why.as_ref().map(|why| why.to_string()),
                place: Place::of(rule.span, &self.sources),
                matched: matched == Some(true),
                known: matched.is_some(),
                decided,
                conditions,
                closest: nearest,
                instead: if decided { Vec::new() } else { by.clone() },
            });
        }
        Ok(explained)
    }

    /// Whether a rule's groups and its condition hold, as a whole; `None` where that is not known.
    fn matches(
        &self,
        interp: &Interp<&Module>,
        rule: &tollgate_ir::module::Rule,
        rules: tollgate_ir::entities::RuleSetId,
        with: With<'_>,
    ) -> Option<bool> {
        let groups = &self.lowered.module.rulesets[rules].groups;
        let mut conditions: Vec<_> = rule.cond.into_iter().collect();
        let mut at = rule.group;
        while let Some(id) = at {
            conditions.push(groups[id].cond);
            at = groups[id].parent;
        }
        let arena = Arena::new();
        for cond in conditions.into_iter().rev() {
            let holds = run(interp, Target::Func(cond), with, &arena, &mut Vec::new()).bool();
            if !with.is_known() {
                return None;
            }
            if !holds {
                return Some(false);
            }
        }
        Some(true)
    }

    fn closest(
        &self,
        (id, rule): (RuleSetId, usize),
        with: With<'_>,
        wanted: &Wanted<'_>,
    ) -> Option<Closest> {
        // What states answered is as good as constants, as long as they are asked the same.
        let lowered = match with.states {
            None => &self.lowered,
            Some(states) => wanted.answered.get_or_init(|| {
                let module = answered(&self.lowered.module, &states.values());
                self.lowered.with(module)
            }),
        };
        let found = closest(&self.program, lowered, &self.costs, (id, rule), with.given)?;
        Some(match found {
            analysis::Closest::Found { given, by, .. }
                if !self.stays(id, rule, with, &given, &by) =>
            {
                Closest::Unknown
            }
            analysis::Closest::Found {
                changes, input, by, ..
            } => Closest::Change {
                changes,
                input,
                by: self.names(&by),
            },
            // With other facts other keys are asked, which may answer otherwise.
            analysis::Closest::Never if self.asks(id) => Closest::Unknown,
            analysis::Closest::Never => Closest::Never,
            analysis::Closest::Unknown => Closest::Unknown,
        })
    }

    /// Whether a rule set asks states.
    fn asks(&self, id: RuleSetId) -> bool {
        let asks = self.costs.asks();
        self.lowered
            .ruleset(id)
            .is_some_and(|rules| asks.ruleset(rules) > 0)
    }

    /// Whether changed facts are decided by these rules, and match one, when states are asked what they were asked, and answer so.
    fn stays(
        &self,
        id: RuleSetId,
        rule: usize,
        with: With<'_>,
        changed: &Given,
        by: &[SiteId],
    ) -> bool {
        let (Some(rules), Some(_)) = (self.lowered.ruleset(id), with.states) else {
            return true;
        };
        let with = With {
            given: changed,
            ..with
        };
        let module = &self.lowered.module;
        let (interp, arena) = (Interp::new(module), Arena::new());
        let mut marks = Vec::new();
        run(&interp, Target::Rules(rules), with, &arena, &mut marks);
        let same = marks
            .iter()
            .map(|mark| SiteId(mark.0))
            .eq(by.iter().copied());
        let known = with.is_known();
        let rule = &module.rulesets[rules].rules[rule];
        known && same && self.matches(&interp, rule, rules, with) == Some(true)
    }

    /// The names of rules.
    fn names(&self, sites: &[SiteId]) -> Vec<String> {
        let name = |site: &SiteId| match self.lowered.module.sites.get(*site)? {
            Site::Rule { rule, .. } => Some(rule.to_string()),
            Site::Otherwise { .. } => Some("otherwise".to_owned()),
            Site::Stage { .. } | Site::Shadow { .. } => None,
        };
        sites.iter().filter_map(name).collect()
    }

    fn stages(
        &self,
        id: PipelineId,
        with: With<'_>,
        wanted: &mut Wanted<'_>,
    ) -> Result<Vec<StageExplained>, Error> {
        let (lowered, parts) = lower_stages(&self.program, id);
        let asker = Asker::new(&lowered, with, &self.sources);
        let mut explained = Vec::with_capacity(parts.len());
        let mut open = true;
        for stage in &parts {
            let stopped = open
                && stage
                    .stops
                    .is_some_and(|stops| asker.holds(stops) == Some(true));
            let mut of = StageExplained {
                name: stage.name.to_string(),
                place: Place::of(stage.span, &self.sources),
                value: open.then(|| asker.json(stage.value).unwrap_or_else(|| "null".into())),
                stopped,
                asked: stage.asks.as_ref().map(|(callee, _)| self.name(*callee)),
                by: Vec::new(),
                rules: Vec::new(),
                stages: Vec::new(),
            };
            // A rule that is asked for by name is explained even where its stage was not reached.
            let named = matches!(wanted.which, Which::Named(_));
            if let Some((callee, args)) = &stage.asks
                && (open || named)
            {
                let inner = Given {
                    params: args.iter().map(|arg| asker.value(*arg)).collect(),
                    ..with.given.clone()
                };
                // An argument that asks a state was not worked out before its stage was reached.
                let _ = with.is_known();
                let inner = With {
                    given: &inner,
                    ..with
                };
                match callee {
                    Callee::RuleSet(id) => {
                        if open {
                            of.by = self.decided(*id, inner)?;
                        }
                        of.rules = self.rules(*id, inner, Some(&stage.name), wanted)?;
                    }
                    Callee::Pipeline(id) => of.stages = self.stages(*id, inner, wanted)?,
                }
            }
            open &= !stopped;
            explained.push(of);
        }
        Ok(explained)
    }

    /// The rules of a set that decide.
    fn decided(&self, id: RuleSetId, with: With<'_>) -> Result<Vec<String>, Error> {
        let Some(rules) = self.lowered.ruleset(id) else {
            return Err(bug("a rule set that decides was not lowered"));
        };
        let (interp, arena) = (Interp::new(&self.lowered.module), Arena::new());
        let mut marks = Vec::new();
        run(&interp, Target::Rules(rules), with, &arena, &mut marks);
        let sites: Vec<SiteId> = marks.iter().map(|mark| SiteId(mark.0)).collect();
        Ok(self.names(&sites))
    }

    fn name(&self, callee: Callee) -> String {
        match callee {
            Callee::RuleSet(id) => self.program.rulesets[id].name.to_string(),
            Callee::Pipeline(id) => self.program.pipelines[id].name.to_string(),
        }
    }
}

/// What is decided by something that runs an entry of the program, with the answers of states: as a trace.
fn traced<'a>(
    (program, entry): (&'a Program, usize),
    (given, answers, arena): (&'a Given, &Answers, &'a Arena),
    asking: Option<&'a Asking<'a>>,
    run: impl FnOnce(&mut Cx<'a>, &[Word<'a>]) -> Word<'a>,
) -> String {
    let words = |values: &[Value]| {
        let words: Vec<Word<'_>> = values.iter().map(|v| v.word(arena)).collect();
        arena.seq(&words)
    };
    let mut cx = Cx::new(arena, &given.id, given.time);
    cx.data = words(&given.data);
    if let Some(asking) = asking {
        asking.begin_with(answers);
        cx.states = Some(asking);
    }
    let value = run(&mut cx, words(&given.params));
    let decision = Decision {
        program,
        entry: program.at(entry),
        value: &value,
        marks: &cx.marks,
        steps: 0,
        ignored: 0,
        asking,
    };
    let mut out = String::new();
    decision.write_trace(&mut out);
    out
}

fn other_answers() -> Error {
    Error::other(
        "the answers of states are those of another decision: give those of this one (`Decision::answers`)",
    )
}

fn bug(what: &str) -> Error {
    Error::other(format!("{what}; this is a bug in tollgate"))
}

/// Finds modules among texts that were read before.
struct Remembered<'s>(&'s SourceMap);

impl Loader for Remembered<'_> {
    fn load(&mut self, name: &str) -> Loaded {
        let mut files = self.0.files().map(|(_, file)| file);
        let found = files.find(|file| loader::module_of(file.text()).as_deref() == Some(name));
        match found {
            Some(file) => Loaded::Source {
                file: file.name().to_string(),
                text: file.text().to_string(),
            },
            None => Loaded::Missing { known: Vec::new() },
        }
    }
}
