//! The rewrites, one row each.
//!
//! A row reads: what is rewritten, a name, the opcodes it looks at with the operands it needs, and the answer. `?` means that the row
//! does not apply. Rows of one opcode are tried in this order. No row moves a computation to where it did not happen before, and no
//! row believes that an instruction only runs where it is meaningful: what it gives is the same for all operands.

use tollgate_ir::entities::Val;
use tollgate_ir::instructions::{Inst, Opcode};
use tollgate_ir::operand::Cc;
use tollgate_ir::types::Type;

use super::site::{Edit, Site, bool, float, inst, int, val, when};

/// A row of the table.
pub(crate) struct Rewrite {
    /// Unique; the name of its test.
    pub(crate) name: &'static str,
    /// What it does, one sentence.
    pub(crate) doc: &'static str,
    /// The instructions it looks at.
    pub(crate) opcodes: &'static [Opcode],
    /// What the instruction is replaced by, if the row applies.
    pub(crate) apply: fn(&mut Site<'_>, &Inst) -> Option<Edit>,
}

/// 100% as billionths.
const ONE: i64 = 1_000_000_000;

macro_rules! rewrites {
    ($($(#[doc = $doc:literal])* $name:ident: [$($op:ident)|+] $fields:tt => |$s:ident, $instruction:ident| $answer:expr;)*) => {
        /// Every rewrite, in the order in which they are tried.
        pub(crate) const REWRITES: &[Rewrite] = &[$(Rewrite {
            name: stringify!($name),
            doc: concat!($($doc),*).trim_ascii(),
            opcodes: &[$(Opcode::$op),+],
            apply: |$s, $instruction| match *$instruction {
                $(Inst::$op $fields)|+ => $answer,
                _ => None,
            },
        }),*];
    };
}

rewrites! {
    /// A constant stands on the right.
    const_right: [Iadd | Imul | IaddSat | ImulSat | Imin | Imax | Pmul | Fadd | Fmul | Same | Band | Bor] { a, b } => |s, instruction| {
        when(s.is_const(a) && !s.is_const(b))?;
        swapped(instruction)
    };
    /// A constant stands on the right of a comparison.
    cmp_const_right: [Icmp | Fcmp | Scmp] { a, b, .. } => |s, instruction| {
        when(s.is_const(a) && !s.is_const(b))?;
        swapped(instruction)
    };

    /// `x + 0` is `x`.
    iadd_zero: [Iadd | IaddSat] { a, b } => |s, _i| { when(s.int(b)? == 0)?; val(a) };
    /// `x - 0` is `x`.
    isub_zero: [Isub | IsubSat] { a, b } => |s, _i| { when(s.int(b)? == 0)?; val(a) };
    /// `x - x` is 0.
    isub_self: [Isub | IsubSat] { a, b } => |_s, _i| { when(a == b)?; int(0) };
    /// `0 - x` is `-x`.
    isub_from_zero: [Isub] { a, b } => |s, _i| { when(s.int(a)? == 0)?; inst(Inst::Ineg { a: b }) };
    /// `x - c` is `x + (-c)`, also where it wraps.
    isub_const: [Isub] { a, b } => |s, _i| {
        let c = s.int(b)?;
        let b = s.emit_int(c.wrapping_neg());
        inst(Inst::Iadd { a, b })
    };
    /// `(x + c) + d` is `x + (c + d)`, also where it wraps.
    iadd_assoc: [Iadd] { a, b } => |s, _i| {
        let d = s.int(b)?;
        let &Inst::Iadd { a: x, b: c } = s.def(a)? else { return None };
        let b = s.int(c)?.wrapping_add(d);
        let b = s.emit_int(b);
        inst(Inst::Iadd { a: x, b })
    };
    /// `x + (-y)` is `x - y`.
    iadd_neg: [Iadd] { a, b } => |s, _i| {
        let &Inst::Ineg { a: y } = s.def(b)? else { return None };
        inst(Inst::Isub { a, b: y })
    };
    /// `(x + y) - y` is `x`, and so is `(x + y) - x`, `y`.
    isub_of_iadd: [Isub] { a, b } => |s, _i| match *s.def(a)? {
        Inst::Iadd { a: x, b: y } if y == b => val(x),
        Inst::Iadd { a: x, b: y } if x == b => val(y),
        _ => None,
    };
    /// `(x - y) + y` is `x`.
    iadd_of_isub: [Iadd] { a, b } => |s, _i| match (s.def(a), s.def(b)) {
        (Some(&Inst::Isub { a: x, b: y }), _) if y == b => val(x),
        (_, Some(&Inst::Isub { a: x, b: y })) if y == a => val(x),
        _ => None,
    };
    /// `x * c - x` is `x * (c - 1)`.
    isub_self_of_product: [Isub] { a, b } => |s, _i| {
        let &Inst::Imul { a: x, b: c } = s.def(a)? else { return None };
        when(x == b)?;
        let c = s.int(c)?.wrapping_sub(1);
        let c = s.emit_int(c);
        inst(Inst::Imul { a: x, b: c })
    };
    /// `x * c + x` is `x * (c + 1)`.
    iadd_self_to_product: [Iadd] { a, b } => |s, _i| {
        let &Inst::Imul { a: x, b: c } = s.def(a)? else { return None };
        when(x == b)?;
        let c = s.int(c)?.wrapping_add(1);
        let c = s.emit_int(c);
        inst(Inst::Imul { a: x, b: c })
    };
    /// `-(-x)` is `x`.
    ineg_ineg: [Ineg] { a } => |s, _i| {
        let &Inst::Ineg { a: x } = s.def(a)? else { return None };
        val(x)
    };
    /// `-(x - y)` is `y - x`.
    ineg_isub: [Ineg] { a } => |s, _i| {
        let &Inst::Isub { a: x, b: y } = s.def(a)? else { return None };
        inst(Inst::Isub { a: y, b: x })
    };
    /// `x * 0` is 0.
    imul_zero: [Imul | ImulSat | Pmul] { b, .. } => |s, _i| { when(s.int(b)? == 0)?; int(0) };
    /// `x * 1` is `x`.
    imul_one: [Imul | ImulSat] { a, b } => |s, _i| { when(s.int(b)? == 1)?; val(a) };
    /// `x * -1` is `-x`.
    imul_minus_one: [Imul] { a, b } => |s, _i| { when(s.int(b)? == -1)?; inst(Inst::Ineg { a }) };
    /// `(x * c) * d` is `x * (c * d)`, also where it wraps.
    imul_assoc: [Imul] { a, b } => |s, _i| {
        let d = s.int(b)?;
        let &Inst::Imul { a: x, b: c } = s.def(a)? else { return None };
        let b = s.int(c)?.wrapping_mul(d);
        let b = s.emit_int(b);
        inst(Inst::Imul { a: x, b })
    };
    /// `x / 1` is `x`.
    idiv_one: [Idiv] { a, b } => |s, _i| { when(s.int(b)? == 1)?; val(a) };
    /// The remainder by 1 is 0.
    imod_one: [Imod] { b, .. } => |s, _i| { when(s.int(b)? == 1)?; int(0) };
    /// `x +| c +| d` is `x +| (c + d)` where `c` and `d` pull the same way.
    iadd_sat_assoc: [IaddSat] { a, b } => |s, _i| {
        let d = s.int(b)?;
        let &Inst::IaddSat { a: x, b: c } = s.def(a)? else { return None };
        let c = s.int(c)?;
        when((c < 0) == (d < 0))?;
        let b = s.emit_int(c.checked_add(d)?);
        inst(Inst::IaddSat { a: x, b })
    };
    /// `min(x, x)` is `x`, and so is `max(x, x)`.
    imin_self: [Imin | Imax] { a, b } => |_s, _i| { when(a == b)?; val(a) };
    /// `min(x, MAX)` is `x`, `max(x, MIN)` too; `min(x, MIN)` and `max(x, MAX)` are the bound.
    imin_bound: [Imin | Imax] { a, b } => |s, instruction| {
        let (bound, max) = (s.int(b)?, matches!(instruction, Inst::Imax { .. }));
        match (bound, max) {
            (i64::MAX, false) | (i64::MIN, true) => val(a),
            (i64::MIN, false) | (i64::MAX, true) => val(b),
            _ => None,
        }
    };
    /// `min(min(x, c), d)` is `min(x, min(c, d))`.
    imin_assoc: [Imin] { a, b } => |s, _i| {
        let &Inst::Imin { a: x, b: c } = s.def(a)? else { return None };
        let b = s.int(c)?.min(s.int(b)?);
        let b = s.emit_int(b);
        inst(Inst::Imin { a: x, b })
    };
    /// `max(max(x, c), d)` is `max(x, max(c, d))`.
    imax_assoc: [Imax] { a, b } => |s, _i| {
        let &Inst::Imax { a: x, b: c } = s.def(a)? else { return None };
        let b = s.int(c)?.max(s.int(b)?);
        let b = s.emit_int(b);
        inst(Inst::Imax { a: x, b })
    };
    /// `min(x, max(x, y))` is `x`.
    imin_absorbs: [Imin] { a, b } => |s, _i| absorbed(a, b, s.def(b), s.def(a), |i| match *i {
        Inst::Imax { a, b } => Some((a, b)),
        _ => None,
    });
    /// `max(x, min(x, y))` is `x`.
    imax_absorbs: [Imax] { a, b } => |s, _i| absorbed(a, b, s.def(b), s.def(a), |i| match *i {
        Inst::Imin { a, b } => Some((a, b)),
        _ => None,
    });
    /// `abs(abs(x))` is `abs(x)`.
    iabs_iabs: [Iabs] { a } => |s, _i| {
        when(matches!(s.def(a)?, Inst::Iabs { .. }))?;
        val(a)
    };
    /// `abs(-x)` is `abs(x)`: the least integer is its own negation, and its magnitude saturates either way.
    iabs_ineg: [Iabs] { a } => |s, _i| {
        let &Inst::Ineg { a: x } = s.def(a)? else { return None };
        inst(Inst::Iabs { a: x })
    };
    /// A product with 100% is the other factor; so is a quotient by 100% the dividend.
    percent_one: [Pmul | Pdiv] { a, b } => |s, _i| { when(s.int(b)? == ONE)?; val(a) };

    /// `x == x` holds, `x < x` does not.
    icmp_self: [Icmp] { cc, a, b } => |_s, _i| { when(a == b)?; bool(holds_of_equals(cc)) };
    /// No integer is less than the least or greater than the greatest.
    icmp_bound: [Icmp] { cc, b, .. } => |s, _i| match (cc, s.int(b)?) {
        (Cc::Lt, i64::MIN) | (Cc::Gt, i64::MAX) => bool(false),
        (Cc::Ge, i64::MIN) | (Cc::Le, i64::MAX) => bool(true),
        _ => None,
    };
    /// `x + c == d` is `x == d - c`, also where it wraps.
    icmp_eq_of_iadd: [Icmp] { cc, a, b } => |s, _i| {
        let d = s.int(b)?;
        when(matches!(cc, Cc::Eq | Cc::Ne))?;
        let &Inst::Iadd { a: x, b: c } = s.def(a)? else { return None };
        let b = d.wrapping_sub(s.int(c)?);
        let b = s.emit_int(b);
        inst(Inst::Icmp { cc, a: x, b })
    };
    /// `x - y == 0` is `x == y`, also where it wraps.
    icmp_eq_of_isub: [Icmp] { cc, a, b } => |s, _i| {
        when(matches!(cc, Cc::Eq | Cc::Ne) && s.int(b)? == 0)?;
        let &Inst::Isub { a: x, b: y } = s.def(a)? else { return None };
        inst(Inst::Icmp { cc, a: x, b: y })
    };
    /// `-x == c` is `x == -c`, also where it wraps.
    icmp_eq_of_ineg: [Icmp] { cc, a, b } => |s, _i| {
        let c = s.int(b)?;
        when(matches!(cc, Cc::Eq | Cc::Ne))?;
        let &Inst::Ineg { a: x } = s.def(a)? else { return None };
        let b = s.emit_int(c.wrapping_neg());
        inst(Inst::Icmp { cc, a: x, b })
    };

    /// `x + 0.0` is `x`: there is no minus zero.
    fadd_zero: [Fadd] { a, b } => |s, _i| { when(s.float(b)? == 0.0)?; val(a) };
    /// `x - 0.0` is `x`.
    fsub_zero: [Fsub] { a, b } => |s, _i| { when(s.float(b)? == 0.0)?; val(a) };
    /// `x - x` is 0.0: every float is finite.
    fsub_self: [Fsub] { a, b } => |_s, _i| { when(a == b)?; float(0.0) };
    /// `0.0 - x` is `-x`.
    fsub_from_zero: [Fsub] { a, b } => |s, _i| { when(s.float(a)? == 0.0)?; inst(Inst::Fneg { a: b }) };
    /// `x * 1.0` is `x`.
    fmul_one: [Fmul] { a, b } => |s, _i| { when(s.float(b)? == 1.0)?; val(a) };
    /// `x * 0.0` is 0.0: every float is finite, and there is no minus zero.
    fmul_zero: [Fmul] { b, .. } => |s, _i| { when(s.float(b)? == 0.0)?; float(0.0) };
    /// `x / 1.0` is `x`.
    fdiv_one: [Fdiv] { a, b } => |s, _i| { when(s.float(b)? == 1.0)?; val(a) };
    /// `-(-x)` is `x`.
    fneg_fneg: [Fneg] { a } => |s, _i| {
        let &Inst::Fneg { a: x } = s.def(a)? else { return None };
        val(x)
    };
    /// `x == x` holds, `x < x` does not: every float is finite.
    fcmp_self: [Fcmp] { cc, a, b } => |_s, _i| { when(a == b)?; bool(holds_of_equals(cc)) };
    /// `x == x` holds, `x < x` does not.
    scmp_self: [Scmp] { cc, a, b } => |_s, _i| { when(a == b)?; bool(holds_of_equals(cc)) };

    /// A value is the same as itself.
    same_self: [Same] { a, b } => |_s, _i| { when(a == b)?; bool(true) };
    /// `same` of numbers and texts is their comparison.
    same_scalar: [Same] { a, b } => |s, _i| match s.ty(a) {
        Type::INT => inst(Inst::Icmp { cc: Cc::Eq, a, b }),
        Type::FLOAT => inst(Inst::Fcmp { cc: Cc::Eq, a, b }),
        Type::STR => inst(Inst::Scmp { cc: Cc::Eq, a, b }),
        _ => None,
    };
    /// `x same true` is `x`, `x same false` is `not x`.
    same_bool: [Same] { a, b } => |s, _i| match s.bool(b)? {
        true => val(a),
        false => inst(Inst::Bnot { a }),
    };
    /// `x same none` asks whether it is absent.
    same_none: [Same] { a, b } => |s, _i| {
        when(matches!(s.def(b)?, Inst::None { .. }))?;
        let a = s.emit(Inst::IsSome { a }, Type::BOOL);
        inst(Inst::Bnot { a })
    };

    /// `not not x` is `x`.
    bnot_bnot: [Bnot] { a } => |s, _i| {
        let &Inst::Bnot { a: x } = s.def(a)? else { return None };
        val(x)
    };
    /// `not (x < y)` is `x >= y`.
    bnot_cmp: [Bnot] { a } => |s, _i| match *s.def(a)? {
        Inst::Icmp { cc, a, b } => inst(Inst::Icmp { cc: cc.negate(), a, b }),
        Inst::Fcmp { cc, a, b } => inst(Inst::Fcmp { cc: cc.negate(), a, b }),
        Inst::Scmp { cc, a, b } => inst(Inst::Scmp { cc: cc.negate(), a, b }),
        _ => None,
    };
    /// `x and true` is `x`, `x and false` is false.
    band_const: [Band] { a, b } => |s, _i| if s.bool(b)? { val(a) } else { val(b) };
    /// `x or false` is `x`, `x or true` is true.
    bor_const: [Bor] { a, b } => |s, _i| if s.bool(b)? { val(b) } else { val(a) };
    /// `x and x` is `x`, and so is `x or x`.
    band_self: [Band | Bor] { a, b } => |_s, _i| { when(a == b)?; val(a) };
    /// `x and not x` is false.
    band_opposite: [Band] { a, b } => |s, _i| { when(s.are_opposite(a, b))?; bool(false) };
    /// `x or not x` is true.
    bor_opposite: [Bor] { a, b } => |s, _i| { when(s.are_opposite(a, b))?; bool(true) };
    /// `x and (x or y)` is `x`.
    band_absorbs: [Band] { a, b } => |s, _i| absorbed(a, b, s.def(b), s.def(a), |i| match *i {
        Inst::Bor { a, b } => Some((a, b)),
        _ => None,
    });
    /// `x or (x and y)` is `x`.
    bor_absorbs: [Bor] { a, b } => |s, _i| absorbed(a, b, s.def(b), s.def(a), |i| match *i {
        Inst::Band { a, b } => Some((a, b)),
        _ => None,
    });
    /// `x and (x and y)` is `x and y`.
    band_again: [Band] { a, b } => |s, _i| again(a, b, s.def(b), s.def(a), |i| match *i {
        Inst::Band { a, b } => Some((a, b)),
        _ => None,
    });
    /// `x or (x or y)` is `x or y`.
    bor_again: [Bor] { a, b } => |s, _i| again(a, b, s.def(b), s.def(a), |i| match *i {
        Inst::Bor { a, b } => Some((a, b)),
        _ => None,
    });

    /// A choice of two equal values is that value.
    select_same: [Select] { a, b, .. } => |_s, _i| { when(a == b)?; val(a) };
    /// A choice by a constant is made.
    select_const: [Select] { c, a, b } => |s, _i| if s.bool(c)? { val(a) } else { val(b) };
    /// A choice by `not c` is the other choice by `c`.
    select_bnot: [Select] { c, a, b } => |s, _i| {
        let &Inst::Bnot { a: c } = s.def(c)? else { return None };
        inst(Inst::Select { c, a: b, b: a })
    };
    /// `if c then true else false` is `c`; the other way round it is `not c`.
    select_bools: [Select] { c, a, b } => |s, _i| match (s.bool(a)?, s.bool(b)?) {
        (true, false) => val(c),
        (false, true) => inst(Inst::Bnot { a: c }),
        _ => None,
    };
    /// `if c then true else x` is `c or x`, and `if c then c else x` too.
    select_or: [Select] { c, a, b } => |s, _i| {
        when(a == c || s.bool(a) == Some(true))?;
        inst(Inst::Bor { a: c, b })
    };
    /// `if c then x else false` is `c and x`, and `if c then x else c` too.
    select_and: [Select] { c, a, b } => |s, _i| {
        when(b == c || s.bool(b) == Some(false))?;
        inst(Inst::Band { a: c, b: a })
    };
    /// `if c then false else x` is `not c and x`.
    select_and_not: [Select] { c, a, b } => |s, _i| {
        when(s.bool(a) == Some(false))?;
        let c = s.emit(Inst::Bnot { a: c }, Type::BOOL);
        inst(Inst::Band { a: c, b })
    };
    /// `if c then x else true` is `not c or x`.
    select_or_not: [Select] { c, a, b } => |s, _i| {
        when(s.bool(b) == Some(true))?;
        let c = s.emit(Inst::Bnot { a: c }, Type::BOOL);
        inst(Inst::Bor { a: c, b: a })
    };
    /// `if x == y then x else y` is `y`, and with `!=` it is `x`.
    select_equal: [Select] { c, a, b } => |s, _i| {
        let &Inst::Icmp { cc, a: x, b: y } = s.def(c)? else { return None };
        when((x, y) == (a, b) || (y, x) == (a, b))?;
        match cc {
            Cc::Eq => val(b),
            Cc::Ne => val(a),
            _ => None,
        }
    };
    /// `if x < y then x else y` is `min(x, y)`, and the like.
    select_min: [Select] { c, a, b } => |s, _i| {
        let &Inst::Icmp { cc, a: x, b: y } = s.def(c)? else { return None };
        let cc = match () {
            () if (x, y) == (a, b) => cc,
            () if (y, x) == (a, b) => cc.swap(),
            () => return None,
        };
        match cc {
            Cc::Lt | Cc::Le => inst(Inst::Imin { a, b }),
            Cc::Gt | Cc::Ge => inst(Inst::Imax { a, b }),
            Cc::Eq | Cc::Ne => None,
        }
    };

    /// `some(x)` is present, `none` is not.
    is_some_of_some: [IsSome] { a } => |s, _i| match s.def(a)? {
        Inst::Some { .. } => bool(true),
        Inst::None { .. } => bool(false),
        _ => None,
    };
    /// Whether `if c then some(x) else none` is present is `c`, and the like.
    is_some_of_select: [IsSome] { a } => |s, _i| {
        let &Inst::Select { c, a, b } = s.def(a)? else { return None };
        match (s.def(a)?, s.def(b)?) {
            (Inst::Some { .. }, Inst::None { .. }) => val(c),
            (Inst::None { .. }, Inst::Some { .. }) => inst(Inst::Bnot { a: c }),
            _ => None,
        }
    };
    /// What `some(x)` holds is `x`.
    unwrap_some: [Unwrap] { a } => |s, _i| {
        let &Inst::Some { a: x } = s.def(a)? else { return None };
        val(x)
    };
    /// `some(x) ?? y` is `x`, `none ?? y` is `y`.
    unwrap_or_known: [UnwrapOr] { a, b } => |s, _i| match *s.def(a)? {
        Inst::Some { a: x } => val(x),
        Inst::None { .. } => val(b),
        _ => None,
    };
    /// `(if c then some(x) else none) ?? y` is `if c then x else y`.
    unwrap_or_of_select: [UnwrapOr] { a, b: y } => |s, _i| {
        let &Inst::Select { c, a, b } = s.def(a)? else { return None };
        match (s.def(a)?, s.def(b)?) {
            (&Inst::Some { a: x }, Inst::None { .. }) => inst(Inst::Select { c, a: x, b: y }),
            (Inst::None { .. }, &Inst::Some { a: x }) => inst(Inst::Select { c, a: y, b: x }),
            _ => None,
        }
    };

    /// A field of a record that was just made is what it was made of.
    field_of_record: [Field] { a, index } => |s, _i| {
        let Inst::Record { fields, .. } = s.def(a)? else { return None };
        val(*fields.get(index.0 as usize)?)
    };
    /// A record of all the fields of a record, in order, is that record.
    record_of_fields: [Record] { ty, ref fields } => |s, _i| {
        let &Inst::Field { a: of, .. } = s.def(*fields.first()?)? else { return None };
        when(s.ty(of) == ty)?;
        for (at, field) in fields.iter().enumerate() {
            match *s.def(*field)? {
                Inst::Field { a, index } if a == of && index.0 as usize == at => {}
                _ => return None,
            }
        }
        val(of)
    };
    /// The tag of a variant that was just made.
    tag_of_variant: [Tag] { a } => |s, _i| {
        let &Inst::Variant { tag, .. } = s.def(a)? else { return None };
        int(i64::from(tag.0))
    };
    /// A field of a variant that was just made is what it was made of.
    payload_of_variant: [Payload] { a, tag, index } => |s, _i| {
        let Inst::Variant { tag: made, fields, .. } = s.def(a)? else { return None };
        when(*made == tag)?;
        val(*fields.get(index.0 as usize)?)
    };

    /// The length of a list that was just made.
    len_of_list: [Len] { a } => |s, _i| {
        let Inst::List { items, .. } = s.def(a)? else { return None };
        int(items.len() as i64)
    };
    /// An empty list, set or map has no elements.
    len_of_empty: [Len] { a } => |s, _i| { when(s.is_empty(a))?; int(0) };
    /// An element of a list that was just made, by a constant index.
    get_of_list: [Get] { a, index } => |s, _i| {
        let at = s.int(index)?;
        let Inst::List { items, .. } = s.def(a)? else { return None };
        let item = usize::try_from(at).ok().and_then(|i| items.get(i)).copied();
        match item {
            Some(item) if s.ty(item) == s.result_ty() => val(item),
            Some(item) => inst(Inst::Some { a: item }),
            None => inst(Inst::None { ty: s.result_ty() }),
        }
    };
    /// An empty list, set or map holds nothing.
    get_of_empty: [Get | Lookup] { a, .. } => |s, _i| { when(s.is_empty(a))?; inst(Inst::None { ty: s.result_ty() }) };
    /// Nothing is in an empty list or set, and for nothing in it a function holds.
    contains_in_empty: [Contains | CidrsHave | Any] { a, .. } => |s, _i| { when(s.is_empty(a))?; bool(false) };
    /// What is in a list or set of one element is that element.
    contains_in_one: [Contains] { a, item } => |s, _i| {
        let b = s.only_item(a)?;
        inst(Inst::Same { a: item, b })
    };
    /// A list or set that was just made has what it was made of.
    contains_own: [Contains] { a, item } => |s, _i| {
        let (Inst::List { items, .. } | Inst::Set { items, .. }) = s.def(a)? else { return None };
        when(items.contains(&item))?;
        bool(true)
    };
    /// One of a single network has an address if that network has it.
    cidrs_have_in_one: [CidrsHave] { a, ip } => |s, _i| {
        let a = s.only_item(a)?;
        inst(Inst::CidrHas { a, ip })
    };
    /// Folding nothing gives what one began with.
    fold_of_empty: [Fold] { a, init, .. } => |s, _i| { when(s.is_empty(a))?; val(init) };
    /// `none` adds nothing to a collected list.
    collect_drops_none: [Collect] { ty, ref items } => |s, _i| {
        let absent = |v: &_| matches!(s.def(*v), Some(Inst::None { .. }));
        when(items.iter().any(absent))?;
        let items = items.iter().filter(|v| !absent(v)).copied().collect();
        inst(Inst::Collect { ty, items })
    };
    /// Collecting values that are all present makes a list of them.
    collect_of_somes: [Collect] { ty, ref items } => |s, _i| {
        let held = items.iter().map(|v| match *s.def(*v)? {
            Inst::Some { a } => Some(a),
            _ => None,
        });
        let items = held.collect::<Option<_>>()?;
        inst(Inst::List { ty, items })
    };
}

/// A commutative instruction, or a comparison, with its operands exchanged.
fn swapped(instruction: &Inst) -> Option<Edit> {
    let mut other = instruction.clone();
    let mut operands = Vec::with_capacity(2);
    other.vals(|v| operands.push(v));
    other.vals_mut(|v| *v = operands.pop().unwrap_or(*v));
    if let Inst::Icmp { cc, .. } | Inst::Fcmp { cc, .. } | Inst::Scmp { cc, .. } = &mut other {
        *cc = cc.swap();
    }
    inst(other)
}

/// Whether a comparison holds of two equal values.
fn holds_of_equals(cc: Cc) -> bool {
    cc.holds(std::cmp::Ordering::Equal)
}

/// `a`, if `b` is defined by an instruction with these operands and `a` is one of them; or the other way round.
fn absorbed(
    a: Val,
    b: Val,
    def_b: Option<&Inst>,
    def_a: Option<&Inst>,
    operands: impl Fn(&Inst) -> Option<(Val, Val)>,
) -> Option<Edit> {
    let has = |def: Option<&Inst>, v| {
        def.and_then(&operands)
            .is_some_and(|(x, y)| x == v || y == v)
    };
    match () {
        () if has(def_b, a) => val(a),
        () if has(def_a, b) => val(b),
        () => None,
    }
}

/// `b`, if it is defined by an instruction with these operands and `a` is one of them; or the other way round.
fn again(
    a: Val,
    b: Val,
    def_b: Option<&Inst>,
    def_a: Option<&Inst>,
    operands: impl Fn(&Inst) -> Option<(Val, Val)>,
) -> Option<Edit> {
    let edit = absorbed(a, b, def_b, def_a, operands)?;
    match edit {
        Edit::Value(v) if v == a => val(b),
        _ => val(a),
    }
}
