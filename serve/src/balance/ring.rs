//! A hash ring: consistent hashing (Karger et al., STOC 1997), with several points an endpoint, as in ketama.

use super::numbered;

/// Points of an endpoint of weight 1: shares are off by a few hundredths then.
const POINTS: u32 = 160;

/// Endpoints on a ring. A key belongs to the first point at or behind its hash, so an endpoint that goes takes nothing but its own keys
/// along.
#[derive(Debug)]
pub struct Ring {
    /// Hash and endpoint, by hash.
    points: Box<[(u64, u32)]>,
}

impl Ring {
    /// A ring of endpoints with names and weights. Costs 160 points for each unit of weight.
    pub fn new(endpoints: &[(String, u32)]) -> Ring {
        let mut points = Vec::new();
        for ((name, weight), endpoint) in endpoints.iter().zip(0..) {
            points.extend((0..weight * POINTS).map(|i| (numbered(name, i), endpoint)));
        }
        points.sort_unstable();
        Ring {
            points: points.into(),
        }
    }

    /// The endpoints in the order in which they would take the key; each may come several times. Finding the first costs the logarithm of
    /// the number of points.
    pub fn from(&self, key: u64) -> impl Iterator<Item = usize> {
        let start = self.points.partition_point(|(hash, _)| *hash < key);
        let (before, behind) = self.points.split_at(start);
        behind
            .iter()
            .chain(before)
            .map(|(_, endpoint)| *endpoint as usize)
    }
}

#[cfg(test)]
mod tests {
    use tollgate::hash64;

    use super::*;

    #[test]
    fn who_leaves_takes_only_its_own_keys_along() {
        let names: Vec<(String, u32)> = (0..10).map(|i| (format!("10.0.0.{i}:80"), 1)).collect();
        let all = Ring::new(&names);
        let less = Ring::new(&names[..9]);
        let mut own = 0;
        for key in 0..20_000u64 {
            let key = hash64(&[&key.to_le_bytes()]);
            let (before, after) = (
                all.from(key).next().unwrap(),
                less.from(key).next().unwrap(),
            );
            own += usize::from(before == 9);
            assert!(before == after || before == 9);
        }
        assert!((1_600..2_400).contains(&own), "{own}");
    }
}
