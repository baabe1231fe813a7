//! Natives of `std.gateway`: which of several takes a key. Each is a function of its arguments, so that two gateways that are told the same agree.

use tollgate_runtime::natives;

use crate::natives::hash::{hash64, scale};

/// The heaviest weight.
const HEAVIEST: i64 = 1_000_000;

/// Most steps of [`jump`]. They are Poisson distributed, with a mean of at most 12: more than these do not happen, and would not be wrong either.
const JUMPS: u32 = 64;

natives! {
    module "std.gateway";

    /// Which of some weights a key falls to, as a place in the list; `none` when there is no weight above 0.
    /// A share is its weight divided by the sum of all. The same key stays where it is; while the sum stays the same, moving weight from
    /// one place to the next moves only the keys in between. Another `salt` is another shuffle.
    #[example(r#"weighted("u1", [0, 3, 0], salt: "split") ?? 9"# => "1")]
    #[example(r#"weighted("u1", [90, 10], salt: "split") is none"# => "false")]
    #[example(r#"weighted("u1", [0, 0], salt: "split") is none"# => "true")]
    fn weighted(key: LongText, weights: List<Int<0, 1_000_000>, 256>, salt: LongText) -> Opt<Int<0, 255>>, cost 64, class Opaque {
        let weight = |w: i64| w.clamp(0, HEAVIEST).unsigned_abs();
        let mut left = scale(hash64(&[salt.as_bytes(), key.as_bytes()]), weights.iter().map(weight).sum());
        let place = weights.iter().map(weight).position(|w| {
            let falls = left < w;
            left = left.saturating_sub(w);
            falls
        });
        place.map(|i| i as i64)
    }

    /// The name that a key belongs to, whatever the order of the names; `none` when there are none.
    /// Rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998): a name that goes gives
    /// away its own keys, evenly, and no other key moves.
    #[example(r#"(rendezvous("session-7", ["a", "b", "c"]) ?? "") == (rendezvous("session-7", ["c", "a", "b"]) ?? "")"# => "true")]
    #[example(r#"rendezvous("session-7", ["a"]) ?? """# => r#""a""#)]
    fn rendezvous(key: LongText, names: List<Text, 256>) -> Opt<Text>, cost 512, class Opaque {
        names.iter().max_by_key(|name| (hash64(&[key.as_bytes(), name.as_bytes()]), *name))
    }

    /// The shard of a key among `shards` that are numbered from 0.
    /// Jump consistent hash (Lamping and Veach, "A fast, minimal memory, consistent hash algorithm", 2014): with one shard more, as many keys
    /// move as that one needs, all of them to it.
    #[example(r#"shard_of("cart-7", 1)"# => "0")]
    #[example(r#"shard_of("cart-7", 16) == shard_of("cart-7", 17) or shard_of("cart-7", 17) == 16"# => "true")]
    fn shard_of(key: LongText, shards: Int<1, 65_536>) -> Int<0, 65_535>, cost 64, class Opaque {
        jump(hash64(&[key.as_bytes()]), shards)
    }

    /// The less loaded of two places that a key draws, of equals the one drawn first; `none` when there is none.
    /// The power of two choices (Mitzenmacher, "The power of two choices in randomized load balancing", 2001): nearly as even as asking
    /// all, and gateways that see the same stale loads do not all run to the same place.
    #[example(r#"two_choices("r1", [5, 2]) ?? 9"# => "1")]
    #[example(r#"two_choices("r1", [7]) ?? 9"# => "0")]
    fn two_choices(key: LongText, loads: List<AnyInt, 256>) -> Opt<Int<0, 255>>, cost 32, class Opaque {
        let draw = |salt: &str, n: usize| scale(hash64(&[salt.as_bytes(), key.as_bytes()]), n as u64) as usize;
        let n = loads.len();
        let load = |place: usize| loads.iter().nth(place);
        let first = draw("first", n);
        // Two different ones: drawing the same twice would be no choice.
        let second = (first + 1 + draw("second", n.saturating_sub(1))) % n.max(1);
        load(first)?;
        Some(if load(second) < load(first) { second } else { first } as i64)
    }
}

/// The published algorithm, for at least one shard, with an end to its steps.
fn jump(mut key: u64, shards: i64) -> i64 {
    let (mut shard, mut next) = (0, 0);
    for _ in 0..JUMPS {
        if next >= shards {
            break;
        }
        shard = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        let stretch = (1u64 << 31) as f64 / ((key >> 33) + 1) as f64;
        next = ((shard + 1) as f64 * stretch) as i64;
    }
    shard
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_runtime::{Arena, Cx, Word};

    const KEYS: i64 = 20_000;

    /// What `choose` makes of many keys.
    fn many<R>(choose: impl Fn(&Cx<'_>, &str) -> R) -> Vec<R> {
        let arena = Arena::new();
        let cx = Cx::new(&arena, "", 0);
        (0..KEYS)
            .map(|i| choose(&cx, &format!("key-{i}")))
            .collect()
    }

    fn names(n: usize) -> Vec<Word<'static>> {
        ["a", "b", "c", "d", "e", "f", "g", "h"][..n]
            .iter()
            .map(|n| Word::Str(n))
            .collect()
    }

    fn ints(of: &[i64]) -> Vec<Word<'static>> {
        of.iter().map(|i| Word::Int(*i)).collect()
    }

    fn owned(name: Option<&str>) -> String {
        name.unwrap_or_default().to_owned()
    }

    /// From the tests of other implementations of the paper.
    #[test]
    fn jumps_are_those_of_the_paper() {
        for (key, shards, shard) in [
            (1, 1, 0),
            (42, 57, 43),
            (0xDEAD_10CC, 1, 0),
            (0xDEAD_10CC, 666, 361),
            (256, 1024, 520),
        ] {
            assert_eq!(jump(key, shards), shard, "{key} of {shards}");
        }
    }

    #[test]
    fn a_shard_more_takes_its_part_and_moves_nothing_else() {
        let few = many(|cx, key| shard_of(cx, key, 9));
        let more = many(|cx, key| shard_of(cx, key, 10));
        let moved: Vec<i64> = few
            .iter()
            .zip(&more)
            .filter(|(a, b)| a != b)
            .map(|(_, b)| *b)
            .collect();
        assert!(moved.iter().all(|to| *to == 9));
        assert!((1_600..2_400).contains(&moved.len()), "{}", moved.len());
    }

    #[test]
    fn a_name_that_goes_takes_only_its_own_keys_along() {
        let (all, less) = (names(8), names(7));
        let before = many(|cx, key| owned(rendezvous(cx, key, Items::new(&all))));
        let after = many(|cx, key| owned(rendezvous(cx, key, Items::new(&less))));
        let own = before.iter().filter(|name| *name == "h").count();
        assert!((2_100..2_900).contains(&own), "{own}");
        assert!(before.iter().zip(&after).all(|(a, b)| a == b || a == "h"));
    }

    #[test]
    fn weights_are_shares_and_a_shift_moves_only_what_lies_between() {
        let (before, after) = (ints(&[1, 2, 5]), ints(&[1, 3, 4]));
        let before = many(|cx, key| weighted(cx, key, Items::new(&before), "s"));
        let after = many(|cx, key| weighted(cx, key, Items::new(&after), "s"));
        for (place, weight) in [(0, 1), (1, 2), (2, 5)] {
            let seen = before.iter().filter(|p| **p == Some(place)).count() as i64;
            let due = KEYS * weight / 8;
            assert!((seen - due).abs() < due / 10, "{seen} of {due}");
        }
        let moved = before.iter().zip(&after).filter(|(a, b)| a != b);
        assert!(
            moved
                .map(|(a, b)| (*a, *b))
                .all(|m| m == (Some(2), Some(1)))
        );
    }

    /// The fullest is never the less loaded of two different places, and the others share its keys evenly.
    #[test]
    fn two_choices_avoid_the_fullest() {
        let loads = ints(&[1, 1, 1, 9]);
        let seen = many(|cx, key| two_choices(cx, key, Items::new(&loads)));
        assert!(seen.iter().all(|place| *place != Some(3)));
        for place in 0..3 {
            let share = seen.iter().filter(|p| **p == Some(place)).count();
            assert!((6_200..7_200).contains(&share), "{share}");
        }
    }
}
