//! Random tokens and damaged programs: the parser never panics, and every span it hands out can be used.
//! The seed is fixed, so that a failure can be repeated.

use tollgate_grammar::token::FIXED;
use tollgate_grammar::{FileId, SourceMap, Span, ast_print, parse};

/// Xorshift; nothing here needs a good generator.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

/// Parses, and looks at every span of the tree and of the mistakes.
fn check(text: &str) {
    let mut map = SourceMap::new();
    let file = map.add("soup", text);
    let parse = parse(file, text);
    let usable = |span: Span| {
        assert!(text.get(span.range()).is_some(), "{span:?} in {text:?}");
    };
    assert!(parse.errors.len() <= 101);
    for error in &parse.errors {
        usable(error.span);
        assert!(!error.message.is_empty());
        assert!(map.position(error.span).line > 0);
        error.related.iter().for_each(|(span, _)| usable(*span));
        if let Some((span, _)) = error
            .help
            .as_ref()
            .and_then(|help| help.replacement.as_ref())
        {
            usable(*span);
        }
    }
    parse.ast.comments.iter().for_each(|span| usable(*span));
    let tree = ast_print::print(&parse.ast);
    let mut error_nodes = false;
    for line in tree.lines() {
        let (node, bytes) = line.rsplit_once(' ').expect("a span");
        let (start, end) = bytes.split_once("..").expect("a range");
        let (start, end): (u32, u32) = (start.parse().expect("start"), end.parse().expect("end"));
        usable(Span::new(FileId(0), start, end));
        error_nodes |= node.trim_start() == "error";
    }
    assert!(
        !(error_nodes && parse.errors.is_empty()),
        "an error node without an error in {text:?}"
    );
    assert!(ast_print::print_tokens(file, map.file(file)).is_ascii() || !text.is_ascii());
}

#[test]
fn random_tokens() {
    let fixed: Vec<&str> = FIXED.iter().map(|&(_, spelling, ..)| spelling).collect();
    let others = [
        "x",
        "Name",
        "first",
        "best",
        "shadow",
        "until",
        "skip",
        "SGD",
        "l:",
        "1",
        "2.5",
        "0x1f",
        "5m",
        "1h30m",
        "8KiB",
        "3%",
        "4 SGD",
        "\"text\"",
        "p\"/x\"",
        "re\"\\d\"",
        "q\"x\"",
        "\"open",
        "5min",
        "&&",
        "||",
        "!",
        ";",
        "//",
        "'a'",
        "@",
        "ż",
        "\u{FEFF}",
        "## doc\n",
        "# c\n",
        "\n",
        "\r\n",
        "99999999999999999999",
        "\\",
        "\"\\q\"",
        "\u{0}",
        "rulee",
    ];
    let mut random = Random(0x2026_1122);
    for _ in 0..4_000 {
        let mut text = String::new();
        for _ in 0..random.below(60) {
            text.push_str(if random.below(2) == 0 {
                random.pick(&fixed)
            } else {
                random.pick(&others)
            });
            text.push_str(random.pick(&[" ", " ", " ", "\n", ""]));
        }
        check(&text);
    }
}

#[test]
fn damaged_programs() {
    let whole = include_str!("everything.rules");
    let fixed: Vec<&str> = FIXED.iter().map(|&(_, spelling, ..)| spelling).collect();
    let tokens = tollgate_grammar::tokens(FileId(0), whole);
    let mut random = Random(0x5eed);
    for _ in 0..200 {
        let mut text = whole.to_owned();
        for _ in 0..=random.below(4) {
            let token = tokens[random.below(tokens.len())];
            let (start, end) = (token.start as usize, token.end as usize);
            if text.get(start..end).is_none() {
                continue;
            }
            match random.below(5) {
                0 => text.replace_range(start..end, ""),
                1 => text.replace_range(start..end, random.pick(&fixed)),
                2 => text.insert_str(start, random.pick(&fixed)),
                3 => text.truncate(end),
                _ => {
                    let again = text[start..end].to_owned();
                    text.insert_str(end, &format!(" {again} "));
                }
            }
        }
        check(&text);
    }
}

#[test]
fn a_program_that_ends_early_or_lacks_a_token() {
    let whole = include_str!("everything.rules");
    for token in tollgate_grammar::tokens(FileId(0), whole)
        .into_iter()
        .step_by(7)
    {
        let (start, end) = (token.start as usize, token.end as usize);
        check(&whole[..end]);
        check(&format!("{}{}", &whole[..start], &whole[end..]));
    }
}
