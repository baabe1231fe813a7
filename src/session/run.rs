//! From arguments to a decision: by a search alone, by an engine, or by asking states until there is an answer.

use tollgate_ask::{Answers, Asking, Pending};
use tollgate_ir::entities::FuncId;
use tollgate_ir::module::Target;
use tollgate_runtime::{Arena, Cx, Mark, Word};

use super::{Args, Call};
use crate::decision::Decision;
use crate::entry::EntryInfo;
use crate::error::Error;
use crate::program::Program;
use crate::states::Attempt;

/// Decides. What asks states waits for them; most programs ask none, and pay nothing for it.
///
/// Always inlined, so that a decision is not written down to be copied to where its caller wants it.
#[inline(always)]
pub(super) fn run<'s>(
    program: &'s Program,
    entry: &'s EntryInfo,
    arena: &'s Arena,
    marks: &'s mut Vec<Mark>,
    asked: Asked<'s>,
    args: Args<'s>,
    call: &Call<'s>,
) -> Result<Decision<'s>, Error> {
    let (value, steps, asking) = match &entry.direct {
        Some(direct) if entry.closed => {
            marks.clear();
            let mut steps = 0;
            let value =
                direct.decide_closed(program.executable(), arena, marks, &mut steps, args.0);
            (value, steps, None)
        }
        None if entry.closed => {
            marks.clear();
            let executable = program.executable();
            let value = executable.run_alone(func(entry)?, arena, marks, args.0);
            (value, 0, None)
        }
        _ if entry.asks => {
            let made = evaluate(program, entry, arena, marks, &asked, args.0, call)?;
            waited(made)?
        }
        _ => {
            let (value, steps) = run_in_context(program, entry, arena, marks, args.0, call)?;
            (value, steps, None)
        }
    };
    Ok(Decision {
        program,
        entry,
        value,
        marks,
        steps,
        ignored: args.1,
        asking,
    })
}

/// Decides by an engine, or by a search that needs more than its arguments: the value, and the steps.
#[inline(never)]
fn run_in_context<'s>(
    program: &'s Program,
    entry: &'s EntryInfo,
    arena: &'s Arena,
    marks: &mut Vec<Mark>,
    args: &[Word<'s>],
    call: &Call<'s>,
) -> Result<(&'s Word<'s>, u64), Error> {
    let direct = entry.direct.as_deref();
    let (id, time) = match direct {
        Some(direct) if !direct.reads_call() => (call.id, call.time),
        _ => entry.decision_inputs(args, call),
    };
    let func = func(entry)?;
    let data = program.data(arena)?;
    let mut cx = context(arena, marks, (id, time), data);
    let executable = program.executable();
    let value = match direct {
        Some(direct) => direct.decide(executable, &mut cx, args),
        None => executable.run(func, &mut cx, args),
    };
    let steps = cx.steps;
    *marks = cx.marks;
    Ok((value, steps))
}

/// Decides, or says what has to be waited for.
#[inline]
pub(super) fn attempt<'s>(
    program: &'s Program,
    entry: &'s EntryInfo,
    arena: &'s Arena,
    marks: &'s mut Vec<Mark>,
    asked: Asked<'s>,
    args: Args<'s>,
    call: &Call<'s>,
) -> Result<Attempt<'s>, Error> {
    match entry.asks {
        true => ask(program, entry, arena, marks, &asked, args, call),
        false => run(program, entry, arena, marks, asked, args, call).map(Attempt::Decided),
    }
}

#[inline]
fn func(entry: &EntryInfo) -> Result<FuncId, Error> {
    match entry.target {
        Target::Func(func) => Ok(func),
        Target::Rules(_) => Err(Error::other(format!(
            "`{}` was not lowered; this is a bug in tollgate",
            entry.name
        ))),
    }
}

/// The context of a decision. Its marks are those of the session, which come back at the end.
#[inline(always)]
fn context<'s>(
    arena: &'s Arena,
    marks: &mut Vec<Mark>,
    (id, time): (&'s str, i64),
    data: &'s [Word<'s>],
) -> Cx<'s> {
    marks.clear();
    Cx {
        arena,
        id,
        time,
        data,
        states: None,
        marks: std::mem::take(marks),
        steps: 0,
    }
}

/// How states are asked: by a session that waits for them, or in an attempt with the answers so far.
#[derive(Clone, Copy)]
pub(super) struct Asked<'s> {
    asking: Option<&'s Asking<'s>>,
    answers: Option<&'s Answers>,
}

impl<'s> Asked<'s> {
    #[inline]
    pub(super) fn new(asking: &'s Option<Asking<'_>>, answers: Option<&'s Answers>) -> Asked<'s> {
        Asked {
            asking: asking.as_ref(),
            answers,
        }
    }
}

/// What was decided: the value, the steps, and what was asked of states.
type Made<'s> = (&'s Word<'s>, u64, Option<&'s Asking<'s>>);

/// Attempts to decide by an entry that asks states.
pub(super) fn ask<'s>(
    program: &'s Program,
    entry: &'s EntryInfo,
    arena: &'s Arena,
    marks: &'s mut Vec<Mark>,
    asked: &Asked<'s>,
    (args, ignored): Args<'s>,
    call: &Call<'s>,
) -> Result<Attempt<'s>, Error> {
    Ok(
        match evaluate(program, entry, arena, marks, asked, args, call)? {
            Ok((value, steps, asking)) => Attempt::Decided(Decision {
                program,
                entry,
                value,
                marks,
                steps,
                ignored,
                asking,
            }),
            Err(pending) => Attempt::Pending(pending),
        },
    )
}

/// What a session made that waits for states.
fn waited<'s>(made: Result<Made<'s>, Box<Pending>>) -> Result<Made<'s>, Error> {
    made.map_err(|_| Error::other("a session that waits has not waited; this is a bug in tollgate"))
}

/// Evaluates an entry that asks states: once, and again while a store has to be waited for. In an attempt nothing is waited for, and
/// what has to be comes back.
#[inline(never)]
fn evaluate<'s>(
    program: &'s Program,
    entry: &'s EntryInfo,
    arena: &'s Arena,
    marks: &mut Vec<Mark>,
    asked: &Asked<'s>,
    args: &[Word<'s>],
    call: &Call<'s>,
) -> Result<Result<Made<'s>, Box<Pending>>, Error> {
    let Some(asking) = asked.asking else {
        return Err(Error::other(format!(
            "`{}` asks states, and this session has none: make it with `Program::session_with`",
            entry.name
        )));
    };
    let func = func(entry)?;
    let inputs = entry.decision_inputs(args, call);
    let mut cx = context(arena, marks, inputs, program.data(arena)?);
    cx.states = Some(asking);
    match asked.answers {
        Some(answers) => asking.begin_with(answers),
        None => asking.begin(),
    }
    let value = loop {
        let value = program.executable().run(func, &mut cx, args);
        match asked.answers {
            Some(_) if asking.is_pending() => {
                let pending = asking.pending(cx.id, cx.time);
                *marks = cx.marks;
                return match pending {
                    Some(pending) => Ok(Err(pending)),
                    None => Err(Error::other(
                        "a decision waits for nothing; this is a bug in tollgate",
                    )),
                };
            }
            None if asking.perform(cx.id, cx.time) => {
                asking.again();
                cx.marks.clear();
                cx.steps = 0;
            }
            _ => break value,
        }
    };
    let steps = cx.steps;
    *marks = cx.marks;
    Ok(Ok((value, steps, Some(asking))))
}
