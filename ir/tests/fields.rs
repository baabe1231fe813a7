//! Which fields of its parameters a function can read, through everything that can stand between.

use tollgate_ir::fields::{Fields, fields_read};
use tollgate_ir::text::parse;
use tollgate_ir::verify::verify;

const TEXT: &str = "
record Load { cpu: int, queue: int, name: str }
const const0: int = 1
site site0 = rule s a
site site1 = otherwise s

func cpu(Load) -> int {
block0(v0: Load):
    v1 = field v0, 0
    return v1
}

func queue(Load) -> int {
block0(v0: Load):
    v1 = field v0, 1
    return v1
}

func whole(Load) -> Load {
block0(v0: Load):
    return v0
}

func nothing(Load) -> int {
block0(v0: Load):
    v1 = iconst 1
    return v1
}

func calls(int, Load, Load) -> int {
block0(v0: int, v1: Load, v2: Load):
    v3 = call cpu(v2)
    v4 = call_marked queue(v2)
    v5 = call nothing(v1)
    v6 = iadd v3, v4
    return v6
}

func twice_removed(Load) -> int {
block0(v0: Load):
    v1 = iconst 1
    v2 = call calls(v1, v0, v0)
    return v2
}

func hands_on_whole(Load) -> Load {
block0(v0: Load):
    v1 = call whole(v0)
    return v1
}

func compared(Load, Load) -> bool {
block0(v0: Load, v1: Load):
    v2 = same v0, v0
    v3 = field v1, 2
    v4 = konst const1
    v5 = scmp eq, v3, v4
    v6 = band v2, v5
    return v6
}

const const1: str = \"a\"

func chosen(bool, Load, Load) -> int {
block0(v0: bool, v1: Load, v2: Load):
    v3 = select v0, v1, v1
    v4 = field v2, 0
    return v4
}

func branches(bool, Load, Load) -> int {
block0(v0: bool, v1: Load, v2: Load):
    br v0, block1, block2(v2)
block1:
    v3 = field v1, 0
    return v3
block2(v4: Load):
    v5 = field v4, 1
    return v5
}

func is_above(int, Load) -> bool {
block0(v0: int, v1: Load):
    v2 = field v1, 1
    v3 = icmp gt, v0, v2
    return v3
}

func some([int], Load) -> bool {
block0(v0: [int], v1: Load):
    v2 = any v0, is_above, 10(v1)
    return v2
}

func add(int, int, Load) -> int {
block0(v0: int, v1: int, v2: Load):
    v3 = field v2, 0
    v4 = iadd v0, v1
    v5 = iadd v3, v4
    return v5
}

func total([int], int, Load) -> int {
block0(v0: [int], v1: int, v2: Load):
    v3 = fold v0, v1, add, 10(v2)
    return v3
}

index s(Load, int, Load) -> int first {
    f0 = param 0 [2]
    f1 = param 1 []
    f2 = call computed
    rule site0 when all(f0 text {\"a\"}, f1 int {1}, f2 int {2}) then call outcome
    otherwise site1 then konst const0
}

func computed(Load, int, Load) -> int {
block0(v0: Load, v1: int, v2: Load):
    v3 = field v0, 0
    return v3
}

func outcome(Load, int, Load) -> int {
block0(v0: Load, v1: int, v2: Load):
    v3 = field v2, 1
    return v3
}

func searches(Load, int, Load) -> int {
block0(v0: Load, v1: int, v2: Load):
    v3 = search_marked s(v0, v1, v2)
    return v3
}

func searches_crossed(Load, int, Load) -> int {
block0(v0: Load, v1: int, v2: Load):
    v3 = search s(v2, v1, v0)
    return v3
}

ruleset r(Load) -> int first {
    rule a site0 then cpu
    otherwise site1 then cpu
}

func decides(Load, Load) -> int {
block0(v0: Load, v1: Load):
    v2 = decide r(v0)
    return v2
}
";

/// What is read of each parameter of a function: `all`, or the numbers of fields.
fn read(name: &str) -> Vec<String> {
    let module = parse(TEXT, &[]).unwrap_or_else(|e| panic!("{e}")).module;
    verify(&module).unwrap_or_else(|errors| panic!("{errors:?}"));
    let func = module.funcs.iter().find(|(_, func)| &*func.name == name);
    let shown = |fields: &Fields| match fields {
        Fields::All => "all".to_owned(),
        Fields::Some(fields) => format!("{fields:?}"),
    };
    let (func, _) = func.unwrap_or_else(|| panic!("there is no {name}"));
    fields_read(&module, func).iter().map(shown).collect()
}

#[test]
fn calls_read_what_their_callees_do() {
    assert_eq!(read("cpu"), ["{0}"]);
    assert_eq!(read("nothing"), ["{}"]);
    assert_eq!(read("calls"), ["{}", "{}", "{0, 1}"]);
    assert_eq!(read("twice_removed"), ["{0, 1}"]);
    assert_eq!(read("hands_on_whole"), ["all"]);
}

#[test]
fn what_is_used_as_a_whole_is_read_whole() {
    assert_eq!(read("whole"), ["all"]);
    assert_eq!(read("compared"), ["all", "{2}"]);
    assert_eq!(read("chosen"), ["all", "all", "{0}"]);
}

/// What another block gets is read whole: nobody follows it there.
#[test]
fn every_branch_counts() {
    assert_eq!(read("branches"), ["all", "{0}", "all"]);
}

/// The function gets the element before what is captured, and a fold's gets the accumulator before that.
#[test]
fn loops_read_what_they_capture() {
    assert_eq!(read("some"), ["all", "{1}"]);
    assert_eq!(read("total"), ["all", "all", "{0}"]);
}

/// Features are read where they stand, computed ones and outcomes by their functions.
#[test]
fn searches_read_features_and_what_their_functions_do() {
    assert_eq!(read("searches"), ["{0, 2}", "all", "{1}"]);
    assert_eq!(read("searches_crossed"), ["{1}", "all", "{0, 2}"]);
}

/// Nobody asks before rule sets are lowered; who does is told nothing wrong.
#[test]
fn a_rule_set_reads_everything() {
    assert_eq!(read("decides"), ["all", "{}"]);
}
