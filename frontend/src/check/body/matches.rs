//! `matches`: path patterns, globs and regular expressions, and what they bind.

use std::sync::Arc;

use regex_syntax::hir::{Hir, HirKind};
use tollgate_grammar::ast::{self, Literal, Tag, Tagged};
use tollgate_grammar::source::Span;
use tollgate_runtime::Pattern as TextPattern;
use tollgate_runtime::kinds::path::PATH_MAX;
use tollgate_runtime::pattern::{Glob, PathPattern, PatternError, Regex};

use super::super::suggest::closest;
use super::super::{Body, Def};
use super::literal::at_byte;
use crate::diagnostics::catalog::{names as name_catalog, patterns as catalog};
use crate::hir::{Capture, Expr, ExprKind, RefinementId};
use crate::types::ty::Ty;

impl Body<'_, '_> {
    pub(super) fn matches(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let value = self.infer(left, None);
        if value.ty.is_optional() {
            return self.missing_answer(&value, "it is matched");
        }
        self.matches_pattern(value, right, span)
    }

    /// Whether `value` matches the tagged text `right`; what it binds stays visible.
    pub(super) fn matches_pattern(&mut self, value: Expr, right: &ast::Expr, span: Span) -> Expr {
        let ast::ExprKind::Literal(Literal::Tagged(tagged)) = &right.kind else {
            if !right.is_error() {
                let found = catalog::not_a_pattern().at(
                    right.span,
                    "right of `matches` stands `p\"…\"`, `glob\"…\"` or `re\"…\"`",
                );
                self.checker.sink.emit(found);
            }
            return Expr::error(span);
        };
        let tag = tagged.tag;
        let fits = match tag {
            Tag::Path => matches!(value.ty, Ty::Path),
            Tag::Glob | Tag::Regex => {
                matches!(value.ty, Ty::Str { .. } | Ty::Host | Ty::HeaderName)
            }
            Tag::Ip | Tag::Instant | Tag::Zone => {
                let mut found = catalog::not_a_pattern()
                    .at(right.span, format!("`{}\"…\"` is a value", tag.symbol()));
                if tag == Tag::Ip {
                    let text = self.text_of(value.span);
                    found = found.fix(
                        "ask whether it lies in the network",
                        span,
                        format!("{text} in {}", self.text_of(right.span)),
                    );
                }
                return self.refuse(found, span);
            }
        };
        if !fits && !value.ty.is_error() {
            let shown = self.show(&value.ty);
            let mut found = catalog::cannot_match(&shown, tag.symbol())
                .at(value.span, format!("this is `{shown}`"))
                .at(tagged.tag_span, format!("a pattern over {}", over(tag)));
            found = match value.ty {
                Ty::Path => {
                    found.help("a path is matched segment by segment: `p\"/v2/{name}/**\"`")
                }
                Ty::Values { .. } => {
                    let text = self.text_of(value.span);
                    found.help(format!("`any(v in {text} where v matches …)`"))
                }
                _ => found,
            };
            self.checker.sink.emit(found);
        }
        let pattern = match self.read_pattern(tagged) {
            Ok(pattern) => pattern,
            Err(error) => {
                let found =
                    catalog::bad_pattern(tag.symbol()).at(at_byte(tagged, error.at), error.message);
                return self.refuse(found, span);
            }
        };
        let captures = self.captures(&pattern, tagged, &value.ty);
        if value.ty.is_error() || !fits {
            return Expr::error(span);
        }
        Expr::new(
            ExprKind::Matches(Box::new(value), pattern, captures),
            Ty::Bool,
            span,
        )
    }

    fn read_pattern(&mut self, tagged: &Tagged) -> Result<TextPattern, PatternError> {
        let content = &*tagged.content;
        Ok(match tagged.tag {
            Tag::Path => TextPattern::Path(Arc::new(PathPattern::parse(content)?)),
            Tag::Glob => TextPattern::Glob(Arc::new(Glob::parse(content)?)),
            _ => {
                // Asked first, because it tells the place and says it in one line.
                if let Err(error) = regex_syntax::parse(content) {
                    return Err(syntax_error(&error));
                }
                TextPattern::Regex(Arc::new(Regex::parse(content)?))
            }
        })
    }

    /// Binds what a pattern captures.
    fn captures(&mut self, pattern: &TextPattern, tagged: &Tagged, subject: &Ty) -> Vec<Capture> {
        let mut all = Vec::new();
        match pattern {
            TextPattern::Path(path) => {
                for (index, capture) in path.captures().iter().enumerate() {
                    let place = self.place_of(
                        tagged,
                        &format!("{{{}", capture.name),
                        1,
                        capture.name.len(),
                    );
                    let refined = match &capture.ty {
                        Some(ty) => match self.segment_type(ty, place) {
                            Ok(refined) => refined,
                            Err(()) => {
                                self.bind_new(&named(&capture.name, place), Ty::Error);
                                continue;
                            }
                        },
                        None => None,
                    };
                    let ty = if capture.rest {
                        Ty::Path
                    } else {
                        Ty::Str {
                            max: refined.map_or(PATH_MAX as u32, |id| {
                                self.checker.program.refinements[id]
                                    .max
                                    .min(PATH_MAX as u32)
                            }),
                            refined,
                        }
                    };
                    let local = self.bind_new(&named(&capture.name, place), ty);
                    all.push(Capture {
                        local,
                        index: index as u32,
                        refined,
                    });
                }
            }
            TextPattern::Regex(regex) => {
                let max = match subject {
                    Ty::Str { max, .. } => *max,
                    _ => 1024,
                };
                let certain = certain_groups(regex.text());
                for (name, index) in regex.groups() {
                    let place = self.place_of(tagged, &format!("<{name}>"), 1, name.len());
                    let mut ty = Ty::Str { max, refined: None };
                    if !certain.contains(&(index as u32)) {
                        ty = Ty::opt(ty);
                    }
                    let local = self.bind_new(&named(name, place), ty);
                    all.push(Capture {
                        local,
                        index: index as u32,
                        refined: None,
                    });
                }
            }
            TextPattern::Glob(_) => {}
        }
        all
    }

    /// The type behind the colon of `{cart: CartId}`.
    fn segment_type(&mut self, name: &str, place: Span) -> Result<Option<RefinementId>, ()> {
        let found = match self.find(name).map(|e| e.def) {
            Some(Def::Refinement(id)) => return Ok(Some(id)),
            Some(Def::Alias(Ty::Str { refined, .. })) => return Ok(refined),
            Some(Def::Error) => return Err(()),
            None if name == "String" => return Ok(None),
            None => {
                let scope = &self.checker.modules[self.module.0 as usize].scope;
                let mut found = name_catalog::unknown_name(name).at(place, "no such type");
                if let Some(near) = closest(name, scope.keys().map(|s| s.as_str())) {
                    found = found.help(format!("did you mean `{near}`?"));
                }
                found
            }
            Some(_) => catalog::capture_type(name).at(
                place,
                "a segment is text: `String`, or a `type X = String matching …`",
            ),
        };
        self.checker.sink.emit(found);
        Err(())
    }

    /// Where `what` stands in a tagged text: `len` bytes, `skip` bytes into it.
    fn place_of(&self, tagged: &Tagged, what: &str, skip: usize, len: usize) -> Span {
        let span = tagged.content_span;
        match tagged.content.find(what) {
            Some(at) => {
                let start = span.start + (at + skip) as u32;
                Span::new(span.file, start, start + len as u32)
            }
            None => span,
        }
    }
}

fn named(text: &str, span: Span) -> ast::Name {
    ast::Name {
        text: text.into(),
        span,
    }
}

fn syntax_error(error: &regex_syntax::Error) -> PatternError {
    let (at, message) = match error {
        regex_syntax::Error::Parse(e) => (e.span().start.offset, e.kind().to_string()),
        regex_syntax::Error::Translate(e) => (e.span().start.offset, e.kind().to_string()),
        other => (0, other.to_string()),
    };
    PatternError { at, message }
}

fn over(tag: Tag) -> &'static str {
    if tag == Tag::Path {
        "a `Path`"
    } else {
        "a `String` or a `Host`"
    }
}

/// The groups that take part in every match: those not under an alternation, nor under a repetition that may be empty.
fn certain_groups(text: &str) -> Vec<u32> {
    fn walk(hir: &Hir, certain: &mut Vec<u32>) {
        match hir.kind() {
            HirKind::Capture(group) => {
                certain.push(group.index);
                walk(&group.sub, certain);
            }
            HirKind::Concat(parts) => parts.iter().for_each(|part| walk(part, certain)),
            HirKind::Repetition(repetition) if repetition.min > 0 => walk(&repetition.sub, certain),
            HirKind::Repetition(_)
            | HirKind::Alternation(_)
            | HirKind::Empty
            | HirKind::Literal(_)
            | HirKind::Class(_)
            | HirKind::Look(_) => {}
        }
    }
    let mut certain = Vec::new();
    if let Ok(hir) = regex_syntax::parse(text) {
        walk(&hir, &mut certain);
    }
    certain
}
