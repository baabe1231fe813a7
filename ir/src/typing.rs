//! The type rule of every instruction, in one place: the builder, the parser and the verifier all ask here.
//!
//! A row of the table with types in brackets *is* its rule. A row marked `[special]` has a method in [`SpecialRules`],
//! which has no default methods: a new special row does not compile until its rule is written.

use tollgate_runtime::Pattern;
use tollgate_runtime::native::NativeType;

use crate::entities::{ConstId, DataId, FuncId, IndexId, NativeId, PatId, PlaceId, RuleSetId, Val};
use crate::instructions::{Inst, Opcode};
use crate::module::{Func, Module};
use crate::operand::{Imm, Index, Vals};
use crate::types::{FieldData, Type, TypeData, Types};

/// The types of an instruction whose row gives them: those of its value operands, and that of its result.
pub type Fixed = (&'static [Type], Option<Type>);

/// The type an instruction's result has. Optionals and lists may not be interned yet, so they are given by element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// It has no result.
    Nothing,
    /// This type.
    Is(Type),
    /// `T?`
    Opt(Type),
}

/// The type of the instruction's result, `None` if it has none. The indices in it are in range (see `verify`).
///
/// # Errors
/// Says which operand has the wrong type, as a whole sentence without its period.
pub fn result_type(module: &Module, func: &Func, inst: &Inst) -> Result<Option<Type>, String> {
    match shape(module, func, inst)? {
        Shape::Nothing => Ok(None),
        Shape::Is(ty) => Ok(Some(ty)),
        Shape::Opt(of) => match module.types.find(TypeData::Opt(of)) {
            Some(ty) => Ok(Some(ty)),
            None => Err(format!(
                "the result `{}?` is no type of the module",
                module.types.display(of)
            )),
        },
    }
}

/// As [`result_type`], but makes the type where the module does not have it yet.
///
/// # Errors
/// As [`result_type`].
pub fn intern_result_type(
    module: &mut Module,
    func: &Func,
    inst: &Inst,
) -> Result<Option<Type>, String> {
    match shape(module, func, inst)? {
        Shape::Nothing => Ok(None),
        Shape::Is(ty) => Ok(Some(ty)),
        Shape::Opt(of) => Ok(Some(module.types.opt(of))),
    }
}

/// The IR type of a type in a native's signature, if the module has it.
pub fn native_type(types: &Types, ty: &NativeType) -> Option<Type> {
    erase(ty, &mut |data| types.find(data))
}

/// The IR type of a type in a native's signature, made where the module does not have it yet.
pub fn intern_native_type(types: &mut Types, ty: &NativeType) -> Type {
    let made = erase(ty, &mut |data| Some(types.intern(data)));
    made.unwrap_or_else(|| crate::bug!("interning always answers"))
}

/// `T?`, which is `T` where that is an optional already: optionals do not nest.
fn optional(types: &Types, of: Type) -> Shape {
    match types.get(of) {
        TypeData::Opt(_) => Shape::Is(of),
        _ => Shape::Opt(of),
    }
}

fn erase(ty: &NativeType, make: &mut impl FnMut(TypeData) -> Option<Type>) -> Option<Type> {
    Some(match ty {
        NativeType::Bool => Type::BOOL,
        NativeType::Int { .. }
        | NativeType::Duration
        | NativeType::Instant
        | NativeType::Date
        | NativeType::Percent { .. } => Type::INT,
        NativeType::Float => Type::FLOAT,
        NativeType::Str { .. }
        | NativeType::Path
        | NativeType::Host
        | NativeType::HeaderName
        | NativeType::Zone
        | NativeType::Key => Type::STR,
        NativeType::Bytes => Type::BYTES,
        NativeType::Ip => Type::IP,
        NativeType::Cidr => Type::CIDR,
        NativeType::Values => make(TypeData::List(Type::STR))?,
        NativeType::Opt(of) => {
            let of = erase(of, make)?;
            make(TypeData::Opt(of))?
        }
        NativeType::List(of, _) => {
            let of = erase(of, make)?;
            make(TypeData::List(of))?
        }
    })
}

macro_rules! ty {
    (bool) => {
        Type::BOOL
    };
    (int) => {
        Type::INT
    };
    (float) => {
        Type::FLOAT
    };
    (str) => {
        Type::STR
    };
    (ip) => {
        Type::IP
    };
    (cidr) => {
        Type::CIDR
    };
}

macro_rules! fixed {
    (special) => { None };
    ($($arg:ident),* => $result:ident) => { Some((&[$(ty!($arg)),*], Some(ty!($result)))) };
    ($($arg:ident),* =>) => { Some((&[$(ty!($arg)),*], None)) };
}

macro_rules! define_fixed {
    ($($(#[doc = $doc:literal])* $mnemonic:ident = $name:ident { $($field:ident: $kind:ident),* } [$($sig:tt)*], $effect:ident, cost $cost:literal;)*) => {
        impl Opcode {
            /// The types its row gives, or `None` where the row says `[special]`.
            pub fn fixed_types(self) -> Option<Fixed> {
                match self { $(Opcode::$name => fixed!($($sig)*),)* }
            }
        }
    };
}

crate::for_each_inst!(define_fixed);

/// Picks the special rows out of the table, one row a step.
macro_rules! define_special {
    (@pick [$($(#[doc = $doc:literal])* $mnemonic:ident = $name:ident { $($field:ident: $kind:ident),* };)*]) => {
        /// The rules of the special rows.
        trait SpecialRules {
            $($(#[doc = $doc])* fn $mnemonic(&self, $($field: &$kind),*) -> Result<Shape, String>;)*
        }

        fn special(rules: &impl SpecialRules, inst: &Inst) -> Result<Shape, String> {
            match inst {
                $(Inst::$name { $($field),* } => rules.$mnemonic($($field),*),)*
                _ => crate::bug!("`{}` has fixed types", inst.opcode().mnemonic()),
            }
        }
    };
    (@pick [$($done:tt)*] $(#[doc = $doc:literal])* $mnemonic:ident = $name:ident { $($field:ident: $kind:ident),* } [special], $effect:ident, cost $cost:literal; $($rest:tt)*) => {
        define_special! { @pick [$($done)* $(#[doc = $doc])* $mnemonic = $name { $($field: $kind),* };] $($rest)* }
    };
    (@pick $done:tt $(#[doc = $doc:literal])* $mnemonic:ident = $name:ident { $($field:ident: $kind:ident),* } [$($sig:tt)*], $effect:ident, cost $cost:literal; $($rest:tt)*) => {
        define_special! { @pick $done $($rest)* }
    };
    ($($rows:tt)*) => { define_special! { @pick [] $($rows)* } };
}

crate::for_each_inst!(define_special);

/// The rule of an instruction.
///
/// # Errors
/// As [`result_type`].
pub fn shape(module: &Module, func: &Func, inst: &Inst) -> Result<Shape, String> {
    let rules = Rules { module, func };
    let Some((args, result)) = inst.opcode().fixed_types() else {
        return special(&rules, inst);
    };
    let mut outcome = Ok(());
    let mut args = args.iter();
    inst.vals(|v| {
        if let (Ok(()), Some(ty)) = (&outcome, args.next()) {
            outcome = rules.expect(v, *ty);
        }
    });
    outcome.map(|()| result.map_or(Shape::Nothing, Shape::Is))
}

struct Rules<'a> {
    module: &'a Module,
    func: &'a Func,
}

impl Rules<'_> {
    fn kind(&self, val: Val) -> TypeData {
        self.module.types.get(self.func.ty(val))
    }

    /// `v3 is int` — how every complaint begins.
    fn is(&self, val: Val) -> String {
        format!("{val} is {}", self.module.types.display(self.func.ty(val)))
    }

    fn wrong<T>(&self, val: Val, expected: &str) -> Result<T, String> {
        Err(format!("{}, not {expected}", self.is(val)))
    }

    fn expect(&self, val: Val, ty: Type) -> Result<(), String> {
        if self.func.ty(val) == ty {
            return Ok(());
        }
        self.wrong(val, &self.module.types.display(ty).to_string())
    }

    fn expect_all(&self, vals: &[Val], types: &[Type], what: &str) -> Result<(), String> {
        if vals.len() != types.len() {
            return Err(format!(
                "{what} takes {} values, not {}",
                types.len(),
                vals.len()
            ));
        }
        vals.iter()
            .zip(types)
            .try_for_each(|(v, t)| self.expect(*v, *t))
    }

    fn expect_fields(&self, vals: &[Val], fields: &[FieldData], what: &str) -> Result<(), String> {
        let types: Vec<Type> = fields.iter().map(|f| f.ty).collect();
        self.expect_all(vals, &types, what)
    }

    /// The type of parameter `index` of an already known shape is `ty`.
    fn is_type(&self, ty: Type, expected: &str) -> String {
        format!("{} is not {expected}", self.module.types.display(ty))
    }

    /// The element type of a list or set.
    fn element(&self, val: Val) -> Result<Type, String> {
        match self.kind(val) {
            TypeData::List(of) | TypeData::Set(of) => Ok(of),
            _ => self.wrong(val, "a list or set"),
        }
    }

    fn field_of(&self, fields: &[FieldData], index: u32) -> Result<Shape, String> {
        match fields.get(index as usize) {
            Some(field) => Ok(Shape::Is(field.ty)),
            None => Err(format!("there is no field {index}, only {}", fields.len())),
        }
    }

    /// The parameter types of a function, and its result.
    fn signature(&self, func: FuncId) -> (Vec<Type>, Type) {
        let func = &self.module.funcs[func];
        let params = func.params().iter().map(|v| func.ty(*v)).collect();
        (params, func.result)
    }

    fn expect_signature(
        &self,
        func: FuncId,
        before: &[Type],
        captured: &[Val],
        result: Type,
    ) -> Result<(), String> {
        let (params, actual) = self.signature(func);
        let captured = captured.iter().map(|v| self.func.ty(*v));
        let expected: Vec<Type> = before.iter().copied().chain(captured).collect();
        if params == expected && actual == result {
            return Ok(());
        }
        let list = |types: &[Type]| {
            let types: Vec<String> = types
                .iter()
                .map(|t| self.module.types.display(*t).to_string())
                .collect();
            types.join(", ")
        };
        let types = &self.module.types;
        Err(format!(
            "`{}` is ({}) -> {}, not ({}) -> {}",
            self.module.funcs[func].name,
            list(&params),
            types.display(actual),
            list(&expected),
            types.display(result)
        ))
    }

    fn bound(&self, max: Imm) -> Result<(), String> {
        if max.0 >= 0 {
            return Ok(());
        }
        Err(format!("the bound {} is negative", max.0))
    }
}

impl SpecialRules for Rules<'_> {
    fn konst(&self, value: &ConstId) -> Result<Shape, String> {
        Ok(Shape::Is(self.module.consts[*value].ty))
    }

    fn data(&self, data: &DataId) -> Result<Shape, String> {
        Ok(Shape::Is(self.module.data[*data].ty))
    }

    fn same(&self, a: &Val, b: &Val) -> Result<Shape, String> {
        self.expect(*b, self.func.ty(*a))?;
        Ok(Shape::Is(Type::BOOL))
    }

    fn select(&self, c: &Val, a: &Val, b: &Val) -> Result<Shape, String> {
        self.expect(*c, Type::BOOL)?;
        self.expect(*b, self.func.ty(*a))?;
        Ok(Shape::Is(self.func.ty(*a)))
    }

    fn none(&self, ty: &Type) -> Result<Shape, String> {
        match self.module.types.get(*ty) {
            TypeData::Opt(_) => Ok(Shape::Is(*ty)),
            _ => Err(self.is_type(*ty, "an optional")),
        }
    }

    fn some(&self, a: &Val) -> Result<Shape, String> {
        match self.kind(*a) {
            TypeData::Opt(_) => Err(format!("{}: optionals do not nest", self.is(*a))),
            _ => Ok(Shape::Opt(self.func.ty(*a))),
        }
    }

    fn is_some(&self, a: &Val) -> Result<Shape, String> {
        match self.kind(*a) {
            TypeData::Opt(_) => Ok(Shape::Is(Type::BOOL)),
            _ => self.wrong(*a, "an optional"),
        }
    }

    fn unwrap(&self, a: &Val) -> Result<Shape, String> {
        match self.kind(*a) {
            TypeData::Opt(of) => Ok(Shape::Is(of)),
            _ => self.wrong(*a, "an optional"),
        }
    }

    /// The fallback may itself be optional: then so is the answer, and `a ?? b ?? c` needs no branches.
    fn unwrap_or(&self, a: &Val, b: &Val) -> Result<Shape, String> {
        match self.kind(*a) {
            TypeData::Opt(_) if self.func.ty(*b) == self.func.ty(*a) => {}
            TypeData::Opt(of) => self.expect(*b, of)?,
            _ => return self.wrong(*a, "an optional"),
        }
        Ok(Shape::Is(self.func.ty(*b)))
    }

    fn record(&self, ty: &Type, fields: &Vals) -> Result<Shape, String> {
        let TypeData::Record(id) = self.module.types.get(*ty) else {
            return Err(self.is_type(*ty, "a record"));
        };
        let record = &self.module.types.records[id];
        self.expect_fields(fields, &record.fields, &record.name)?;
        Ok(Shape::Is(*ty))
    }

    fn field(&self, a: &Val, index: &Index) -> Result<Shape, String> {
        match self.kind(*a) {
            TypeData::Record(id) => self.field_of(&self.module.types.records[id].fields, index.0),
            _ => self.wrong(*a, "a record"),
        }
    }

    fn variant(&self, ty: &Type, tag: &Index, fields: &Vals) -> Result<Shape, String> {
        let TypeData::Enum(id) = self.module.types.get(*ty) else {
            return Err(self.is_type(*ty, "an enum"));
        };
        let data = &self.module.types.enums[id];
        let Some(variant) = data.variants.get(tag.0 as usize) else {
            return Err(format!("`{}` has no variant {}", data.name, tag.0));
        };
        self.expect_fields(fields, &variant.fields, &variant.name)?;
        Ok(Shape::Is(*ty))
    }

    fn tag(&self, a: &Val) -> Result<Shape, String> {
        match self.kind(*a) {
            TypeData::Enum(_) => Ok(Shape::Is(Type::INT)),
            _ => self.wrong(*a, "an enum"),
        }
    }

    fn payload(&self, a: &Val, tag: &Index, index: &Index) -> Result<Shape, String> {
        let TypeData::Enum(id) = self.kind(*a) else {
            return self.wrong(*a, "an enum");
        };
        let data = &self.module.types.enums[id];
        match data.variants.get(tag.0 as usize) {
            Some(variant) => self.field_of(&variant.fields, index.0),
            None => Err(format!("`{}` has no variant {}", data.name, tag.0)),
        }
    }

    fn list(&self, ty: &Type, items: &Vals) -> Result<Shape, String> {
        let TypeData::List(of) = self.module.types.get(*ty) else {
            return Err(self.is_type(*ty, "a list"));
        };
        items.iter().try_for_each(|v| self.expect(*v, of))?;
        Ok(Shape::Is(*ty))
    }

    fn set(&self, ty: &Type, items: &Vals) -> Result<Shape, String> {
        let TypeData::Set(of) = self.module.types.get(*ty) else {
            return Err(self.is_type(*ty, "a set"));
        };
        items.iter().try_for_each(|v| self.expect(*v, of))?;
        Ok(Shape::Is(*ty))
    }

    fn map(&self, ty: &Type, items: &Vals) -> Result<Shape, String> {
        let TypeData::Map(key, value) = self.module.types.get(*ty) else {
            return Err(self.is_type(*ty, "a map"));
        };
        if !items.len().is_multiple_of(2) {
            return Err("a map takes keys and values in turn".into());
        }
        for pair in items.chunks_exact(2) {
            self.expect(pair[0], key)?;
            self.expect(pair[1], value)?;
        }
        Ok(Shape::Is(*ty))
    }

    fn collect(&self, ty: &Type, items: &Vals) -> Result<Shape, String> {
        let types = &self.module.types;
        let TypeData::List(of) = types.get(*ty) else {
            return Err(self.is_type(*ty, "a list"));
        };
        let optional = |v: &Val| match self.kind(*v) {
            TypeData::Opt(inner) if inner == of => Ok(()),
            _ => self.wrong(*v, &format!("{}?", types.display(of))),
        };
        items.iter().try_for_each(optional)?;
        Ok(Shape::Is(*ty))
    }

    fn len(&self, a: &Val) -> Result<Shape, String> {
        match self.kind(*a) {
            TypeData::List(_) | TypeData::Set(_) | TypeData::Map(..) => Ok(Shape::Is(Type::INT)),
            _ => self.wrong(*a, "a list, set or map"),
        }
    }

    fn get(&self, a: &Val, index: &Val) -> Result<Shape, String> {
        self.expect(*index, Type::INT)?;
        match self.kind(*a) {
            TypeData::List(of) => Ok(optional(&self.module.types, of)),
            _ => self.wrong(*a, "a list"),
        }
    }

    fn lookup(&self, a: &Val, key: &Val) -> Result<Shape, String> {
        let TypeData::Map(of, value) = self.kind(*a) else {
            return self.wrong(*a, "a map");
        };
        self.expect(*key, of)?;
        Ok(optional(&self.module.types, value))
    }

    fn contains(&self, a: &Val, item: &Val) -> Result<Shape, String> {
        let of = self.element(*a)?;
        self.expect(*item, of)?;
        Ok(Shape::Is(Type::BOOL))
    }

    fn cidrs_have(&self, a: &Val, ip: &Val) -> Result<Shape, String> {
        if self.element(*a)? != Type::CIDR {
            return self.wrong(*a, "a list or set of networks");
        }
        self.expect(*ip, Type::IP)?;
        Ok(Shape::Is(Type::BOOL))
    }

    fn path_capture(&self, a: &Val, pattern: &PatId, index: &Index) -> Result<Shape, String> {
        self.expect(*a, Type::STR)?;
        match &self.module.patterns[*pattern] {
            Pattern::Path(path) if (index.0 as usize) < path.captures().len() => {
                Ok(Shape::Is(Type::STR))
            }
            Pattern::Path(_) => Err(format!("{pattern} has no capture {}", index.0)),
            _ => Err(format!("{pattern} is not a path pattern")),
        }
    }

    fn regex_capture(&self, a: &Val, pattern: &PatId, index: &Index) -> Result<Shape, String> {
        self.expect(*a, Type::STR)?;
        match &self.module.patterns[*pattern] {
            Pattern::Regex(regex) if regex.groups().any(|(_, i)| i == index.0 as usize) => {
                Ok(Shape::Opt(Type::STR))
            }
            Pattern::Regex(_) => Err(format!("{pattern} has no named group {}", index.0)),
            _ => Err(format!("{pattern} is not a regular expression")),
        }
    }

    fn path_join(&self, parts: &Vals) -> Result<Shape, String> {
        parts.iter().try_for_each(|v| self.expect(*v, Type::STR))?;
        Ok(Shape::Is(Type::STR))
    }

    fn any(&self, a: &Val, func: &FuncId, max: &Imm, captured: &Vals) -> Result<Shape, String> {
        let of = self.element(*a)?;
        self.bound(*max)?;
        self.expect_signature(*func, &[of], captured, Type::BOOL)?;
        Ok(Shape::Is(Type::BOOL))
    }

    fn fold(
        &self,
        a: &Val,
        init: &Val,
        func: &FuncId,
        max: &Imm,
        captured: &Vals,
    ) -> Result<Shape, String> {
        let (of, acc) = (self.element(*a)?, self.func.ty(*init));
        self.bound(*max)?;
        self.expect_signature(*func, &[acc, of], captured, acc)?;
        Ok(Shape::Is(acc))
    }

    fn call(&self, func: &FuncId, args: &Vals) -> Result<Shape, String> {
        let (params, result) = self.signature(*func);
        self.expect_all(args, &params, &self.module.funcs[*func].name)?;
        Ok(Shape::Is(result))
    }

    fn call_marked(&self, func: &FuncId, args: &Vals) -> Result<Shape, String> {
        self.call(func, args)
    }

    fn native(&self, native: &NativeId, args: &Vals) -> Result<Shape, String> {
        let native = self.module.natives[*native];
        let types = &self.module.types;
        let unknown = || {
            format!(
                "a type of the native `{}` is none of the module",
                native.name
            )
        };
        let params: Option<Vec<Type>> = native
            .params
            .iter()
            .map(|p| native_type(types, &p.ty))
            .collect();
        self.expect_all(args, &params.ok_or_else(unknown)?, native.name)?;
        let result = native_type(types, &native.result).ok_or_else(unknown)?;
        Ok(Shape::Is(result))
    }

    fn decide(&self, rules: &RuleSetId, args: &Vals) -> Result<Shape, String> {
        let rules = &self.module.rulesets[*rules];
        self.expect_all(args, &rules.params, &rules.name)?;
        Ok(Shape::Is(rules.result))
    }

    fn decide_marked(&self, rules: &RuleSetId, args: &Vals) -> Result<Shape, String> {
        self.decide(rules, args)
    }

    fn search(&self, index: &IndexId, args: &Vals) -> Result<Shape, String> {
        let index = &self.module.indexes[*index];
        self.expect_all(args, &index.params, &index.name)?;
        Ok(Shape::Is(index.result))
    }

    fn search_marked(&self, index: &IndexId, args: &Vals) -> Result<Shape, String> {
        self.search(index, args)
    }

    fn ask(&self, place: &PlaceId, args: &Vals) -> Result<Shape, String> {
        let place = &self.module.places[*place];
        self.expect_all(args, &place.params, place.operation.name())?;
        Ok(Shape::Is(place.result))
    }

    fn answer(&self, place: &PlaceId) -> Result<Shape, String> {
        Ok(Shape::Is(self.module.places[*place].result))
    }
}
