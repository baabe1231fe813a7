//! An allocator that counts, for tests of what allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static MADE: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, which counts for each thread what it asks for: what the threads of a test runner do meanwhile is none of a test's.
///
/// ```
/// use tollgate_backend_suite::counting::Counting;
/// #[global_allocator]
/// static MEMORY: Counting = Counting;
/// let before = MEMORY.allocations();
/// drop(std::hint::black_box(Box::new(7)));
/// assert_eq!(MEMORY.allocations() - before, 1);
/// ```
#[derive(Debug, Default)]
pub struct Counting;

impl Counting {
    /// How often this thread has asked for memory; growing what there is counts, too.
    pub fn allocations(&self) -> u64 {
        MADE.get()
    }
}

// SAFETY: every call is handed on to the system's allocator as it is. Counting asks for no memory: the counter has no destructor and is there
// from the beginning of a thread to its end.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MADE.set(MADE.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(ptr, layout) }
    }
}
