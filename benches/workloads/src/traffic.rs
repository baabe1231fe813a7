//! Traffic: which rule each request is made for.

use crate::seed::Seed;
use crate::{Request, Rule};

/// Which rule requests are made for. Rules may overlap, so another rule may decide.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Profile {
    /// Rules as popular as Zipf's law has it (the k-th at a rate of 1/k, in a shuffled order); three of ten requests for none.
    Zipf,
    /// All for the first.
    First,
    /// All for the one in the middle.
    Middle,
    /// All for the last.
    Last,
    /// All for none.
    Missing,
}

impl Profile {
    /// Every profile, in the order of the type.
    pub const ALL: [Profile; 5] = [
        Profile::Zipf,
        Profile::First,
        Profile::Middle,
        Profile::Last,
        Profile::Missing,
    ];

    /// Its name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Zipf => "zipf",
            Profile::First => "first",
            Profile::Middle => "middle",
            Profile::Last => "last",
            Profile::Missing => "missing",
        }
    }
}

/// Of a hundred requests of Zipf's traffic, those made for a rule.
const MATCHING: usize = 70;

/// Makes `count` requests; `request` makes one for a rule, or one for none.
pub(crate) fn requests(
    rules: &[Rule],
    count: usize,
    profile: Profile,
    seed: &mut Seed,
    mut request: impl FnMut(Option<&Rule>, &mut Seed) -> Request,
) -> Vec<Request> {
    let popular = Popular::new(rules.len(), seed);
    let mut made = Vec::with_capacity(count);
    for _ in 0..count {
        let rule = match profile {
            Profile::Zipf => seed.chance(MATCHING).then(|| popular.pick(seed)),
            Profile::First => Some(0),
            Profile::Middle => Some(rules.len() / 2),
            Profile::Last => Some(rules.len() - 1),
            Profile::Missing => None,
        };
        made.push(request(rule.map(|r| &rules[r]), seed));
    }
    made
}

/// Zipf's law over a shuffled order.
struct Popular {
    order: Vec<u32>,
    /// Of the rates up to each place.
    sums: Vec<f64>,
}

impl Popular {
    fn new(rules: usize, seed: &mut Seed) -> Popular {
        let mut order: Vec<u32> = (0..rules as u32).collect();
        for i in (1..rules).rev() {
            order.swap(i, seed.below(i + 1));
        }
        let rates = (1..=rules).scan(0.0, |sum, k| {
            *sum += 1.0 / k as f64;
            Some(*sum)
        });
        Popular {
            order,
            sums: rates.collect(),
        }
    }

    fn pick(&self, seed: &mut Seed) -> usize {
        let total = self.sums.last().copied().unwrap_or(0.0);
        let wanted = seed.unit() * total;
        let place = self.sums.partition_point(|sum| *sum <= wanted);
        self.order[place.min(self.order.len() - 1)] as usize
    }
}
