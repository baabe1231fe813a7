//! Rules of the verifier that no text can break, its limits, and its speed. The others are in `tests/filetests/verify`.

use std::time::Instant;

use tollgate_ir::builder::FuncBuilder;
use tollgate_ir::entities::{Block, ConstId, FuncId, InstId, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Def, Func, Module, Policy, Rule, RuleSet, Site, Terminator};
use tollgate_ir::operand::Cc;
use tollgate_ir::text::parse;
use tollgate_ir::types::{FieldData, RecordData, Type, TypeData};
use tollgate_ir::verify::{CALL_DEPTH_MAX, ERRORS_MAX, TYPE_DEPTH_MAX, legal, verify};
use tollgate_runtime::Value;

/// A module with one function of two instructions.
fn sample() -> (Module, FuncId) {
    let mut module = Module::default();
    let mut b = FuncBuilder::new(&mut module, "f", &[Type::INT], Type::INT);
    let x = b.params()[0];
    let one = b.iconst(1);
    let sum = b.ins(Inst::Iadd { a: x, b: one });
    b.ret(sum);
    let id = b.finish();
    (module, id)
}

/// The first complaint about the sample once it is broken.
fn broken(breaking: impl FnOnce(&mut Func)) -> String {
    let (mut module, id) = sample();
    breaking(&mut module.funcs[id]);
    complaint(&module)
}

fn complaint(module: &Module) -> String {
    match verify(module) {
        Ok(()) => panic!("it verifies:\n{module}"),
        Err(errors) => errors[0].message().to_owned(),
    }
}

#[test]
fn indices_out_of_range_are_refused() {
    let add = InstId(1);
    let inst = |inst: Inst| broken(|f| f.insts[add].inst = inst);
    assert_eq!(inst(Inst::Ineg { a: Val(9) }), "v9 does not exist");
    assert_eq!(
        inst(Inst::Konst { value: ConstId(3) }),
        "const3 does not exist"
    );
    let call = Inst::Call {
        func: FuncId(7),
        args: Box::new([]),
    };
    assert_eq!(inst(call), "fn7 does not exist");
    assert_eq!(inst(Inst::None { ty: Type(99) }), "type 99 does not exist");
    assert_eq!(
        broken(|f| f.blocks[Func::ENTRY].term = Terminator::Return(Val(9))),
        "v9 does not exist"
    );
    assert_eq!(
        broken(|f| f.blocks[Func::ENTRY].insts.push(InstId(5))),
        "inst5 does not exist"
    );
    assert_eq!(
        broken(|f| f.result = Type(99)),
        "the type of the result does not exist"
    );
    assert_eq!(
        broken(|f| f.vals[Val(0)].ty = Type(99)),
        "the type of a value does not exist"
    );
}

#[test]
fn what_stands_twice_or_elsewhere_is_refused() {
    assert_eq!(
        broken(|f| f.blocks[Func::ENTRY].insts.push(InstId(0))),
        "inst0 stands twice"
    );
    assert_eq!(
        broken(|f| f.vals[Val(1)].def = Def::Param(Block(0), 3)),
        "v1 is defined elsewhere"
    );
    assert_eq!(
        broken(|f| f.blocks = Default::default()),
        "a function has an entry block"
    );
    let (mut module, id) = sample();
    let copy = module.funcs[id].clone();
    module.funcs.push(copy);
    assert_eq!(complaint(&module), "the function `f` stands twice");
    let (mut module, _) = sample();
    for _ in 0..2 {
        module.types.records.push(RecordData {
            name: "R".into(),
            fields: vec![],
        });
    }
    assert_eq!(complaint(&module), "the type `R` stands twice");
}

#[test]
fn floats_outside_the_language_are_refused() {
    for value in [f64::NAN, f64::INFINITY, -0.0] {
        let mut module = Module::default();
        module.konst(Type::FLOAT, Value::Float(value));
        assert!(complaint(&module).contains("is no finite float"));
    }
}

#[test]
fn types_and_calls_nest_up_to_their_limits() {
    let nested = |depth: u32| {
        let mut module = Module::default();
        let mut ty = Type::INT;
        for i in 1..depth {
            let id = module.types.records.push(RecordData {
                name: format!("R{i}").into(),
                fields: vec![FieldData {
                    name: "x".into(),
                    ty,
                }],
            });
            ty = module.types.intern(TypeData::Record(id));
        }
        module
    };
    assert!(verify(&nested(TYPE_DEPTH_MAX)).is_ok());
    assert_eq!(
        complaint(&nested(TYPE_DEPTH_MAX + 1)),
        "`R256` nests deeper than 256"
    );

    let chain = |depth: u32| {
        let (mut module, mut below) = sample();
        for i in 1..depth {
            let mut b = FuncBuilder::new(&mut module, format!("f{i}"), &[Type::INT], Type::INT);
            let x = b.params()[0];
            let y = b.call(below, &[x]);
            b.ret(y);
            below = b.finish();
        }
        module
    };
    assert!(verify(&chain(CALL_DEPTH_MAX)).is_ok());
    let deep = chain(CALL_DEPTH_MAX + 1);
    assert_eq!(complaint(&deep), "the calls in it nest deeper than 256");
    // A chain far beyond the limit is refused as well, not followed.
    assert_eq!(
        complaint(&chain(100_000)),
        "the calls in it nest deeper than 256"
    );
}

#[test]
fn errors_are_shown_where_they_are_and_not_endlessly() {
    let (mut module, id) = sample();
    module.funcs[id].insts[InstId(1)].inst = Inst::Bnot { a: Val(0) };
    let errors = verify(&module).unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "v0 is int, not bool\n  func f(int) -> int {\n  block0(v0: int):\n      v1 = iconst 1\n>     v2: int = bnot v0\n      return v2\n  }"
    );
    let mut text = String::from("func f(int) -> int {\nblock0(v0: int):\n");
    (1..=100).for_each(|i| text += &format!("    v{i}: int = bnot v0\n"));
    text += "    return v0\n}\n";
    let module = parse(&text, &[]).unwrap().module;
    assert_eq!(verify(&module).unwrap_err().len(), ERRORS_MAX);
}

#[test]
fn legal_modules_have_no_rule_sets_left() {
    let text = "site site0 = rule r one
        func one() -> int {\nblock0:\n    v0 = iconst 1\n    return v0\n}
        func two() -> int {\nblock0:\n    v0 = decide r()\n    return v0\n}
        ruleset r() -> int first {\n    rule one site0 then one\n}
        entry r = rules r";
    let module = parse(text, &[]).unwrap().module;
    let errors = legal(module).unwrap_err();
    let messages: Vec<&str> = errors.iter().map(|e| e.message()).collect();
    assert_eq!(
        messages,
        [
            "a rule set is left",
            "the entry calls a rule set",
            "a rule set is decided"
        ]
    );
}

/// Twenty thousand rules: not quadratic.
#[test]
fn many_rules_verify_fast() {
    let mut module = Module::default();
    let params = [Type::STR, Type::INT];
    let mut rules = Vec::new();
    for i in 0..20_000u32 {
        let mut b = FuncBuilder::new(&mut module, format!("when{i}"), &params, Type::BOOL);
        let n = b.params()[1];
        let limit = b.iconst(i.into());
        let holds = b.icmp(Cc::Lt, n, limit);
        b.ret(holds);
        let cond = b.finish();
        let mut b = FuncBuilder::new(&mut module, format!("then{i}"), &params, Type::INT);
        let n = b.iconst(i.into());
        b.ret(n);
        let outcome = b.finish();
        let name: Box<str> = format!("rule{i}").into();
        let site = module.sites.push(Site::Rule {
            ruleset: "r".into(),
            rule: name.clone(),
        });
        rules.push(Rule {
            name,
            site,
            group: None,
            cond: Some(cond),
            outcomes: vec![outcome],
        });
    }
    module.rulesets.push(RuleSet {
        name: "r".into(),
        params: params.to_vec(),
        result: Type::INT,
        policy: Policy::First,
        groups: Default::default(),
        rules,
        otherwise: None,
        key: None,
    });
    let start = Instant::now();
    assert!(verify(&module).is_ok());
    let unoptimised = start.elapsed();
    assert!(unoptimised.as_secs() < 30, "verifying took {unoptimised:?}");
}
