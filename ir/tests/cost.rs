//! The static bound: what it is for the constructs that matter, and that the interpreter keeps below it.

use tollgate_ir::cost::Costs;
use tollgate_ir::interp::Interp;
use tollgate_ir::module::{Module, Target};
use tollgate_ir::text::parse;
use tollgate_ir::verify::verify;
use tollgate_runtime::{Arena, Cx, Word};

const TEXT: &str = "
site site0 = rule r a
site site1 = rule r b

func branches(int) -> int {
block0(v0: int):
    v1 = iconst 0
    v2 = icmp lt, v0, v1
    br v2, block1, block2
block1:
    v3 = idiv v0, v0
    jump block3(v3)
block2:
    jump block3(v1)
block3(v4: int):
    return v4
}

func small(int) -> bool {
block0(v0: int):
    v1 = iconst 5
    v2 = icmp lt, v0, v1
    return v2
}

func one(int) -> int {
block0(v0: int):
    v1 = iconst 1
    return v1
}

func loop([int]) -> bool {
block0(v0: [int]):
    v1 = any v0, small, 10()
    return v1
}

func endless([int]) -> bool {
block0(v0: [int]):
    v1 = any v0, small, 9223372036854775807()
    return v1
}

ruleset r(int) -> int first {
    group group0 = small
    rule a site0 in group0 when small then branches
    rule b site1 when small then one
}

ruleset all(int) -> [int] all {
    rule a site0 when small then branches, one
    rule b site1 then one
}
";

fn module() -> Module {
    let module = parse(TEXT, &[]).unwrap().module;
    verify(&module).unwrap();
    module
}

fn target(module: &Module, name: &str) -> Target {
    let func = module.funcs.iter().find(|(_, f)| &*f.name == name);
    let rules = module.rulesets.iter().find(|(_, r)| &*r.name == name);
    let rules = rules.map(|(id, _)| Target::Rules(id));
    rules.or(func.map(|(id, _)| Target::Func(id))).unwrap()
}

fn bound(module: &Module, name: &str) -> u64 {
    let costs = Costs::new(module);
    match target(module, name) {
        Target::Func(f) => costs.func(f),
        Target::Rules(r) => costs.ruleset(r),
    }
}

fn steps(module: &Module, name: &str, arg: Word<'_>) -> u64 {
    let interp = Interp::new(module);
    let arena = Arena::new();
    let mut cx = Cx::new(&arena, "", 0);
    interp.run(target(module, name), &mut cx, &[arg]);
    cx.steps
}

#[test]
fn a_branch_costs_its_dearest_way() {
    let module = module();
    // block0: 3, block1: 4 + 1, block3: 1.
    assert_eq!(bound(&module, "branches"), 9);
    assert_eq!(steps(&module, "branches", Word::Int(-1)), 9);
    assert_eq!(steps(&module, "branches", Word::Int(1)), 5);
}

#[test]
fn a_loop_costs_its_bound() {
    let module = module();
    assert_eq!(bound(&module, "small"), 3);
    assert_eq!(bound(&module, "loop"), 1 + 10 * 3 + 1);
    let list: Vec<Word<'_>> = (0..10).map(|_| Word::Int(9)).collect();
    assert_eq!(
        steps(&module, "loop", Word::Seq(&list)),
        bound(&module, "loop")
    );
    assert_eq!(steps(&module, "loop", Word::Seq(&[])), 2);
    assert_eq!(bound(&module, "endless"), u64::MAX);
}

#[test]
fn a_rule_set_costs_all_its_conditions_and_its_dearest_outcome() {
    let module = module();
    // Three conditions of 1 + 3, and the dearer outcome of 1 + 9.
    assert_eq!(bound(&module, "r"), 3 * 4 + 10);
    // The group fails: its rule is not tried.
    assert_eq!(steps(&module, "r", Word::Int(9)), 4 + 4 + (1 + 2));
    assert_eq!(steps(&module, "r", Word::Int(-1)), 4 + 4 + 10);
    // One condition, and all outcomes: 1 + 9, 1 + 2, 1 + 2.
    assert_eq!(bound(&module, "all"), 4 + 10 + 3 + 3);
    assert_eq!(steps(&module, "all", Word::Int(-1)), bound(&module, "all"));
}
