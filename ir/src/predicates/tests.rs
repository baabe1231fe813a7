//! Conditions and what is made of them.

use super::{Predicates, predicates};
use crate::cost::Costs;
use crate::module::Module;
use crate::text::parse;
use crate::verify::verify;

const TYPES: &str = "
record Token { subject: str, scopes: {str}, issued: int? }
record Request { method: Method, host: str, path: str, size: int, agent: str?, token: Token?, flag: bool, ip: ip, tags: [str] }
enum Either { number(number: int), text(text: str) }
enum Method { GET, POST, PUT, custom(name: str) }
pattern pat0 = path \"/healthz\"
pattern pat1 = path \"/v2/**\"
pattern pat2 = glob \"/blog/*\"
pattern pat3 = glob \"*.example.com\"
pattern pat4 = regex \"a|b\"
pattern pat5 = glob \"*\"
const const0: {int} = [0, 2]
const const1: str = \"api.example.com\"
const const2: str = \"\"
const const3: {cidr} = [cidr\"10.0.0.0/8\", cidr\"192.168.0.0/16\"]
const const4: Method = #1
const const5: {str} = [\"a\", \"b\"]
const const6: str = \"admin\"
const const7: Method = #3(\"x\")
const const8: {str: int} = [\"a\", 1, \"b\", 3, \"c\", 9]
const const9: [int] = [5, 0, 7]
site site0 = rule r one
site site1 = otherwise r
func then(Request) -> int {
block0(v0: Request):
    v1 = iconst 1
    return v1
}
";

/// A module with one rule of the condition `when(Request) -> bool`.
fn module(functions: &str) -> Module {
    let text = format!(
        "{TYPES}{functions}\nruleset r(Request) -> int first {{\n    rule one site0 when when then then\n    otherwise site1 then then\n}}\n"
    );
    let module = parse(&text, &[]).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let module = module.module;
    verify(&module).unwrap_or_else(|e| panic!("{}", e[0]));
    module
}

fn apart(module: &Module) -> Predicates {
    let rules = module.rulesets.values().next().unwrap();
    predicates(module, &Costs::new(module), rules)
}

/// What a condition becomes. The body is that of a function of `v0: Request`.
fn formula(body: &str) -> String {
    formula_with("", body)
}

fn formula_with(functions: &str, body: &str) -> String {
    let functions =
        format!("{functions}\nfunc when(Request) -> bool {{\nblock0(v0: Request):\n{body}\n}}\n");
    let module = module(&functions);
    let asked = apart(&module);
    let names: [Box<str>; 1] = ["req".into()];
    asked
        .names(&module, &names)
        .formula(&asked.rules[0])
        .to_string()
}

/// What one truth value becomes: some instructions, the last of which is `v99`.
fn value(insts: &str) -> String {
    let lines: Vec<&str> = insts.split(';').map(str::trim).collect();
    formula(&format!("    {}\n    return v99", lines.join("\n    ")))
}

#[test]
fn branches_become_connectives() {
    // (host == api or size > 9) and flag
    let body = "
    v1 = field v0, 1
    v2 = konst const1
    v3 = scmp eq, v1, v2
    br v3, block2, block1
block1:
    v4 = field v0, 3
    v5 = iconst 9
    v6 = icmp gt, v4, v5
    br v6, block2, block3
block2:
    v7 = field v0, 6
    return v7
block3:
    v8 = bconst false
    return v8";
    assert_eq!(
        formula(body),
        "(req.host == \"api.example.com\" or req.size >= 10) and req.flag"
    );
}

#[test]
fn comparisons_with_constants_are_atoms() {
    let size = |rest: &str| value(&format!("v1 = field v0, 3; v2 = iconst 7; {rest}"));
    assert_eq!(size("v99 = icmp lt, v1, v2"), "req.size <= 6");
    assert_eq!(size("v99 = icmp lt, v2, v1"), "req.size >= 8");
    assert_eq!(size("v99 = icmp ne, v2, v1"), "req.size != 7");
    assert_eq!(size("v99 = same v2, v1"), "req.size == 7");
    assert_eq!(
        size("v3 = konst const0; v99 = contains v3, v1"),
        "req.size in {0, 2}"
    );
    let method = |rest: &str| value(&format!("v1 = field v0, 0; {rest}"));
    assert_eq!(
        method("v2 = konst const4; v99 = same v1, v2"),
        "req.method == POST"
    );
    assert_eq!(
        method("v2 = konst const7; v99 = same v1, v2"),
        "req.method is value {#3(\"x\")}"
    );
    assert_eq!(
        method("v2 = tag v1; v3 = konst const0; v4 = contains v3, v2; v99 = bnot v4"),
        "req.method not in {GET, PUT}"
    );
    assert_eq!(
        value("v1 = field v0, 7; v2 = konst const3; v99 = cidrs_have v2, v1"),
        "req.ip is net {10.0.0.0/8, 192.168.0.0/16}"
    );
    assert_eq!(
        value("v1 = field v0, 1; v2 = konst const5; v99 = contains v2, v1"),
        "req.host in [\"a\", \"b\"]"
    );
    // Membership in what is not constant is a truth value of its own.
    assert_eq!(
        value("v1 = field v0, 8; v2 = konst const6; v99 = contains v1, v2"),
        "\"admin\" in req.tags"
    );
}

#[test]
fn comparisons_of_two_terms_are_one_feature_with_their_opposites() {
    let texts = |rest: &str| value(&format!("v1 = field v0, 1; v2 = field v0, 2; {rest}"));
    assert_eq!(texts("v99 = scmp eq, v1, v2"), "req.host == req.path");
    assert_eq!(texts("v99 = scmp ne, v2, v1"), "req.host != req.path");
    assert_eq!(texts("v99 = same v2, v1"), "req.host == req.path");
    assert_eq!(texts("v99 = scmp gt, v1, v2"), "req.path < req.host");
    assert_eq!(texts("v99 = scmp le, v1, v2"), "req.path >= req.host");
    assert_eq!(
        texts("v3 = scmp lt, v1, v2; v4 = scmp ge, v1, v2; v99 = bor v3, v4"),
        "always"
    );
    assert_eq!(texts("v99 = scmp ge, v1, v1"), "always");
}

#[test]
fn patterns_that_need_no_pattern_are_plain_tests() {
    let path = |pattern: u32| value(&format!("v1 = field v0, 2; v99 = matches v1, pat{pattern}"));
    assert_eq!(path(0), "req.path == \"/healthz\"");
    assert_eq!(path(1), "req.path is path \"/v2/**\"");
    assert_eq!(path(2), "req.path is prefix \"/blog/\"");
    assert_eq!(path(3), "req.path is suffix \".example.com\"");
    assert_eq!(path(4), "req.path is regex \"a|b\"");
    assert_eq!(path(5), "always");
}

#[test]
fn a_constant_that_is_added_moves_to_the_other_side_and_wraps() {
    let size = |rest: &str| value(&format!("v1 = field v0, 3; v2 = iconst 7; {rest}"));
    assert_eq!(
        size("v3 = iadd v1, v2; v99 = icmp eq, v3, v2"),
        "req.size == 0"
    );
    assert_eq!(
        size("v3 = isub v2, v1; v99 = icmp eq, v3, v2"),
        "req.size == 0"
    );
    assert_eq!(
        size("v3 = isub v1, v2; v99 = icmp eq, v3, v2"),
        "req.size == 14"
    );
    assert_eq!(
        size("v3 = ineg v1; v99 = icmp eq, v3, v2"),
        "req.size == -7"
    );
    // size + 7 >= 7, which wraps at the upper end.
    assert_eq!(
        size("v3 = iadd v1, v2; v99 = icmp ge, v3, v2"),
        "req.size in {0 .. 9223372036854775800}"
    );
    assert_eq!(
        size("v3 = imax v1, v2; v99 = icmp eq, v3, v2"),
        "req.size <= 7"
    );
    assert_eq!(size("v3 = imin v1, v2; v99 = icmp gt, v3, v2"), "never");
}

#[test]
fn an_optional_and_what_it_holds_are_one_feature() {
    let agent = |rest: &str| value(&format!("v1 = field v0, 4; {rest}"));
    assert_eq!(agent("v99 = is_some v1"), "req.agent is present");
    // The absent word reads as the default already, or is asked about.
    assert_eq!(
        agent("v2 = konst const2; v3 = unwrap_or v1, v2; v99 = matches v3, pat2"),
        "req.agent is prefix \"/blog/\""
    );
    assert_eq!(
        agent("v2 = konst const2; v3 = unwrap_or v1, v2; v99 = scmp eq, v3, v2"),
        "req.agent == \"\""
    );
    assert_eq!(
        agent("v2 = konst const1; v3 = unwrap_or v1, v2; v99 = scmp eq, v3, v2"),
        "req.agent is not present or req.agent == \"api.example.com\""
    );
    assert_eq!(
        agent("v2 = konst const2; v3 = some v2; v99 = same v1, v3"),
        "req.agent is present and req.agent == \"\""
    );
    assert_eq!(
        agent("v2 = none str?; v99 = same v1, v2"),
        "req.agent is not present"
    );
    let body = "
    v1 = field v0, 5
    v2 = is_some v1
    br v2, block1, block2
block1:
    v3 = unwrap v1
    v4 = field v3, 2
    v5 = iconst 0
    v6 = unwrap_or v4, v5
    v7 = icmp gt, v6, v5
    return v7
block2:
    v8 = bconst false
    return v8";
    assert_eq!(
        formula(body),
        "req.token is present and req.token.issued >= 1"
    );
}

#[test]
fn what_a_constant_map_or_list_holds_is_asked_of_the_key() {
    let plan = |rest: &str| {
        value(&format!(
            "v1 = field v0, 1; v2 = konst const8; v3 = lookup v2, v1; v4 = iconst 0; v5 = iconst 3; {rest}"
        ))
    };
    assert_eq!(
        plan("v99 = is_some v3"),
        "req.host in [\"a\", \"b\", \"c\"]"
    );
    assert_eq!(
        plan("v6 = unwrap_or v3, v4; v99 = icmp ge, v6, v5"),
        "req.host in [\"b\", \"c\"]"
    );
    // What the map lacks reads as zero here.
    assert_eq!(
        plan("v6 = unwrap_or v3, v4; v99 = icmp lt, v6, v5"),
        "req.host not in [\"b\", \"c\"]"
    );
    let item = |rest: &str| {
        value(&format!(
            "v1 = field v0, 3; v2 = konst const9; v3 = get v2, v1; v4 = iconst 0; {rest}"
        ))
    };
    assert_eq!(item("v99 = is_some v3"), "req.size in {0 .. 2}");
    assert_eq!(
        item("v5 = unwrap_or v3, v4; v99 = icmp gt, v5, v4"),
        "req.size in {0, 2}"
    );
    assert_eq!(
        item("v5 = unwrap_or v3, v4; v99 = icmp eq, v5, v4"),
        "req.size not in {0, 2}"
    );
}

#[test]
fn what_is_made_is_taken_apart_again() {
    let made = |rest: &str| {
        value(&format!(
            "v1 = field v0, 1; v2 = field v0, 2; v3 = field v0, 3; v4 = konst const1; {rest}"
        ))
    };
    let host = "req.host == \"api.example.com\"";
    assert_eq!(
        made("v5 = variant Method, 3(v1); v6 = payload v5, 3, 0; v99 = scmp eq, v6, v4"),
        host
    );
    assert_eq!(
        made("v5 = variant Method, 3(v1); v6 = tag v5; v99 = icmp eq, v6, v6"),
        "always"
    );
    assert_eq!(
        made("v5 = some v1; v6 = unwrap_or v5, v2; v99 = scmp eq, v6, v4"),
        host
    );
    assert_eq!(
        made("v5 = some v1; v6 = field v0, 4; v7 = unwrap_or v5, v6; v99 = is_some v7"),
        "always"
    );
    // The payload of another variant than the one that was made is what the interpreter reads.
    assert_eq!(
        made("v5 = variant Either, 0(v3); v6 = payload v5, 1, 0; v99 = scmp eq, v6, v4"),
        "variant(req.size, 0).text == \"api.example.com\""
    );
}

#[test]
fn tests_of_one_feature_are_merged() {
    let size = |rest: &str| {
        value(&format!(
            "v1 = field v0, 3; v2 = iconst 7; v3 = iconst 9; v4 = icmp ge, v1, v2; v5 = icmp le, v1, v3; {rest}"
        ))
    };
    assert_eq!(size("v99 = band v4, v5"), "req.size in {7 .. 9}");
    assert_eq!(size("v99 = bor v4, v5"), "always");
    assert_eq!(
        size("v6 = bnot v4; v7 = bnot v5; v99 = band v6, v7"),
        "never"
    );
    assert_eq!(
        size("v6 = icmp eq, v1, v2; v7 = icmp eq, v1, v3; v99 = bor v6, v7"),
        "req.size in {7, 9}"
    );
    let host = |rest: &str| {
        value(&format!(
            "v1 = field v0, 1; v2 = konst const1; v3 = konst const5; v4 = scmp eq, v1, v2; v5 = contains v3, v1; {rest}"
        ))
    };
    assert_eq!(host("v99 = band v4, v5"), "never");
    assert_eq!(
        host("v99 = bor v4, v5"),
        "req.host in [\"a\", \"api.example.com\", \"b\"]"
    );
    assert_eq!(
        host("v6 = bnot v4; v99 = band v6, v5"),
        "req.host in [\"a\", \"b\"]"
    );
    assert_eq!(
        host("v6 = bnot v4; v7 = bnot v5; v99 = band v6, v7"),
        "req.host not in [\"a\", \"api.example.com\", \"b\"]"
    );
}

#[test]
fn calls_are_replaced_by_what_they_compute() {
    let functions = "
func name(Request) -> str {
block0(v0: Request):
    v1 = field v0, 1
    return v1
}
func first(Request, int) -> str? {
block0(v0: Request, v1: int):
    v2 = field v0, 8
    v3 = get v2, v1
    return v3
}
func big(Request, int) -> bool {
block0(v0: Request, v1: int):
    v2 = field v0, 3
    v3 = icmp gt, v2, v1
    return v3
}
func kind(Request) -> int {
block0(v0: Request):
    v1 = field v0, 6
    v2 = iconst 1
    v3 = iconst 2
    br v1, block1, block2
block1:
    return v2
block2:
    return v3
}";
    let body = "
    v1 = call name(v0)
    v2 = konst const1
    v3 = scmp eq, v1, v2
    v4 = iconst 3
    v5 = call big(v0, v4)
    v6 = band v3, v5
    v7 = call first(v0, v4)
    v8 = is_some v7
    v9 = band v6, v8
    v10 = call kind(v0)
    v11 = icmp eq, v10, v4
    v12 = band v9, v11
    return v12";
    assert_eq!(
        formula_with(functions, body),
        "req.host == \"api.example.com\" and req.size >= 4 and first(req, 3) is present and kind(req) == 3"
    );
}

#[test]
fn a_switch_is_a_choice_by_sets() {
    let body = "
    v1 = field v0, 0
    v2 = tag v1
    switch v2, [0: block1, 1: block2, 2: block1], block3
block1:
    v3 = field v0, 6
    return v3
block2:
    v4 = bconst true
    return v4
block3:
    v5 = bconst false
    return v5";
    assert_eq!(
        formula(body),
        "(req.method in {GET, PUT} and req.flag) or req.method == POST"
    );
}

#[test]
fn blocks_of_several_parameters_are_run_for_each() {
    // The block after the diamond sees what the diamond chose.
    let body = "
    v1 = field v0, 6
    v2 = iconst 1
    v3 = iconst 2
    br v1, block1(v2), block1(v3)
block1(v4: int):
    v5 = field v0, 3
    v6 = iconst 0
    v7 = icmp gt, v5, v6
    br v7, block2, block3
block2:
    jump block4
block3:
    jump block4
block4:
    v8 = icmp eq, v4, v2
    return v8";
    assert_eq!(formula(body), "req.flag");
}

#[test]
fn joins_do_not_double_the_formula() {
    // (flag or size == 1) and (flag or size == 2) and …: each of 60 parts stands once.
    let mut body = String::from("    v1 = field v0, 6\n    v2 = field v0, 3\n    jump block1\n");
    let mut next = 3;
    for i in 0..60 {
        let (part, tail) = (1 + 2 * i, 2 + 2 * i);
        let (a, b) = (next, next + 1);
        next += 2;
        body += &format!(
            "block{part}:\n    br v1, block{}, block{tail}\nblock{tail}:\n    v{a} = iconst {i}\n    v{b} = icmp eq, v2, v{a}\n    br v{b}, block{}, block122\n",
            part + 2,
            part + 2
        );
    }
    body += &format!(
        "block121:\n    v{next} = bconst true\n    return v{next}\nblock122:\n    v{} = bconst false\n    return v{}",
        next + 1,
        next + 1
    );
    let module = module(&format!(
        "func when(Request) -> bool {{\nblock0(v0: Request):\n{body}\n}}\n"
    ));
    let asked = apart(&module);
    let mut atoms = 0;
    asked.rules[0].atoms(&mut |_| atoms += 1);
    assert!(atoms <= 121, "{atoms} atoms");
    assert_eq!(asked.features.len(), 2);
}
