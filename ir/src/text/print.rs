//! Printing. Nothing here trusts the module: what is out of range prints as its index.

use std::fmt::{self, Write};

use tollgate_runtime::{Pattern, Value};

use super::index_lines;
use super::{Name, Place};
use crate::entities::{Block, FuncId, RuleSetId, Val};
use crate::instructions::Inst;
use crate::module::{
    BlockData, Func, InstData, Jump, Module, Policy, RuleSet, Site, Target, Terminator,
};
use crate::operand::{Kind, Operand};
use crate::types::{FieldData, TypeData};
use crate::typing::result_type;
use crate::verify::check_inst;

/// A line of text, and what it is about. Closing braces are about nothing.
pub(crate) type Line = (Option<Place>, String);

/// The text of a whole module. Linear in its size.
pub fn print_module(module: &Module) -> String {
    let mut out = String::new();
    let mut put = |lines: Vec<Line>| {
        for (_, line) in lines {
            out.push_str(&line);
            out.push('\n');
        }
    };
    put(header_lines(module));
    for id in module.funcs.keys() {
        put(vec![(None, String::new())]);
        put(func_lines(module, id));
    }
    for id in module.rulesets.keys() {
        put(vec![(None, String::new())]);
        put(ruleset_lines(module, id));
    }
    for id in module.indexes.keys() {
        put(vec![(None, String::new())]);
        put(index_lines(module, id));
    }
    if !module.entries.is_empty() {
        put(vec![(None, String::new())]);
    }
    put(entry_lines(module));
    out.trim_start_matches('\n').to_owned()
}

/// The text of a function.
pub fn print_func(module: &Module, func: FuncId) -> String {
    let lines = func_lines(module, func);
    lines.into_iter().map(|(_, line)| line + "\n").collect()
}

/// Types, data, natives, patterns, constants and sites.
pub(crate) fn header_lines(module: &Module) -> Vec<Line> {
    let types = &module.types;
    let mut lines = Vec::new();
    for (id, record) in types.records.iter() {
        let fields = separated(&record.fields, |f, field| write_field(f, module, field));
        let line = if record.fields.is_empty() {
            format!("record {} {{ }}", Name(&record.name))
        } else {
            format!("record {} {{ {fields} }}", Name(&record.name))
        };
        lines.push((Some(Place::Record(id)), line));
    }
    for (id, data) in types.enums.iter() {
        let variants = separated(&data.variants, |f, variant| {
            write!(f, "{}", Name(&variant.name))?;
            if variant.fields.is_empty() {
                return Ok(());
            }
            write!(
                f,
                "({})",
                separated(&variant.fields, |f, x| write_field(f, module, x))
            )
        });
        let line = if data.variants.is_empty() {
            format!("enum {} {{ }}", Name(&data.name))
        } else {
            format!("enum {} {{ {variants} }}", Name(&data.name))
        };
        lines.push((Some(Place::Enum(id)), line));
    }
    for (id, data) in module.data.iter() {
        let line = format!("data {}: {}", Name(&data.name), types.display(data.ty));
        lines.push((Some(Place::Data(id)), line));
    }
    for (id, state) in module.states.iter() {
        let line = format!("state {id} = {}", Name(&state.name));
        lines.push((Some(Place::State(id)), line));
    }
    for (id, place) in module.places.iter() {
        let line = format!(
            "place {id} = {} ({}) in {} ({}) -> {}",
            place.operation.name(),
            separated(&place.states, |f, state| write!(f, "{state}")),
            Name(&place.rule),
            separated(&place.params, |f, ty| write!(f, "{}", types.display(*ty))),
            types.display(place.result)
        );
        lines.push((Some(Place::StatePlace(id)), line));
    }
    for (id, native) in module.natives.iter() {
        lines.push((
            Some(Place::Native(id)),
            format!("native {}", Name(native.name)),
        ));
    }
    for (id, pattern) in module.patterns.iter() {
        let line = format!("pattern {id} = {}", PatternText(pattern));
        lines.push((Some(Place::Pattern(id)), line));
    }
    for (id, constant) in module.consts.iter() {
        let ty = types.display(constant.ty);
        let line = format!("const {id}: {ty} = {}", Literal(&constant.value));
        lines.push((Some(Place::Const(id)), line));
    }
    for (id, site) in module.sites.iter() {
        lines.push((
            Some(Place::Site(id)),
            format!("site {id} = {}", SiteText(site)),
        ));
    }
    lines
}

/// A function, line by line.
pub(crate) fn func_lines(module: &Module, id: FuncId) -> Vec<Line> {
    let func = &module.funcs[id];
    let ty = |v: &Val| func.vals.get(*v).map_or(u32::MAX, |v| v.ty.0);
    let params: &[Val] = func.blocks.get(Func::ENTRY).map_or(&[], |b| &b.params);
    let header = format!(
        "func {}({}) -> {} {{",
        Name(&func.name),
        separated(params, |f, v| write!(
            f,
            "{}",
            module.types.display(crate::types::Type(ty(v)))
        )),
        module.types.display(func.result)
    );
    let mut lines = vec![(Some(Place::Func(id)), header)];
    for (at, block) in func.blocks.iter() {
        lines.push((
            Some(Place::Block(id, at)),
            block_line(module, func, at, block),
        ));
        for inst in &block.insts {
            let line = match func.insts.get(*inst) {
                Some(data) => inst_line(module, func, data),
                None => format!("    {inst}"),
            };
            lines.push((Some(Place::Inst(id, *inst)), line));
        }
        lines.push((
            Some(Place::Term(id, at)),
            format!("    {}", TermText(&block.term)),
        ));
    }
    lines.push((None, "}".into()));
    lines
}

/// A rule set, line by line.
pub(crate) fn ruleset_lines(module: &Module, id: RuleSetId) -> Vec<Line> {
    let set: &RuleSet = &module.rulesets[id];
    let types = &module.types;
    let name = |f: FuncId| FuncName(module, f);
    let header = format!(
        "ruleset {}({}) -> {} {} {{",
        Name(&set.name),
        separated(&set.params, |f, ty| write!(f, "{}", types.display(*ty))),
        types.display(set.result),
        policy_name(set.policy)
    );
    let mut lines = vec![(Some(Place::RuleSet(id)), header)];
    for (group, data) in set.groups.iter() {
        let parent = data.parent.map_or(String::new(), |p| format!(" in {p}"));
        let line = format!("    group {group}{parent} = {}", name(data.cond));
        lines.push((Some(Place::Group(id, group)), line));
    }
    for (i, rule) in set.rules.iter().enumerate() {
        let group = rule.group.map_or(String::new(), |g| format!(" in {g}"));
        let cond = rule
            .cond
            .map_or(String::new(), |c| format!(" when {}", name(c)));
        let line = format!(
            "    rule {} {}{group}{cond} then {}",
            Name(&rule.name),
            rule.site,
            separated(&rule.outcomes, |f, o| write!(f, "{}", name(*o)))
        );
        lines.push((Some(Place::Rule(id, i as u32)), line));
    }
    if let Some(otherwise) = &set.otherwise {
        let line = format!(
            "    otherwise {} then {}",
            otherwise.site,
            name(otherwise.outcome)
        );
        lines.push((Some(Place::Otherwise(id)), line));
    }
    if let Some(key) = set.key {
        lines.push((Some(Place::Key(id)), format!("    key {}", name(key))));
    }
    lines.push((None, "}".into()));
    lines
}

/// The entries, a line each.
pub(crate) fn entry_lines(module: &Module) -> Vec<Line> {
    let line = |(i, entry): (usize, &crate::module::Entry)| {
        let target = match entry.target {
            Target::Func(f) => FuncName(module, f).to_string(),
            Target::Rules(r) => format!("rules {}", ruleset_name(module, r)),
        };
        let line = format!("entry {} = {target}", Name(&entry.name));
        (Some(Place::Entry(i as u32)), line)
    };
    module.entries.iter().enumerate().map(line).collect()
}

/// The name of a hit policy.
pub(crate) fn policy_name(policy: Policy) -> &'static str {
    match policy {
        Policy::First => "first",
        Policy::Unique => "unique",
        Policy::Any => "any",
        Policy::All => "all",
        Policy::Best => "best",
        Policy::Sum => "sum",
    }
}

fn block_line(module: &Module, func: &Func, at: Block, block: &BlockData) -> String {
    if block.params.is_empty() {
        return format!("{at}:");
    }
    let params = separated(&block.params, |f, v| match func.vals.get(*v) {
        Some(data) => write!(f, "{v}: {}", module.types.display(data.ty)),
        None => write!(f, "{v}"),
    });
    format!("{at}({params}):")
}

fn inst_line(module: &Module, func: &Func, data: &InstData) -> String {
    let mut line = String::from("    ");
    if let Some(result) = data.result {
        let stored = func.vals.get(result).map(|v| v.ty);
        let ruled = match check_inst(module, func, &data.inst) {
            Ok(()) => result_type(module, func, &data.inst).ok().flatten(),
            Err(_) => None,
        };
        line.push_str(&result.to_string());
        if let Some(stored) = stored
            && ruled != Some(stored)
        {
            line.push_str(&format!(": {}", module.types.display(stored)));
        }
        line.push_str(" = ");
    }
    line.push_str(data.inst.opcode().mnemonic());
    let mut first = true;
    data.inst.operands(|_, operand| {
        let kind = operand.kind();
        line.push_str(match (first, &kind) {
            (_, Kind::Vals(_)) => "",
            (true, _) => " ",
            (false, _) => ", ",
        });
        first = false;
        write_operand(&mut line, module, operand);
    });
    if let Some(comment) = comment(module, func, &data.inst) {
        line.push_str("    ; ");
        line.push_str(&comment);
    }
    line
}

fn write_operand(line: &mut String, module: &Module, operand: &dyn Operand) {
    let written = match operand.kind() {
        Kind::Val(v) => write!(line, "{v}"),
        Kind::Vals(vals) => write!(line, "({})", separated(vals, |f, v| write!(f, "{v}"))),
        Kind::Imm(v) => write!(line, "{v}"),
        Kind::Fimm(v) => write!(line, "{v:?}"),
        Kind::Flag(v) => write!(line, "{v}"),
        Kind::Cc(cc) => write!(line, "{}", cc.name()),
        Kind::Index(v) => write!(line, "{v}"),
        Kind::Type(ty) => write!(line, "{}", module.types.display(ty)),
        Kind::Const(id) => write!(line, "{id}"),
        Kind::Pat(id) => write!(line, "{id}"),
        Kind::Place(id) => write!(line, "{id}"),
        Kind::Site(id) => write!(line, "{id}"),
        Kind::Func(id) => write!(line, "{}", FuncName(module, id)),
        Kind::RuleSet(id) => write!(line, "{}", ruleset_name(module, id)),
        Kind::RuleIndex(id) => match module.indexes.get(id) {
            Some(index) => write!(line, "{}", Name(&index.name)),
            None => write!(line, "{id}"),
        },
        Kind::Data(id) => match module.data.get(id) {
            Some(data) => write!(line, "{}", Name(&data.name)),
            None => write!(line, "{id}"),
        },
        Kind::Native(id) => match module.natives.get(id) {
            Some(native) => write!(line, "{}", Name(native.name)),
            None => write!(line, "{id}"),
        },
    };
    written.unwrap_or_else(|_| crate::bug!("writing to a string does not fail"));
}

/// What a reader would otherwise have to look up.
fn comment(module: &Module, func: &Func, inst: &Inst) -> Option<String> {
    let data = |v: &Val| {
        let ty = func.vals.get(*v)?.ty;
        module.types.has(ty).then(|| module.types.get(ty))
    };
    let variant = |id, tag: u32| module.types.enums.get(id)?.variants.get(tag as usize);
    match inst {
        Inst::Konst { value } => {
            let constant = module.consts.get(*value)?;
            Some(shortened(Literal(&constant.value)))
        }
        Inst::Field { a, index } => match data(a)? {
            TypeData::Record(id) => {
                let record = module.types.records.get(id)?;
                Some(Name(&record.fields.get(index.0 as usize)?.name).to_string())
            }
            _ => None,
        },
        Inst::Variant { ty, tag, .. } if module.types.has(*ty) => match module.types.get(*ty) {
            TypeData::Enum(id) => Some(Name(&variant(id, tag.0)?.name).to_string()),
            _ => None,
        },
        Inst::Payload { a, tag, index } => match data(a)? {
            TypeData::Enum(id) => {
                let variant = variant(id, tag.0)?;
                let field = variant.fields.get(index.0 as usize)?;
                Some(format!("{} {}", Name(&variant.name), Name(&field.name)))
            }
            _ => None,
        },
        Inst::Matches { pattern, .. }
        | Inst::PathCapture { pattern, .. }
        | Inst::RegexCapture { pattern, .. } => {
            Some(shortened(PatternText(module.patterns.get(*pattern)?)))
        }
        Inst::Ask { place, .. } | Inst::Answer { place } => {
            let place = module.places.get(*place)?;
            let states = place.states.iter().filter_map(|s| module.states.get(*s));
            let names: Vec<String> = states.map(|s| Name(&s.name).to_string()).collect();
            Some(format!("{} {}", names.join(", "), place.operation.name()))
        }
        Inst::Mark { site } => Some(SiteText(module.sites.get(*site)?).to_string()),
        _ => None,
    }
}

fn ruleset_name(module: &Module, id: RuleSetId) -> String {
    match module.rulesets.get(id) {
        Some(set) => Name(&set.name).to_string(),
        None => id.to_string(),
    }
}

fn write_field(f: &mut fmt::Formatter<'_>, module: &Module, field: &FieldData) -> fmt::Result {
    write!(
        f,
        "{}: {}",
        Name(&field.name),
        module.types.display(field.ty)
    )
}

/// The beginning of what `text` prints; printing stops there, however long it would be.
fn shortened(text: impl fmt::Display) -> String {
    struct Short(String);
    impl Write for Short {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for c in text.chars() {
                if self.0.len() > 60 {
                    return Err(fmt::Error);
                }
                self.0.push(c);
            }
            Ok(())
        }
    }
    let mut short = Short(String::new());
    if write!(short, "{text}").is_err() {
        short.0.push('…');
    }
    short.0
}

/// The name of a function, or its index if there is none.
pub(super) fn func_name(module: &Module, func: FuncId) -> String {
    FuncName(module, func).to_string()
}

struct FuncName<'m>(&'m Module, FuncId);

impl fmt::Display for FuncName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.funcs.get(self.1) {
            Some(func) => write!(f, "{}", Name(&func.name)),
            None => write!(f, "{}", self.1),
        }
    }
}

struct PatternText<'m>(&'m Pattern);

impl fmt::Display for PatternText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, text) = self.0.key();
        write!(f, "{kind} {text:?}")
    }
}

struct SiteText<'m>(&'m Site);

impl fmt::Display for SiteText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Site::Rule { ruleset, rule } => write!(f, "rule {} {}", Name(ruleset), Name(rule)),
            Site::Otherwise { ruleset } => write!(f, "otherwise {}", Name(ruleset)),
            Site::Stage { pipeline, stage } => {
                write!(f, "stage {} {}", Name(pipeline), Name(stage))
            }
            Site::Shadow { ruleset } => write!(f, "shadow {}", Name(ruleset)),
        }
    }
}

struct TermText<'m>(&'m Terminator);

impl fmt::Display for TermText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Terminator::Jump(to) => write!(f, "jump {}", JumpText(to)),
            Terminator::Br(v, yes, no) => write!(f, "br {v}, {}, {}", JumpText(yes), JumpText(no)),
            Terminator::Switch(v, cases, default) => {
                let cases = separated(cases, |f, (value, to)| {
                    write!(f, "{value}: {}", JumpText(to))
                });
                write!(f, "switch {v}, [{cases}], {}", JumpText(default))
            }
            Terminator::Return(v) => write!(f, "return {v}"),
        }
    }
}

struct JumpText<'m>(&'m Jump);

impl fmt::Display for JumpText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.args.is_empty() {
            return write!(f, "{}", self.0.block);
        }
        write!(
            f,
            "{}({})",
            self.0.block,
            separated(&self.0.args, |f, v| write!(f, "{v}"))
        )
    }
}

/// A value as the text form writes it.
pub(super) struct Literal<'v>(pub(super) &'v Value);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |items| separated::<Value, _>(items, |f, v| write!(f, "{}", Literal(v)));
        match self.0 {
            Value::None => f.write_str("none"),
            Value::Bool(v) => write!(f, "{v}"),
            Value::Int(v) => write!(f, "{v}"),
            Value::Float(v) => write!(f, "{v:?}"),
            Value::Str(v) => write!(f, "{v:?}"),
            Value::Bytes(v) => {
                f.write_str("x\"")?;
                v.iter().try_for_each(|b| write!(f, "{b:02x}"))?;
                f.write_str("\"")
            }
            Value::Ip(v) => write!(f, "ip\"{v}\""),
            Value::Cidr(v) => write!(f, "cidr\"{v}\""),
            Value::Seq(v) => write!(f, "[{}]", all(v)),
            Value::Variant(tag, v) if v.is_empty() => write!(f, "#{tag}"),
            Value::Variant(tag, v) => write!(f, "#{tag}({})", all(v)),
        }
    }
}

/// Elements with commas between them.
pub(super) struct Separated<'s, T, F>(&'s [T], F);

pub(super) fn separated<T, F: Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result>(
    items: &[T],
    write: F,
) -> Separated<'_, T, F> {
    Separated(items, write)
}

impl<T, F: Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result> fmt::Display for Separated<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, item) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            (self.1)(f, item)?;
        }
        Ok(())
    }
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print_module(self))
    }
}
