//! Natives of `std.text`. Letters mean ASCII letters: lengths never change and no Unicode version decides.

use tollgate_runtime::natives;

/// Most parts that `split` gives.
const PARTS: usize = 64;

natives! {
    module "std.text";

    /// The text with its ASCII letters lower case.
    #[example(r#"lower("Shop-7")"# => r#""shop-7""#)]
    fn [cx] lower(s: Text) -> Text, cost 64, class Opaque {
        if s.bytes().any(|b| b.is_ascii_uppercase()) {
            cx.arena.collect_str(s.len(), s.chars().map(|c| c.to_ascii_lowercase()))
        } else {
            s
        }
    }

    /// The text with its ASCII letters upper case.
    #[example(r#"upper("Shop-7")"# => r#""SHOP-7""#)]
    fn [cx] upper(s: Text) -> Text, cost 64, class Opaque {
        if s.bytes().any(|b| b.is_ascii_lowercase()) {
            cx.arena.collect_str(s.len(), s.chars().map(|c| c.to_ascii_uppercase()))
        } else {
            s
        }
    }

    /// The text without the white space (space, tab, line feed, form feed, carriage return) at its ends.
    #[example(r#"trim("  a b\t")"# => r#""a b""#)]
    fn trim(s: Text) -> Text, cost 8, class Opaque {
        s.trim_ascii()
    }

    /// Whether `s` begins with `prefix`.
    #[example(r#"starts_with("/api/v1", "/api")"# => "true")]
    fn starts_with(s: LongText, prefix: LongText) -> Bool, cost 8, class Prefix {
        s.starts_with(prefix)
    }

    /// Whether `s` ends with `suffix`.
    #[example(r#"ends_with("photo.png", ".png")"# => "true")]
    fn ends_with(s: LongText, suffix: LongText) -> Bool, cost 8, class Suffix {
        s.ends_with(suffix)
    }

    /// Whether `part` stands somewhere in `s`. Linear in both.
    #[example(r#"text_contains("Mozilla/5.0 (bot)", "bot")"# => "true")]
    fn text_contains(s: LongText, part: LongText) -> Bool, cost 64, class Contains {
        s.contains(part)
    }

    /// How many bytes `s` has.
    #[example(r#"text_len("abc")"# => "3")]
    fn text_len(s: LongText) -> Int<0, 0x10_0000>, cost 1, class Opaque {
        s.len() as i64
    }

    /// How many characters (Unicode scalar values) `s` has.
    #[example(r#"text_chars("caf\u{e9}")"# => "4")]
    fn text_chars(s: LongText) -> Int<0, 0x10_0000>, cost 32, class Opaque {
        s.chars().count() as i64
    }

    /// The parts of `s` between the occurrences of `separator`, at most 64: the last one keeps what is left.
    /// An empty separator splits nothing.
    #[example(r#"split("a,b,,c", ",")"# => r#"["a", "b", "", "c"]"#)]
    #[example(r#"split("", ",")"# => r#"[""]"#)]
    fn [cx] split(s: Text, separator: Text) -> List<Text, 64>, cost 96, class Opaque {
        let mut parts = cx.arena.list();
        if separator.is_empty() {
            parts.push(Text::pack(s));
        } else {
            parts.extend(s.splitn(PARTS, separator).map(Text::pack));
        }
        Items::new(parts.into_bump_slice())
    }

    /// `a` followed by `b`, cut at 1 MiB; the checker proves that nothing is cut.
    #[example(r#"concat2("a", "b")"# => r#""ab""#)]
    fn [cx] concat2(a: LongText, b: LongText) -> LongText, cost 64, class Opaque {
        match (a, b) {
            ("", _) => b,
            (_, "") => a,
            _ => cx.arena.concat(&[a, b]),
        }
    }

    /// The beginning of `s`: as many whole characters as fit in `bytes` bytes.
    #[example(r#"truncate("caf\u{e9}!", 4)"# => r#""caf""#)]
    fn truncate(s: LongText, bytes: Int<0, 0x10_0000>) -> LongText, cost 2, class Opaque {
        tollgate_runtime::native::ty::truncate(s, usize::try_from(bytes).unwrap_or(0))
    }

    /// What stands before the first `separator`; `none` without one.
    #[example(r#"before("user@host", "@") ?? """# => r#""user""#)]
    fn before(s: Text, separator: Text) -> Opt<Text>, cost 64, class Opaque {
        s.split_once(separator).map(|(before, _)| before)
    }

    /// What stands behind the first `separator`; `none` without one.
    #[example(r#"after("user@host", "@") ?? """# => r#""host""#)]
    #[example(r#"after("user", "@") is none"# => "true")]
    fn after(s: Text, separator: Text) -> Opt<Text>, cost 64, class Opaque {
        s.split_once(separator).map(|(_, after)| after)
    }

    /// `s` without `prefix`; `none` when it does not begin with it.
    #[example(r#"without_prefix("Bearer abc", "Bearer ") ?? """# => r#""abc""#)]
    fn without_prefix(s: Text, prefix: Text) -> Opt<Text>, cost 8, class Opaque {
        s.strip_prefix(prefix)
    }

    /// `s` without `suffix`; `none` when it does not end with it.
    #[example(r#"without_suffix("photo.png", ".png") ?? """# => r#""photo""#)]
    fn without_suffix(s: Text, suffix: Text) -> Opt<Text>, cost 8, class Opaque {
        s.strip_suffix(suffix)
    }
}
