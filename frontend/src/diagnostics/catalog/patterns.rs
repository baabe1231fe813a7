//! Diagnostics: patterns of values and of texts, `match`, `matches` and quantifiers.

diagnostics! {
    /// A `match` has no arm for some value.
    ///
    /// The arms cover every value of the subject, so that a `match` always has a result.
    ///
    /// ```text
    /// match tier { Gold => 8, Silver => 4 }                    # wrong: Bronze
    /// match tier { Gold => 8, Silver => 4, Bronze => 2 }
    /// match tier { Gold => 8, _ => 2 }
    /// ```
    fn match_not_exhaustive(witness) = error "no arm of this `match` takes {witness}";

    /// An arm can never be taken: the ones above it take everything it could.
    ///
    /// ```text
    /// match n { _ => 0, 1 => 5 }        # the second never
    /// match n { 1 => 5, _ => 0 }
    /// ```
    fn unreachable_arm() = warning "this arm is never taken";

    /// A pattern is of another type than what it looks at.
    ///
    /// ```text
    /// match e.fare { < 4 => a, _ => b }               # wrong
    /// match e.fare { < 4.00 SGD => a, _ => b }
    /// ```
    fn pattern_mismatch(what, ty) = error "{what} is never `{ty}`";

    /// A pattern can match no value of the type it looks at.
    ///
    /// ```text
    /// fn f(p: Int in 0 .. 100) -> Bool = p is 101        # never
    /// fn f(p: Int in 0 .. 100) -> Bool = p is 100
    /// ```
    fn pattern_never_matches() = warning "this pattern never matches";

    /// `none` is looked for in a value that is always there.
    ///
    /// ```text
    /// when req.method is none       # never
    /// when req.api_key is none
    /// ```
    fn never_none(ty) = warning "`{ty}` is never `none`";

    /// A name is bound inside alternatives.
    ///
    /// Which of them matched is not known, so nothing can be bound there.
    ///
    /// ```text
    /// x is {a(n), b(n)}                          # wrong
    /// match x { a(n) => f(n), b(n) => f(n), _ => 0 }
    /// ```
    fn binding_in_alternatives(name) = error "`{name}` is bound inside alternatives";

    /// `on` asks for a method and a path of something that has none.
    ///
    /// ```text
    /// rule r on POST p"/x" then a                       # wrong, when the first parameter is an event
    /// rule r on RideCompleted(ride) then a
    /// ```
    fn on_without_route(ty) = error "`{ty}` has no method and path";

    /// Right of `matches` stands something that is no pattern of text.
    ///
    /// Patterns are literals, so that all those of a rule set can become one automaton.
    ///
    /// ```text
    /// when req.path matches "/v2/**"        # wrong
    /// when req.path matches p"/v2/**"
    /// ```
    fn not_a_pattern() = error "`matches` needs a pattern";

    /// A pattern of text stands where a value is wanted.
    ///
    /// ```text
    /// const images = glob"*.png"                  # wrong
    /// when name matches glob"*.png"
    /// ```
    fn pattern_as_value(tag) = error "`{tag}\"…\"` is no value here";

    /// A pattern of text looks at something it is not for.
    ///
    /// Paths are matched by path patterns, segment by segment, since what a text pattern sees in a path depends on how it
    /// was encoded. Globs and regular expressions are for texts and hosts.
    ///
    /// ```text
    /// when req.path matches re"/v2/.*"       # wrong
    /// when req.path matches p"/v2/**"
    /// ```
    fn cannot_match(ty, tag) = error "`{ty}` is not matched by `{tag}\"…\"`";

    /// A pattern of text is malformed.
    ///
    /// Path patterns: `/a/{b}/*/**`. Regular expressions: the syntax of the `regex` crate, without back-references and
    /// look-around, so that they take linear time.
    ///
    /// ```text
    /// when name matches re"(a"        # wrong
    /// when name matches re"(a)"
    /// ```
    fn bad_pattern(tag) = error "this `{tag}\"…\"` is malformed";

    /// A capture of a path has a type that a segment cannot have.
    ///
    /// A segment is text: `String`, or a type declared by `matching`.
    ///
    /// ```text
    /// req.path matches p"/carts/{n: Int}"           # wrong
    /// req.path matches p"/carts/{n}" and let number = to_int(n) ?? skip
    /// ```
    fn capture_type(ty) = error "a segment of a path cannot be a `{ty}`";

    /// In a guard, `all` looks at something that may be empty.
    ///
    /// `all` holds of nothing, so leaving the header out would pass the guard. `only` asks for at least one.
    ///
    /// ```text
    /// deny x when not all(role in req.header("x-role") where role == "admin")       # wrong
    /// deny x when not only(role in req.header("x-role") where role == "admin")
    /// ```
    fn all_of_nothing() = error "`all` holds when there is nothing";
}
