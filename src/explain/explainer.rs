//! What explanations of a program are made from: its meaning, and its IR with the rule sets whole.

use std::sync::Arc;

use tollgate_frontend::analysis::{self, closest};
use tollgate_frontend::hir::{self, Callee, PipelineId, RuleSetId};
use tollgate_frontend::library::{Loaded, Loader};
use tollgate_frontend::lower::{Lowered, lower_parts, lower_stages};
use tollgate_grammar::source::SourceMap;
use tollgate_ir::Level;
use tollgate_ir::cost::Costs;
use tollgate_ir::entities::SiteId;
use tollgate_ir::interp::Interp;
use tollgate_ir::module::{Module, Site, Target};
use tollgate_ir::predicates::solve::Given;
use tollgate_runtime::{Arena, Cx, Value, Word};

use super::conditions::{Asker, run};
use super::{Closest, Explanation, Place, RuleExplained, StageExplained, Which};
use crate::decision::Decision;
use crate::entry::{EntryInfo, Facts};
use crate::error::Error;
use crate::loader;
use crate::pipeline::{self, Main};
use crate::program::{Origin, Program, Shared};
use crate::session::Call;
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

    pub(crate) fn explain(
        &self,
        program: &Program,
        entry: usize,
        facts: &Facts,
        call: &Call<'_>,
        which: Which<'_>,
    ) -> Result<Explanation, Error> {
        if program.at(entry).asks {
            let entry = program.entries().nth(entry).unwrap_or_default();
            return Err(Error::other(format!(
                "`{entry}` asks states, and such a decision cannot be explained yet; `tollgate run --trace` shows what it asked"
            )));
        }
        let mut session = program.session();
        let decided = session.decide_facts(program.handle(entry), facts, call)?;
        let given = self.given(program, entry, facts, call);
        self.agree(program, entry, &decided, &given)?;
        let callee = self.program.entries[entry];
        let mut explanation = Explanation {
            entry: program.entries().nth(entry).unwrap_or_default().to_owned(),
            value: decided.value_json(),
            by: decided.by().collect(),
            rules: Vec::new(),
            stages: Vec::new(),
            sources: self.sources.clone(),
        };
        let mut wanted = Wanted {
            which,
            found: false,
        };
        match callee {
            Callee::RuleSet(id) => explanation.rules = self.rules(id, &given, None, &mut wanted)?,
            Callee::Pipeline(id) => explanation.stages = self.stages(id, &given, &mut wanted)?,
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

    /// Whether the interpreter decides as the program did, and as the chain of rules does.
    fn agree(
        &self,
        program: &Program,
        entry: usize,
        decided: &Decision<'_>,
        given: &Given,
    ) -> Result<(), Error> {
        let chain = self.chain.with_data_of(program);
        let info = chain.at(entry);
        let (interp, arena) = (Interp::new(&self.lowered.module), Arena::new());
        let target = self.lowered.module.entries[entry].target;
        let mut marks = Vec::new();
        let value = run(&interp, target, given, &arena, &mut marks);
        let reference = Decision {
            program: &chain,
            entry: info,
            value: &value,
            marks: &marks,
            steps: 0,
            ignored: 0,
            asking: None,
        };
        let (reference, decided) = (reference.to_json(), decided.to_json());
        let asked = self.by_chain(&chain, info, given)?;
        match reference == decided && reference == asked {
            true => Ok(()),
            false => Err(bug(&format!(
                "the interpreter decides {reference}, the chain of rules {asked}, the engine {decided}"
            ))),
        }
    }

    /// What is decided without an index.
    fn by_chain(&self, chain: &Program, info: &EntryInfo, given: &Given) -> Result<String, Error> {
        let Target::Func(func) = info.target else {
            return Err(bug("a rule set was not lowered"));
        };
        let arena = Arena::new();
        let words = |values: &[Value]| {
            let words: Vec<Word<'_>> = values.iter().map(|v| v.word(&arena)).collect();
            arena.seq(&words)
        };
        let mut cx = Cx::new(&arena, &given.id, given.time);
        cx.data = words(&given.data);
        let value = chain.executable().run(func, &mut cx, words(&given.params));
        let decision = Decision {
            program: chain,
            entry: info,
            value,
            marks: &cx.marks,
            steps: 0,
            ignored: 0,
            asking: None,
        };
        Ok(decision.to_json())
    }

    /// The rules of a set that are wanted, asked of what it is given. `stage` is the one of a pipeline that asks.
    fn rules(
        &self,
        id: RuleSetId,
        given: &Given,
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
        run(&interp, Target::Rules(rules), given, &arena, &mut marks);
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
        let asker = Asker::new(&lowered, given, &self.sources);
        let mut explained = Vec::with_capacity(parts.len());
        for parts in &parts {
            let rule = &set.rules[parts.rule];
            let (conditions, matched) = asker.spine(parts);
            if matched != self.matches(&interp, &whole.rules[parts.rule], rules, given) {
                return Err(bug(&format!(
                    "the parts of the condition of `{}` say something else than the whole",
                    rule.name
                )));
            }
            let decided = decides(parts.rule);
            let nearest = match matched {
                true => None,
                false => self.closest(id, parts.rule, given),
            };
            explained.push(RuleExplained {
                ruleset: set.name.to_string(),
                name: rule.name.to_string(),
                why: rule.why.as_ref().map(|why| why.to_string()),
                place: Place::of(rule.span, &self.sources),
                matched,
                decided,
                conditions,
                closest: nearest,
                instead: if decided { Vec::new() } else { by.clone() },
            });
        }
        Ok(explained)
    }

    /// Whether a rule's groups and its condition hold, as a whole.
    fn matches(
        &self,
        interp: &Interp<&Module>,
        rule: &tollgate_ir::module::Rule,
        rules: tollgate_ir::entities::RuleSetId,
        given: &Given,
    ) -> bool {
        let groups = &self.lowered.module.rulesets[rules].groups;
        let mut conditions: Vec<_> = rule.cond.into_iter().collect();
        let mut at = rule.group;
        while let Some(id) = at {
            conditions.push(groups[id].cond);
            at = groups[id].parent;
        }
        let arena = Arena::new();
        let holds = |cond| run(interp, Target::Func(cond), given, &arena, &mut Vec::new()).bool();
        conditions.into_iter().rev().all(holds)
    }

    fn closest(&self, id: RuleSetId, rule: usize, given: &Given) -> Option<Closest> {
        let found = closest(&self.program, &self.lowered, &self.costs, (id, rule), given)?;
        Some(match found {
            analysis::Closest::Found {
                changes, input, by, ..
            } => Closest::Change {
                changes,
                input,
                by: self.names(&by),
            },
            analysis::Closest::Never => Closest::Never,
            analysis::Closest::Unknown => Closest::Unknown,
        })
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
        given: &Given,
        wanted: &mut Wanted<'_>,
    ) -> Result<Vec<StageExplained>, Error> {
        let (lowered, parts) = lower_stages(&self.program, id);
        let asker = Asker::new(&lowered, given, &self.sources);
        let mut explained = Vec::with_capacity(parts.len());
        let mut open = true;
        for stage in &parts {
            let stopped = open && stage.stops.is_some_and(|stops| asker.holds(stops));
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
                    ..given.clone()
                };
                match callee {
                    Callee::RuleSet(id) => {
                        if open {
                            of.by = self.decided(*id, &inner)?;
                        }
                        of.rules = self.rules(*id, &inner, Some(&stage.name), wanted)?;
                    }
                    Callee::Pipeline(id) => of.stages = self.stages(*id, &inner, wanted)?,
                }
            }
            open &= !stopped;
            explained.push(of);
        }
        Ok(explained)
    }

    /// The rules of a set that decide.
    fn decided(&self, id: RuleSetId, given: &Given) -> Result<Vec<String>, Error> {
        let Some(rules) = self.lowered.ruleset(id) else {
            return Err(bug("a rule set that decides was not lowered"));
        };
        let (interp, arena) = (Interp::new(&self.lowered.module), Arena::new());
        let mut marks = Vec::new();
        run(&interp, Target::Rules(rules), given, &arena, &mut marks);
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
