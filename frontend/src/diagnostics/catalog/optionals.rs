//! Diagnostics: values that may be missing.

diagnostics! {
    /// A value that may be missing is used as if it were there.
    ///
    /// JSON `null`, an absent key and an unset field are the same `none`. What holds then is for the author to say where the value
    /// is used: in a condition `?? skip` (the condition is false), in a guard also `?? deny` (the denial applies), anywhere `?? value`.
    /// Without an answer, a guard could be passed by leaving something out.
    ///
    /// ```text
    /// deny stale when req.time - req.token.issued_at > 12h                  # wrong: no token, no denial
    /// deny stale when req.time - (req.token.issued_at ?? deny) > 12h
    /// ```
    fn missing_answer(message) = error "{message}";

    /// Something is compared with `none`.
    ///
    /// ```text
    /// when req.api_key == none       # wrong
    /// when req.api_key is none
    /// ```
    fn compared_with_none() = error "`none` is not compared";

    /// `??` answers for a value that is always there.
    ///
    /// ```text
    /// req.method ?? GET      # needless
    /// req.method
    /// ```
    fn needless_answer() = warning "this is never missing";

    /// `skip` or `deny` stands outside the spine of a rule.
    ///
    /// The spine is the operands of the condition's outermost `and`. Under `or`, `not`, `if`, `match` or a quantifier, in a function
    /// or in a value it would be unclear what is skipped.
    ///
    /// ```text
    /// when not (e.rating ?? skip) == 5                 # wrong
    /// when let rating = e.rating ?? skip and not (rating == 5)
    /// ```
    fn answer_off_the_spine(word, why) = error "`{word}` cannot stand {why}";

    /// `?? deny` stands where there is no denial.
    ///
    /// Only a `deny` of a guard can apply. A group is evaluated before its rules and a rule of a rule set has an outcome of
    /// its own: both can only `skip`.
    ///
    /// ```text
    /// rule r when (e.age ?? deny) > 18 then admit       # wrong
    /// rule r when (e.age ?? skip) > 18 then admit
    /// ```
    fn deny_outside_guard(place) = error "`deny` cannot stand in {place}";
}
