//! `TokenBucket`: how much is missing, and since when. Everything is counted in parts of a token, of which the reduced
//! rate brings a whole number each microsecond, so that nothing is rounded.

use serde::{Deserialize, Serialize};

use super::{granted, refused};
use crate::Answer;
use crate::kind::{Rate, reduced};
use crate::local::places::HalfLine;
use crate::local::table::Cell;

pub(crate) struct Rule {
    /// Parts that come in a microsecond.
    count: Divisor,
    /// Parts of a token.
    per: Divisor,
    burst: i64,
    /// Parts of a full bucket, at most 2^53.
    full: i64,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Bucket {
    /// Parts that were missing at that time.
    missing: i64,
    at_us: i64,
}

impl Rule {
    pub(crate) fn new(rate: Rate, burst: i64) -> Rule {
        let (count, per) = reduced(rate.count, rate.per_us);
        Rule {
            count: Divisor::new(count),
            per: Divisor::new(per),
            burst,
            full: burst.saturating_mul(per),
        }
    }
}

impl Bucket {
    #[inline]
    pub(crate) fn take(&mut self, rule: &Rule, at_us: i64, floor: i64, n: u32) -> Answer {
        let now = self.now(at_us, floor);
        let missing = self.missing_at(rule, now);
        let left = |missing: i64| rule.per.quotient(rule.full - missing);
        let wanted = missing.saturating_add(i64::from(n).saturating_mul(rule.per.number));
        if wanted <= rule.full {
            if n > 0 {
                *self = Bucket {
                    missing: wanted,
                    at_us: now,
                };
            }
            return granted(left(wanted));
        }
        let until = match i64::from(n) <= rule.burst {
            true => now.saturating_add(rule.count.rounded_up(wanted - rule.full)),
            false => i64::MAX,
        };
        refused(at_us, until, left(missing))
    }

    pub(crate) fn left(&self, rule: &Rule, at_us: i64) -> i64 {
        rule.per
            .quotient(rule.full - self.missing_at(rule, self.now(at_us, i64::MIN)))
    }

    pub(crate) fn set(&mut self, rule: &Rule, at_us: i64, left: i64) {
        let left = left.clamp(0, rule.burst);
        *self = Bucket {
            missing: (rule.burst - left).saturating_mul(rule.per.number),
            at_us,
        };
    }

    /// A full bucket remembers no time.
    fn now(&self, at_us: i64, floor: i64) -> i64 {
        match self.missing {
            0 => at_us.max(floor),
            _ => at_us.max(self.at_us),
        }
    }

    fn missing_at(&self, rule: &Rule, now: i64) -> i64 {
        if self.missing == 0 {
            return 0;
        }
        let brought = now
            .saturating_sub(self.at_us)
            .saturating_mul(rule.count.number);
        self.missing.saturating_sub(brought).max(0)
    }
}

impl Cell for Bucket {
    type Rule = Rule;
    type Align = HalfLine;

    fn until(&self, rule: &Rule) -> i64 {
        match self.missing {
            0 => i64::MIN,
            missing => self.at_us.saturating_add(rule.count.rounded_up(missing)),
        }
    }
}

/// A positive number by which much is divided: by a product, because a processor divides for longer than all else that is done here takes.
struct Divisor {
    number: i64,
    /// A part of so many, in parts of 2^64, rounded down.
    part: u64,
}

impl Divisor {
    fn new(number: i64) -> Divisor {
        let number = number.max(1);
        Divisor {
            number,
            part: u64::MAX / number as u64,
        }
    }

    /// How often it is in another number, which is zero or more; never in a negative one.
    #[inline]
    fn quotient(&self, of: i64) -> i64 {
        let of = of.max(0);
        // The part is too small by less than two parts of 2^64, and the product of what is less than 2^63 by less than one.
        let about = ((u128::from(self.part) * of as u128) >> 64) as i64;
        about + i64::from(of - about * self.number >= self.number)
    }

    /// The same, rounded up.
    #[inline]
    fn rounded_up(&self, of: i64) -> i64 {
        let quotient = self.quotient(of);
        quotient + i64::from(quotient * self.number < of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// About the multiples of small, large and odd numbers, up to the greatest.
    #[test]
    fn a_product_divides_exactly() {
        let numbers = [
            1,
            2,
            3,
            7,
            10_000,
            3_600_000_000,
            (1 << 53) - 1,
            1 << 53,
            i64::MAX,
        ];
        for number in numbers {
            let divisor = Divisor::new(number);
            let most = i64::MAX / number;
            for times in [0, 1, 2, 1000, most / 2, most - 1, most] {
                for more in [-1, 0, 1, number / 2, number - 1] {
                    let Some(of) = number
                        .checked_mul(times)
                        .and_then(|of| of.checked_add(more))
                    else {
                        continue;
                    };
                    if of >= 0 {
                        assert_eq!(divisor.quotient(of), of / number, "{of} / {number}");
                        let up = of / number + i64::from(of % number != 0);
                        assert_eq!(divisor.rounded_up(of), up, "{of} / {number}");
                    }
                }
            }
            assert_eq!(divisor.quotient(-5), 0);
        }
    }
}
