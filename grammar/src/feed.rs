//! The tokens on their way into the parser, and the reasons to end them early.
//!
//! LALRPOP looks for a place to go on after each token that it drops, with a cost that grows with the
//! square of what is open. Text that is no program could make that last for hours; so the feed keeps an
//! account of it. No action runs while tokens are dropped, and hardly a token passes without one
//! otherwise: that is how it knows.

use crate::token::{Token, TokenKind};
use std::cell::Cell;

/// What the actions tell the feed.
#[derive(Default)]
pub(crate) struct Control {
    /// Ends the tokens: enough has been reported.
    pub(crate) stop: Cell<bool>,
    /// Whether the feed has ended the tokens by itself.
    pub(crate) gave_up: Cell<bool>,
    /// Tokens since an action ran last.
    pub(crate) idle: Cell<u32>,
    /// How many brackets are open.
    depth: Cell<u64>,
    /// What dropped tokens have cost.
    spent: Cell<u64>,
}

impl Control {
    /// Puts dropped tokens on the account; ends the tokens when it is used up.
    pub(crate) fn charge(&self, dropped: u64) {
        let cost = dropped.saturating_mul((self.depth.get() + 8).pow(2));
        self.spent.set(self.spent.get().saturating_add(cost));
        if self.spent.get() > BUDGET {
            self.gave_up.set(true);
            self.stop.set(true);
        }
    }
}

/// More tokens than ever stand in a row without an action in between, even with the deepest nesting.
const MOST_IDLE: u32 = 600;

/// How much may be spent on dropped tokens: a second or two.
const BUDGET: u64 = 5_000_000;

/// Hands out tokens until there are no more, or somebody says stop.
pub(crate) struct Feed<'a> {
    tokens: std::slice::Iter<'a, Token>,
    control: &'a Control,
}

impl<'a> Feed<'a> {
    pub(crate) fn new(tokens: &'a [Token], control: &'a Control) -> Feed<'a> {
        Feed {
            tokens: tokens.iter(),
            control,
        }
    }

    /// Keeps the account.
    fn count(&mut self, token: Token) {
        use TokenKind as T;
        let depth = self.control.depth.get();
        match token.kind {
            T::ParenOpen | T::SquareOpen | T::BraceOpen | T::BlockOpen => {
                self.control.depth.set(depth + 1)
            }
            T::ParenClose | T::SquareClose | T::BraceClose | T::BlockClose => {
                self.control.depth.set(depth.saturating_sub(1));
            }
            _ => {}
        }
        let idle = self.control.idle.get().saturating_add(1);
        self.control.idle.set(idle);
        if idle > MOST_IDLE {
            self.control.charge(1);
        }
    }
}

impl Iterator for Feed<'_> {
    type Item = Result<(u32, TokenKind, u32), ()>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.control.stop.get() {
            return None;
        }
        let token = *self.tokens.next()?;
        self.count(token);
        Some(Ok((token.start, token.kind, token.end)))
    }
}
