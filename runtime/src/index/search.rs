//! Searching an index: which rules match, each condition asked only where it can still hold.

use super::Index;
use super::access::{self, Access, NONE};
use super::check::{Answers, Check, Residue, has, in_net, is, is_below, is_one_of, op};
use super::code::{Head, Header, Kind, Subject, listed, wanted, way};
use super::feature::{Base, Facts};
use super::packed::words_of;
use crate::arena::Arena;
use crate::word::Word;

/// Steps of looking at a row, beside those of its checks.
pub(super) const ROW: u64 = 1;
/// Steps of finding how many thresholds a value passes.
pub(super) const RAYS: u64 = 8;
/// Steps of asking a row's mask.
pub(super) const MASK: u64 = 1;
/// Steps of coming to a node.
pub(super) const NODE: u64 = 1;

/// How many nodes a search leaves for later before it calls itself.
const LATER: usize = 8;

/// What a search does with the rules that match.
pub(super) trait Sink {
    /// Whether rules behind one that was found are of no interest.
    const FIRST: bool;
    /// Rules from this one on are of no interest any more.
    fn limit(&self) -> u32;
    /// A rule matches. Comes in any order, and may come again.
    fn found(&mut self, rule: u32);
}

/// The least rule that matches.
pub(super) struct Least(pub(super) u32);

impl Sink for Least {
    const FIRST: bool = true;
    #[inline]
    fn limit(&self) -> u32 {
        self.0
    }
    #[inline]
    fn found(&mut self, rule: u32) {
        self.0 = self.0.min(rule);
    }
}

/// Every rule that matches, given to a function.
pub(super) struct Each<F>(pub(super) F);

impl<F: FnMut(u32)> Sink for Each<F> {
    const FIRST: bool = false;
    #[inline]
    fn limit(&self) -> u32 {
        NONE
    }
    #[inline]
    fn found(&mut self, rule: u32) {
        self.0(rule);
    }
}

/// A search in the middle of a decision.
pub(super) struct Search<'i, 'a, 'f, F, S> {
    index: &'i Index,
    facts: &'f mut F,
    /// The record that most features are fields of.
    main: &'a [Word<'a>],
    /// Words of features that are kept, where they are known.
    words: &'a mut [Option<Word<'a>>],
    answers: Answers<'a>,
    pub(super) sink: S,
    pub(super) steps: u64,
}

impl<'i, 'a, 'f, F: Facts<'a>, S: Sink> Search<'i, 'a, 'f, F, S> {
    #[inline(always)]
    pub(super) fn new(index: &'i Index, facts: &'f mut F, arena: &'a Arena, sink: S) -> Self {
        let kept = index.subjects.kept as usize;
        Search {
            index,
            main: facts.base(Base::Param(index.subjects.main)).seq(),
            facts,
            words: match kept {
                0 => &mut [],
                _ => arena.unknown(kept),
            },
            answers: Answers::new(arena),
            sink,
            steps: 0,
        }
    }

    /// Searches a node and all below it. The stack is as deep as the tree, which building bounds.
    #[inline(never)]
    fn node(&mut self, at: u32) {
        self.tree(at);
    }

    /// Searches a node and all below it. Nodes that are left for later are kept in a list, so that what a search works with can stay in
    /// registers; where there is no room in it, a call keeps them.
    #[inline(always)]
    pub(super) fn tree(&mut self, mut at: u32) {
        let code = &self.index.code;
        let mut later = [NONE; LATER];
        let mut left = 0;
        loop {
            let mut next = NONE;
            if let Some((header, behind)) = code.node(at) {
                self.steps += NODE;
                if header.least < self.sink.limit() {
                    self.facts.comes_to(at);
                    next = header.rest;
                    match header.kind {
                        Kind::Leaf => {
                            let (rows, mask) = self.masked(header, behind);
                            match mask {
                                None => self.leaf::<false>(rows, 0),
                                Some(wanted) => self.leaf::<true>(rows, wanted),
                            }
                        }
                        Kind::Up | Kind::Down => {
                            let value = self.int(header.subject);
                            self.steps += RAYS;
                            let (rows, mask) = self.masked(header, behind);
                            let up = header.kind == Kind::Up;
                            match mask {
                                None => self.rays::<false>(rows, value, up, 0),
                                Some(wanted) => self.rays::<true>(rows, value, up, wanted),
                            }
                        }
                        Kind::Branch | Kind::Listed => {
                            let child = self.child(header, behind);
                            match (child, later.get_mut(left)) {
                                (None, _) => {}
                                (Some(child), _) if next == NONE => next = child,
                                (Some(child), Some(place)) => {
                                    *place = next;
                                    left += 1;
                                    next = child;
                                }
                                (Some(child), None) => self.node(child),
                            }
                        }
                    }
                }
            }
            if next == NONE {
                let Some(last) = left.checked_sub(1) else {
                    return;
                };
                left = last;
                next = later.get(last).copied().unwrap_or(NONE);
            }
            at = next;
        }
    }

    /// The only child that the word of a node's subject leads to; where it can lead to several, they are searched.
    #[inline(always)]
    fn child(&mut self, header: Header, behind: &'i [u64]) -> Option<u32> {
        let Header {
            kind, subject, of, ..
        } = header;
        if kind == Kind::Listed {
            self.steps += access::POINTS;
            return listed(behind, of, self.int(subject));
        }
        let code = &self.index.code;
        let words = &code.words;
        match &code.accesses[of as usize] {
            Access::Texts(texts) => {
                self.steps += access::TEXTS;
                texts.find_in(words, self.str(subject).as_bytes())
            }
            Access::Points(points) => {
                self.steps += access::POINTS;
                points.find(self.int(subject))
            }
            several => {
                let word = self.word(subject);
                self.steps += several.steps();
                several.each(words, word, &mut |child| self.node(child));
                None
            }
        }
    }

    /// The rows of a node, and what their masks must have, if they have masks.
    #[inline(always)]
    fn masked(&mut self, header: Header, behind: &'i [u64]) -> (&'i [u64], Option<u64>) {
        let len = header.of as usize;
        match behind {
            [subject, behind @ ..] if header.masked => {
                let value = self.int(Subject(*subject as u32));
                (behind.get(..len).unwrap_or(&[]), Some(wanted(value)))
            }
            _ => (behind.get(..len).unwrap_or(&[]), None),
        }
    }

    /// Rows ascending by rule.
    #[inline(always)]
    fn leaf<const MASKED: bool>(&mut self, mut rows: &'i [u64], wanted: u64) {
        while let [head, rest @ ..] = rows {
            let head = Head::read(*head);
            let Some((row, behind)) = rest.split_at_checked(head.len()) else {
                return;
            };
            rows = behind;
            let checks = match (MASKED, row) {
                // Most rows end here, so nothing is done for them that is not needed.
                (true, [mask, ..]) if mask & wanted != wanted => {
                    self.steps += ROW + MASK;
                    continue;
                }
                (true, [_, checks @ ..]) => checks,
                (_, checks) => checks,
            };
            if head.rule() >= self.sink.limit() {
                return;
            }
            self.steps += head.steps();
            if self.row(checks) {
                self.sink.found(head.rule());
                if S::FIRST {
                    return;
                }
            }
        }
    }

    /// Rows by threshold: those behind the first that the value does not pass are passed by none.
    #[inline(always)]
    fn rays<const MASKED: bool>(&mut self, mut rows: &'i [u64], value: i64, up: bool, wanted: u64) {
        while let [head, threshold, ..] = rows {
            let (head, threshold) = (Head::read(*head), *threshold as i64);
            if (up && threshold > value) || (!up && threshold < value) {
                return;
            }
            let Some((row, behind)) = rows.split_at_checked(1 + head.len()) else {
                return;
            };
            rows = behind;
            self.steps += head.steps();
            let checks = match (MASKED, row) {
                (true, [_, _, mask, ..]) if mask & wanted != wanted => continue,
                (true, [_, _, _, checks @ ..]) | (false, [_, _, checks @ ..]) => checks,
                _ => return,
            };
            if head.rule() < self.sink.limit() && self.row(checks) {
                self.sink.found(head.rule());
            }
        }
    }

    /// Whether all checks of a row hold. What most checks are is told by one jump, from their op and the way of their subject together.
    #[inline(always)]
    fn row(&mut self, mut code: &'i [u64]) -> bool {
        const fn key(op: u64, way: u32) -> u64 {
            op | (way as u64) << 4
        }
        const BITS_OF_TAG: u64 = key(op::BITS, way::TAG);
        const BITS: u64 = key(op::BITS, way::FIELD);
        const LEAST: u64 = key(op::LEAST, way::FIELD);
        const MOST: u64 = key(op::MOST, way::FIELD);
        const WITHIN: u64 = key(op::WITHIN, way::FIELD);
        const TRUE: u64 = key(op::TRUE, way::FIELD);
        const PRESENT: u64 = key(op::PRESENT, way::FIELD);
        const PATTERN: u64 = key(op::PATTERN, way::FIELD);
        const NET: u64 = key(op::NET, way::FIELD);
        const TEXT: u64 = key(op::TEXT, way::FIELD);
        const TEXTS: u64 = key(op::TEXTS, way::FIELD);
        const BELOW: u64 = key(op::BELOW, way::FIELD);
        while let [check, rest @ ..] = code {
            let check = Check::read(*check);
            let field = self.main.get(check.number());
            let field = || field.unwrap_or(&Word::None);
            let holds;
            (holds, code) = match (check.key(), rest) {
                (BITS_OF_TAG, [bits, behind @ ..]) => (has(*bits, field().tag().into()), behind),
                (BITS, [bits, behind @ ..]) => (has(*bits, field().int()), behind),
                (LEAST, [lo, behind @ ..]) => (field().int() >= *lo as i64, behind),
                (MOST, [hi, behind @ ..]) => (field().int() <= *hi as i64, behind),
                (WITHIN, [lo, hi, behind @ ..]) => {
                    let range = *lo as i64..=*hi as i64;
                    (range.contains(&field().int()), behind)
                }
                (TRUE, behind) => (field().bool(), behind),
                (PRESENT, behind) => (!field().is_none(), behind),
                (PATTERN, [place, behind @ ..]) => {
                    let holds = self.pattern(check, *place, field().str());
                    (holds, behind)
                }
                (NET, [high, low, first, second, behind @ ..]) => {
                    let holds = in_net([*high, *low], &[*first, *second], field().ip());
                    (holds, behind)
                }
                (TEXTS, _) => {
                    let len = check.operand() as usize;
                    let Some((texts, behind)) = rest.split_at_checked(len) else {
                        return false;
                    };
                    (is_one_of(texts, field().str()), behind)
                }
                (TEXT | BELOW, _) => {
                    let len = check.operand() as usize;
                    let Some((text, behind)) = rest.split_at_checked(words_of(len)) else {
                        return false;
                    };
                    let holds = match check.key() {
                        TEXT => is(text, len, field().str()),
                        _ => is_below(text, len, field().str()),
                    };
                    (holds, behind)
                }
                _ => {
                    let Some((with, behind)) = rest.split_at_checked(check.len()) else {
                        return false;
                    };
                    (self.holds(check, with) == check.want(), behind)
                }
            };
            if holds != check.want() {
                return false;
            }
        }
        true
    }

    #[inline(never)]
    fn pattern(&mut self, check: Check, place: u64, text: &str) -> bool {
        check.matches(place, &self.index.code.pools, text, &mut self.answers)
    }

    #[inline(never)]
    fn holds(&mut self, check: Check, with: &'i [u64]) -> bool {
        let pools = &self.index.code.pools;
        if check.is_residue() {
            return pools.residue(check).is_some_and(|of| self.residue(of));
        }
        let word = self.word(check.subject());
        check.holds(with, pools, word, &mut self.answers)
    }

    /// As deep as conditions can be nested, which the parser bounds.
    fn residue(&mut self, residue: &'i Residue) -> bool {
        match residue {
            Residue::Check(code) => {
                let [check, with @ ..] = &code[..] else {
                    return false;
                };
                let check = Check::read(*check);
                self.steps += check.steps();
                self.holds(check, with)
            }
            Residue::All(of) => of.iter().all(|r| self.residue(r)),
            Residue::Any(of) => of.iter().any(|r| self.residue(r)),
        }
    }

    /// The word of a subject; read at most once a search, if it is kept.
    #[inline(always)]
    fn word(&mut self, subject: Subject) -> Word<'a> {
        match self.main.get(subject.number() as usize) {
            Some(word) if subject.way() == way::FIELD => *word,
            _ => self.by_the_way(subject),
        }
    }

    /// The integer of a subject, which is most often a field, or the number of a field's variant.
    #[inline(always)]
    fn int(&mut self, subject: Subject) -> i64 {
        match self.main.get(subject.number() as usize) {
            Some(Word::Variant(tag, _)) if subject.way() == way::TAG => (*tag).into(),
            Some(Word::Int(value)) if subject.way() == way::FIELD => *value,
            _ => self.by_the_way(subject).int(),
        }
    }

    /// The text of a subject, which is most often a field.
    #[inline(always)]
    fn str(&mut self, subject: Subject) -> &'a str {
        match self.main.get(subject.number() as usize) {
            Some(Word::Str(text)) if subject.way() == way::FIELD => text,
            _ => self.by_the_way(subject).str(),
        }
    }

    /// The word of a subject, whatever it is.
    #[inline(never)]
    fn by_the_way(&mut self, subject: Subject) -> Word<'a> {
        let number = subject.number() as usize;
        let field = *self.main.get(number).unwrap_or(&Word::None);
        match subject.way() {
            way::FIELD => field,
            way::TAG => Word::Int(field.tag().into()),
            way::KEPT => self.kept(number),
            _ => self.read(number),
        }
    }

    #[inline]
    fn kept(&mut self, slot: usize) -> Word<'a> {
        if let Some(word) = self.words[slot] {
            return word;
        }
        let word = self.read(slot);
        self.words[slot] = Some(word);
        word
    }

    #[inline(never)]
    fn read(&mut self, number: usize) -> Word<'a> {
        match self.index.subjects.reads.get(number) {
            Some(read) => read.read(self.facts),
            None => Word::None,
        }
    }
}
