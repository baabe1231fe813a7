//! Large programs, deep ones, and many of them.
#![cfg(feature = "llvm")]

use tollgate_backend_api::{Backend, Executable};
use tollgate_backend_llvm::{Effort, Llvm};
use tollgate_backend_suite::shapes::chain;
use tollgate_backend_suite::stress::{self, ROUTE};
use tollgate_backend_suite::{CORPUS, legal, legalize};
use tollgate_ir::Legalized;

fn compile(module: &Legalized) -> Box<dyn Executable> {
    with(Effort::Full)(module)
}

fn with(effort: Effort) -> impl Fn(&Legalized) -> Box<dyn Executable> + Sync {
    move |module| {
        let llvm = Llvm {
            effort,
            ..Llvm::default()
        };
        llvm.compile(module).unwrap_or_else(|e| panic!("{e}"))
    }
}

/// What people read: the names of the IR, of what is called, and of nothing that depends on the machine.
#[test]
fn what_is_shown_has_names() {
    let llvm = Llvm {
        effort: Effort::None,
        ..Llvm::default()
    };
    let shown = llvm.show(&legal(ROUTE), "llvm").unwrap();
    for expected in [
        "define void @route.entry(",
        "block1:",
        "%v0 = select i1",
        "%v1.at = select i1",
        "%mark = load ptr",
    ] {
        assert!(shown.contains(expected), "no `{expected}` in\n{shown}");
    }
    let asm = Llvm::default().show(&legal(ROUTE), "asm").unwrap();
    assert!(asm.contains("route.entry:") && asm.contains("ret"), "{asm}");
    let refused = llvm.show(&legal(ROUTE), "clif").unwrap_err();
    let expected = "the backend `llvm` has no stage `clif` of its own; it has llvm, asm";
    assert_eq!(refused.to_string(), expected);
}

/// What only compiled code calls has the form with registers, and takes no words apart.
#[test]
fn what_only_code_calls_has_no_entry() {
    let llvm = Llvm {
        effort: Effort::None,
        ..Llvm::default()
    };
    let text = "func twice(int) -> int {\nblock0(v0: int):\n    v1 = iadd v0, v0\n    return v1\n}\n\
                func four(int) -> int {\nblock0(v0: int):\n    v1 = call twice(v0)\n    v2 = call twice(v1)\n    return v2\n}\n";
    // Without the entries that the suite adds, one for each function.
    let module = tollgate_ir::text::parse(text, &[]).unwrap().module;
    let module = tollgate_ir::verify::legal(module).unwrap();
    let shown = llvm.show(&module, "llvm").unwrap();
    for (expected, there) in [
        ("@four.entry(", true),
        ("@twice.registers(", true),
        ("@twice.entry(", false),
        ("@four.registers(", false),
    ] {
        assert_eq!(shown.contains(expected), there, "`{expected}` in\n{shown}");
    }
    // What is listed is what there is: at full effort the form stands in its only callers.
    assert!(llvm.compile(&module).unwrap().listing().contains("twice"));
    let best = Llvm::default().compile(&module).unwrap().listing();
    assert!(!best.contains("twice") && best.contains("four"), "{best}");
}

/// What LLVM cannot see: a rule rarely decides, and what calls of the runtime read and write.
#[test]
fn facts_are_attached() {
    let llvm = Llvm {
        effort: Effort::None,
        ..Llvm::default()
    };
    let (chain, corpus) = (legalize(chain(3)), legal(CORPUS));
    let shown = [chain, corpus].map(|module| llvm.show(&module, "llvm").unwrap());
    for (shown, expected) in [
        (&shown[0], "!{!\"branch_weights\", i32 1, i32 8}"),
        (
            &shown[0],
            "ptr noalias noundef nonnull align 8 dereferenceable(",
        ),
        (&shown[1], "!invariant.load"),
        (&shown[1], "{ nounwind willreturn memory(none) }"),
        (&shown[1], "{ nounwind willreturn memory(read) }"),
        (
            &shown[1],
            "memory(read, argmem: readwrite, inaccessiblemem: readwrite) }",
        ),
    ] {
        assert!(shown.contains(expected), "no `{expected}` in\n{shown}");
    }
}

#[test]
fn the_deepest_calls_fit_the_stack() {
    stress::deepest_calls(&with(Effort::None));
    stress::deepest_calls(&compile);
}

#[test]
fn ten_thousand_rules_in_one_function_are_ten_times_the_code_of_a_thousand() {
    for effort in [Effort::None, Effort::Some, Effort::Full] {
        stress::linear_code(&with(effort));
    }
}

#[test]
fn two_programs_run_in_sixteen_threads() {
    stress::sixteen_threads(&compile);
}

#[test]
fn words_of_other_types_are_harmless() {
    stress::words_of_other_types(&with(Effort::None));
    stress::words_of_other_types(&compile);
}
