//! Names, texts and literals.

use super::*;

impl<'text> Builder<'text> {
    pub(crate) fn span(&self, start: u32, end: u32) -> Span {
        self.control.idle.set(0);
        // What is empty begins with the token behind it and ends with the one before.
        Span::new(self.file, start, end.max(start))
    }

    pub(super) fn slice(&self, start: u32, end: u32) -> &'text str {
        &self.text[start as usize..end as usize]
    }

    /// `row 2`: a name and a number, one blank apart.
    pub(crate) fn numbered(&mut self, name: Name, start: u32, end: u32) -> Name {
        let number = self.slice(start, end);
        Name {
            text: Symbol::from(&*format!("{} {number}", name.text)),
            span: self.span(name.span.start, end),
        }
    }

    pub(crate) fn name(&mut self, start: u32, end: u32) -> Name {
        let text = self.slice(start, end);
        let text = self
            .symbols
            .entry(text)
            .or_insert_with(|| Symbol::from(text))
            .clone();
        Name {
            text,
            span: self.span(start, end),
        }
    }

    /// A declared name, which will be used as it stands and so may not be a keyword.
    pub(crate) fn declared(&mut self, start: u32, end: u32) -> Name {
        let name = self.name(start, end);
        let always = |kind: TokenKind, class| {
            use TokenKind as T;
            kind.is_keyword()
                && class != TokenClass::Name
                && !matches!(
                    kind,
                    T::Any | T::All | T::Only | T::No | T::Count | T::Sum | T::Deny
                )
        };
        let reserved = crate::token::FIXED
            .iter()
            .any(|&(kind, spelling, class, _)| name.text == spelling && always(kind, class));
        if reserved {
            let word: Box<str> = (&*name.text).into();
            self.report(
                SyntaxError::new(
                    SyntaxErrorKind::ReservedName { word },
                    name.span,
                    format!("`{name}` is a keyword and cannot be a name here"),
                )
                .help("a keyword is a name only behind `.` and before `:`; choose another name"),
            );
        }
        name
    }

    pub(crate) fn text_value(&mut self, start: u32, end: u32) -> Box<str> {
        let token = self.slice(start, end);
        let inner = &token[1..];
        let single = token.starts_with('\'');
        let inner = inner
            .strip_suffix(if single { '\'' } else { '"' })
            .unwrap_or(inner.trim_end());
        let (value, wrong) = literal::unescape(inner);
        for range in wrong {
            let escape = &inner[range.clone()];
            let at = start + 1 + range.start as u32;
            let span = self.span(at, at + escape.len() as u32);
            self.report(
                SyntaxError::new(
                    SyntaxErrorKind::BadEscape { escape: escape.into() },
                    span,
                    format!("there is no escape `{escape}`"),
                )
                .help("the escapes are `\\\"` `\\\\` `\\n` `\\r` `\\t` and `\\u{…}`; a backslash is written `\\\\`"),
            );
        }
        value.into()
    }

    pub(crate) fn text_node(&mut self, start: u32, end: u32) -> Text {
        Text {
            value: self.text_value(start, end),
            span: self.span(start, end),
        }
    }

    pub(crate) fn docs(&self, start: u32) -> Docs {
        let index = self
            .docs
            .binary_search_by_key(&start, |&(token, _)| token)
            .ok()?;
        let span = self.docs[index].1;
        let lines = self.text[span.range()].lines().map(|line| {
            let line = line.trim().trim_start_matches('#');
            line.strip_prefix(' ').unwrap_or(line).trim_end()
        });
        let text = lines.collect::<Vec<_>>().join("\n").into();
        Some(Box::new(Doc { text, span }))
    }

    pub(crate) fn number(&mut self, start: u32, end: u32) -> Option<Literal> {
        match literal::numeral(self.slice(start, end)) {
            Ok(literal) => Some(literal),
            Err(error) => {
                self.malformed(self.span(start, end), error);
                None
            }
        }
    }

    pub(crate) fn integer(&mut self, start: u32, end: u32) -> Option<i64> {
        match self.number(start, end) {
            Some(Literal::Int(value)) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn rate(
        &mut self,
        start: u32,
        end: u32,
        interval_start: u32,
        interval_end: u32,
    ) -> Option<Literal> {
        let amount = self.number(start, end)?;
        let interval = self.number(interval_start, interval_end)?;
        match literal::rate(amount, interval) {
            Ok(rate) => Some(rate),
            Err(error) => {
                self.malformed(self.span(start, interval_end), error);
                None
            }
        }
    }

    pub(crate) fn negative(&mut self, start: u32, number: Option<Literal>) -> Option<Literal> {
        let number = number?;
        let negated = literal::negated(&number);
        if negated.is_none() {
            let error = NumeralError::Malformed {
                why: "a size or a rate has no minus sign",
                instead: None,
            };
            self.malformed(self.span(start, start + 1), error);
        }
        negated
    }

    pub(crate) fn tagged(&mut self, start: u32, end: u32) -> Option<Literal> {
        let token = self.slice(start, end);
        let quote = token.find('"')?;
        let word = &token[..quote];
        let tag_end = start + quote as u32;
        let tag_span = self.span(start, tag_end);
        let Some(tag) = Tag::from_symbol(word) else {
            let similar = nearest(word, ["glob", "re", "ip", "tz"]).and_then(Tag::from_symbol);
            let error = SyntaxError::new(
                SyntaxErrorKind::UnknownTag {
                    tag: word.into(),
                    similar,
                },
                tag_span,
                format!("there is no tag `{word}`"),
            );
            self.report(match similar {
                Some(tag) => {
                    error.replace(format!("write `{}`", tag.symbol()), tag_span, tag.symbol())
                }
                None => error.help("the tags are `p`, `glob`, `re`, `ip`, `t` and `tz`"),
            });
            return None;
        };
        let inner = &token[quote + 1..];
        let content = inner.strip_suffix('"').unwrap_or(inner.trim_end());
        let content_span = self.span(tag_end + 1, tag_end + 1 + content.len() as u32);
        Some(Literal::Tagged(Box::new(Tagged {
            tag,
            tag_span,
            content: content.into(),
            content_span,
        })))
    }
}
