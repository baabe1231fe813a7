//! Maglev hashing: Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, §3.4.

use super::numbered;

/// The size of the table: a prime, as every endpoint's steps must reach all places, and much larger than the number of endpoints, so that shares
/// are even to a hundredth.
const SIZE: usize = 65_537;

/// A table from hashes to endpoints: shares are as even as can be, and when an endpoint goes few keys but its own move.
#[derive(Debug)]
pub struct Maglev {
    table: Box<[u16]>,
}

impl Maglev {
    /// The table of 1 to 65,535 endpoints with names and weights of at least 1: in turn each takes the next free place of its own order of all places,
    /// as often in a round as it weighs. Costs about `SIZE log SIZE` steps.
    pub fn new(endpoints: &[(String, u32)]) -> Maglev {
        let mut orders: Vec<(usize, usize)> = endpoints
            .iter()
            .map(|(name, _)| {
                let offset = numbered(name, 0) as usize % SIZE;
                let skip = numbered(name, 1) as usize % (SIZE - 1) + 1;
                (offset, skip)
            })
            .collect();
        const FREE: u16 = u16::MAX;
        let mut table = vec![FREE; SIZE].into_boxed_slice();
        let mut taken = 0;
        'full: loop {
            for ((at, skip), (endpoint, (_, weight))) in orders.iter_mut().zip((0..).zip(endpoints))
            {
                for _ in 0..*weight {
                    while table[*at] != FREE {
                        *at = (*at + *skip) % SIZE;
                    }
                    table[*at] = endpoint;
                    taken += 1;
                    if taken == SIZE {
                        break 'full;
                    }
                }
            }
        }
        Maglev { table }
    }

    /// The endpoints in the order in which they would take the key: its place in the table, then the places behind. Each comes often.
    pub fn from(&self, key: u64) -> impl Iterator<Item = usize> {
        let (before, behind) = self.table.split_at((key % SIZE as u64) as usize);
        behind
            .iter()
            .chain(before)
            .map(|endpoint| usize::from(*endpoint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(n: usize) -> Vec<(String, u32)> {
        (0..n).map(|i| (format!("10.0.0.{i}:80"), 1)).collect()
    }

    #[test]
    fn shares_are_even() {
        let maglev = Maglev::new(&names(10));
        let mut shares = [0u32; 10];
        for endpoint in &maglev.table {
            shares[*endpoint as usize] += 1;
        }
        let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
        assert!(most - least <= 1, "{shares:?}");
    }

    /// The paper's Figure 12: with a table this much larger than the number of backends, few entries change besides those of who left.
    #[test]
    fn who_leaves_moves_few_other_keys() {
        let (all, less) = (Maglev::new(&names(10)), Maglev::new(&names(9)));
        let moved = all
            .table
            .iter()
            .zip(&less.table)
            .filter(|(before, after)| **before != 9 && before != after);
        let moved = moved.count();
        assert!(moved < SIZE / 20, "{moved} of {SIZE}");
    }
}
