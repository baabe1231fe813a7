//! Builtins that end in text or a hash of it: `hash`, `key`, `jitter`.

use std::sync::Arc;

use tollgate_runtime::Value;
use tollgate_runtime::schema::STRING_LIMIT;

use super::super::Body;
use super::builtin::Site;
use crate::diagnostics::catalog::types as catalog;
use crate::hir::{Expr, ExprKind, Pattern};
use crate::types::ty::{Interval, Ty, Unit};

impl Body<'_, '_> {
    pub(super) fn hash(&mut self, site: Site) -> Expr {
        match &site.args[0].ty {
            Ty::Str { .. } => self.call_native("hash_text", site.args, None, site.span),
            Ty::Num(..) => self.call_native("hash_int", site.args, None, site.span),
            Ty::Host | Ty::Path | Ty::Ip | Ty::Cidr | Ty::Key => {
                let span = site.span;
                match site.args.into_iter().next().and_then(|a| self.as_text(a)) {
                    Some(text) => self.call_native("hash_text", vec![text], None, span),
                    None => Expr::error(span),
                }
            }
            _ => self.wrong_argument(&site, 0, "a text, a number, a host, a path or an address"),
        }
    }

    pub(super) fn key(&mut self, site: Site) -> Expr {
        const MOST: usize = 16;
        let span = site.span;
        if site.args.len() > MOST {
            let found =
                catalog::too_many_arguments("key", MOST).at(site.args[MOST].span, "one too many");
            return self.refuse(found, span);
        }
        let mut parts = Vec::with_capacity(site.args.len());
        for i in 0..site.args.len() {
            match self.as_text(site.args[i].clone()) {
                Some(part) => parts.push(part),
                None => {
                    return self.wrong_argument(
                        &site,
                        i,
                        "texts, numbers, times, addresses and variants",
                    );
                }
            }
        }
        let ty = Ty::List(
            Arc::new(Ty::Str {
                max: STRING_LIMIT,
                refined: None,
            }),
            parts.len() as u32,
        );
        let list = Expr::new(ExprKind::List(parts), ty, span);
        self.call_native("key_join", vec![list], Some(Ty::Key), span)
    }

    /// The text that stands for a value in a key; what cannot be one is reported.
    pub(crate) fn key_text(&mut self, value: Expr) -> Option<Expr> {
        let (span, shown) = (value.span, self.show(&value.ty));
        if value.ty.is_error() {
            return None;
        }
        let text = self.as_text(value);
        if text.is_none() {
            let wanted = "a text, a number, a time, an address or a variant";
            let found =
                catalog::wrong_argument("of", wanted).at(span, format!("this is `{shown}`"));
            self.checker.sink.emit(found);
        }
        text
    }

    /// The text that stands for a value in a key.
    pub(super) fn as_text(&mut self, value: Expr) -> Option<Expr> {
        let span = value.span;
        let native = match &value.ty {
            Ty::Str { .. } | Ty::Key => return Some(value),
            Ty::Num(Unit::One | Unit::Money(_), _) => "text_of_int",
            Ty::Num(Unit::Percent, _) => "text_of_percent",
            Ty::Num(Unit::Duration, _) => "text_of_duration",
            Ty::Num(Unit::Instant, _) => "text_of_instant",
            Ty::Num(Unit::Date, _) => "text_of_date",
            Ty::Ip => "text_of_ip",
            Ty::Cidr => "text_of_cidr",
            Ty::Path => "text_of_path",
            Ty::Host => "text_of_host",
            Ty::Enum(id) => {
                let item = &self.checker.program.enums[*id];
                if item.variants.iter().any(|v| !v.fields.is_empty()) {
                    return None;
                }
                let names: Vec<Arc<str>> = item.variants.iter().map(|v| v.name.clone()).collect();
                let max = names.iter().map(|n| n.len() as u32).max().unwrap_or(0);
                let ty = Ty::Str { max, refined: None };
                let arms = names.iter().enumerate().map(|(tag, name)| {
                    let pattern = Pattern::Variant {
                        tag: tag as u32,
                        fields: Vec::new(),
                    };
                    (
                        pattern,
                        Expr::constant(Value::str(&**name), ty.clone(), span),
                    )
                });
                let arms = arms.collect();
                return Some(Expr::new(ExprKind::Match(Box::new(value), arms), ty, span));
            }
            _ => return None,
        };
        Some(self.call_native(native, vec![value], None, span))
    }

    /// A duration between two, of the decision's id and this place.
    pub(super) fn jitter(&mut self, mut site: Site) -> Expr {
        let unit = match self.one_unit(&site) {
            Ok(unit) => unit,
            Err(reported) => return reported,
        };
        if unit != Unit::Duration {
            return self.wrong_argument(&site, 0, "two durations");
        }
        let ty = site.args[0].ty.join(&site.args[1].ty);
        let place = i64::from(self.place_of_jitter());
        let point = Ty::Num(Unit::One, Interval::point(place.into()));
        site.args
            .push(Expr::constant(Value::Int(place), point, site.span));
        self.call_native("jitter_at", site.args, ty, site.span)
    }

    /// A number for a call of `jitter`, so that two of one decision differ: the how many-th call of which module it is. Not where it
    /// stands, or a comment above it would change what is decided.
    fn place_of_jitter(&mut self) -> u32 {
        let module = &mut self.checker.modules[self.module.0 as usize];
        module.jitters += 1;
        // FNV-1a, which will be the same for ever.
        let bytes = module.name.bytes().chain(module.jitters.to_le_bytes());
        bytes.fold(0x811c_9dc5, |hash: u32, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
    }
}
