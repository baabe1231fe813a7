//! Which endpoint of a cluster takes a request. Each policy is a pure function of what it is told; endpoints are numbers.

mod maglev;
mod ring;
mod turns;

use std::sync::atomic::{AtomicUsize, Ordering};

pub use maglev::Maglev;
pub use ring::Ring;
use tollgate::hash64;
pub use turns::turns;

use crate::settings::Policy;

/// What a balancer asks about endpoints.
pub trait Endpoints {
    /// Whether the endpoint can be chosen. Where none can, all can: some answer may be better than none.
    fn is_up(&self, endpoint: usize) -> bool;
    /// Requests in progress at the endpoint.
    fn in_progress(&self, endpoint: usize) -> usize;
}

/// Chooses among the endpoints of a cluster.
#[derive(Debug)]
pub struct Balancer {
    weights: Box<[u32]>,
    chosen: Chosen,
}

#[derive(Debug)]
enum Chosen {
    InTurn {
        turns: Box<[u16]>,
        next: AtomicUsize,
    },
    /// Starts from another endpoint each time, so that equals share.
    Least {
        next: AtomicUsize,
    },
    TwoChoices,
    Ring(Ring),
    Maglev(Maglev),
}

impl Balancer {
    /// A balancer for endpoints, each with its name and weight. Hashing policies go by names, so that the order does not matter.
    ///
    /// There is at least one endpoint; weights are 1 to 100.
    ///
    /// ```
    /// use tollgate_serve::Policy;
    /// use tollgate_serve::balance::{Balancer, Endpoints};
    /// struct Idle;
    /// impl Endpoints for Idle {
    ///     fn is_up(&self, endpoint: usize) -> bool { endpoint != 1 }
    ///     fn in_progress(&self, _: usize) -> usize { 0 }
    /// }
    /// let endpoints = ["10.0.0.1:80", "10.0.0.2:80"].map(|name| (name.to_owned(), 1));
    /// let balancer = Balancer::new(Policy::Maglev, &endpoints);
    /// assert_eq!(balancer.choose(tollgate::hash64(&[b"the session"]), &Idle), 0);
    /// ```
    pub fn new(policy: Policy, endpoints: &[(String, u32)]) -> Balancer {
        let weights: Box<[u32]> = endpoints.iter().map(|e| e.1).collect();
        let next = AtomicUsize::new(0);
        let chosen = match policy {
            Policy::RoundRobin => Chosen::InTurn {
                turns: turns(&weights),
                next,
            },
            Policy::LeastRequests => Chosen::Least { next },
            Policy::TwoChoices => Chosen::TwoChoices,
            Policy::Ring => Chosen::Ring(Ring::new(endpoints)),
            Policy::Maglev => Chosen::Maglev(Maglev::new(endpoints)),
        };
        Balancer { weights, chosen }
    }

    /// The endpoint for a request with this key. Of endpoints that are not up none is chosen, unless none is up.
    pub fn choose(&self, key: u64, of: &impl Endpoints) -> usize {
        let n = self.weights.len();
        let up = |i: usize| of.is_up(i);
        match &self.chosen {
            Chosen::InTurn { turns, next } => {
                let start = next.fetch_add(1, Ordering::Relaxed);
                let order = (0..turns.len()).map(|i| turns[(start + i) % turns.len()] as usize);
                first(order, n, up)
            }
            Chosen::Least { next } => {
                let start = next.fetch_add(1, Ordering::Relaxed);
                let order = (0..n).map(|i| (start % n + i) % n);
                let any_up = (0..n).any(up);
                let able = order.filter(|i| !any_up || up(*i));
                able.reduce(|a, b| self.lesser(of, a, b)).unwrap_or(0)
            }
            Chosen::TwoChoices => {
                // Two different ones: drawing the same twice would be no choice.
                let two = |n: usize| {
                    let a = fastrand::usize(..n);
                    (a, (a + 1 + fastrand::usize(..n - 1)) % n)
                };
                if n > 1 {
                    let (a, b) = two(n);
                    if up(a) && up(b) {
                        return self.lesser(of, a, b);
                    }
                }
                let able: Vec<usize> = (0..n).filter(|i| up(*i)).collect();
                match able.len() {
                    0 => fastrand::usize(..n),
                    1 => able[0],
                    n => {
                        let (a, b) = two(n);
                        self.lesser(of, able[a], able[b])
                    }
                }
            }
            Chosen::Ring(ring) => first(ring.from(key), n, up),
            Chosen::Maglev(maglev) => first(maglev.from(key), n, up),
        }
    }

    /// The one with less in progress for its weight; the first of equals.
    fn lesser(&self, of: &impl Endpoints, a: usize, b: usize) -> usize {
        // Counting the request that is to come, so that weights matter where nothing is in progress.
        let load = |i: usize| of.in_progress(i) as u64 + 1;
        let (of_a, of_b) = (
            load(a) * u64::from(self.weights[b]),
            load(b) * u64::from(self.weights[a]),
        );
        if of_b < of_a { b } else { a }
    }
}

/// The first that is up, or the first. An order may be a table, much longer than the number of endpoints, so that none is up is found out without
/// going through it.
fn first(
    mut order: impl Iterator<Item = usize>,
    endpoints: usize,
    up: impl Fn(usize) -> bool,
) -> usize {
    let Some(one) = order.next() else {
        return 0;
    };
    if up(one) || !(0..endpoints).any(&up) {
        return one;
    }
    order.find(|i| up(*i)).unwrap_or(one)
}

/// The hash of an endpoint's name and a number: the same on every machine and in every build, so that proxies beside each other agree.
fn numbered(name: &str, number: u32) -> u64 {
    hash64(&[name.as_bytes(), &number.to_le_bytes()])
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    struct Some3 {
        up: [bool; 3],
        in_progress: [usize; 3],
    }

    impl Endpoints for Some3 {
        fn is_up(&self, endpoint: usize) -> bool {
            self.up[endpoint]
        }
        fn in_progress(&self, endpoint: usize) -> usize {
            self.in_progress[endpoint]
        }
    }

    const ALL: [Policy; 5] = [
        Policy::RoundRobin,
        Policy::LeastRequests,
        Policy::TwoChoices,
        Policy::Ring,
        Policy::Maglev,
    ];

    fn balancer(policy: Policy, weights: [u32; 3]) -> Balancer {
        let endpoints = ["a", "b", "c"].map(String::from).into_iter().zip(weights);
        Balancer::new(policy, &endpoints.collect::<Vec<_>>())
    }

    fn shares(balancer: &Balancer, of: &Some3, n: usize) -> [usize; 3] {
        let mut shares = [0; 3];
        for key in 0..n as u64 {
            shares[balancer.choose(hash64(&[&key.to_le_bytes()]), of)] += 1;
        }
        shares
    }

    #[test]
    fn what_is_down_is_not_chosen_unless_all_is() {
        for policy in ALL {
            let balancer = balancer(policy, [1, 1, 1]);
            let mut of = Some3 {
                up: [true, false, true],
                in_progress: [0; 3],
            };
            let seen = shares(&balancer, &of, 3_000);
            assert_eq!(seen[1], 0, "{policy:?}");
            assert!(seen[0] > 0 && seen[2] > 0, "{policy:?}");
            of.up = [false; 3];
            assert!(
                shares(&balancer, &of, 3_000).iter().all(|n| *n > 0),
                "{policy:?}"
            );
        }
    }

    /// It happens at the worst time: when everything fails.
    #[test]
    fn that_all_is_down_costs_the_number_of_endpoints() {
        struct Down(Cell<usize>);
        impl Endpoints for Down {
            fn is_up(&self, _: usize) -> bool {
                self.0.set(self.0.get() + 1);
                false
            }
            fn in_progress(&self, _: usize) -> usize {
                0
            }
        }
        for policy in ALL {
            let down = Down(Cell::new(0));
            balancer(policy, [1, 2, 5]).choose(7, &down);
            assert!(down.0.get() <= 6, "{policy:?}: {}", down.0.get());
        }
    }

    #[test]
    fn weights_are_shares() {
        let of = Some3 {
            up: [true; 3],
            in_progress: [0; 3],
        };
        assert_eq!(
            shares(&balancer(Policy::RoundRobin, [1, 2, 5]), &of, 8_000),
            [1_000, 2_000, 5_000]
        );
        for policy in [Policy::Ring, Policy::Maglev] {
            let seen = shares(&balancer(policy, [1, 2, 5]), &of, 80_000);
            for (seen, weight) in seen.into_iter().zip([1, 2, 5]) {
                let off = seen.abs_diff(weight * 10_000);
                assert!(
                    off < weight * 10_000 / 4,
                    "{policy:?}: {seen} for weight {weight}"
                );
            }
        }
    }

    #[test]
    fn the_least_is_least_for_its_weight() {
        let of = Some3 {
            up: [true; 3],
            in_progress: [3, 5, 9],
        };
        assert_eq!(balancer(Policy::LeastRequests, [1, 1, 1]).choose(0, &of), 0);
        assert_eq!(balancer(Policy::LeastRequests, [1, 1, 5]).choose(0, &of), 2);
    }

    /// Mitzenmacher 2001: the fullest of n bins is log log n / log 2 above the mean with two choices, not log n / log log n.
    #[test]
    fn two_choices_keep_the_fullest_low() {
        struct Bins(Vec<usize>);
        impl Endpoints for Bins {
            fn is_up(&self, _: usize) -> bool {
                true
            }
            fn in_progress(&self, endpoint: usize) -> usize {
                self.0[endpoint]
            }
        }
        fastrand::seed(7);
        let n = 200;
        let endpoints: Vec<_> = (0..n).map(|i| (i.to_string(), 1)).collect();
        let balancer = Balancer::new(Policy::TwoChoices, &endpoints);
        let (mut bins, mut one) = (Bins(vec![0; n]), vec![0; n]);
        for _ in 0..n * 50 {
            let chosen = balancer.choose(0, &bins);
            bins.0[chosen] += 1;
            one[fastrand::usize(..n)] += 1;
        }
        let (two, one) = (bins.0.iter().max().unwrap(), one.iter().max().unwrap());
        assert!(*two <= 54 && *one >= 60, "two choices: {two}, one: {one}");
    }
}
