//! Source text to a tree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_grammar::parse;
use tollgate_grammar::source::FileId;

fuzz_target!(|text: &str| {
    let parsed = parse(FileId(0), text);
    for error in &parsed.errors {
        assert!(
            text.get(error.span.range()).is_some(),
            "a span lies outside the text: {error:?}"
        );
    }
});
