//! What stands behind the rows of the table: each takes its arguments apart and asks the runtime or `tollgate_ir::semantics`.
//!
//! # Safety
//! All of them are called by compiled code only, which gives what the row says: a context that is in use, pointers to as many words or
//! bytes as the length behind them says, which live as long as the decision, and text where the row says text.

#![allow(
    clippy::missing_safety_doc,
    reason = "the head of the file says what compiled code owes to all of them"
)]

use std::slice;

use tollgate_ir::semantics;
use tollgate_runtime::kinds::net::{Cidr, Ip};
use tollgate_runtime::word;
use tollgate_runtime::{Arena, Mark, Pattern, Word};

use super::{Bytes, Cx, Flag, Float, Id, Int, Len, Out, Words};
use crate::context::Context;
use crate::layout::RawWord;
use crate::program::Shared;
use crate::search::Searching;

pub(super) unsafe extern "C" fn words(cx: Cx, len: Len) -> Out {
    // SAFETY: the context is in use.
    unsafe { arena(cx) }.slots(len).as_mut_ptr().cast()
}

pub(super) unsafe extern "C" fn mark(cx: Cx, site: Id) {
    // SAFETY: the context is in use, and nothing else refers to it meanwhile.
    unsafe { Context::push_mark(cx, Mark(site)) };
}

pub(super) unsafe extern "C" fn imul_sat(a: Int, b: Int) -> Int {
    a.saturating_mul(b)
}

pub(super) unsafe extern "C" fn pmul(a: Int, b: Int) -> Int {
    semantics::pmul(a, b)
}

pub(super) unsafe extern "C" fn pdiv(a: Int, b: Int) -> Int {
    semantics::pdiv(a, b)
}

pub(super) unsafe extern "C" fn pround(a: Int) -> Int {
    semantics::pround(a)
}

pub(super) unsafe extern "C" fn settle(a: Float) -> Float {
    word::settle(a)
}

pub(super) unsafe extern "C" fn text_order(a: Bytes, a_len: Len, b: Bytes, b_len: Len) -> Int {
    // SAFETY: both are stretches of readable bytes.
    let (a, b) = unsafe { (bytes(a, a_len), bytes(b, b_len)) };
    a.cmp(b) as Int
}

pub(super) unsafe extern "C" fn bytes_same(a: Bytes, b: Bytes, len: Len) -> Flag {
    // SAFETY: both are stretches of readable bytes.
    let (a, b) = unsafe { (bytes(a, len), bytes(b, len)) };
    (a == b).into()
}

pub(super) unsafe extern "C" fn same(a: Words, b: Words) -> Flag {
    // SAFETY: both are words.
    let (a, b) = unsafe { (one(a), one(b)) };
    a.same(b).into()
}

pub(super) unsafe extern "C" fn set(cx: Cx, items: Out, len: Len, out: Out) {
    // SAFETY: the items are words that only the caller knows of, and there is room for the result.
    unsafe {
        let items = slice::from_raw_parts_mut(items.cast::<Word<'static>>(), len);
        give(out, semantics::set(arena(cx), items));
    }
}

pub(super) unsafe extern "C" fn map(cx: Cx, items: Words, len: Len, out: Out) {
    // SAFETY: the items are words, and there is room for the result.
    unsafe { give(out, semantics::map(arena(cx), many(items, len))) }
}

pub(super) unsafe extern "C" fn collect(cx: Cx, items: Words, len: Len, out: Out) {
    // SAFETY: the items are words, and there is room for the result.
    unsafe { give(out, semantics::collect(arena(cx), many(items, len))) }
}

pub(super) unsafe extern "C" fn path_join(cx: Cx, parts: Words, len: Len, out: Out) {
    // SAFETY: the parts are words, and there is room for the result.
    unsafe { give(out, semantics::path_join(arena(cx), many(parts, len))) }
}

pub(super) unsafe extern "C" fn lookup(entries: Words, len: Len, key: Words, out: Out) {
    // SAFETY: entries and key are words, and there is room for the result.
    unsafe { give(out, Word::Seq(many(entries, len)).map_get(one(key))) }
}

pub(super) unsafe extern "C" fn text_place(cx: Cx, constant: Id, text: Bytes, len: Len) -> Int {
    // SAFETY: the context is in use, and the bytes can be read.
    let (shared, text) = unsafe { (shared(cx), bytes(text, len)) };
    let table = shared
        .tables
        .get(constant as usize)
        .and_then(Option::as_ref);
    table
        .and_then(|table| table.place(text))
        .map_or(-1, Int::from)
}

pub(super) unsafe extern "C" fn list_has(items: Words, len: Len, item: Words) -> Flag {
    // SAFETY: the items and the item are words.
    let (items, item) = unsafe { (many(items, len), one(item)) };
    Word::Seq(items).list_has(item).into()
}

pub(super) unsafe extern "C" fn set_has(items: Words, len: Len, item: Words) -> Flag {
    // SAFETY: the items and the item are words.
    let (items, item) = unsafe { (many(items, len), one(item)) };
    Word::Seq(items).set_has(item).into()
}

pub(super) unsafe extern "C" fn cidrs_have(items: Words, len: Len, ip: Int, ip_rest: Int) -> Flag {
    // SAFETY: the items are words.
    let items = unsafe { many(items, len) };
    semantics::cidrs_have(Word::Seq(items), address(ip, ip_rest)).into()
}

pub(super) unsafe extern "C" fn cidr_has(
    net: Int,
    net_rest: Int,
    bits: Flag,
    ip: Int,
    ip_rest: Int,
) -> Flag {
    let net = Cidr::new(address(net, net_rest), bits);
    net.has(address(ip, ip_rest)).into()
}

pub(super) unsafe extern "C" fn matches(cx: Cx, pattern: Id, text: Bytes, len: Len) -> Flag {
    // SAFETY: the context is in use, and the bytes are text.
    let (pattern, text) = unsafe { (pattern_of(cx, pattern), str(text, len)) };
    pattern.is_some_and(|p| semantics::matches(p, text)).into()
}

pub(super) unsafe extern "C" fn path_capture(
    cx: Cx,
    pattern: Id,
    text: Bytes,
    len: Len,
    index: Id,
    out: Out,
) {
    // SAFETY: the context is in use, the bytes are text, and there is room for the result.
    unsafe {
        let (pattern, text) = (pattern_of(cx, pattern), str(text, len));
        let found = pattern.map_or("", |p| semantics::path_capture(p, text, index as usize));
        give(out, Word::Str(found));
    }
}

pub(super) unsafe extern "C" fn regex_capture(
    cx: Cx,
    pattern: Id,
    text: Bytes,
    len: Len,
    index: Id,
    out: Out,
) {
    // SAFETY: the context is in use, the bytes are text, and there is room for the result.
    unsafe {
        let (pattern, text) = (pattern_of(cx, pattern), str(text, len));
        let found = pattern.map_or(Word::None, |p| {
            semantics::regex_capture(p, text, index as usize)
        });
        give(out, found);
    }
}

pub(super) unsafe extern "C" fn native(cx: Cx, native: Id, args: Words, len: Len, out: Out) {
    // SAFETY: the context is in use, the arguments are words, and there is room for the result.
    unsafe {
        let word = match shared(cx).natives.get(native as usize) {
            Some(native) => (native.call)(natives(cx), many(args, len)),
            None => Word::None,
        };
        give(out, word);
    }
}

pub(super) unsafe extern "C" fn ask(cx: Cx, place: Id, args: Words, len: Len, out: Out) {
    // SAFETY: the context is in use, the arguments are words, and there is room for the result, which is a word once one was given.
    unsafe {
        give(out, Word::None);
        natives(cx).put(place, many(args, len), &mut *out.cast());
    }
}

pub(super) unsafe extern "C" fn answer(cx: Cx, place: Id, out: Out) {
    // SAFETY: the context is in use, and there is room for the result.
    unsafe { give(out, natives(cx).answer(place)) }
}

pub(super) unsafe extern "C" fn search(cx: Cx, index: Id, args: Words, len: Len, out: Out) {
    // SAFETY: what is owed to `search_marked`, and the context is in use before and after it.
    unsafe {
        let marks = (*cx).marks_len;
        search_marked(cx, index, args, len, out);
        (*cx).marks_len = marks;
    }
}

pub(super) unsafe extern "C" fn search_marked(cx: Cx, index: Id, args: Words, len: Len, out: Out) {
    // SAFETY: the context is in use, the arguments are words, and there is room for the result.
    unsafe {
        let word = match shared(cx).indexes.get(index as usize) {
            Some(index) => {
                let args = many(args, len);
                *index.decider.decide(&mut Searching::new(cx, index, args))
            }
            None => Word::None,
        };
        give(out, word);
    }
}

/// # Safety
/// The context is in use. What is given does not outlive the decision: compiled code keeps it in the decision's words only.
unsafe fn shared(cx: Cx) -> &'static Shared {
    // SAFETY: a context in use refers to the program that runs.
    unsafe { &*(*cx).shared }
}

/// # Safety
/// As [`shared`].
pub(crate) unsafe fn natives(cx: *mut Context) -> &'static tollgate_runtime::Cx<'static> {
    // SAFETY: a context in use refers to the context of the decision, which nobody writes to while compiled code runs, or to none.
    match unsafe { (*cx).cx.as_ref() } {
        Some(cx) => cx,
        None => tollgate_ir::bug!("a function that stands alone asks for the decision's context"),
    }
}

/// # Safety
/// As [`shared`].
unsafe fn arena(cx: Cx) -> &'static Arena {
    // SAFETY: a context in use refers to the arena of the decision.
    unsafe { &*(*cx).arena }
}

/// # Safety
/// As [`shared`].
unsafe fn pattern_of(cx: Cx, pattern: Id) -> Option<&'static Pattern> {
    // SAFETY: the caller's.
    unsafe { shared(cx) }.patterns.get(pattern as usize)
}

/// # Safety
/// A word stands there, whose borrows live as long as the decision.
unsafe fn one(word: Words) -> Word<'static> {
    // SAFETY: the caller's.
    unsafe { (*word).word() }
}

/// # Safety
/// So many words stand there, whose borrows live as long as the decision. The words themselves, which may lie on the stack of
/// compiled code, are there until the function that was called returns.
unsafe fn many<'call>(words: Words, len: Len) -> &'call [Word<'static>] {
    // SAFETY: the caller's; words and raw words have one layout.
    unsafe { slice::from_raw_parts(words.cast(), len) }
}

/// # Safety
/// So many bytes can be read there, as long as the decision lives.
unsafe fn bytes(bytes: Bytes, len: Len) -> &'static [u8] {
    // SAFETY: the caller's.
    unsafe { slice::from_raw_parts(bytes, len) }
}

/// # Safety
/// So many bytes of text can be read there.
unsafe fn str(text: Bytes, len: Len) -> &'static str {
    // SAFETY: the caller's: text of a word is whole characters.
    unsafe { str::from_utf8_unchecked(bytes(text, len)) }
}

/// # Safety
/// There is room for a word.
unsafe fn give(out: Out, word: Word<'static>) {
    // SAFETY: the caller's.
    unsafe { *out = RawWord::from(word) }
}

/// An address of its halves, as they stand in memory.
fn address(ip: Int, rest: Int) -> Ip {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&ip.to_ne_bytes());
    bytes[8..].copy_from_slice(&rest.to_ne_bytes());
    Ip(bytes)
}
