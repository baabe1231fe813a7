//! What a compiled program takes in memory.

use tollgate_ir::entities::FuncId;
use tollgate_ir::module::Site;
use tollgate_runtime::index::Formula;
use tollgate_runtime::{Native, Pattern};

use crate::program::{Code, Program, RuleIndex, Table};

impl Program {
    /// Bytes of memory that the program takes: code, functions, operand lists, jump tables, constants, patterns with their
    /// automata, and names; reserved or used. Natives are code of the executable and count as the pointers to them; what
    /// regular expressions keep for a search is not counted. Linear in the number of names, tables and patterns.
    pub fn memory(&self) -> usize {
        // Taken apart, so that a new field cannot be forgotten here.
        let Program {
            ops,
            funcs,
            lists,
            tables,
            consts,
            patterns,
            natives,
            data,
            places,
            sites,
            indexes,
            entries,
        } = self;
        let table = |t: &Table| t.memory();
        let site = |s: &Site| match s {
            Site::Rule { ruleset, rule } => ruleset.len() + rule.len(),
            Site::Otherwise { ruleset } => ruleset.len(),
            Site::Stage { pipeline, stage } => pipeline.len() + stage.len(),
            Site::Shadow { ruleset } => ruleset.len(),
        };
        size_of::<Program>()
            + reserved(ops)
            + reserved(funcs)
            + sum(funcs, Code::memory)
            + reserved(lists)
            + reserved(tables)
            + sum(tables, table)
            + consts.bytes()
            + reserved(patterns)
            + sum(patterns, Pattern::bytes)
            + natives.capacity() * size_of::<&'static Native>()
            + reserved(data)
            + data.iter().map(|name| name.len()).sum::<usize>()
            + reserved(places)
            + sum(places, |(name, _): &(Box<str>, u32)| name.len())
            + reserved(sites)
            + sum(sites, site)
            + reserved(indexes)
            + sum(indexes, RuleIndex::memory)
            + reserved(entries)
            + sum(entries, |(name, _): &(Box<str>, FuncId)| name.len())
    }
}

impl Code {
    fn memory(&self) -> usize {
        self.name.len() + self.direct.as_ref().map_or(0, |direct| direct.bytes())
    }
}

impl RuleIndex {
    fn memory(&self) -> usize {
        let conditions = self.conditions.iter().map(Formula::heap);
        self.name.len()
            + reserved(&self.functions)
            + size_of_val(&self.conditions[..])
            + conditions.sum::<usize>()
            + self.decider.heap()
    }
}

impl Table {
    fn memory(&self) -> usize {
        reserved(&self.cases) + reserved(&self.dense)
    }
}

fn reserved<T>(vec: &Vec<T>) -> usize {
    vec.capacity() * size_of::<T>()
}

fn sum<T>(items: &[T], bytes: impl Fn(&T) -> usize) -> usize {
    items.iter().map(bytes).sum()
}

#[cfg(test)]
mod tests {
    use tollgate_ir::text::parse;
    use tollgate_ir::verify::legal;

    use super::*;

    fn memory(consts: usize) -> usize {
        let mut text = String::from("func f(int) -> int {\nblock0(v0: int):\n");
        for i in 0..consts {
            text.push_str(&format!("    v{} = iadd v{i}, v{i}\n", i + 1));
        }
        text.push_str(&format!("    return v{consts}\n}}\n"));
        let module = legal(parse(&text, &[]).unwrap().module).unwrap();
        Program::compile(&module).unwrap().memory()
    }

    #[test]
    fn code_is_counted() {
        let (small, large) = (memory(10), memory(1010));
        let op = size_of::<crate::ops::Op>();
        assert!(large - small >= 1000 * op, "{small} and {large}");
        assert!(large - small < 4000 * op, "{small} and {large}");
    }
}
