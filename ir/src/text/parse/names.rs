//! Types, and names of what there is.

use std::borrow::Cow;

use super::lex::{Tok, unescape};
use super::{NESTING_MAX, ParseError, Parser, Res};
use crate::entities::{Entity, FuncId, IndexId, RuleSetId};
use crate::types::{Type, TypeData};

impl<'t> Parser<'t> {
    pub(super) fn ty(&mut self) -> Res<Type> {
        self.nested(|p| {
            let mut ty = p.simple_type()?;
            while p.eat(b'?') {
                ty = p.module.types.opt(ty);
                p.depth += 1;
                if p.depth > NESTING_MAX {
                    return Err(p.too_deep());
                }
            }
            Ok(ty)
        })
    }

    pub(super) fn simple_type(&mut self) -> Res<Type> {
        if self.eat(b'[') {
            let of = self.ty()?;
            self.punct(b']')?;
            return Ok(self.module.types.list(of));
        }
        if self.eat(b'{') {
            let of = self.ty()?;
            let data = if self.eat(b':') {
                TypeData::Map(of, self.ty()?)
            } else {
                TypeData::Set(of)
            };
            self.punct(b'}')?;
            return Ok(self.module.types.intern(data));
        }
        let token = self.peek();
        if token.tok == Tok::Word {
            let scalar = match self.token_text(token) {
                "bool" => Some(Type::BOOL),
                "int" => Some(Type::INT),
                "float" => Some(Type::FLOAT),
                "str" => Some(Type::STR),
                "bytes" => Some(Type::BYTES),
                "ip" => Some(Type::IP),
                "cidr" => Some(Type::CIDR),
                _ => None,
            };
            if let Some(scalar) = scalar {
                self.at += 1;
                return Ok(scalar);
            }
        }
        let at = self.at;
        let name = self.name()?;
        match self.names.types.get(name.as_ref()).copied() {
            Some(data) => Ok(self.module.types.intern(data)),
            None => Err(self.fail_at(at, format!("there is no type `{name}`"))),
        }
    }

    pub(super) fn types_in_parens(&mut self) -> Res<Vec<Type>> {
        self.list(b'(', b')', Self::ty)
    }

    pub(super) fn func_name(&mut self) -> Res<FuncId> {
        let at = self.at;
        let name = self.name()?;
        match self.names.funcs.get(name.as_ref()) {
            Some(id) => Ok(*id),
            None => Err(self.fail_at(at, format!("there is no function `{name}`"))),
        }
    }

    pub(super) fn ruleset_name(&mut self) -> Res<RuleSetId> {
        let at = self.at;
        let name = self.name()?;
        match self.names.rulesets.get(name.as_ref()) {
            Some(id) => Ok(*id),
            None => Err(self.fail_at(at, format!("there is no rule set `{name}`"))),
        }
    }

    pub(super) fn index_name(&mut self) -> Res<IndexId> {
        let at = self.at;
        let name = self.name()?;
        match self.names.indexes.get(name.as_ref()) {
            Some(id) => Ok(*id),
            None => Err(self.fail_at(at, format!("there is no index `{name}`"))),
        }
    }

    /// A word or quoted name.
    pub(super) fn name(&mut self) -> Res<Cow<'t, str>> {
        match self.peek().tok {
            Tok::Word => Ok(Cow::Borrowed(self.word()?)),
            Tok::Str => self.string(),
            _ => Err(self.fail("expected a name")),
        }
    }

    pub(super) fn string(&mut self) -> Res<Cow<'t, str>> {
        let token = self.peek();
        if token.tok != Tok::Str {
            return Err(self.fail("expected a text in quotes"));
        }
        self.at += 1;
        unescape(self.token_text(token)).map_err(|at| {
            let at = token.start as usize + 1 + at;
            ParseError::at(
                self.text,
                at,
                "this escape is none of \\n \\r \\t \\0 \\\\ \\\" \\' \\u{…}",
            )
        })
    }

    /// An entity of the given prefix: the number behind it.
    pub(super) fn entity<E: Entity>(&mut self, prefix: &str) -> Res<E> {
        let at = self.at;
        match self.numbered(prefix) {
            Some(number) => {
                self.at += 1;
                Ok(E::new(number as usize))
            }
            None => Err(self.fail_at(at, format!("expected `{prefix}` and its number"))),
        }
    }

    /// The number of the entity at hand, if it is one of this prefix. Written canonically, so that names cannot be confused.
    pub(super) fn numbered(&self, prefix: &str) -> Option<u32> {
        let token = self.peek();
        let digits = match token.tok {
            Tok::Word => self.token_text(token).strip_prefix(prefix)?,
            _ => return None,
        };
        let canonical = digits == "0" || !digits.starts_with(['0', '+']);
        digits.parse().ok().filter(|n| canonical && *n < u32::MAX)
    }
}
