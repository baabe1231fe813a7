//! The table of passes, and running them.

use std::fmt;

pub use tollgate_ir::Level;
use tollgate_ir::entities::FuncId;
use tollgate_ir::module::Module;
use tollgate_ir::{Legalized, verify};

use crate::pass::{Changed, PassFn};
use crate::passes;

/// What passes are to know of what the module is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Aim {
    /// How hard to try.
    pub level: Level,
    /// Whether it becomes machine code, which asks a few rules one after the other in less time than a search begins in.
    pub native: bool,
}

/// How often the repeated passes run at most.
pub const MAX_ROUNDS: u32 = 3;

/// A pass as the table knows it.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// The name, for `--passes` and for tests.
    pub name: &'static str,
    /// What it does, one sentence.
    pub doc: &'static str,
    /// From which level on it runs.
    pub level: Level,
    /// Whether it runs again when another pass has changed something.
    pub repeated: bool,
    run: PassFn,
}

macro_rules! passes {
    ($($(#[doc = $doc:literal])+ $name:ident: $level:ident, $often:ident;)*) => {
        /// Every pass, in the order in which they run.
        pub const PASSES: &[Pass] = &[$(Pass {
            name: stringify!($name),
            doc: concat!($($doc),+).trim_ascii(),
            level: Level::$level,
            repeated: passes!(@ $often),
            run: passes::$name::run,
        }),*];
    };
    (@ once) => { false };
    (@ repeated) => { true };
}

passes! {
    /// Rule sets of more than a few rules are made ready to be searched: what they ask becomes data, with a tree over it.
    index_rulesets: O1, once;
    /// Rule sets become functions that try one rule after the other.
    lower_rulesets: O0, once;
    /// Bodies of functions stand in the place of their calls; functions that nothing calls are dropped.
    inline: O1, once;
    /// Instructions on constants are evaluated, branches on constants taken.
    const_fold: O1, repeated;
    /// Instructions become simpler ones by the laws of algebra.
    simplify: O1, repeated;
    /// Of equal instructions the dominating one is enough, across rules.
    gvn: O1, repeated;
    /// What is constant on every path that can be taken, or decided by a branch on the way, is replaced.
    sccp: O1, repeated;
    /// Blocks that do nothing, or cannot be reached, or only follow one another, go.
    simplify_cfg: O1, repeated;
    /// In what becomes machine code, branches around a few cheap instructions become selects and conjunctions.
    if_convert: O2, repeated;
    /// Instructions and parameters that nobody uses go.
    dce: O1, repeated;
}

/// What to run, and what to check.
#[derive(Clone, Debug)]
pub struct Options {
    /// What it is for.
    pub aim: Aim,
    /// Instead of the passes of the level: exactly these, once, in this order. Rule sets are lowered before, unless that is one of them.
    pub passes: Option<Vec<Pass>>,
    /// Whether the module is verified after each pass; otherwise only at the end.
    pub verify: bool,
}

impl Options {
    /// The passes of a level, for an engine that is no machine code; verified after each in builds with debug assertions.
    pub fn new(level: Level) -> Options {
        Options {
            aim: Aim {
                level,
                native: false,
            },
            passes: None,
            verify: cfg!(debug_assertions),
        }
    }
}

/// How large a module is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Size {
    /// Functions.
    pub funcs: usize,
    /// Blocks of all functions.
    pub blocks: usize,
    /// Instructions in these blocks.
    pub insts: usize,
}

impl Size {
    /// Counts. Linear.
    pub fn of(module: &Module) -> Size {
        let mut size = Size {
            funcs: module.funcs.len(),
            ..Size::default()
        };
        for func in module.funcs.values() {
            size.blocks += func.blocks.len();
            size.insts += crate::pass::size(func);
        }
        size
    }
}

/// What an observer is told. Whoever wants to know how long passes take reads a clock at each event; nothing here does.
#[derive(Clone, Copy, Debug)]
pub enum Event<'m> {
    /// A pass begins.
    Before {
        /// The pass.
        pass: &'m Pass,
        /// From 1: how often the repeated passes have begun.
        round: u32,
        /// The module as it is.
        module: &'m Module,
    },
    /// A pass has ended.
    After {
        /// The pass.
        pass: &'m Pass,
        /// From 1: how often the repeated passes have begun.
        round: u32,
        /// The module as it is now.
        module: &'m Module,
        /// Whether anything is different.
        changed: bool,
        /// The functions whose text is different, ascending.
        funcs: &'m [FuncId],
        /// The size before.
        before: Size,
        /// The size now.
        after: Size,
    },
}

/// A pass made a module that does not verify, or was given one: our mistake.
#[derive(Debug)]
pub struct Bug {
    pass: Option<&'static str>,
    errors: Vec<verify::VerifyError>,
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pass {
            Some(pass) => write!(f, "the pass `{pass}` made a module that is not legal")?,
            None => write!(f, "the module is not legal")?,
        }
        for error in &self.errors {
            write!(f, "\n  {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Bug {}

/// The pass of a name.
pub fn pass(name: &str) -> Option<Pass> {
    PASSES.iter().copied().find(|p| p.name == name)
}

/// The rewrites of the pass `simplify`, in the order in which they are tried: name, and what it does in one sentence.
pub fn rewrites() -> impl Iterator<Item = (&'static str, &'static str)> {
    let table = passes::simplify::table::REWRITES;
    table.iter().map(|r| (r.name, r.doc))
}

/// Runs one pass over a module that verifies; for tests, and to show what one pass makes.
pub fn run_pass(name: &str, mut module: Module, aim: Aim) -> Option<Module> {
    (pass(name)?.run)(&mut module, aim);
    Some(module)
}

/// Runs the passes over a module that verifies. See [`Level`] for what runs; every pass is linear in the size of the module, or nearly.
///
/// # Errors
/// When a pass breaks the module, or the module was broken: always a bug of ours.
pub fn run(
    module: Module,
    options: &Options,
    observe: &mut dyn FnMut(Event<'_>),
) -> Result<Legalized, Bug> {
    let mut run = Run {
        module,
        options,
        observe,
    };
    match &options.passes {
        Some(passes) => run.these(passes)?,
        None => run.level()?,
    }
    verify::legal(run.module).map_err(|errors| Bug { pass: None, errors })
}

struct Run<'r> {
    module: Module,
    options: &'r Options,
    observe: &'r mut dyn FnMut(Event<'_>),
}

impl Run<'_> {
    fn these(&mut self, passes: &[Pass]) -> Result<(), Bug> {
        let lower = PASSES.iter().find(|p| p.name == "lower_rulesets");
        if let Some(lower) = lower.filter(|lower| passes.iter().all(|p| p.name != lower.name)) {
            self.pass(lower, 1)?;
        }
        for pass in passes {
            self.pass(pass, 1)?;
        }
        Ok(())
    }

    fn level(&mut self) -> Result<(), Bug> {
        let rounds = match self.options.aim.level {
            Level::O0 | Level::O1 => 1,
            Level::O2 => MAX_ROUNDS,
        };
        let runs = |pass: &&Pass| pass.level <= self.options.aim.level;
        let passes: Vec<&Pass> = PASSES.iter().filter(runs).collect();
        for round in 1..=rounds {
            let mut changed = false;
            for pass in &passes {
                if round == 1 || pass.repeated {
                    changed |= self.pass(pass, round)?;
                }
            }
            if !changed {
                break;
            }
        }
        Ok(())
    }

    fn pass(&mut self, pass: &Pass, round: u32) -> Result<bool, Bug> {
        (self.observe)(Event::Before {
            pass,
            round,
            module: &self.module,
        });
        let before = Size::of(&self.module);
        let changed: Changed = (pass.run)(&mut self.module, self.options.aim);
        (self.observe)(Event::After {
            pass,
            round,
            module: &self.module,
            changed: changed.any(),
            funcs: &changed.funcs,
            before,
            after: Size::of(&self.module),
        });
        if self.options.verify {
            verify::verify(&self.module).map_err(|errors| Bug {
                pass: Some(pass.name),
                errors,
            })?;
        }
        Ok(changed.any())
    }
}
