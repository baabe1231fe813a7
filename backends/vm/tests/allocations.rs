//! A decision allocates nothing from the system once its arena has grown.
//!
//! Everything stands in one test: the counter is shared by all threads.
#![allow(unsafe_code, reason = "a global allocator is an unsafe trait")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use common::{Rng, arbitrary, legal};
use tollgate_backend_api::Executable;
use tollgate_backend_vm::Program;
use tollgate_runtime::{Arena, Cx, Word};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_decision_allocates_nothing_from_the_system() {
    let module = legal(include_str!("instructions.tir"));
    let program = Program::compile(&module).unwrap();
    let inputs = Arena::new();
    let mut rng = Rng(4);
    let data: Vec<Word<'_>> = module
        .data
        .values()
        .map(|d| arbitrary(&module.types, d.ty, &mut rng).word(&inputs))
        .collect();
    let mut arena = Arena::new();
    for (id, func) in module.funcs.iter() {
        let mut args = Vec::new();
        for _ in 0..20 {
            let params = func.params().iter().map(|p| func.ty(*p));
            let words = params.map(|ty| arbitrary(&module.types, ty, &mut rng).word(&inputs));
            args.push(words.collect::<Vec<_>>());
        }
        // The first round grows the arena and the room for marks, the second is measured.
        let mut marks = Vec::with_capacity(64);
        for round in 0..2 {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            for args in &args {
                arena.reset();
                let mut cx = Cx::new(&arena, "id", 0);
                cx.data = &data;
                cx.marks = std::mem::take(&mut marks);
                program.run(id, &mut cx, args);
                cx.marks.clear();
                marks = std::mem::take(&mut cx.marks);
            }
            let made = ALLOCATIONS.load(Ordering::Relaxed) - before;
            assert!(
                round == 0 || made == 0,
                "`{}` allocates {made} times",
                func.name
            );
        }
    }
}
