//! Expressions as values.

use tollgate_ir::bug;
use tollgate_ir::entities::{DataId, Entity, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::operand::{Cc, Index};
use tollgate_ir::types::{Type, TypeData};
use tollgate_ir::typing::intern_native_type;
use tollgate_runtime::{Native, Value};

use super::func::FnLower;
use crate::hir::{BinOp, Callee, CmpKind, Expr, ExprKind, Pattern, UnOp};
use crate::types::ty::Ty;

impl FnLower<'_, '_, '_> {
    /// The value of an expression as the type wanted where it stands.
    pub(super) fn expr(&mut self, expr: &Expr, want: Type) -> Val {
        let val = self.unfitted(expr, want);
        self.fit(val, want)
    }

    /// The value of an expression as its own type.
    pub(super) fn expr_alone(&mut self, expr: &Expr) -> Val {
        let ty = self.ty(&expr.ty);
        self.expr(expr, ty)
    }

    /// A constant of a type.
    pub(super) fn constant(&mut self, value: &Value, ty: Type) -> Val {
        match (self.kind(ty), value) {
            (TypeData::Bool, Value::Bool(v)) => self.b.bconst(*v),
            (TypeData::Int, Value::Int(v)) => self.b.iconst(*v),
            (TypeData::Float, Value::Float(v)) => self.b.fconst(*v),
            (TypeData::Opt(_), Value::None) => self.b.ins(Inst::None { ty }),
            (TypeData::Opt(of), value) => {
                let inner = self.constant(value, of);
                self.b.ins(Inst::Some { a: inner })
            }
            _ => self.b.konst(ty, value.clone()),
        }
    }

    fn unfitted(&mut self, expr: &Expr, want: Type) -> Val {
        use ExprKind as E;
        match &expr.kind {
            E::Error => bug!("a program with errors is lowered"),
            E::Const(value) => self.constant(value, want),
            E::Local(local) => self.local(*local),
            E::Data(data) => self.b.ins(Inst::Data {
                data: DataId::new(data.index()),
            }),
            E::DecisionId => self.b.ins(Inst::DecisionId {}),
            E::DecisionTime => self.b.ins(Inst::DecisionTime {}),
            E::Unary(op, a) => self.unary(*op, a),
            E::Binary(op, a, b) => self.binary(*op, a, b),
            E::Compare(kind, cc, a, b) => self.compare(*kind, *cc, a, b),
            E::Not(a) => {
                let a = self.expr(a, Type::BOOL);
                self.b.ins(Inst::Bnot { a })
            }
            E::And(_) | E::Or(_) | E::Is(..) | E::Matches(..) => self.condition_value(expr),
            E::Let(local, value) => {
                let ty = self.ty(&value.ty);
                let value = self.expr(value, ty);
                self.bind(*local, value);
                self.b.bconst(true)
            }
            E::If(cond, yes, no) => self.choice(cond, yes, no, want),
            E::Match(subject, arms) => self.matching(subject, arms, want),
            E::InRange(a, lo, hi) => {
                let a = self.expr(a, Type::INT);
                let lo = self.expr(lo, Type::INT);
                let hi = self.expr(hi, Type::INT);
                let above = self.b.icmp(Cc::Ge, a, lo);
                let below = self.b.icmp(Cc::Le, a, hi);
                self.b.ins(Inst::Band { a: above, b: below })
            }
            E::Contains(all, item) => self.contains(all, item),
            E::CidrHas(net, ip) => {
                let a = self.expr(net, Type::CIDR);
                let ip = self.expr(ip, Type::IP);
                self.b.ins(Inst::CidrHas { a, ip })
            }
            E::CidrsHave(nets, ip) => {
                let a = if matches!(nets.ty, Ty::Empty) {
                    let ty = self.b.module().types.list(Type::CIDR);
                    self.expr(nets, ty)
                } else {
                    self.expr_alone(nets)
                };
                let ip = self.expr(ip, Type::IP);
                self.b.ins(Inst::CidrsHave { a, ip })
            }
            E::Some(a) => match self.kind(want) {
                TypeData::Opt(of) => {
                    let a = self.expr(a, of);
                    self.b.ins(Inst::Some { a })
                }
                _ => self.expr_alone(a),
            },
            E::IsSome(a) => self.is_some(a),
            E::UnwrapOr(a, b) | E::OrElse(a, b) => self.or_else(a, b, want),
            E::OrSkip(a) => match self.spine {
                Some(spine) => self.present(a, spine.skip),
                None => self.assume_present(a),
            },
            E::OrDeny(a) => match self.spine {
                Some(spine) => {
                    let deny = self.deny(spine);
                    self.present(a, deny)
                }
                None => self.assume_present(a),
            },
            E::Field(a, index) => {
                let a = self.expr_alone(a);
                self.b.field(a, *index as usize)
            }
            E::OptField(..) => self.optional_field(expr, want),
            E::Record(id, fields) => {
                let ty = self.cx.types.record(*id);
                let fields = self.fields(ty, None, fields);
                self.b.ins(Inst::Record {
                    ty,
                    fields: fields.into(),
                })
            }
            E::Variant(id, tag, fields) => {
                let ty = self.cx.types.enumeration(*id);
                let fields = self.fields(ty, Some(*tag), fields);
                self.b.ins(Inst::Variant {
                    ty,
                    tag: Index(*tag),
                    fields: fields.into(),
                })
            }
            E::List(items) | E::Set(items) => self.sequence(expr, items, want),
            E::Map(entries) => self.map(expr, entries, want),
            E::Len(a) => {
                let a = self.expr_alone(a);
                self.b.ins(Inst::Len { a })
            }
            E::Get(a, index) => {
                let a = self.expr_alone(a);
                let index = self.expr(index, Type::INT);
                self.b.ins(Inst::Get { a, index })
            }
            E::Lookup(a, key) => {
                let a = self.expr_alone(a);
                let map = self.b.ty(a);
                let key = match self.kind(map) {
                    TypeData::Map(of, _) => self.expr(key, of),
                    // Only the empty map, in which nothing is found, has no key type.
                    _ => return self.b.ins(Inst::None { ty: want }),
                };
                self.b.ins(Inst::Lookup { a, key })
            }
            E::Single(a) => {
                let a = self.expr_alone(a);
                let len = self.b.ins(Inst::Len { a });
                let (zero, one) = (self.b.iconst(0), self.b.iconst(1));
                let c = self.b.icmp(Cc::Eq, len, one);
                let first = self.b.ins(Inst::Get { a, index: zero });
                let ty = self.b.ty(first);
                let none = self.b.ins(Inst::None { ty });
                self.b.ins(Inst::Select {
                    c,
                    a: first,
                    b: none,
                })
            }
            E::Quantify {
                quantifier,
                local,
                over,
                filter,
                value,
            } => self.quantify(
                *quantifier,
                *local,
                over,
                filter.as_deref(),
                value.as_deref(),
            ),
            E::Call(id, args) => {
                let func = self.cx.lowered_fn(*id);
                let callee = &self.b.module().funcs[func];
                let types: Vec<Type> = callee.params().iter().map(|v| callee.ty(*v)).collect();
                let args = self.args(args, &types);
                self.b.call(func, &args)
            }
            E::Decide {
                callee,
                args,
                marked,
            } => self.decide(*callee, args, *marked),
            E::Ask(place, args) => self.asked(*place, args),
            E::Native(native, args) => self.native(native, args),
            E::PathJoin(parts) => {
                let parts: Vec<Val> = parts.iter().map(|p| self.expr(p, Type::STR)).collect();
                self.b.ins(Inst::PathJoin {
                    parts: parts.into(),
                })
            }
        }
    }

    fn unary(&mut self, op: UnOp, a: &Expr) -> Val {
        let a = self.expr_alone(a);
        self.b.ins(match op {
            UnOp::IntNeg => Inst::Ineg { a },
            UnOp::FloatNeg => Inst::Fneg { a },
            UnOp::IntAbs => Inst::Iabs { a },
            UnOp::Round => Inst::Pround { a },
            UnOp::ToFloat => Inst::IntToFloat { a },
        })
    }

    fn binary(&mut self, op: BinOp, a: &Expr, b: &Expr) -> Val {
        let a = self.expr_alone(a);
        let b = self.expr_alone(b);
        self.b.ins(match op {
            BinOp::IntAdd => Inst::Iadd { a, b },
            BinOp::IntSub => Inst::Isub { a, b },
            BinOp::IntMul => Inst::Imul { a, b },
            BinOp::IntDiv => Inst::Idiv { a, b },
            BinOp::IntMod => Inst::Imod { a, b },
            BinOp::IntAddSat => Inst::IaddSat { a, b },
            BinOp::IntSubSat => Inst::IsubSat { a, b },
            BinOp::IntMulSat => Inst::ImulSat { a, b },
            BinOp::IntMin => Inst::Imin { a, b },
            BinOp::IntMax => Inst::Imax { a, b },
            BinOp::PercentMul => Inst::Pmul { a, b },
            BinOp::PercentDiv => Inst::Pdiv { a, b },
            BinOp::FloatAdd => Inst::Fadd { a, b },
            BinOp::FloatSub => Inst::Fsub { a, b },
            BinOp::FloatMul => Inst::Fmul { a, b },
            BinOp::FloatDiv => Inst::Fdiv { a, b },
        })
    }

    fn compare(&mut self, kind: CmpKind, cc: Cc, a: &Expr, b: &Expr) -> Val {
        match kind {
            CmpKind::Int => {
                let (a, b) = (self.expr(a, Type::INT), self.expr(b, Type::INT));
                self.b.icmp(cc, a, b)
            }
            CmpKind::Float => {
                let (a, b) = (self.expr(a, Type::FLOAT), self.expr(b, Type::FLOAT));
                self.b.ins(Inst::Fcmp { cc, a, b })
            }
            CmpKind::Str => {
                let (a, b) = (self.expr(a, Type::STR), self.expr(b, Type::STR));
                self.b.ins(Inst::Scmp { cc, a, b })
            }
            CmpKind::Same => self.same(cc, a, b),
        }
    }

    /// Equality by structure; with a variant that holds nothing it is a comparison of tags.
    fn same(&mut self, cc: Cc, a: &Expr, b: &Expr) -> Val {
        for (subject, other) in [(a, b), (b, a)] {
            if let (Some(tag), Ty::Enum(_)) = (self.bare_tag(other), &subject.ty) {
                let subject = self.expr_alone(subject);
                return self.compare_tag(cc, subject, tag);
            }
        }
        let (left, right) = (self.ty(&a.ty), self.ty(&b.ty));
        // `none`, `[]` and a present value beside an optional take the other side's type.
        let vague = |e: &Expr| matches!(e.ty, Ty::None | Ty::Empty);
        let ty = if vague(a) || (!vague(b) && self.kind(right) == TypeData::Opt(left)) {
            right
        } else {
            left
        };
        let (a, b) = (self.expr(a, ty), self.expr(b, ty));
        match ty {
            Type::INT => return self.b.icmp(cc, a, b),
            Type::STR => return self.b.ins(Inst::Scmp { cc, a, b }),
            Type::FLOAT => return self.b.ins(Inst::Fcmp { cc, a, b }),
            _ => {}
        }
        let same = self.b.ins(Inst::Same { a, b });
        if cc == Cc::Ne {
            return self.b.ins(Inst::Bnot { a: same });
        }
        same
    }

    /// Compares the variant of an enum value.
    pub(super) fn compare_tag(&mut self, cc: Cc, subject: Val, tag: u32) -> Val {
        let actual = self.b.ins(Inst::Tag { a: subject });
        let wanted = self.b.iconst(tag.into());
        self.b.icmp(cc, actual, wanted)
    }

    /// The variant an expression is, if it is a constant variant that holds nothing.
    fn bare_tag(&self, expr: &Expr) -> Option<u32> {
        match (&expr.kind, &expr.ty) {
            (ExprKind::Const(Value::Variant(tag, fields)), Ty::Enum(_)) if fields.is_empty() => {
                Some(*tag)
            }
            (ExprKind::Variant(_, tag, fields), _) if fields.is_empty() => Some(*tag),
            _ => None,
        }
    }

    fn contains(&mut self, all: &Expr, item: &Expr) -> Val {
        if let (ExprKind::Const(Value::Seq(values)), Ty::Enum(_)) = (&all.kind, &item.ty)
            && let Some(tags) = bare_tags(values)
        {
            let item = self.expr_alone(item);
            return self.tag_among(item, &tags);
        }
        if matches!(all.ty, Ty::Empty) {
            return self.b.bconst(false);
        }
        let a = self.expr_alone(all);
        let ty = self.b.ty(a);
        let Some(of) = self.b.module().types.element(ty) else {
            bug!("only a list or set has elements");
        };
        let item = self.expr(item, of);
        self.b.ins(Inst::Contains { a, item })
    }

    /// Whether the variant of an enum value is one of some.
    pub(super) fn tag_among(&mut self, subject: Val, tags: &[u32]) -> Val {
        let set = self.b.module().types.intern(TypeData::Set(Type::INT));
        let tags = tags.iter().map(|t| Value::Int((*t).into()));
        let a = self.b.konst(set, Value::set(tags));
        let item = self.b.ins(Inst::Tag { a: subject });
        self.b.ins(Inst::Contains { a, item })
    }

    /// The fields of a record, or of a variant of an enum.
    fn fields(&mut self, ty: Type, variant: Option<u32>, fields: &[Expr]) -> Vec<Val> {
        let kind = self.kind(ty);
        let types = &self.b.module().types;
        let declared = match (kind, variant) {
            (TypeData::Record(id), _) => &types.records[id].fields,
            (TypeData::Enum(id), Some(tag)) => &types.enums[id].variants[tag as usize].fields,
            _ => bug!("only a record or a variant has fields"),
        };
        let types: Vec<Type> = declared.iter().map(|f| f.ty).collect();
        self.args(fields, &types)
    }

    pub(super) fn args(&mut self, args: &[Expr], types: &[Type]) -> Vec<Val> {
        let args = args.iter().zip(types);
        args.map(|(arg, ty)| self.expr(arg, *ty)).collect()
    }

    /// The type of a list, set or map that is written out: its own, or what is wanted where it has none.
    fn collection(&mut self, expr: &Expr, want: Type) -> Type {
        match self.kind(want) {
            TypeData::List(_) | TypeData::Set(_) | TypeData::Map(..) => want,
            TypeData::Opt(of) => of,
            _ => self.ty(&expr.ty),
        }
    }

    fn sequence(&mut self, expr: &Expr, items: &[Expr], want: Type) -> Val {
        let ty = self.collection(expr, want);
        let kind = self.kind(ty);
        let (TypeData::List(of) | TypeData::Set(of)) = kind else {
            // An empty map is written as an empty set.
            return self.b.konst(ty, Value::seq([]));
        };
        let items: Vec<Val> = items.iter().map(|e| self.expr(e, of)).collect();
        let items = items.into();
        if matches!(kind, TypeData::List(_)) {
            return self.b.ins(Inst::List { ty, items });
        }
        self.b.ins(Inst::Set { ty, items })
    }

    fn map(&mut self, expr: &Expr, entries: &[(Expr, Expr)], want: Type) -> Val {
        let ty = self.collection(expr, want);
        let TypeData::Map(key, value) = self.kind(ty) else {
            bug!("a map is written where none is wanted");
        };
        let mut items = Vec::with_capacity(2 * entries.len());
        for (k, v) in entries {
            items.push(self.expr(k, key));
            items.push(self.expr(v, value));
        }
        self.b.ins(Inst::Map {
            ty,
            items: items.into(),
        })
    }

    fn decide(&mut self, callee: Callee, args: &[Expr], marked: bool) -> Val {
        match callee {
            Callee::RuleSet(id) => {
                if let Some(func) = self.cx.shadows.get(&id).copied().filter(|_| marked) {
                    let callee = &self.b.module().funcs[func];
                    let types: Vec<Type> = callee.params().iter().map(|v| callee.ty(*v)).collect();
                    let args = self.args(args, &types).into();
                    return self.b.ins(Inst::CallMarked { func, args });
                }
                let marked = marked || self.cx.asks(callee);
                let rules = self.cx.lowered_ruleset(id);
                let types = self.b.module().rulesets[rules].params.clone();
                let args = self.args(args, &types).into();
                self.b.ins(if marked {
                    Inst::DecideMarked { rules, args }
                } else {
                    Inst::Decide { rules, args }
                })
            }
            Callee::Pipeline(id) => {
                let marked = marked || self.cx.asks(callee);
                let func = self.cx.lowered_pipeline(id);
                let callee = &self.b.module().funcs[func];
                let types: Vec<Type> = callee.params().iter().map(|v| callee.ty(*v)).collect();
                let args = self.args(args, &types).into();
                self.b.ins(if marked {
                    Inst::CallMarked { func, args }
                } else {
                    Inst::Call { func, args }
                })
            }
        }
    }

    fn native(&mut self, native: &'static Native, args: &[Expr]) -> Val {
        let types = &mut self.b.module().types;
        let params = native.params.iter();
        let types: Vec<Type> = params.map(|p| intern_native_type(types, &p.ty)).collect();
        let args = self.args(args, &types);
        self.b.call_native(native, &args)
    }

    /// `if`: a selection where both sides cost next to nothing, else two branches.
    fn choice(&mut self, cond: &Expr, yes: &Expr, no: &Expr, want: Type) -> Val {
        if self.is_cheap(&[yes, no]) && self.is_value(cond) {
            let c = self.expr(cond, Type::BOOL);
            let (a, b) = (self.expr(yes, want), self.expr(no, want));
            return self.b.ins(Inst::Select { c, a, b });
        }
        let (other, join) = (self.b.block(&[]), self.b.block(&[want]));
        let mark = self.enter();
        self.test(cond, true, other);
        let value = self.expr(yes, want);
        self.b.jump(join, &[value]);
        self.leave(mark);
        self.b.switch_to(other);
        let value = self.expr(no, want);
        self.b.jump(join, &[value]);
        self.leave(mark);
        self.b.switch_to(join);
        self.b.block_params(join)[0]
    }

    /// Whether evaluating all of these, needed or not, costs about as much as a branch, and means something wherever it is done.
    pub(super) fn is_cheap(&self, exprs: &[&Expr]) -> bool {
        let mut budget = 8;
        exprs.iter().all(|e| self.spend(e, &mut budget))
    }

    fn spend(&self, expr: &Expr, budget: &mut i32) -> bool {
        use ExprKind as E;
        let cost = match &expr.kind {
            E::Local(local) if self.is_bound(*local) => 0,
            E::Compare(CmpKind::Str | CmpKind::Same, ..) => 4,
            E::Const(_)
            | E::Data(_)
            | E::DecisionTime
            | E::DecisionId
            | E::Unary(..)
            | E::Binary(
                BinOp::IntAdd
                | BinOp::IntSub
                | BinOp::IntMul
                | BinOp::IntAddSat
                | BinOp::IntSubSat
                | BinOp::IntMulSat
                | BinOp::IntMin
                | BinOp::IntMax
                | BinOp::FloatAdd
                | BinOp::FloatSub
                | BinOp::FloatMul,
                ..,
            )
            | E::Compare(..)
            | E::Not(_)
            | E::And(_)
            | E::Or(_)
            | E::Some(_)
            | E::Field(..)
            | E::Len(_) => 1,
            E::IsSome(a) if !matches!(a.kind, E::OptField(..)) => 1,
            E::Is(_, pattern) if is_one_comparison(pattern) => 2,
            E::InRange(..) => 3,
            // Branches, bindings, `?? skip`, what is only meaningful behind its test, and what walks something.
            _ => return false,
        };
        *budget -= cost;
        let mut cheap = *budget >= 0;
        super::walk::children(expr, &mut |child| {
            cheap = cheap && self.spend(child, budget)
        });
        cheap
    }
}

/// Whether a pattern asks one cheap question and binds nothing.
fn is_one_comparison(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Any | Pattern::None | Pattern::Compare(CmpKind::Int | CmpKind::Float, ..) => true,
        Pattern::Range(..) => true,
        Pattern::Value(value) => {
            matches!(value, Value::Bool(_) | Value::Int(_))
                || matches!(value, Value::Variant(_, fields) if fields.is_empty())
        }
        Pattern::Variant { fields, .. } => fields.iter().all(|(_, p)| matches!(p, Pattern::Any)),
        _ => false,
    }
}

/// The variants of constants that hold nothing.
pub(super) fn bare_tags(values: &[Value]) -> Option<Vec<u32>> {
    let tag = |value: &Value| match value {
        Value::Variant(tag, fields) if fields.is_empty() => Some(*tag),
        _ => None,
    };
    values.iter().map(tag).collect()
}
