//! Bodies of compiled programs, under a right checksum: loaded, and every function run.
#![no_main]

use std::cell::Cell;

use libfuzzer_sys::fuzz_target;
use tollgate_backend_api::Executable;
use tollgate_backend_vm::{Program, seal};
use tollgate_ir::entities::FuncId;
use tollgate_runtime::kinds::net::{Cidr, Ip};
use tollgate_runtime::{Arena, Cx, Native, Word};

/// Functions run of one program.
const CALLS: usize = 16;
/// Functions of a greater bound are only loaded: forged loops may go on for 2^40 steps, which is an end, but not one to wait for.
const STEPS_MAX: u64 = 1 << 20;
/// Parameters of a call; what a function has beyond them is absent.
const ARGS: usize = 4;

fuzz_target!(|body: &[u8]| {
    let Ok(program) = Program::load(&seal(body), &native) else {
        return;
    };
    let _ = program.listing();
    // What was read is written to what reads as the same.
    let written = program.bytes();
    let again = Program::load(&written, &native).expect("what was written loads");
    assert_eq!(again.bytes(), written);
    let mut arena = Arena::new();
    for func in (0..program.functions().min(CALLS)).map(|i| FuncId(i as u32)) {
        if program.bound(func) > STEPS_MAX {
            continue;
        }
        arena.reset();
        // The end of the body also says what is asked, so that the fuzzer can change it.
        let random = Cell::new(
            body.iter()
                .rev()
                .take(8)
                .fold(func.0.into(), |n: u64, b| n << 8 | u64::from(*b)),
        );
        let args: Vec<Word<'_>> = (0..ARGS).map(|_| word(&arena, &random, 3)).collect();
        let mut cx = Cx::new(&arena, "fuzz", 0);
        let data: Vec<Word<'_>> = program.data().map(|_| word(&arena, &random, 3)).collect();
        cx.data = arena.seq(&data);
        program.run(func, &mut cx, &args);
    }
});

fn native(name: &str) -> Option<&'static Native> {
    tollgate_stdlib::library()
        .natives
        .iter()
        .find(|native| native.name == name)
        .copied()
}

/// Any word, nested at most so deep.
fn word<'a>(arena: &'a Arena, random: &Cell<u64>, nesting: u32) -> Word<'a> {
    let below = |n: u64| {
        let next = random
            .get()
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        random.set(next);
        (next >> 33) % n
    };
    let seq = |most: u64| {
        let words: Vec<Word<'a>> = (0..below(most))
            .map(|_| word(arena, random, nesting - 1))
            .collect();
        arena.seq(&words)
    };
    let texts = ["", "a", "/a/b", "GET", "shop.example", "2026-11-01", "c_1"];
    match below(if nesting == 0 { 7 } else { 9 }) {
        0 => Word::None,
        1 => Word::Bool(below(2) == 1),
        2 => Word::Int([0, 1, -1, 7, i64::MAX, i64::MIN, 1_700_000_000_000_000][below(7) as usize]),
        3 => Word::Float([0.0, 1.5, -2.0, f64::MAX][below(4) as usize]),
        4 => Word::Str(texts[below(7) as usize]),
        5 => Word::Ip(Ip([below(3) as u8; 16])),
        6 => Word::Cidr(Cidr::new(Ip([below(3) as u8; 16]), below(129) as u8)),
        7 => Word::Seq(seq(5)),
        _ => Word::Variant(below(4) as u32, seq(3)),
    }
}
