//! Diagnostics: numbers, their intervals and their units.

diagnostics! {
    /// A number may lie outside the type it is given to.
    ///
    /// The checker knows an interval for every number. What is given to a declared type must be proved to fit: no
    /// operation can fail at run time, so the doubt is settled here. Keep it in range with `clamp`, let the operation
    /// stop at the type's bounds (`+|`, `-|`, `*|`), compare it to the left, or declare narrower types.
    ///
    /// ```text
    /// type Priority = Int in 0 .. 100
    /// fn raise(p: Priority) -> Priority = p + 1          # wrong: 101
    /// fn raise(p: Priority) -> Priority = p +| 1
    /// fn raise(p: Priority) -> Priority = clamp(p + 1, 0, 100)
    /// ```
    fn may_not_fit(ty) = error "this may not fit `{ty}`";

    /// A result in between may not fit 64 bits.
    ///
    /// ```text
    /// fn f(a: Int, b: Int) -> Int = clamp(a * b, 0, 10)          # wrong: 2^53 times 2^53
    /// fn f(a: Int, b: Int) -> Int = clamp(a *| b, 0, 10)
    /// ```
    fn may_overflow() = error "this may not fit 64 bits";

    /// A divisor may be zero.
    ///
    /// No operation can fail, so a division needs a divisor that is proved not to be zero: by its type, or by a
    /// comparison to the left. Otherwise `div(a, b)` is optional, and the author says what holds.
    ///
    /// ```text
    /// fn share(a: Int, n: Int) -> Int = a / n                     # wrong
    /// fn share(a: Int, n: Int) -> Int = div(a, n) ?? 0
    /// fn share(a: Int, n: Int in 1 .. 10) -> Int = a / n
    /// ```
    fn may_divide_by_zero() = error "the divisor may be zero";

    /// A number literal is larger than its type can hold.
    ///
    /// `Int` is ±(2^53 − 1), what JSON carries exactly; durations and amounts have the same range in their smallest units.
    ///
    /// ```text
    /// const big = 9_007_199_254_740_992     # wrong
    /// const big = 9_007_199_254_740_991
    /// ```
    fn number_out_of_range() = error "no number of this type is that large";

    /// A literal has more decimals than its type keeps.
    ///
    /// Nothing is rounded silently.
    ///
    /// ```text
    /// const fee = 0.005 SGD       # wrong
    /// const fee = 0.01 SGD
    /// ```
    fn too_many_decimals(what, most) = error "{what} has at most {most} decimals";

    /// A rate does not count whole things.
    ///
    /// ```text
    /// const limit = 1.5 per 1s      # wrong
    /// const limit = 3 per 2s
    /// ```
    fn rate_not_whole() = error "the count of a rate is a whole number";

    /// A comparison's outcome is known from the types of its operands.
    ///
    /// It is perhaps the wrong bound, the wrong field or the wrong unit.
    ///
    /// ```text
    /// fn f(p: Int in 0 .. 100) -> Bool = p > 100        # never
    /// fn f(p: Int in 0 .. 100) -> Bool = p >= 100
    /// ```
    fn decided_comparison(always) = warning "this comparison is always {always}";

    /// Floats are not saturating: they have `+ - * /` and comparison only.
    ///
    /// Their results are finite anyway.
    ///
    /// ```text
    /// a +| 0.5       # wrong
    /// a + 0.5
    /// ```
    fn float_saturates() = error "floats have no saturating operators";

    /// The bounds of `clamp` are crossed.
    ///
    /// ```text
    /// clamp(x, 10, 0)        # wrong
    /// clamp(x, 0, 10)
    /// ```
    fn crossed_bounds() = error "nothing lies between these bounds";
}
