//! What a place asks: its operation out of the words of its arguments, and the word that an answer is.

use tollgate_ir::module::{Operation as Asks, StatePlace};
use tollgate_runtime::{Cx, Word};
use tollgate_state::{Answer, Ask, Charge, Once, Operation};

use crate::asking::{Asked, Reply};
use crate::plan::Plan;

/// The wait that a limit names when its store cannot be asked.
const WAIT_UNKNOWN: i64 = 1_000_000;

/// The operation, taken out of the words of its arguments.
pub(crate) fn taken(
    plan: &Plan,
    place: &StatePlace,
    number: u32,
    args: &[Word<'_>],
    bytes: &mut Vec<u8>,
) -> Asked {
    let mut args = args.iter();
    let mut text = |args: &mut std::slice::Iter<'_, Word<'_>>| {
        let start = bytes.len();
        let word = args.next().map_or("", |word| word.str());
        bytes.extend_from_slice(word.as_bytes());
        start..bytes.len()
    };
    let mut keys = [0..0, 0..0];
    for (key, state) in keys.iter_mut().zip(&place.states) {
        if plan.keyed(*state) {
            *key = text(&mut args);
        }
    }
    let number_of = |args: &mut std::slice::Iter<'_, Word<'_>>| match args.next() {
        Some(Word::Bool(b)) => i64::from(*b),
        Some(word) => word.int(),
        None => 0,
    };
    let (mut numbers, mut member) = ([0, 0], 0..0);
    match place.operation {
        Asks::Take | Asks::Enter | Asks::Within | Asks::Reserve => {
            numbers[0] = number_of(&mut args);
        }
        Asks::Sheds => numbers = [number_of(&mut args), number_of(&mut args)],
        Asks::Add => {
            numbers[0] = number_of(&mut args);
            member = text(&mut args);
        }
        Asks::Value | Asks::Once | Asks::Arrive => {}
    }
    Asked {
        place: number,
        keys,
        member,
        numbers,
        reply: refused(place.operation),
        failure: None,
        pending: false,
    }
}

/// The operation as a store takes it.
pub(crate) fn operation<'o>(
    place: &StatePlace,
    asked: &Asked,
    bytes: &'o [u8],
    decision: &'o str,
    at_us: i64,
) -> Operation<'o> {
    let state = |n: usize| place.states.get(n).map_or(0, |s| s.0);
    let key = |n: usize| &bytes[asked.keys[n].clone()];
    let [first, second] = asked.numbers;
    let once = Once {
        state: state(0),
        key: key(0),
    };
    let charge = |n: usize| Charge {
        state: state(n),
        key: key(n),
        amount: first,
    };
    let ask = match place.operation {
        Asks::Take => Ask::Take(u32::try_from(first).unwrap_or(u32::MAX)),
        Asks::Enter => Ask::Enter {
            critical: first != 0,
        },
        Asks::Sheds => Ask::Sheds {
            class: first as u32,
            load: second,
        },
        Asks::Value => Ask::Value,
        Asks::Add => Ask::Add {
            amount: first,
            member: &bytes[asked.member.clone()],
        },
        Asks::Once | Asks::Arrive => Ask::Reserve {
            once: Some(once),
            within: None,
        },
        Asks::Within => Ask::Reserve {
            once: None,
            within: Some(charge(0)),
        },
        Asks::Reserve => Ask::Reserve {
            once: Some(once),
            within: Some(charge(1)),
        },
    };
    // An event counts once, whichever of the rule sets on its stream, and of the programs that follow each other, counts it.
    let place = match place.operation {
        Asks::Add => 0,
        _ => asked.place,
    };
    Operation {
        state: state(0),
        key: key(0),
        at_us,
        decision: decision.as_bytes(),
        place,
        ask,
    }
}

pub(crate) fn granted(operation: Asks) -> Reply {
    Reply::Answer(match operation {
        Asks::Take => Answer::Taken {
            granted: true,
            wait_us: None,
            left: 0,
        },
        Asks::Value => return Reply::Skip,
        Asks::Sheds => Answer::Bool(false),
        _ => Answer::Bool(true),
    })
}

pub(crate) fn refused(operation: Asks) -> Reply {
    Reply::Answer(match operation {
        Asks::Take => Answer::Taken {
            granted: false,
            wait_us: Some(WAIT_UNKNOWN),
            left: 0,
        },
        Asks::Value => return Reply::Skip,
        Asks::Sheds => Answer::Bool(true),
        _ => Answer::Bool(false),
    })
}

/// An answer, or that the rule does not apply, as a word of the type that its place has.
pub(crate) fn word<'a>(operation: Asks, reply: Reply, cx: &Cx<'a>) -> Word<'a> {
    let mut word = Word::None;
    if let Reply::Answer(answer) = reply {
        put_answer(operation, answer, cx, &mut word);
    }
    word
}

/// Writes the word of an answer where it is to stand.
#[inline]
pub(crate) fn put_answer<'a>(operation: Asks, answer: Answer, cx: &Cx<'a>, to: &mut Word<'a>) {
    *to = match answer {
        Answer::Taken {
            granted,
            wait_us,
            left,
        } => {
            let fields = cx.arena.slots(3);
            if let [is_granted, wait, is_left] = &mut *fields {
                *is_granted = Word::Bool(granted);
                if let Some(us) = wait_us {
                    *wait = Word::Int(us);
                }
                *is_left = Word::Int(left.max(0));
            }
            Word::Seq(fields)
        }
        Answer::Bool(yes) => Word::Bool(yes),
        // What a counter says after an event is not asked here.
        Answer::Number(_) if operation == Asks::Add => Word::Bool(true),
        Answer::Number(n) => Word::Int(n),
    };
}
