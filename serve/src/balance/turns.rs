//! Weighted turns that are spread evenly.

/// The order in which endpoints come, by number, as often as they weigh (divided by what all weights have in common), and as evenly as can be:
/// smooth weighted round robin, as nginx has done since 1.3.1. With weights 5, 1, 1 that is a a b a c a a, not a a a a a b c.
pub fn turns(weights: &[u32]) -> Box<[u16]> {
    let common = weights.iter().fold(0, |a, b| gcd(a, *b)).max(1);
    let weights: Vec<i64> = weights.iter().map(|w| i64::from(w / common)).collect();
    let total: i64 = weights.iter().sum();
    let mut current = vec![0i64; weights.len()];
    (0..total)
        .map(|_| {
            let mut best = 0;
            for i in 0..weights.len() {
                current[i] += weights[i];
                if current[i] > current[best] {
                    best = i;
                }
            }
            current[best] -= total;
            best as u16
        })
        .collect()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_spread() {
        assert_eq!(*turns(&[5, 1, 1]), [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(*turns(&[4, 4]), [0, 1]);
        assert_eq!(*turns(&[7]), [0]);
    }
}
