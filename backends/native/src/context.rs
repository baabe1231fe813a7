//! What compiled code is handed beside its arguments.

use std::mem::offset_of;

use tollgate_runtime::{Arena, Cx, Mark};

use crate::functions::Functions;
use crate::layout::RawWord;
use crate::program::Shared;

/// How a compiled function is called from outside: context, one word a parameter, room for the result.
///
/// # Safety
/// The context is one that [`Compiled`](crate::Compiled) made, the arguments are as many words as the function has parameters, and live as long
/// as the context's.
pub type Entry = unsafe extern "C" fn(*mut Context, *const RawWord, *mut RawWord);

/// The context of one decision, as compiled code reads it. Fields that only the runtime looks at stand at the end.
#[derive(Debug)]
#[repr(C)]
pub struct Context {
    /// What compiled code may call.
    pub functions: *const Functions,
    /// The constants of the program, one word each, in the order of the module.
    pub constants: *const RawWord,
    /// The data that the host gave, one word each, in the order of the module.
    pub data: *const RawWord,
    /// The decision's id: its length.
    pub id_len: usize,
    /// The decision's id: its bytes.
    pub id: *const u8,
    /// The decision's time.
    pub time: i64,
    /// The trace. Between decisions, and while it grows, it is the vector at [`Context::list`].
    pub marks: *mut Mark,
    /// For how many there is room.
    pub marks_capacity: usize,
    /// How many marks there are.
    pub marks_len: usize,
    /// Absent words, at least one and as many as the longest record of the program has fields: what a record reads as that is none.
    pub zeros: *const RawWord,
    /// What the runtime's functions read of the program.
    pub(crate) shared: *const Shared,
    /// Where values made during the decision live.
    pub(crate) arena: *const Arena,
    /// The vector that the marks are kept in.
    pub(crate) list: *mut Vec<Mark>,
    /// The context that natives are given; null where [nothing asks for it](crate::Plan::is_alone).
    pub(crate) cx: *mut Cx<'static>,
}

/// The trace. Of a context that is handed to code that [stands alone](crate::Plan::is_alone) not every field is there, so none of these makes a
/// reference to the whole.
impl Context {
    /// Adds to the trace.
    ///
    /// # Safety
    /// The fields of the trace are there, and the vector at [`Context::list`] is borrowed as long as this is used.
    #[inline]
    pub(crate) unsafe fn push_mark(at: *mut Context, mark: Mark) {
        // SAFETY: the caller's; there is room behind the marks there are.
        unsafe {
            if (*at).marks_len == (*at).marks_capacity {
                Context::grow_marks(at);
            }
            (*at).marks.add((*at).marks_len).write(mark);
            (*at).marks_len += 1;
        }
    }

    /// # Safety
    /// As [`Context::push_mark`].
    #[cold]
    unsafe fn grow_marks(at: *mut Context) {
        // SAFETY: the caller's.
        unsafe {
            Context::give_marks_back(at);
            let marks = &mut *(*at).list;
            marks.reserve(1);
            (*at).marks = marks.as_mut_ptr();
            (*at).marks_capacity = marks.capacity();
        }
    }

    /// Makes the vector as long as there are marks in it.
    ///
    /// # Safety
    /// As [`Context::push_mark`]; compiled code only writes marks where there is room, and sets the length to what it was before or increases it as
    /// it writes.
    #[inline]
    pub(crate) unsafe fn give_marks_back(at: *mut Context) {
        // SAFETY: the caller's.
        unsafe { (*(*at).list).set_len((*at).marks_len) };
    }
}

/// Where compiled code finds the fields of a [`Context`].
macro_rules! offsets {
    ($($(#[$doc:meta])* $name:ident = $field:ident;)*) => {
        impl Context {
            $($(#[$doc])* pub const $name: i32 = offset_of!(Context, $field) as i32;)*
        }
    };
}

offsets! {
    /// Where [`Context::functions`] lies.
    FUNCTIONS = functions;
    /// Where [`Context::constants`] lies.
    CONSTANTS = constants;
    /// Where [`Context::data`] lies.
    DATA = data;
    /// Where [`Context::id`] lies.
    ID = id;
    /// Where [`Context::id_len`] lies.
    ID_LEN = id_len;
    /// Where [`Context::time`] lies.
    TIME = time;
    /// Where [`Context::marks`] lies.
    MARKS = marks;
    /// Where [`Context::marks_len`] lies.
    MARKS_LEN = marks_len;
    /// Where [`Context::marks_capacity`] lies.
    MARKS_CAPACITY = marks_capacity;
    /// Where [`Context::zeros`] lies.
    ZEROS = zeros;
}
