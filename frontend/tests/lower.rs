//! Lowering, looked at from both ends: what programs mean once they are IR, and what the IR of small ones is.

use tollgate_frontend::hir::Program;
use tollgate_frontend::library::{Library, NoModules};
use tollgate_frontend::lower::{self, TestFn, TestStep};
use tollgate_frontend::{check, diagnostics::render::render};
use tollgate_grammar::source::SourceMap;
use tollgate_ir::entities::SiteId;
use tollgate_ir::interp::Interp;
use tollgate_ir::module::{Module, Site, Target};
use tollgate_ir::text::{print_func, print_module};
use tollgate_ir::verify::verify;
use tollgate_runtime::{Arena, Cx, Value, Word};

#[test]
fn programs_mean_what_their_tests_say() {
    let program = checked(include_str!("lower/program.rules"));
    assert_legal(&lower::lower(&program).module);
    let (lowered, plans) = lower::lower_tests(&program);
    assert!(lower::check_limits(&program, &lowered).is_empty());
    assert_legal(&lowered.module);
    let run = Run {
        module: &lowered.module,
        interp: Interp::new(&lowered.module),
    };
    for plan in &plans {
        let mut data: Vec<Value> = run.module.data.values().map(|_| Value::seq([])).collect();
        for (i, step) in plan.steps.iter().enumerate() {
            match step {
                TestStep::Show { .. } | TestStep::State(..) | TestStep::Advance(_) => {
                    panic!("this test shows nothing and has no states")
                }
                TestStep::Data(id, value) => data[id.0 as usize] = run.ask(*value, &data).0,
                TestStep::Expect {
                    condition,
                    by,
                    subject,
                    ..
                } => {
                    let (held, rules) = run.ask(*condition, &data);
                    let seen = subject.map(|(subject, _)| run.ask(subject, &data).0);
                    assert!(
                        held == Value::Bool(true),
                        "{}, step {i}: {seen:?}",
                        plan.title
                    );
                    if let Some(by) = by {
                        assert!(
                            by.iter().map(|b| &*b.rule).eq(rules.iter().copied()),
                            "{}, step {i}: {rules:?}",
                            plan.title
                        );
                    }
                }
            }
        }
    }
    assert_eq!(plans.len(), 5);
}

#[test]
fn a_condition_leaves_as_soon_as_the_answer_is_known() {
    let program = checked(
        "record Token { at: Instant? }
         record Request { now: Instant, token: Token? }
         ruleset fresh(req: Request) -> Int hit first {
           rule old when let at = req.token.at ?? skip and req.now - at > 12h then 1
           otherwise 0
         }",
    );
    assert_eq!(
        func(&lower::lower(&program).module, "fresh.old.when"),
        "\
func fresh.old.when(Request) -> bool {
block0(v0: Request):
    v1 = field v0, 1    ; token
    v2 = is_some v1
    br v2, block1, block3
block1:
    v3 = unwrap v1
    v4 = field v3, 0    ; at
    v5 = is_some v4
    br v5, block2, block3
block2:
    v6 = unwrap v4
    v7 = field v0, 0    ; now
    v8 = isub v7, v6
    v9 = iconst 43200000000
    v10 = icmp gt, v8, v9
    return v10
block3:
    v11 = bconst false
    return v11
}
"
    );
}

#[test]
fn an_outcome_computes_again_what_its_condition_bound() {
    let program = checked(
        "enum Event { paid(amount: Int in 0 .. 9), left }
         ruleset gain(e: Event) -> Int hit first {
           rule paying when e is paid(amount) and let double = amount * 2 and double > 4 then double + amount
           otherwise 0
         }",
    );
    assert_eq!(
        func(&lower::lower(&program).module, "gain.paying.then"),
        "\
func gain.paying.then(Event) -> int {
block0(v0: Event):
    v1 = payload v0, 0, 0    ; paid amount
    v2 = iconst 2
    v3 = imul v1, v2
    v4 = iadd v3, v1
    return v4
}
"
    );
}

#[test]
fn a_match_on_variants_is_a_switch() {
    let program = checked(
        "enum Shape { circle(r: Int in 0 .. 9), square(a: Int in 0 .. 9), dot, line }
         fn area(s: Shape) -> Int = match s { circle(r) => r * 3, square(a) => a, _ => 0 }
         ruleset big(s: Shape) -> Bool hit first { rule yes when area(s) > 9 then true otherwise false }",
    );
    assert_eq!(
        func(&lower::lower(&program).module, "area"),
        "\
func area(Shape) -> int {
block0(v0: Shape):
    v1 = tag v0
    switch v1, [0: block1, 1: block2], block3
block1:
    v2 = payload v0, 0, 0    ; circle r
    v3 = iconst 3
    v4 = imul v2, v3
    jump block4(v4)
block2:
    v5 = payload v0, 1, 0    ; square a
    jump block4(v5)
block3:
    v6 = iconst 0
    jump block4(v6)
block4(v7: int):
    return v7
}
"
    );
}

#[test]
fn a_quantifier_takes_along_what_its_filter_needs() {
    let program = checked(
        "ruleset big(xs: [Int ..8], least: Int) -> Bool hit first {
           rule yes when any(x in xs where x > least) then true
           otherwise false
         }",
    );
    let module = lower::lower(&program).module;
    let text = func(&module, "big.yes.when");
    assert!(text.contains("v2 = any v0, big.any, 8(v1)"), "{text}");
    let text = func(&module, "big.any");
    assert!(
        text.starts_with("func big.any(int, int) -> bool {"),
        "{text}"
    );
}

/// Bindings that many rules share are functions of their own: the IR grows with the sum of bindings and rules, not their product.
#[test]
fn shared_bindings_do_not_multiply() {
    let size = |bindings: usize, rules: usize| {
        let mut text =
            String::from("ruleset r(n: Int in 0 .. 9) -> Int hit first {\n group when let b0 = n");
        for i in 1..=bindings {
            text.push_str(&format!(" and let b{i} = max(min(b{} + 1, 9), 0)", i - 1));
        }
        text.push_str(" {\n");
        for i in 0..rules {
            text.push_str(&format!(
                "  rule r{i} when b{bindings} == {i} then b{bindings}\n"
            ));
        }
        text.push_str(" }\n otherwise 0\n}\n");
        let module = lower::lower(&checked(&text)).module;
        module.funcs.values().map(|f| f.insts.len()).sum::<usize>()
    };
    let (few, many) = (size(10, 10), size(20, 20));
    assert!(
        many < 3 * few,
        "{few} instructions, {many} for twice as much of everything"
    );
}

#[test]
fn a_rule_set_over_its_cost_is_reported_with_its_costliest_rule() {
    let (sources, program) = check_all(
        "ruleset r(xs: [Int ..1000]) -> Int hit first {
           cost 100
           rule cheap when len(xs) == 0 then 1
           rule dear when any(x in xs where x > 5) then 2
           otherwise 3
         }",
    );
    let found = lower::check_limits(&program, &lower::lower(&program));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].slug, "over-budget");
    assert_eq!(sources.slice(found[0].labels[1].span), "dear");
    let cheap = checked(
        "ruleset r(a: Int) -> Int hit first { cost 100 rule one when a > 5 then 1 otherwise 2 }",
    );
    assert!(lower::check_limits(&cheap, &lower::lower(&cheap)).is_empty());
}

struct Run<'m> {
    module: &'m Module,
    interp: Interp<&'m Module>,
}

impl Run<'_> {
    /// The value of a test's function, and the rules that decided.
    fn ask(&self, func: TestFn, data: &[Value]) -> (Value, Vec<&str>) {
        let arena = Arena::new();
        let words: Vec<Word<'_>> = data.iter().map(|v| v.word(&arena)).collect();
        let mut cx = Cx::new(&arena, "", 0);
        cx.data = &words;
        let Target::Func(target) = self.module.entries[func.0 as usize].target else {
            panic!("a test's function is a function");
        };
        let value = Value::of(self.interp.run(Target::Func(target), &mut cx, &[]));
        let rule = |mark: &tollgate_runtime::Mark| match &self.module.sites[SiteId(mark.0)] {
            Site::Rule { rule, .. } => Some(&**rule),
            Site::Otherwise { .. } => Some("otherwise"),
            Site::Stage { .. } | Site::Shadow { .. } => None,
        };
        (value, cx.marks.iter().filter_map(rule).collect())
    }
}

fn func(module: &Module, name: &str) -> String {
    let func = module.funcs.iter().find(|(_, f)| &*f.name == name);
    let (id, _) = func.unwrap_or_else(|| panic!("no {name} in\n{}", print_module(module)));
    print_func(module, id)
}

fn assert_legal(module: &Module) {
    if let Err(errors) = verify(module) {
        panic!("{}\n{}", errors[0], print_module(module));
    }
}

fn checked(text: &str) -> Program {
    check_all(text).1
}

fn check_all(text: &str) -> (SourceMap, Program) {
    let mut sources = SourceMap::new();
    let checked = check(
        "test.rules",
        text,
        &mut NoModules,
        &Library::default(),
        &mut sources,
    );
    let Some(program) = checked.program else {
        let text: Vec<String> = checked
            .diagnostics
            .iter()
            .map(|d| render(d, &sources, false))
            .collect();
        panic!("{}", text.concat());
    };
    (sources, program)
}
