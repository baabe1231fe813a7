//! A decision allocates nothing from the system once its arena has grown.
//!
//! Everything stands in one test: the counter is shared by all threads.
#![allow(unsafe_code, reason = "a global allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use tollgate_backend_api::Backend;
use tollgate_backend_cranelift::Cranelift;
use tollgate_backend_suite::{CORPUS, allocates_nothing, legal};

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
    let module = legal(CORPUS);
    let program = Cranelift::default().compile(&module).unwrap();
    allocates_nothing(&module, &*program, &|| ALLOCATIONS.load(Ordering::Relaxed));
}
