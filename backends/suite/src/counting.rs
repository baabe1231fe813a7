//! An allocator that counts, for tests of what allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's allocator, which counts. The counter is shared by all threads, so a test that reads it stands alone in its file.
///
/// ```
/// use tollgate_backend_suite::counting::Counting;
/// #[global_allocator]
/// static MEMORY: Counting = Counting::new();
/// let before = MEMORY.allocations();
/// drop(std::hint::black_box(Box::new(7)));
/// assert!(MEMORY.allocations() > before);
/// ```
#[derive(Debug, Default)]
pub struct Counting(AtomicU64);

impl Counting {
    /// One that has counted nothing.
    pub const fn new() -> Counting {
        Counting(AtomicU64::new(0))
    }

    /// How often memory was asked for; growing what there is counts, too.
    pub fn allocations(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

// SAFETY: every call is handed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(ptr, layout) }
    }
}
