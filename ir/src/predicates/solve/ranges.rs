//! Sets of numbers as ranges: of integers, and of addresses.

use tollgate_runtime::kinds::net::{Cidr, Ip};

/// Ascending ranges, both ends included, with a gap between one and the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges(Vec<(u128, u128)>);

/// An integer among the numbers that ranges count by: their order is kept.
pub(super) fn of_int(value: i64) -> u128 {
    (i128::from(value) - i128::from(i64::MIN)) as u128
}

fn to_int(number: u128) -> i64 {
    i64::try_from(number as i128 + i128::from(i64::MIN)).unwrap_or(i64::MAX)
}

/// The addresses of a network.
pub(super) fn of_net(net: Cidr) -> (u128, u128) {
    let base = net.base().bits();
    let host = match net.bits() {
        0 => u128::MAX,
        bits => u128::MAX.checked_shr(bits.into()).unwrap_or(0),
    };
    (base, base | host)
}

impl Ranges {
    /// All numbers from one to another.
    pub(super) fn between(lo: u128, hi: u128) -> Ranges {
        Ranges(if lo <= hi { vec![(lo, hi)] } else { Vec::new() })
    }

    /// The numbers of some ranges in any order.
    pub(super) fn of(mut ranges: Vec<(u128, u128)>) -> Ranges {
        ranges.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        for (lo, hi) in ranges {
            match joined.last_mut() {
                Some((_, end)) if lo <= end.saturating_add(1) => *end = hi.max(*end),
                _ => joined.push((lo, hi)),
            }
        }
        Ranges(joined)
    }

    /// Those of these that lie in `other`, or that do not. Linear in both.
    pub(super) fn keep(&self, other: &Ranges, inside: bool) -> Ranges {
        let mut kept = Vec::new();
        let opposite;
        let other = match inside {
            true => other,
            false => {
                opposite = other.opposite();
                &opposite
            }
        };
        let (mut a, mut b) = (0, 0);
        while let (Some(x), Some(y)) = (self.0.get(a), other.0.get(b)) {
            let (lo, hi) = (x.0.max(y.0), x.1.min(y.1));
            if lo <= hi {
                kept.push((lo, hi));
            }
            if x.1 < y.1 { a += 1 } else { b += 1 }
        }
        Ranges(kept)
    }

    fn opposite(&self) -> Ranges {
        let mut gaps = Vec::with_capacity(self.0.len() + 1);
        let mut next = Some(0u128);
        for (lo, hi) in &self.0 {
            if let Some(from) = next
                && from < *lo
            {
                gaps.push((from, lo - 1));
            }
            next = hi.checked_add(1);
        }
        if let Some(from) = next {
            gaps.push((from, u128::MAX));
        }
        Ranges(gaps)
    }

    fn nearest(&self, wanted: u128) -> Option<u128> {
        let at = self.0.partition_point(|(_, hi)| *hi < wanted);
        match self.0.get(at) {
            Some((lo, _)) => Some((*lo).max(wanted)),
            None => self.0.last().map(|(_, hi)| *hi),
        }
    }

    /// Of these numbers one that is as near as any.
    fn beside(&self, wanted: u128) -> Option<u128> {
        let at = self.0.partition_point(|(_, hi)| *hi < wanted);
        let above = self.0.get(at).map(|(lo, _)| (*lo).max(wanted));
        let below = at.checked_sub(1).map(|below| self.0[below].1);
        match (below, above) {
            (Some(below), Some(above)) => match wanted - below < above - wanted {
                true => Some(below),
                false => Some(above),
            },
            (below, above) => below.or(above),
        }
    }

    /// Of these integers one that is as near to another as any.
    pub(super) fn nearest_int(&self, wanted: i64) -> Option<i64> {
        self.beside(of_int(wanted)).map(to_int)
    }

    /// Of these addresses one that is as near to another as any.
    pub(super) fn nearest_ip(&self, wanted: Ip) -> Option<Ip> {
        let at = self.beside(wanted.bits())?;
        Some(Ip(at.to_be_bytes()))
    }

    /// The simplest of these integers: zero, or the least above it, or the greatest below.
    pub(super) fn simplest_int(&self) -> Option<i64> {
        self.nearest(of_int(0)).map(to_int)
    }

    /// One of these addresses, of documentation if there is one (RFC 5737), or else IPv4.
    pub(super) fn simplest_ip(&self) -> Option<Ip> {
        let v4 = |a: u32| 0xffff_0000_0000u128 | u128::from(a);
        let example = v4(0xc000_0201);
        let at = self.nearest(example).filter(|at| *at == example);
        let at = at.or_else(|| self.nearest(v4(0)))?;
        Some(Ip(at.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_sets() {
        let r = |list: &[(i64, i64)]| {
            Ranges::of(list.iter().map(|(a, b)| (of_int(*a), of_int(*b))).collect())
        };
        assert_eq!(r(&[(5, 9), (0, 4)]), r(&[(0, 9)]));
        assert_eq!(
            r(&[(0, 9)]).keep(&r(&[(3, 4), (8, 20)]), true),
            r(&[(3, 4), (8, 9)])
        );
        assert_eq!(
            r(&[(0, 9)]).keep(&r(&[(3, 4), (8, 20)]), false),
            r(&[(0, 2), (5, 7)])
        );
        assert_eq!(r(&[(-9, -3), (-2, -1)]).simplest_int(), Some(-1));
        assert_eq!(
            r(&[(i64::MIN, i64::MIN), (7, i64::MAX)]).simplest_int(),
            Some(7)
        );
        assert_eq!(r(&[]).simplest_int(), None);
        let some = r(&[(0, 2), (9, 12), (20, 30)]);
        let near = [-5, 1, 5, 6, 16, 17, 99].map(|n| some.nearest_int(n));
        assert_eq!(near, [0, 1, 2, 9, 20, 20, 30].map(Some));
        let all = Ranges::between(0, u128::MAX);
        assert_eq!(all.keep(&all, false), Ranges::of(Vec::new()));
    }

    #[test]
    fn addresses_are_ranges() {
        let net: Cidr = "10.0.0.0/8".parse().unwrap();
        let (lo, hi) = of_net(net);
        assert!(net.has(Ip(lo.to_be_bytes())) && net.has(Ip(hi.to_be_bytes())));
        assert!(!net.has(Ip((hi + 1).to_be_bytes())));
        let ip = Ranges::between(lo, hi).simplest_ip().unwrap();
        assert_eq!(ip.to_string(), "10.0.0.0");
        let ip = Ranges::between(0, u128::MAX).simplest_ip().unwrap();
        assert_eq!(ip.to_string(), "192.0.2.1");
        assert_eq!(of_net(Cidr::ALL), (0, u128::MAX));
    }
}
