//! Misspelt keywords, found by what cannot stand side by side.

use super::{Arranger, ends_operand};
use crate::error::SyntaxError;
use crate::token::{Token, TokenKind, nearest};

impl Arranger<'_> {
    /// The keyword that a name is probably meant to be. A name right behind an operand fits nowhere
    /// (but for a few places that are left alone), so this changes only what is wrong already.
    pub(super) fn misspelt(&mut self, token: Token, at: usize) -> Option<TokenKind> {
        use TokenKind as T;
        const ITEMS: &[T] = &[
            T::Use,
            T::Const,
            T::Type,
            T::Record,
            T::Enum,
            T::Boundary,
            T::Data,
            T::Fn,
            T::RuleSet,
            T::Guard,
            T::Table,
            T::Pipeline,
            T::State,
            T::Stream,
            T::Test,
            T::Prove,
            T::Edition,
            T::Module,
        ];
        const HEADER: &[T] = &[T::Hit, T::On, T::By, T::In, T::Matching];
        const RULES: &[T] = &[T::Rule, T::Deny, T::Group, T::Otherwise];
        const CLAUSES: &[T] = &[
            T::When,
            T::Then,
            T::Once,
            T::Within,
            T::Tags,
            T::Active,
            T::On,
            T::Rule,
            T::Deny,
            T::Group,
            T::Otherwise,
        ];
        const STEPS: &[T] = &[T::Given, T::Expect, T::Advance, T::By, T::Forall, T::Where];
        const CLAIMS: &[T] = &[T::Forall, T::Where, T::Holds];
        const STAGES: &[T] = &[T::Stage, T::Stop, T::Then];
        const INFIX: &[T] = &[
            T::And,
            T::Or,
            T::Is,
            T::In,
            T::Matches,
            T::Implies,
            T::Then,
            T::Else,
            T::Where,
            T::Per,
        ];

        let mut behind = self.out.tokens.iter().rev().map(|token| token.kind);
        let previous = behind.next();
        let before = behind.next();
        let next = self.raw.get(at + 1).map(|token| token.kind);
        let block = self.stack.last().and_then(|open| open.block);
        let starts = match previous {
            None => true,
            Some(T::BlockOpen | T::BlockClose) => true,
            Some(kind) => ends_operand(kind),
        };
        if !starts {
            return None;
        }
        let candidates: [&[T]; 2] = match block {
            None if self.stack.is_empty() => {
                // `enum Event tag "…"`; `ruleset r() -> T on s hit first`; `mode shadow until …`.
                if before == Some(T::Enum) {
                    return None;
                }
                let begins =
                    self.starts_line(at) && matches!(next, Some(T::Name | T::Label | T::Text));
                if begins || matches!(previous, None | Some(T::BlockClose)) {
                    [ITEMS, &[]]
                } else {
                    [HEADER, INFIX]
                }
            }
            None => [INFIX, &[]],
            Some(T::RuleSet | T::Guard | T::Group | T::Table) if before == Some(T::Mode) => {
                return None;
            }
            Some(T::RuleSet | T::Guard | T::Group) => match previous {
                Some(T::BlockOpen | T::BlockClose) => [RULES, &[T::Cost, T::Mode, T::Active]],
                _ => [CLAUSES, INFIX],
            },
            Some(T::Table) => [&[T::Otherwise], INFIX],
            Some(T::Pipeline) => [STAGES, INFIX],
            Some(T::Test) => [STEPS, INFIX],
            Some(T::Prove) => [CLAIMS, INFIX],
            Some(T::State | T::Stream | T::Boundary | T::Record) => [INFIX, &[]],
            Some(_) => return None,
        };
        let word = &self.text[token.start as usize..token.end as usize];
        let kinds = || candidates.iter().flat_map(|list| list.iter().copied());
        let meant = nearest(word, kinds().filter_map(TokenKind::spelling))?;
        let kind = kinds().find(|kind| kind.spelling() == Some(meant))?;
        self.report(SyntaxError::misspelt(word, meant, token.span(self.file)));
        Some(kind)
    }
}
