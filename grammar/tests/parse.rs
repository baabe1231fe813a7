//! What the parser makes of a text: the tree as `ast_print` shows it.

use tollgate_grammar::{FileId, SourceMap, ast_print, parse};

/// Parses without a mistake; the tree's lines, without the file's and without bytes, are `expect`.
fn check(text: &str, expect: &str) {
    let parse = parse(FileId(0), text);
    assert_eq!(parse.errors, [], "{text}");
    let tree = ast_print::print(&parse.ast);
    let lines = tree
        .lines()
        .skip(1)
        .map(|line| line.rsplit_once(' ').map_or(line, |(node, _)| node));
    let expect: Vec<&str> = expect
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let margin = expect
        .first()
        .map_or(0, |line| line.len() - line.trim_start().len());
    let found: Vec<&str> = lines.map(|line| &line[2..]).collect();
    let expect: Vec<&str> = expect.iter().map(|line| &line[margin..]).collect();
    assert_eq!(found, expect, "{text}\n{tree}");
}

/// The same for one expression.
fn check_expr(text: &str, expect: &str) {
    let shifted = expect.lines().map(|line| format!("  {line}\n"));
    let margin = expect
        .lines()
        .find(|line| !line.trim().is_empty())
        .map_or("", |line| &line[..line.len() - line.trim_start().len()]);
    check(
        &format!("const c = {text}"),
        &format!("{margin}const c\n{}", shifted.collect::<String>()),
    );
}

#[test]
fn every_form_of_the_language_parses() {
    let text = include_str!("everything.rules");
    let mut map = SourceMap::new();
    let file = map.add("everything.rules", text);
    let parse = parse(file, text);
    let shown: Vec<String> = parse
        .errors
        .iter()
        .map(|error| format!("{}: {error}", map.position(error.span)))
        .collect();
    assert_eq!(shown, Vec::<String>::new());
    assert_eq!(parse.ast.items.len(), 36);
    assert_eq!(parse.ast.comments.len(), 6);
    assert!(
        !ast_print::print(&parse.ast).contains("error "),
        "no error node without an error"
    );
}

#[test]
fn operators_bind_as_the_language_says() {
    check_expr(
        "a implies b or c and not d == e + f * -g ?? h.i",
        "
        implies
          name a
          or
            name b
            and
              name c
              not
                ==
                  name d
                  +
                    name e
                    *
                      name f
                      -
                        ??
                          name g
                          field i
                            name h",
    );
    check_expr(
        "a - b - c +| d",
        "
        +|
          -
            -
              name a
              name b
            name c
          name d",
    );
    check_expr(
        "a ?? b ?? skip",
        "
        ??
          ??
            name a
            name b
          skip",
    );
    check_expr(
        "x in 7 ..< 10",
        "
        in
          name x
          ..<
            Int(7)
            Int(10)",
    );
    check_expr(
        "(a and b) and c",
        "
        and
          and
            name a
            name b
          name c",
    );
    check_expr(
        "if a then b else if c then d else e",
        "
        if
          name a
          name b
          if
            name c
            name d
            name e",
    );
}

#[test]
fn let_ends_at_and() {
    check_expr(
        "let k = a.b ?? skip and k == 1",
        "
        and
          let k
            ??
              field b
                name a
              skip
          ==
            name k
            Int(1)",
    );
}

#[test]
fn words_are_names_where_no_keyword_can_stand() {
    check_expr(
        "e.state.rule(when: any, count: 1)",
        "
        method rule
          field state
            name e
          arg when
            name any
          arg count
            Int(1)",
    );
    check_expr(
        "any(no in only where no)",
        "
        any no
          name only
          where
            name no",
    );
    check(
        "state s: Kind { store: state, decode: once, on_failure: deny }",
        "
        state s
          type Kind
          setting store
            name state
          setting decode
            name once
          setting on_failure
            name deny",
    );
}

#[test]
fn a_minus_before_a_number_is_part_of_it() {
    check_expr(
        "[-1, - 2.50, -1h, -4.00 SGD, -x, --3, 5 -1]",
        "
        list
          Int(-1)
          Float(Decimal { mantissa: -250, scale: 2 })
          Duration(-3600000000)
          Money(Money { amount: Decimal { mantissa: -400, scale: 2 }, currency: SGD })
          -
            name x
          Int(3)
          -
            Int(5)
            Int(1)",
    );
}

#[test]
fn braces_are_sets_or_maps() {
    check_expr(
        "f({}, {a, b,}, {\"k\": 1}, {(k): {1}})",
        "
        call f
          set
          set
            name a
            name b
          map
            Text(\"k\")
            Int(1)
          map
            name k
            set
              Int(1)",
    );
}

#[test]
fn three_capitals_are_a_currency_unless_a_label() {
    check(
        "enum E { a(x: Money<SGD> = 4 SGD y: Int = 4 EUR: Int) }",
        "
        enum E
          variant a
            field x
              type Money
                type SGD
              Money(Money { amount: Decimal { mantissa: 4, scale: 0 }, currency: SGD })
            field y
              type Int
              Int(4)
            field EUR
              type Int",
    );
}

#[test]
fn tagged_text_stays_as_written() {
    check_expr(
        r#"x matches re"\d\"{2}""#,
        "
        matches
          name x
          re \"\\\\d\\\\\\\"{2}\"",
    );
}

#[test]
fn documentation_belongs_to_what_follows() {
    check(
        "## One\n##  two\n#three\n## Four\ntype A = B ## five\nrecord R {\n  ## six\n  a: B }",
        "
        doc \"Four\"
        type A
          type B
        doc \"five\"
        record R
          doc \"six\"
          field a
            type B",
    );
    let parse = parse(FileId(0), "# a\n## b  \n");
    assert_eq!(format!("{:?}", parse.ast.comments), "[0..3, 4..8]");
}

#[test]
fn texts_may_begin_and_end_oddly() {
    check("", "");
    check(
        "\u{FEFF}edition 2026\r\nmodule a.b\r\n",
        "
        edition 2026
        module a.b",
    );
    check("# only a comment", "");
    check(
        "const a = \"x\"\r\nconst b = 1 SGD\r\n",
        "
        const a
          Text(\"x\")
        const b
          Money(Money { amount: Decimal { mantissa: 1, scale: 0 }, currency: SGD })",
    );
}

#[test]
fn a_group_is_told_from_a_match() {
    check(
        "guard g() { group when match x { A => true } { deny d when match y { _ => a } deny e when b } }",
        "
        guard g
          group
            match
              name x
              arm
                name A
                Bool(true)
            deny d
              when
                match
                  name y
                  arm
                    _
                    name a
            deny e
              when
                name b",
    );
}
