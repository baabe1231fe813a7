//! Conditions and what is made of them.

use super::{Predicates, predicates};
use crate::cost::Costs;
use crate::module::Module;
use crate::text::parse;
use crate::verify::verify;

const TYPES: &str = "
record Token { subject: str, scopes: {str}, issued: int? }
record Request { method: Method, host: str, path: str, size: int, agent: str?, token: Token?, flag: bool, ip: ip, tags: [str] }
enum Method { GET, POST, PUT, custom(name: str) }
pattern pat0 = path \"/healthz\"
pattern pat1 = path \"/v2/**\"
pattern pat2 = glob \"/blog/*\"
pattern pat3 = glob \"*.example.com\"
pattern pat4 = regex \"a|b\"
const const0: {int} = [0, 2]
const const1: str = \"api.example.com\"
const const2: str = \"\"
const const3: {cidr} = [cidr\"10.0.0.0/8\", cidr\"192.168.0.0/16\"]
const const4: Method = #1
const const5: {str} = [\"a\", \"b\"]
const const6: str = \"admin\"
const const7: Method = #3(\"x\")
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
    let names = asked
        .names(&module, &["req".into()][..])
        .formula(&asked.rules[0])
        .to_string();
    names
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
        "(req.host is text {\"api.example.com\"} or req.size is int {10 .. 9223372036854775807}) and req.flag"
    );
}
