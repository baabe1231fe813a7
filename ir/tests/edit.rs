//! What passes stand on: renames, use counts, compaction, and the order the builder leaves blocks in.

use tollgate_ir::builder::FuncBuilder;
use tollgate_ir::edit::Renames;
use tollgate_ir::entities::{Block, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Module, Terminator};
use tollgate_ir::text::{parse, print_func, print_module};
use tollgate_ir::types::Type;
use tollgate_ir::verify::verify;
use tollgate_runtime::Value;

#[test]
fn renames_follow_one_another() {
    let mut renames = Renames::new();
    renames.set(Val(5), Val(4));
    renames.set(Val(4), Val(2));
    renames.set(Val(7), Val(5));
    renames.set(Val(2), Val(2));
    let all = [7, 5, 4, 2, 9].map(|v| renames.get(Val(v)));
    assert_eq!(all, [Val(2), Val(2), Val(2), Val(2), Val(9)]);
    // Already equal: a rename back is none, and no cycle comes to be.
    renames.set(Val(2), Val(7));
    assert_eq!(renames.get(Val(2)), Val(2));
}

#[test]
fn a_long_chain_of_renames_is_followed_once() {
    let mut renames = Renames::new();
    for v in (1..200_000).rev() {
        renames.set(Val(v), Val(v - 1));
    }
    for v in (0..200_000).rev() {
        assert_eq!(renames.get(Val(v)), Val(0));
    }
}

#[test]
fn blocks_are_put_in_an_order_in_which_branches_go_forward() {
    let mut module = Module::default();
    let mut b = FuncBuilder::new(&mut module, "f", &[Type::BOOL], Type::INT);
    let cond = b.params()[0];
    // Made in the wrong order: the end first, and one that nothing reaches.
    let end = b.block(&[Type::INT]);
    let unreached = b.block(&[]);
    let (yes, no) = (b.block(&[]), b.block(&[]));
    b.br(cond, (yes, &[]), (no, &[]));
    b.switch_to(end);
    let x = b.block_params(end)[0];
    b.ret(x);
    b.switch_to(unreached);
    b.jump(end, &[x]);
    for (block, value) in [(no, 2), (yes, 1)] {
        b.switch_to(block);
        let v = b.iconst(value);
        b.jump(end, &[v]);
    }
    let f = b.finish();
    verify(&module).unwrap();
    assert_eq!(
        print_func(&module, f),
        "func f(bool) -> int {\nblock0(v0: bool):\n    br v0, block1, block2\nblock1:\n    v1 = iconst 1\n    jump block3(v1)\nblock2:\n    v2 = iconst 2\n    jump block3(v2)\nblock3(v3: int):\n    return v3\n}\n"
    );
}

#[test]
fn compaction_leaves_what_the_text_says() {
    let text = "func f(bool, int) -> int {
block0(v0: bool, v1: int):
    v2 = iconst 1
    v3 = iadd v1, v2
    v4 = iadd v1, v2
    br v0, block1, block2
block1:
    return v4
block2:
    return v3
}
";
    let mut module = parse(text, &[]).unwrap().module;
    let func = module.funcs.values_mut().next().unwrap();
    let counts = func.use_counts();
    assert_eq!([0, 1, 2, 3, 4].map(|v| counts[Val(v)]), [1, 2, 2, 1, 1]);
    // v4 is v3, and the condition is known.
    let mut renames = Renames::new();
    renames.set(Val(4), Val(3));
    func.replace_uses(&mut renames);
    func.blocks[Block(0)].insts.pop();
    let Terminator::Br(_, yes, _) = func.blocks[Block(0)].term.clone() else {
        panic!("the parser read something else");
    };
    func.blocks[Block(0)].term = Terminator::Jump(yes);
    func.compact();
    assert_eq!(
        (func.blocks.len(), func.insts.len(), func.vals.len()),
        (2, 2, 4)
    );
    verify(&module).unwrap();
    let printed = print_module(&module);
    let again = parse(&printed, &[]).unwrap().module;
    assert_eq!(print_module(&again), printed);
    assert!(printed.contains("block1:\n    return v3\n"), "{printed}");
}

#[test]
fn pools_hold_everything_once() {
    let mut module = Module::default();
    let list = module.types.list(Type::INT);
    let ints = |n: i64| Value::seq((0..n).map(Value::Int));
    let ids: Vec<_> = [3, 4, 3, 0].map(|n| module.konst(list, ints(n))).to_vec();
    assert_eq!(ids[0], ids[2]);
    assert_eq!(module.consts.len(), 3);
    // One value of two types is two constants.
    let set = module
        .types
        .intern(tollgate_ir::types::TypeData::Set(Type::INT));
    assert_ne!(module.konst(set, ints(3)), ids[0]);
    // A pass may have replaced what the pool says; the answer is still right.
    module.consts[ids[0]].value = ints(9);
    let again = module.konst(list, ints(3));
    assert_eq!(module.consts[again].value, ints(3));
}

#[test]
#[should_panic(expected = "`f`: `iadd`: v0 is bool, not int")]
fn a_wrong_type_is_a_bug_of_the_caller() {
    let mut module = Module::default();
    let mut b = FuncBuilder::new(&mut module, "f", &[Type::BOOL], Type::INT);
    let x = b.params()[0];
    b.ins(Inst::Iadd { a: x, b: x });
}

#[test]
#[should_panic(expected = "block0 has no terminator")]
fn an_open_block_is_a_bug_of_the_caller() {
    let mut module = Module::default();
    FuncBuilder::new(&mut module, "f", &[], Type::INT).finish();
}
