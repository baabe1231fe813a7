//! Each rule of the verifier, broken once.

use tollgate_ir::operand::{Flag, Imm};
use tollgate_runtime::Value;

use super::*;
use crate::program::{Table, freeze};

fn func(params: u32, frame: u32, ops: std::ops::Range<u32>) -> Code {
    Code {
        name: format!("f{}", ops.start).into(),
        params,
        frame,
        ops,
        stack: 0,
        bound: 0,
        direct: None,
    }
}

fn program(funcs: Vec<Code>, ops: Vec<Op>) -> Program {
    Program {
        ops,
        funcs,
        lists: Vec::new(),
        tables: Vec::new(),
        consts: freeze(&[&Value::Int(1)]),
        patterns: Vec::new(),
        natives: Vec::new(),
        data: Vec::new(),
        places: Vec::new(),
        sites: Vec::new(),
        indexes: Vec::new(),
        entries: Vec::new(),
    }
}

/// A program of one function with one parameter and two registers.
fn one(ops: Vec<Op>) -> Program {
    program(vec![func(1, 2, 0..ops.len() as u32)], ops)
}

fn refused(mut program: Program) -> String {
    verify(&mut program).unwrap_err().to_string()
}

const RET: Op = Op::Ret { a: Reg(0) };
const SET: Op = Op::Iconst {
    dst: Dst(1),
    imm: Imm(7),
};

fn branch(to: u32) -> Op {
    Op::Br {
        want: Flag(true),
        a: Reg(0),
        to: Target(to),
    }
}

fn call(dst: u32, at: u32) -> Op {
    Op::Call {
        dst: Dst(dst),
        call: Call(at),
    }
}

#[test]
fn what_is_right_is_accepted() {
    let mut good = one(vec![branch(3), SET, Op::Ret { a: Reg(1) }, RET]);
    verify(&mut good).unwrap();
    assert_eq!((good.funcs[0].bound, good.funcs[0].stack), (3, 2));
}

#[test]
fn operands_name_what_exists() {
    let konst = Op::Konst {
        dst: Dst(1),
        value: ConstId(1),
    };
    assert_eq!(
        refused(one(vec![konst, RET])),
        "in `f0` at 0: no constant 1, there are 1"
    );
    let high = Op::Mov {
        dst: Dst(2),
        a: Reg(0),
    };
    assert_eq!(
        refused(one(vec![high, RET])),
        "in `f0` at 0: no register r2, there are 2"
    );
    assert_eq!(
        refused(one(vec![Op::Mark { site: SiteId(0) }, RET])),
        "in `f0` at 0: no site 0, there are 0"
    );
}

#[test]
fn jumps_go_forward_and_stay_inside() {
    for to in [0, 1, 3] {
        let text = refused(one(vec![SET, branch(to), RET]));
        assert_eq!(
            text,
            format!("in `f0` at 1: a jump to {to} does not go forward to an opcode")
        );
    }
    assert_eq!(
        refused(one(vec![RET, SET, branch(2)])),
        "in `f0` at 2: a jump to 2 does not go forward to an opcode"
    );
    assert_eq!(
        refused(one(vec![SET])),
        "in `f0` at 1: the function does not return"
    );
    assert_eq!(
        refused(one(vec![])),
        "in `f0` at 0: the function does not return"
    );
}

#[test]
fn registers_are_written_before_they_are_read() {
    let read = Op::Ret { a: Reg(1) };
    assert_eq!(
        refused(one(vec![read])),
        "in `f0` at 0: r1 is read but not written on every path"
    );
    // Written on one of two paths.
    assert_eq!(
        refused(one(vec![branch(2), SET, read])),
        "in `f0` at 2: r1 is read but not written on every path"
    );
}

#[test]
fn calls_have_no_cycle_and_the_right_arguments() {
    let two = |ops: Vec<Op>, lists: Vec<u32>| Program {
        lists,
        ..program(vec![func(1, 2, 0..2), func(1, 2, 2..4)], ops)
    };
    let ops = vec![call(1, 0), RET, call(1, 3), RET];
    assert_eq!(
        refused(two(ops.clone(), vec![1, 1, 0, 0, 1, 0])),
        "`f0` calls itself"
    );
    assert_eq!(
        refused(two(vec![call(1, 0), RET, SET, RET], vec![1, 0])),
        "in `f0` at 0: `f2` takes 1 words, not 0"
    );
    assert_eq!(
        refused(two(ops, vec![1, 1, 0, 2, 1, 0])),
        "`f2` calls no function"
    );
    let mut good = two(vec![call(1, 0), RET, SET, RET], vec![1, 1, 0]);
    verify(&mut good).unwrap();
    assert_eq!((good.funcs[0].stack, good.funcs[0].bound), (4, 4));
}

#[test]
fn lists_end_in_their_pool_and_belong_to_one_opcode() {
    let record = Op::Record {
        dst: Dst(1),
        fields: List(0),
    };
    let with = |ops: Vec<Op>, lists: Vec<u32>| Program { lists, ..one(ops) };
    assert_eq!(
        refused(with(vec![record, RET], vec![2, 0])),
        "in `f0` at 0: no list 0"
    );
    assert_eq!(
        refused(with(vec![record, RET], vec![])),
        "in `f0` at 0: no list 0"
    );
    assert_eq!(
        refused(with(vec![record, record, RET], vec![1, 0])),
        "in `f0` at 1: lists or jump tables are shared"
    );
}

#[test]
fn tables_go_forward() {
    let switch = Op::Switch {
        a: Reg(0),
        table: TableIx(0),
    };
    let with = |to: u32| Program {
        tables: vec![Table::new(vec![(4, Target(to))], Target(1))],
        ..one(vec![switch, RET])
    };
    verify(&mut with(1)).unwrap();
    assert_eq!(
        refused(with(0)),
        "in `f0` at 0: a jump to 0 does not go forward to an opcode"
    );
    assert_eq!(
        refused(one(vec![switch, RET])),
        "in `f0` at 0: no jump table 0"
    );
}

#[test]
fn limits_are_told() {
    let wide = program(vec![func(0, FRAME_MAX + 1, 0..1)], vec![RET]);
    assert_eq!(
        refused(wide),
        "in `f0` at 0: 65537 registers, the limit is 65536"
    );
    // A chain of calls one deeper than the limit.
    let depth = DEPTH_MAX + 1;
    let mut deep = program(Vec::new(), Vec::new());
    for i in 0..depth {
        let start = deep.ops.len() as u32;
        let op = if i + 1 < depth { call(1, 3 * i) } else { SET };
        deep.ops.extend([op, RET]);
        deep.lists.extend([i + 1, 1, 0]);
        deep.funcs.push(func(1, 2, start..start + 2));
    }
    let flaw = verify(&mut deep).unwrap_err();
    assert!(flaw.is_limit());
    assert_eq!(
        flaw.to_string(),
        "calls below `f0` nest 257 deep, the limit is 256"
    );
}
