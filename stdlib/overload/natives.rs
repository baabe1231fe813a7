//! Natives of `std.overload`: curves that need more than the language's arithmetic.

use tollgate_runtime::natives;
use tollgate_runtime::schema::PERCENT_ONE;

natives! {
    module "std.overload";

    /// The share of requests to reject by themselves, given how many were sent lately and how many of them went well.
    /// Envoy's admission control: ((n − s / threshold) / (n + 1)) ^ (1 / aggression), and nothing while at least `threshold` of the requests
    /// go well. With an aggression of 1 it is the adaptive throttling of Google's SRE book (ch. 21); a larger one rejects more, earlier, and
    /// less than 1 is taken for 1. Envoy's defaults are a threshold of 95%, an aggression of 1, and never more than 80%.
    #[example("rejection(100, 95, threshold: 95%, aggression: 1.0)" => "0%")]
    #[example("rejection(99, 0, threshold: 95%, aggression: 1.0)" => "99%")]
    #[example("rejection(99, 19, threshold: 50%, aggression: 1.0)" => "61%")]
    #[example("rejection(99, 37, threshold: 50%, aggression: 2.0)" => "50%")]
    fn rejection(requests: AnyInt, successes: AnyInt, threshold: Percent<10_000_000, { PERCENT_ONE }>, aggression: Float) -> Percent<0, { PERCENT_ONE }>, cost 64, class Opaque {
        let one = PERCENT_ONE as f64;
        let threshold = threshold.clamp(1, PERCENT_ONE) as f64 / one;
        let (sent, good) = (requests.max(0) as f64, successes.max(0) as f64 / threshold);
        let share = ((sent - good) / (sent + 1.0)).max(0.0);
        // Of a library in Rust, not of the machine: a decision must not depend on where it is made.
        (libm::pow(share, 1.0 / aggression.max(1.0)) * one).round_ties_even() as i64
    }
}
