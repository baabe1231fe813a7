//! Natives of `std.core`: hashes, buckets, keys, and values as text.

use tollgate_runtime::kinds::{money, time};
use tollgate_runtime::natives;

use super::hash::{hash64, scale};

natives! {
    module "std.core";

    /// A stable hash of a text, 0 ..< 2^32. It is the same on every machine and in every version; it keeps no secret.
    #[example(r#"hash_text("c_0123456789ab")"# => "3044806826")]
    fn hash_text(s: LongText) -> Int<0, 0xffff_ffff>, cost 16, class Opaque {
        (hash64(&[s.as_bytes()]) >> 32) as i64
    }

    /// A stable hash of a number, 0 ..< 2^32.
    #[example("hash_int(7)" => "3255905617")]
    fn hash_int(n: Int<{ i64::MIN }, { i64::MAX }>) -> Int<0, 0xffff_ffff>, cost 4, class Opaque {
        (hash64(&[&n.to_le_bytes()]) >> 32) as i64
    }

    /// Where `key` falls between 0% and 100%, for canaries and weighted splits. Another `salt` is another shuffle.
    #[example(r#"bucket("u1", salt: "cat-v3") < 100%"# => "true")]
    #[example(r#"bucket("u1", salt: "cat-v3") == bucket("u1", salt: "cat-v3")"# => "true")]
    fn bucket(key: LongText, salt: LongText) -> Percent<0, 999_999_999>, cost 16, class Opaque {
        scale(hash64(&[salt.as_bytes(), key.as_bytes()]), 1_000_000_000) as i64
    }

    /// A duration from `lo` to `hi`, both possible, as a function of the decision's id and the place in the source.
    #[example("jitter_at(2s, 2s, 0)" => "2s")]
    fn [cx] jitter_at(lo: Duration, hi: Duration, place: Int<0, 0xffff_ffff>) -> Duration, cost 16, class Opaque {
        let span = hi.saturating_sub(lo).max(0) as u64;
        let hash = hash64(&[cx.id.as_bytes(), &place.to_le_bytes()]);
        lo.saturating_add(scale(hash, span + 1) as i64)
    }

    /// Joins texts to a key without collisions: parts are separated by `|`, and a `|` or `\` inside a part gets a `\`.
    #[example(r#"key_join(["a|b", "c"]) == key_join(["a", "b|c"])"# => "false")]
    fn [cx] key_join(parts: List<LongText, 16>) -> Key, cost 32, class Opaque {
        let size = parts.iter().map(|p| p.len() + 1).sum();
        let chars = parts.iter().enumerate().flat_map(|(i, part)| {
            let separator = (i > 0).then_some('|');
            separator.into_iter().chain(part.chars().flat_map(escaped))
        });
        cx.arena.collect_str(size, chars)
    }

    /// The text of a number, as it is written in the source.
    #[example("text_of_int(-42)" => r#""-42""#)]
    fn [cx] text_of_int(n: Int<{ i64::MIN }, { i64::MAX }>) -> Str<20>, cost 4, class Opaque {
        cx.arena.text(format_args!("{n}"))
    }

    /// The text of a percentage, as it is written in the source.
    #[example("text_of_percent(0.5%)" => r#""0.5%""#)]
    fn [cx] text_of_percent(p: AnyPercent) -> Str<20>, cost 4, class Opaque {
        cx.arena.text_with(|out| money::write_percent(out, p))
    }

    /// The text of a duration, as it is written in the source.
    #[example("text_of_duration(90s)" => r#""1m30s""#)]
    fn [cx] text_of_duration(d: Duration) -> Str<32>, cost 4, class Opaque {
        cx.arena.text_with(|out| time::write_duration(out, d))
    }

    /// The text of an instant: RFC 3339, in UTC.
    #[example(r#"text_of_instant(t"2026-11-01T00:00+08:00")"# => r#""2026-10-31T16:00:00Z""#)]
    fn [cx] text_of_instant(at: Instant) -> Str<32>, cost 4, class Opaque {
        cx.arena.text_with(|out| time::write_instant(out, at))
    }

    /// The text of a date, such as `2026-11-01`.
    #[example(r#"text_of_date(day_of(t"2026-11-01T00:00Z", tz"UTC"))"# => r#""2026-11-01""#)]
    fn [cx] text_of_date(d: Date) -> Str<10>, cost 4, class Opaque {
        cx.arena.text_with(|out| time::write_date(out, d))
    }

    /// The number a text holds, written in decimal digits with an optional `-`; `none` when it is no number or too large.
    #[example(r#"to_int("42") ?? 0"# => "42")]
    #[example(r#"to_int("4 2") is none"# => "true")]
    fn to_int(s: Text) -> Opt<AnyInt>, cost 4, class Opaque {
        let digits = s.strip_prefix('-').unwrap_or(s);
        let decimal = digits.bytes().all(|b| b.is_ascii_digit());
        s.parse().ok().filter(|n: &i64| decimal && n.unsigned_abs() <= tollgate_runtime::schema::INT_MAX.unsigned_abs())
    }

    /// The duration a text holds, written as in the source; `none` otherwise.
    #[example(r#"to_duration("1m30s") ?? 0s"# => "90s")]
    fn to_duration(s: Text) -> Opt<Duration>, cost 4, class Opaque {
        time::parse_duration(s).ok()
    }

    /// The instant a text holds, written as RFC 3339; `none` otherwise.
    #[example(r#"to_instant("2026-11-01T00:00:00Z") is none"# => "false")]
    fn to_instant(s: Text) -> Opt<Instant>, cost 4, class Opaque {
        time::parse_instant(s).ok()
    }

    /// The date a text holds, such as `2026-11-01`; `none` otherwise.
    #[example(r#"to_date("2026-02-29") is none"# => "true")]
    fn to_date(s: Text) -> Opt<Date>, cost 4, class Opaque {
        time::parse_date(s).ok()
    }

    /// How many bytes there are.
    #[example(r#"bytes_len(to_bytes("abc"))"# => "3")]
    fn bytes_len(b: Bytes) -> AnyInt, cost 1, class Opaque {
        b.len() as i64
    }

    /// The bytes of a text, in UTF-8.
    #[example(r#"bytes_len(to_bytes(""))"# => "0")]
    fn to_bytes(s: LongText) -> Bytes, cost 1, class Opaque {
        s.as_bytes()
    }

    /// The text that some bytes are in UTF-8; `none` when they are not text or more than 64 KiB.
    #[example(r#"text_of_bytes(to_bytes("abc")) ?? """# => r#""abc""#)]
    fn text_of_bytes(b: Bytes) -> Opt<Text>, cost 32, class Opaque {
        std::str::from_utf8(b).ok().filter(|s| s.len() <= tollgate_runtime::schema::STRING_MAX as usize)
    }
}

/// A character of a part of a key, with the backslash it may need.
fn escaped(c: char) -> impl Iterator<Item = char> {
    matches!(c, '|' | '\\')
        .then_some('\\')
        .into_iter()
        .chain([c])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_runtime::{Arena, Cx, Word};

    #[test]
    fn keys_of_different_parts_differ() {
        let arena = Arena::new();
        let cx = Cx::new(&arena, "", 0);
        let pieces = ["", "a", "|", "\\", "a|", "|a", "\\|", "b\\"];
        let mut seen = std::collections::BTreeMap::new();
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    for parts in [vec![a], vec![a, b], vec![a, b, c]] {
                        let words: Vec<Word<'_>> = parts.iter().map(|p| Word::Str(p)).collect();
                        let key = key_join(&cx, Items::new(arena.seq(&words)));
                        let first = seen.entry(key).or_insert_with(|| parts.clone());
                        assert_eq!(*first, parts, "{key}");
                    }
                }
            }
        }
    }

    #[test]
    fn jitter_covers_its_range_and_keeps_it() {
        let arena = Arena::new();
        let mut seen = std::collections::BTreeSet::new();
        for i in 0..200 {
            let id = format!("r{i}");
            seen.insert(jitter_at(&Cx::new(&arena, &id, 0), 3, 7, 1));
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6, 7]);
        let cx = Cx::new(&arena, "x", 0);
        jitter_at(&cx, i64::MIN, i64::MAX, 1);
        assert_eq!(jitter_at(&cx, 7, 3, 1), 7);
    }
}
