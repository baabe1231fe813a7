//! Indices, names, types, constants, calls, and how functions are put together.

use rustc_hash::FxHashSet;
use tollgate_runtime::Value;

use super::{CALL_DEPTH_MAX, Errors, TYPE_DEPTH_MAX};
use crate::callgraph::{CallGraph, Node, postorder};
use crate::entities::{Block, Entity, FuncId, IndexId, RuleSetId, Val};
use crate::instructions::Inst;
use crate::module::{Def, Func, Module, RuleSet, Target, Terminator};
use crate::operand::Kind;
use crate::text::Place;
use crate::types::{FieldData, Type, TypeData};

pub(super) fn check(module: &Module, errors: &mut Errors<'_>) {
    names(module, errors);
    types(module, errors);
    if !errors.list.is_empty() {
        // Whatever follows asks types what they are.
        return;
    }
    pools(module, errors);
    for (id, func) in module.funcs.iter() {
        function(module, id, func, errors);
    }
    for (id, rules) in module.rulesets.iter() {
        errors.check(Place::RuleSet(id), ruleset_indices(module, rules));
    }
    for (id, index) in module.indexes.iter() {
        errors.check(Place::RuleIndex(id), index.check_indices(module));
    }
    for (i, entry) in module.entries.iter().enumerate() {
        let place = Place::Entry(i as u32);
        let params = match entry.target {
            Target::Func(f) => module
                .funcs
                .get(f)
                .and_then(|f| Some(f.blocks.get(Func::ENTRY)?.params.len())),
            Target::Rules(r) => module.rulesets.get(r).map(|r| r.params.len()),
        };
        match params {
            None => errors.add(place, "what the entry calls does not exist"),
            Some(n) if !entry.params.is_empty() && entry.params.len() != n => {
                let described = entry.params.len();
                errors.add(
                    place,
                    format!("{described} parameters are described, not {n}"),
                );
            }
            Some(_) => {}
        }
    }
    if errors.list.is_empty() {
        calls(module, errors);
    }
}

/// Whether every index in an instruction is one of the module or function.
pub(crate) fn check_inst(module: &Module, func: &Func, inst: &Inst) -> Result<(), String> {
    let mut outcome = Ok(());
    inst.operands(|_, operand| {
        let (ok, text) = match operand.kind() {
            Kind::Val(v) => (v.index() < func.vals.len(), v.to_string()),
            Kind::Vals(vals) => match vals.iter().find(|v| v.index() >= func.vals.len()) {
                Some(v) => (false, v.to_string()),
                None => return,
            },
            Kind::Imm(_) | Kind::Flag(_) | Kind::Cc(_) | Kind::Index(_) => return,
            Kind::Fimm(v) if v.is_finite() => return,
            Kind::Fimm(v) => (false, format!("{v}")),
            Kind::Type(ty) if module.types.has(ty) => return,
            Kind::Type(ty) => (false, format!("type {}", ty.0)),
            Kind::Const(id) => (module.consts.get(id).is_some(), id.to_string()),
            Kind::Data(id) => (module.data.get(id).is_some(), id.to_string()),
            Kind::Pat(id) => (module.patterns.get(id).is_some(), id.to_string()),
            // A function without blocks has no parameters to ask for; it is refused where it stands.
            Kind::Func(id) => {
                let entry = module.funcs.get(id).filter(|f| !f.blocks.is_empty());
                (entry.is_some(), id.to_string())
            }
            Kind::RuleSet(id) => (module.rulesets.get(id).is_some(), id.to_string()),
            Kind::RuleIndex(id) => (module.indexes.get(id).is_some(), id.to_string()),
            Kind::Native(id) => (module.natives.get(id).is_some(), id.to_string()),
            Kind::Place(id) => (module.places.get(id).is_some(), id.to_string()),
            Kind::Site(id) => (module.sites.get(id).is_some(), id.to_string()),
        };
        if !ok && outcome.is_ok() {
            outcome = Err(format!("{text} does not exist"));
        }
    });
    outcome
}

fn names(module: &Module, errors: &mut Errors<'_>) {
    let mut seen = FxHashSet::default();
    let types = &module.types;
    for (id, record) in types.records.iter() {
        once(&mut seen, &record.name, Place::Record(id), "type", errors);
    }
    for (id, data) in types.enums.iter() {
        once(&mut seen, &data.name, Place::Enum(id), "type", errors);
    }
    seen.clear();
    for (id, data) in module.data.iter() {
        once(&mut seen, &data.name, Place::Data(id), "data", errors);
    }
    seen.clear();
    for (id, native) in module.natives.iter() {
        once(&mut seen, native.name, Place::Native(id), "native", errors);
    }
    seen.clear();
    for (id, func) in module.funcs.iter() {
        once(&mut seen, &func.name, Place::Func(id), "function", errors);
    }
    seen.clear();
    for (id, rules) in module.rulesets.iter() {
        once(
            &mut seen,
            &rules.name,
            Place::RuleSet(id),
            "rule set",
            errors,
        );
    }
    seen.clear();
    for (id, index) in module.indexes.iter() {
        once(
            &mut seen,
            &index.name,
            Place::RuleIndex(id),
            "index",
            errors,
        );
    }
    seen.clear();
    for (i, entry) in module.entries.iter().enumerate() {
        once(
            &mut seen,
            &entry.name,
            Place::Entry(i as u32),
            "entry",
            errors,
        );
    }
    for (id, rules) in module.rulesets.iter() {
        seen.clear();
        for (i, rule) in rules.rules.iter().enumerate() {
            once(
                &mut seen,
                &rule.name,
                Place::Rule(id, i as u32),
                "rule",
                errors,
            );
        }
    }
}

fn once<'m>(
    seen: &mut FxHashSet<&'m str>,
    name: &'m str,
    place: Place,
    what: &str,
    errors: &mut Errors<'_>,
) {
    if !seen.insert(name) {
        errors.add(place, format!("the {what} `{name}` stands twice"));
    }
}

fn types(module: &Module, errors: &mut Errors<'_>) {
    let types = &module.types;
    let fields = |place: Place, fields: &[FieldData], errors: &mut Errors<'_>| {
        for field in fields {
            if !types.has(field.ty) {
                errors.add(
                    place,
                    format!("the type of `{}` does not exist", field.name),
                );
            }
        }
    };
    for (id, record) in types.records.iter() {
        fields(Place::Record(id), &record.fields, errors);
    }
    for (id, data) in types.enums.iter() {
        if data.variants.is_empty() {
            errors.add(Place::Enum(id), "an enum has a variant");
        }
        for variant in &data.variants {
            fields(Place::Enum(id), &variant.fields, errors);
        }
    }
    let handles = || (0..types.len() as u32).map(Type);
    for ty in handles() {
        let exists = match types.get(ty) {
            TypeData::Opt(of) => {
                if types.has(of) && matches!(types.get(of), TypeData::Opt(_)) {
                    errors.add(
                        None,
                        format!("`{}`: optionals do not nest", types.display(ty)),
                    );
                }
                types.has(of)
            }
            TypeData::List(of) | TypeData::Set(of) => types.has(of),
            TypeData::Map(k, v) => types.has(k) && types.has(v),
            TypeData::Record(id) => types.records.get(id).is_some(),
            TypeData::Enum(id) => types.enums.get(id).is_some(),
            _ => true,
        };
        if !exists {
            errors.add(
                None,
                format!("type {} is made of what does not exist", ty.0),
            );
        }
    }
    if errors.list.is_empty() {
        nesting(module, errors);
    }
}

/// The types a type contains directly.
fn parts(module: &Module, ty: Type) -> Vec<u32> {
    let types = &module.types;
    match types.get(ty) {
        TypeData::Opt(of) | TypeData::List(of) | TypeData::Set(of) => vec![of.0],
        TypeData::Map(k, v) => vec![k.0, v.0],
        TypeData::Record(id) => types.records[id].fields.iter().map(|f| f.ty.0).collect(),
        TypeData::Enum(id) => {
            let fields = types.enums[id].variants.iter().flat_map(|v| &v.fields);
            fields.map(|f| f.ty.0).collect()
        }
        _ => Vec::new(),
    }
}

fn nesting(module: &Module, errors: &mut Errors<'_>) {
    let types = &module.types;
    let parts: Vec<Vec<u32>> = (0..types.len() as u32)
        .map(|i| parts(module, Type(i)))
        .collect();
    let order = match postorder(parts.len(), |n| &parts[n]) {
        Ok(order) => order,
        Err(n) => {
            let name = types.display(Type(n as u32));
            errors.add(type_place(module, n), format!("`{name}` contains itself"));
            return;
        }
    };
    let mut depth = vec![0u32; parts.len()];
    for n in order {
        depth[n] = 1 + parts[n]
            .iter()
            .map(|p| depth[*p as usize])
            .max()
            .unwrap_or(0);
        if depth[n] == TYPE_DEPTH_MAX + 1 {
            let name = types.display(Type(n as u32));
            let message = format!("`{name}` nests deeper than {TYPE_DEPTH_MAX}");
            errors.add(type_place(module, n), message);
        }
    }
}

fn type_place(module: &Module, n: usize) -> Option<Place> {
    match module.types.get(Type(n as u32)) {
        TypeData::Record(id) => Some(Place::Record(id)),
        TypeData::Enum(id) => Some(Place::Enum(id)),
        _ => None,
    }
}

fn pools(module: &Module, errors: &mut Errors<'_>) {
    for (id, data) in module.data.iter() {
        if !module.types.has(data.ty) {
            errors.add(Place::Data(id), "its type does not exist");
        }
    }
    for (id, place) in module.places.iter() {
        let at = Place::StatePlace(id);
        if place.states.len() != place.operation.states() {
            let (word, count) = (place.operation.name(), place.operation.states());
            errors.add(at, format!("`{word}` asks {count} of the states"));
        }
        for state in &place.states {
            if module.states.get(*state).is_none() {
                errors.add(at, format!("{state} does not exist"));
            }
        }
        let mut types = place.params.iter().chain([&place.result]);
        if types.any(|ty| !module.types.has(*ty)) {
            errors.add(at, "one of its types does not exist");
        }
    }
    for (id, constant) in module.consts.iter() {
        if !module.types.has(constant.ty) {
            errors.add(Place::Const(id), "its type does not exist");
        } else if let Err(why) = conforms(module, constant.ty, &constant.value) {
            errors.add(Place::Const(id), why);
        }
    }
}

/// Whether a value is one of a type. The depth is that of the type, which is bounded.
fn conforms(module: &Module, ty: Type, value: &Value) -> Result<(), String> {
    let types = &module.types;
    let wrong = || Err(format!("the value is no {}", types.display(ty)));
    match (types.get(ty), value) {
        (TypeData::Bool, Value::Bool(_))
        | (TypeData::Int, Value::Int(_))
        | (TypeData::Str, Value::Str(_))
        | (TypeData::Bytes, Value::Bytes(_))
        | (TypeData::Ip, Value::Ip(_))
        | (TypeData::Cidr, Value::Cidr(_))
        | (TypeData::Opt(_), Value::None) => Ok(()),
        (TypeData::Float, Value::Float(v)) => {
            if v.is_finite() && (*v != 0.0 || v.is_sign_positive()) {
                Ok(())
            } else {
                Err(format!("{v:?} is no finite float, or is minus zero"))
            }
        }
        (TypeData::Opt(of), value) => conforms(module, of, value),
        (TypeData::List(of), Value::Seq(items)) => {
            items.iter().try_for_each(|v| conforms(module, of, v))
        }
        (TypeData::Set(of), Value::Seq(items)) => {
            items.iter().try_for_each(|v| conforms(module, of, v))?;
            if items.is_sorted_by(|a, b| a < b) {
                Ok(())
            } else {
                Err("the elements of a set are sorted and distinct".into())
            }
        }
        (TypeData::Map(key, val), Value::Seq(items)) => {
            if !items.len().is_multiple_of(2) {
                return Err("a map holds keys and values in turn".into());
            }
            for pair in items.chunks_exact(2) {
                conforms(module, key, &pair[0])?;
                conforms(module, val, &pair[1])?;
            }
            if items.chunks_exact(2).is_sorted_by(|a, b| a[0] < b[0]) {
                Ok(())
            } else {
                Err("the keys of a map are sorted and distinct".into())
            }
        }
        (TypeData::Record(id), Value::Seq(items)) => {
            fields_conform(module, &types.records[id].fields, items)
        }
        (TypeData::Enum(id), Value::Variant(tag, items)) => {
            match types.enums[id].variants.get(*tag as usize) {
                Some(variant) => fields_conform(module, &variant.fields, items),
                None => Err(format!("`{}` has no variant {tag}", types.enums[id].name)),
            }
        }
        _ => wrong(),
    }
}

fn fields_conform(module: &Module, fields: &[FieldData], items: &[Value]) -> Result<(), String> {
    if fields.len() != items.len() {
        return Err(format!(
            "there are {} fields, not {}",
            fields.len(),
            items.len()
        ));
    }
    fields
        .iter()
        .zip(items)
        .try_for_each(|(field, item)| conforms(module, field.ty, item))
}

fn function(module: &Module, id: FuncId, func: &Func, errors: &mut Errors<'_>) {
    let before = errors.list.len();
    if func.blocks.is_empty() {
        errors.add(Place::Func(id), "a function has an entry block");
        return;
    }
    if !module.types.has(func.result) {
        errors.add(Place::Func(id), "the type of the result does not exist");
    }
    if func.vals.values().any(|v| !module.types.has(v.ty)) {
        errors.add(Place::Func(id), "the type of a value does not exist");
    }
    if before != errors.list.len() {
        return;
    }
    let mut stands = vec![false; func.insts.len()];
    let defined = |val: Val, def: Def| match func.vals.get(val) {
        None => Err(format!("{val} does not exist")),
        Some(data) if data.def != def => Err(format!("{val} is defined elsewhere")),
        Some(_) => Ok(()),
    };
    for (at, block) in func.blocks.iter() {
        for (i, param) in block.params.iter().enumerate() {
            errors.check(
                Place::Block(id, at),
                defined(*param, Def::Param(at, i as u32)),
            );
        }
        for inst in &block.insts {
            let place = Place::Inst(id, *inst);
            let Some(data) = func.insts.get(*inst) else {
                errors.add(Place::Block(id, at), format!("{inst} does not exist"));
                continue;
            };
            if std::mem::replace(&mut stands[inst.index()], true) {
                errors.add(place, format!("{inst} stands twice"));
            }
            if let Some(result) = data.result {
                errors.check(place, defined(result, Def::Inst(*inst)));
            }
            errors.check(place, check_inst(module, func, &data.inst));
        }
        errors.check(Place::Term(id, at), terminator(func, at, &block.term));
    }
}

fn terminator(func: &Func, at: Block, term: &Terminator) -> Result<(), String> {
    let mut outcome = Ok(());
    term.vals(|v| {
        if v.index() >= func.vals.len() && outcome.is_ok() {
            outcome = Err(format!("{v} does not exist"));
        }
    });
    outcome?;
    for jump in term.jumps() {
        if jump.block.index() >= func.blocks.len() {
            return Err(format!("{} does not exist", jump.block));
        }
        if jump.block <= at {
            return Err(format!("the branch to {} does not go forward", jump.block));
        }
    }
    match term {
        Terminator::Switch(_, cases, _) if !cases.is_sorted_by(|a, b| a.0 < b.0) => {
            Err("the cases of a switch are sorted and distinct".into())
        }
        _ => Ok(()),
    }
}

fn ruleset_indices(module: &Module, rules: &RuleSet) -> Result<(), String> {
    let mut types = rules.params.iter().chain([&rules.result]);
    if types.any(|ty| !module.types.has(*ty)) {
        return Err("a type of its signature does not exist".into());
    }
    let missing = crate::callgraph::ruleset_funcs(rules).find(|f| {
        let func = module.funcs.get(*f);
        func.is_none_or(|f| f.blocks.is_empty())
    });
    if let Some(func) = missing {
        return Err(format!("{func} does not exist"));
    }
    let groups = rules.groups.values().filter_map(|g| g.parent);
    let mut groups = groups.chain(rules.rules.iter().filter_map(|r| r.group));
    if let Some(group) = groups.find(|g| rules.groups.get(*g).is_none()) {
        return Err(format!("{group} does not exist"));
    }
    let otherwise = rules.otherwise.iter().map(|o| o.site);
    let mut sites = rules.rules.iter().map(|r| r.site).chain(otherwise);
    if let Some(site) = sites.find(|s| module.sites.get(*s).is_none()) {
        return Err(format!("{site} does not exist"));
    }
    Ok(())
}

/// No cycles, and no chain too long.
fn calls(module: &Module, errors: &mut Errors<'_>) {
    let graph = CallGraph::new(module);
    let order = match graph.bottom_up() {
        Ok(order) => order,
        Err(node) => {
            errors.add(node_place(node), "it calls itself, if through others");
            return;
        }
    };
    let mut funcs = vec![0u32; module.funcs.len()];
    let mut rules = vec![0u32; module.rulesets.len()];
    let mut indexes = vec![0u32; module.indexes.len()];
    for node in order {
        let callees = graph.callees(node).map(|callee| match callee {
            Node::Func(FuncId(f)) => funcs[f as usize],
            Node::Rules(RuleSetId(r)) => rules[r as usize],
            Node::Index(IndexId(i)) => indexes[i as usize],
        });
        let depth = 1 + callees.max().unwrap_or(0);
        if depth == CALL_DEPTH_MAX + 1 {
            errors.add(
                node_place(node),
                format!("the calls in it nest deeper than {CALL_DEPTH_MAX}"),
            );
        }
        match node {
            Node::Func(FuncId(f)) => funcs[f as usize] = depth,
            Node::Rules(RuleSetId(r)) => rules[r as usize] = depth,
            Node::Index(IndexId(i)) => indexes[i as usize] = depth,
        }
    }
}

fn node_place(node: Node) -> Place {
    match node {
        Node::Func(f) => Place::Func(f),
        Node::Rules(r) => Place::RuleSet(r),
        Node::Index(i) => Place::RuleIndex(i),
    }
}
