//! What is said about mistakes: each once, at its place, in words, and nothing about its consequences.

use tollgate_grammar::{FileId, Parse, SourceMap, Span, parse};

/// The mistakes in `text`, one a line: line, column, message.
fn check(text: &str, expect: &[&str]) {
    let (map, parse) = parsed(text);
    let found: Vec<String> = parse
        .errors
        .iter()
        .map(|error| format!("{} {}", map.position(error.span), error.message))
        .collect();
    assert_eq!(found, expect, "{text}");
}

/// One mistake whose help, applied, leaves none.
fn check_fix(text: &str, message: &str, fixed: &str) {
    let (_, parsed_text) = parsed(text);
    let [error] = &parsed_text.errors[..] else {
        panic!("one error expected: {:?}", parsed_text.errors);
    };
    assert_eq!(error.message, message);
    let help = error.help.as_ref().expect("a help");
    let (span, by) = help.replacement.as_ref().expect("a replacement");
    let mut text = text.to_owned();
    text.replace_range(span.range(), by);
    assert_eq!(text, fixed);
    assert_eq!(parse(FileId(0), &text).errors, []);
}

fn parsed(text: &str) -> (SourceMap, Parse) {
    let mut map = SourceMap::new();
    let file = map.add("test.rules", text);
    (map, parse(file, text))
}

#[test]
fn planted_mistakes_are_found_once_each() {
    let text = "\
edition 2026
record Tenant { region Region, shard: Int }
enum Tier { Gold, Silver,, Bronze }
const a = 5min
const b = \"abc\\q\"
const d = x\"abc\"
fn f(a: Int) -> Int = a +
fn g(a Int) -> Int = a * 2
fn h(a: Int -> Int = a

ruleset route(req: Request) -> Route hit frist {
  rulee health \"x\" when req.method == GET then respond(204)
  rule two wehn req.path matches p\"/healthz\" then respond(204)
  rule three when req.a = 5 then x
  rule four
    when f(req.a
    then x
  rule five when a b c then x
  rule six when a
  rule \"unnamed\" when a then b
  rule eight when x < y < z then 1
  rule nine when match x { a => 1 b => 2 } then 1
  rule ten when any(x in xs were x > 1) then 1
  rule eleven when (a b) and [1] then 1
  rule twelve when a && b then 1;
  rule thirteen when a $ b then 1
  rule fourteen when \"abc then 1
  rule fifteen then
}

ruleset second(req: Request) Route hit first {
  rule fine when a then b
  rule broken when then b
}

table t(a: Int) -> Int hit unique {
  | 5 | => 8
  | 5 | 6 => 8
  | 5 | 6 = 8
}

pipeline p(a: Int) -> Int {
  stage a admin(req)
  stage b = shed(req) stop x = y
  then c
}

test \"x\" {
  given x 5
  expect f( == 5
  expect g(1) == 1
}

state st: TokenBucket by ApiKey { rate: 100 pre 1s, burst 5 }
";
    check(
        text,
        &[
            "2:17 expected a name with `:` or `}`, found `region`",
            "3:26 expected a name or `}`, found `,`",
            "4:11 `5min` is no number, duration or size",
            "5:15 there is no escape `\\q`",
            "6:11 there is no tag `x`",
            "8:1 expected an expression, found `fn`",
            "8:6 expected a name with `:` or `)`, found `a`",
            "9:5 `(` is never closed",
            "11:42 there is no `frist` here; did you mean `first`?",
            "12:3 there is no `rulee` here; did you mean `rule`?",
            "13:12 there is no `wehn` here; did you mean `when`?",
            "14:25 expected `then`, another clause or an operator, found `=`",
            "16:11 `(` is never closed",
            "18:20 expected `then`, another clause or an operator, found `b`",
            "19:18 expected `then`, found `rule`",
            "20:8 expected a name, found `\"unnamed\"`",
            "21:25 expected `then`, another clause or an operator, found `<`",
            "22:35 expected `}`, `,` or an operator, found `b`",
            "23:29 there is no `were` here; did you mean `where`?",
            "24:23 expected `)` or an operator, found `b`",
            "25:22 `&&` is written `and`",
            "25:33 nothing ends with `;` here",
            "26:24 `$` is no part of the language",
            "27:22 the text has no closing `\"` on its line",
            "29:1 expected an expression, found `}`",
            "31:30 expected `->`, found `Route`",
            "33:20 expected an expression, found `then`",
            "37:9 expected a pattern, found `=>`",
            "39:11 expected `=>` or `|`, found `=`",
            "43:11 expected `=`, found `admin`",
            "44:30 expected `=>`, found `=`",
            "49:11 expected `=`, found `5`",
            "50:11 `(` is never closed",
            "54:45 there is no `pre` here; did you mean `per`?",
            "54:53 expected a name with `:` or `}`, found `burst`",
        ],
    );
}

#[test]
fn fixes_leave_nothing_to_fix() {
    check_fix(
        "const a = 5min",
        "`5min` is no number, duration or size",
        "const a = 5m",
    );
    check_fix("const a = !b", "`!` is written `not`", "const a = not b");
    check_fix(
        "const a = b || c",
        "`||` is written `or`",
        "const a = b or c",
    );
    check_fix(
        "const a = 'it\"s'",
        "a text stands in double quotes",
        "const a = \"it\\\"s\"",
    );
    check_fix(
        "const a = \"x",
        "the text has no closing `\"` on its line",
        "const a = \"x\"",
    );
    check_fix(
        "// x\nconst a = 1",
        "a comment starts with `#`",
        "# x\nconst a = 1",
    );
    check_fix(
        "const a = [f(1, 2]",
        "`(` is never closed",
        "const a = [f(1, 2)]",
    );
    check_fix("const a = f(1))", "`)` closes nothing", "const a = f(1)");
    check_fix(
        "const a = globs\"x\"",
        "there is no tag `globs`",
        "const a = glob\"x\"",
    );
    check_fix(
        "pipline p() -> A { then b }",
        "there is no `pipline` here; did you mean `pipeline`?",
        "pipeline p() -> A { then b }",
    );
}

#[test]
fn a_bracket_that_is_open_is_pointed_at() {
    let (map, parse) = parsed("fn f() -> Int = g(1, [2, 3)\nfn h() -> Int = 1");
    let [error] = &parse.errors[..] else {
        panic!("{:?}", parse.errors);
    };
    assert_eq!(
        (map.slice(error.span), error.label.as_str()),
        ("[", "opened here")
    );
    assert_eq!(map.position(error.related[0].0).to_string(), "1:27");
    assert_eq!(parse.ast.items.len(), 2);
}

#[test]
fn a_missing_brace_costs_one_item() {
    check(
        "ruleset a(x: T) -> U hit first {\n  rule r when x then y\n\nfn f() -> T = 1 +\nconst c = [1 2]",
        &[
            "1:32 `{` is never closed",
            "5:1 expected an expression, found `const`",
            "5:14 expected `]`, `,` or an operator, found `2`",
        ],
    );
    check(
        "guard g() {\n  group when x {\n    deny a when b\n  deny c when d\n}\nconst a = )",
        &["1:11 `{` is never closed", "6:11 `)` closes nothing"],
    );
    check(
        "ruleset a(x: T) -> U hit first {\n  rule r when x } \n then y\n rule s when z then 1\n}",
        &["2:17 `}` closes nothing"],
    );
}

#[test]
fn keywords_are_no_names() {
    check(
        "fn f(state: Int) -> Int = 1\ndata rule: Int\nconst let = 1",
        &[
            "1:6 `state` is a keyword and cannot be a name here",
            "2:6 `rule` is a keyword and cannot be a name here",
            "3:7 expected a name or a name with `:`, found `let`",
        ],
    );
}

#[test]
fn order_in_a_file_and_in_a_rule_set() {
    check(
        "const a = 1\nedition 2026\nmodule a\nmodule b",
        &[
            "2:1 `edition` stands at the start of the file",
            "3:8 `module` stands at the start of the file",
            "4:8 `module` is said twice",
        ],
    );
    check(
        "ruleset r() -> T hit first { otherwise 1 rule a then 2 otherwise 3 }",
        &[
            "1:30 `otherwise` stands behind all rules",
            "1:56 `otherwise` is said twice",
        ],
    );
    check(
        "ruleset r() -> T hit first { rule a then 2 cost 5 }",
        &["1:44 expected `then` or another clause, found `cost`"],
    );
    check(
        "prove \"x\" { forall a: T }",
        &["1:25 expected `holds`, found `}`"],
    );
    check(
        "ruleset r() -> T hit { rule a then 1 }",
        &["1:22 expected a name, found `{`"],
    );
    check(
        "ruleset r() -> T { rule a then 1 }",
        &["1:18 expected `hit` or `on`, found `{`"],
    );
}

#[test]
fn strange_characters_are_one_mistake_each() {
    check(
        "const a = @@~ 1",
        &["1:11 `@@~` is no part of the language"],
    );
    check(
        "const zażółć = 1",
        &["1:7 `zażółć` is no part of the language"],
    );
    check(
        "const a = 1\u{200B}",
        &["1:12 `\\u{200b}` is no part of the language"],
    );
    check("const a = b % c", &["1:13 `%` is no part of the language"]);
    check("const a = “x”", &["1:11 `“x”` is no part of the language"]);
    check("\u{0}", &["1:1 `\\u{0}` is no part of the language"]);
}

#[test]
fn spans_name_their_file() {
    let mut map = SourceMap::new();
    map.add("first", "const a = 1");
    let second = map.add("second", "const b = ");
    let parse = parse(second, "const b = ");
    assert_eq!(parse.errors[0].span, Span::new(second, 9, 9));
}
