//! What the code looks like: a listing a person has read, and the size of large programs.

use tollgate_backend_api::Executable;
use tollgate_backend_suite::shapes::{chain, deepest};
use tollgate_backend_suite::{legal, legalize, run};
use tollgate_backend_vm::Program;
use tollgate_ir::entities::FuncId;
use tollgate_runtime::{Mark, Value};

/// A small rule set as the optimizer leaves it.
const ROUTE: &str = r#"
record Request { method: str, path: str, size: int, country: str }
pattern pat0 = path "/v2/carts/{cart}"
const const0: str = "GET"
const const1: {str} = ["MY", "SG", "TH"]
const const2: str = "payments"
const const3: str = "catalog"
site site0 = rule route checkout
site site1 = rule route large
site site2 = otherwise route

func route(Request) -> str {
block0(v0: Request):
    v1 = field v0, 0
    v2 = konst const0
    v3 = scmp eq, v1, v2
    br v3, block1, block3
block1:
    v4 = field v0, 1
    v5 = matches v4, pat0
    br v5, block2, block3
block2:
    mark site0
    v6 = path_capture v4, pat0, 0
    jump block6(v6)
block3:
    v7 = field v0, 2
    v8 = iconst 1024
    v9 = icmp gt, v7, v8
    br v9, block4, block5
block4:
    v10 = field v0, 3
    v11 = konst const1
    v12 = contains v11, v10
    v13 = konst const2
    mark site1
    br v12, block6(v13), block5
block5:
    mark site2
    v14 = konst const3
    jump block6(v14)
block6(v15: str):
    return v15
}

entry route = route
"#;

#[test]
fn a_rule_set_as_bytecode() {
    let program = Program::compile(&legal(ROUTE)).unwrap();
    insta::assert_snapshot!("route", program.listing());
}

#[test]
fn ten_thousand_rules_need_few_registers() {
    let program = Program::compile(&legalize(chain(10_000))).unwrap();
    let listing = program.listing();
    let header = listing.lines().find(|l| l.starts_with("fn0 ")).unwrap();
    assert!(
        header.starts_with("fn0 chain: 2 parameters, 3 registers"),
        "{header}"
    );
    // A test, a mark, an addition and a jump a rule, nothing else.
    assert!(program.opcodes() <= 4 * 10_000 + 4, "{}", program.opcodes());
    let args = [Value::Int(9_999), Value::Int(1)];
    let outcome = run(&program, FuncId(0), &args, &[]);
    assert_eq!(
        (outcome.value, outcome.marks),
        (Value::Int(10_000), vec![Mark(0)])
    );
}

/// The deepest calls the verifier lets through, on the small stack of a test's thread.
#[test]
fn the_deepest_calls_fit_the_stack() {
    let (module, top) = deepest();
    let program = Program::compile(&legalize(module)).unwrap();
    let outcome = run(&program, top, &[Value::Int(0)], &[]);
    assert_eq!(
        outcome.value,
        Value::Int(tollgate_ir::verify::CALL_DEPTH_MAX.into())
    );
}
