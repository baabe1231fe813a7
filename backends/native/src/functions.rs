//! The table of functions of the runtime that compiled code may call.
//!
//! A row reads
//!
//! ```text
//! /// What it does.
//! name = Name(parameter: Role, …) -> Role, Effect;
//! ```
//!
//! The roles are the types below; each is one [`Kind`] of register. From a row follow the field of [`Functions`] (a pointer to the C function
//! of that name in `bodies.rs`), the variant of [`Function`], and what a code generator has to know: registers, effect, offset.

use std::mem::offset_of;

use crate::context::Context;
use crate::layout::RawWord;
use crate::repr::Kind;

mod bodies;

pub(crate) use bodies::natives;

/// The context of the decision.
pub type Cx = *mut Context;
/// Words that are read.
pub type Words = *const RawWord;
/// Words that are written.
pub type Out = *mut RawWord;
/// The bytes of a text.
pub type Bytes = *const u8;
/// How many bytes or words.
pub type Len = usize;
/// A number of the program: of a pattern, native, index or site, or of a capture.
pub type Id = u32;
/// A truth value, or how many bits count.
pub type Flag = u8;
/// An integer.
pub type Int = i64;
/// A float.
pub type Float = f64;
/// Nothing.
pub type Nothing = ();

/// What a code generator may assume of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// A function of its arguments and of what they point at; writes nothing.
    Reads,
    /// Writes where its arguments of role `Out` point, and to the arena, and nothing else that compiled code sees.
    Writes,
    /// Besides, may do what is seen from outside: it is kept, in order, and nothing is said of what it touches.
    Asks,
    /// Besides, may add to the trace, and so change the context's marks.
    Marks,
}

/// Hands the whole table to a macro.
#[macro_export]
macro_rules! for_each_function {
    ($callback:path) => {
        $callback! {
            /// Room for so many words in the arena; all are absent.
            words = Words(cx: Cx, len: Len) -> Out, Writes;
            /// Adds a site to the trace.
            mark = Mark(cx: Cx, site: Id) -> Nothing, Marks;

            /// `imul_sat`
            imul_sat = ImulSat(a: Int, b: Int) -> Int, Reads;
            /// `pmul`
            pmul = Pmul(a: Int, b: Int) -> Int, Reads;
            /// `pdiv`
            pdiv = Pdiv(a: Int, b: Int) -> Int, Reads;
            /// `pround`
            pround = Pround(a: Int) -> Int, Reads;
            /// A float as the language has them: finite, never minus zero.
            settle = Settle(a: Float) -> Float, Reads;

            /// Compares texts by bytes: below 0, 0 or above 0, as `a` is less than, equal to or greater than `b`.
            text_order = TextOrder(a: Bytes, a_len: Len, b: Bytes, b_len: Len) -> Int, Reads;
            /// Whether two stretches of the same length have the same bytes.
            bytes_same = BytesSame(a: Bytes, b: Bytes, len: Len) -> Flag, Reads;
            /// Whether two words, each one word, are structurally equal.
            same = Same(a: Words, b: Words) -> Flag, Reads;

            /// The set of some words, which are sorted in place; the result is one word.
            set = Set(cx: Cx, items: Out, len: Len, out: Out) -> Nothing, Writes;
            /// The map of keys and values in turn.
            map = Map(cx: Cx, items: Words, len: Len, out: Out) -> Nothing, Writes;
            /// The list of those words that are present.
            collect = Collect(cx: Cx, items: Words, len: Len, out: Out) -> Nothing, Writes;
            /// The path of some texts, joined.
            path_join = PathJoin(cx: Cx, parts: Words, len: Len, out: Out) -> Nothing, Writes;

            /// What a map of so many words holds for a key, absent if nothing.
            lookup = Lookup(entries: Words, len: Len, key: Words, out: Out) -> Nothing, Writes;
            /// Where a text stands among those of a constant that [has a table](crate::known::has_table), from 0; -1 if nowhere.
            text_place = TextPlace(cx: Cx, constant: Id, text: Bytes, len: Len) -> Int, Reads;
            /// Whether a list has an element.
            list_has = ListHas(items: Words, len: Len, item: Words) -> Flag, Reads;
            /// Whether a set has an element.
            set_has = SetHas(items: Words, len: Len, item: Words) -> Flag, Reads;
            /// Whether one of a set or list of networks has an address, given by its two halves.
            cidrs_have = CidrsHave(items: Words, len: Len, ip: Int, ip_rest: Int) -> Flag, Reads;
            /// Whether a network has an address.
            cidr_has = CidrHas(net: Int, net_rest: Int, bits: Flag, ip: Int, ip_rest: Int) -> Flag, Reads;

            /// Whether a whole text matches a pattern of the program.
            matches = Matches(cx: Cx, pattern: Id, text: Bytes, len: Len) -> Flag, Reads;
            /// What a path pattern captures of a path; a text.
            path_capture = PathCapture(cx: Cx, pattern: Id, text: Bytes, len: Len, index: Id, out: Out) -> Nothing, Writes;
            /// What a group of a regular expression takes of a text; an optional text.
            regex_capture = RegexCapture(cx: Cx, pattern: Id, text: Bytes, len: Len, index: Id, out: Out) -> Nothing, Writes;

            /// Calls a native of the program.
            native = Native(cx: Cx, native: Id, args: Words, len: Len, out: Out) -> Nothing, Writes;
            /// Asks the states of the decision what the operation of a place does.
            ask = Ask(cx: Cx, place: Id, args: Words, len: Len, out: Out) -> Nothing, Asks;
            /// What a place answered in this decision.
            answer = Answer(cx: Cx, place: Id, out: Out) -> Nothing, Asks;
            /// Decides by an index of the program, and forgets the marks.
            search = Search(cx: Cx, index: Id, args: Words, len: Len, out: Out) -> Nothing, Marks;
            /// Decides by an index of the program, and keeps the marks.
            search_marked = SearchMarked(cx: Cx, index: Id, args: Words, len: Len, out: Out) -> Nothing, Marks;
        }
    };
}

/// The register of a role.
macro_rules! kind {
    (Cx) => {
        Some(Kind::Pointer)
    };
    (Words) => {
        Some(Kind::Pointer)
    };
    (Out) => {
        Some(Kind::Pointer)
    };
    (Bytes) => {
        Some(Kind::Pointer)
    };
    (Len) => {
        Some(Kind::Int)
    };
    (Int) => {
        Some(Kind::Int)
    };
    (Id) => {
        Some(Kind::Id)
    };
    (Flag) => {
        Some(Kind::Flag)
    };
    (Float) => {
        Some(Kind::Float)
    };
    (Nothing) => {
        None
    };
}

macro_rules! define_functions {
    ($($(#[doc = $doc:literal])* $name:ident = $variant:ident($($param:ident: $role:ident),*) -> $result:ident, $effect:ident;)*) => {
        /// What compiled code calls, by place: [`Function::offset`] says where each stands.
        #[derive(Debug)]
        #[repr(C)]
        #[allow(clippy::type_complexity, reason = "the types are the rows")]
        pub struct Functions {
            $($(#[doc = $doc])* pub $name: unsafe extern "C" fn($($role),*) -> $result,)*
        }

        /// The functions of this process.
        pub static FUNCTIONS: Functions = Functions { $($name: bodies::$name,)* };

        /// A function that compiled code may call; see the table.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        pub enum Function {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Function {
            /// Every function, in the order of the table.
            pub const ALL: &'static [Function] = &[$(Function::$variant),*];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Function::$variant => stringify!($name),)* }
            }

            /// The registers of its parameters.
            pub const fn params(self) -> &'static [Kind] {
                match self { $(Function::$variant => const { &[$(some(kind!($role))),*] },)* }
            }

            /// The register of its result, if it has one.
            pub const fn result(self) -> Option<Kind> {
                match self { $(Function::$variant => kind!($result),)* }
            }

            /// What may be assumed of a call.
            pub fn effect(self) -> Effect {
                match self { $(Function::$variant => Effect::$effect,)* }
            }

            /// Where its address stands in [`Functions`].
            pub fn offset(self) -> i32 {
                match self { $(Function::$variant => const { offset_of!(Functions, $name) as i32 },)* }
            }

            /// Its address in this process.
            pub fn address(self) -> *const u8 {
                match self { $(Function::$variant => FUNCTIONS.$name as *const u8,)* }
            }
        }
    };
}

for_each_function!(define_functions);

/// A parameter has a register.
const fn some(kind: Option<Kind>) -> Kind {
    match kind {
        Some(kind) => kind,
        None => panic!("a parameter is not nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_its_place() {
        for (i, function) in Function::ALL.iter().enumerate() {
            assert_eq!(function.offset() as usize, i * size_of::<usize>());
            assert!(!function.address().is_null());
        }
        assert_eq!(size_of::<Functions>(), Function::ALL.len() * 8);
        let has = Function::CidrHas;
        assert_eq!((has.name(), has.params().len()), ("cidr_has", 5));
        assert_eq!(has.result(), Some(Kind::Flag));
    }
}
