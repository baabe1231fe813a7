//! Declarations that do not make sense.

diagnostics! {
    /// A name that is not a type stands where a type is expected: a function's, a constant's.
    ///
    /// ```text
    /// fn limit() -> Int = 5
    /// record Order { size: limit }     error: `limit` is a function
    /// record Order { size: Int }       right
    /// ```
    fn not_a_type(name, noun) = error "`{name}` is {noun}, not a type";

    /// A type was given arguments it does not take, or not the ones it needs.
    ///
    /// `Money<SGD>` takes a currency, `Map<K, V ..n>` the types of keys and values and the most entries. No other type
    /// takes arguments: the bound of a list stands in its brackets, `[T ..n]`.
    fn type_arguments(what) = error "{what}";

    /// A currency is three capital letters, as ISO 4217 assigns them: `SGD`, `EUR`, `JPY`.
    ///
    /// The code decides how many decimals an amount has (two for most, none for `JPY`, three for `KWD`), and amounts of
    /// different currencies are different types.
    fn bad_currency(code) = error "`{code}` is not a currency";

    /// `T??` was written, perhaps through a named type that is optional already.
    ///
    /// There is one way for a value to be missing. A second `?` would need a second kind of `none`, which JSON cannot
    /// carry and nobody could tell apart.
    fn nested_optional() = error "optionals do not nest";

    /// The keys of a map must be of a type whose values JSON can write as text: texts, whole numbers, addresses, `Key`s,
    /// variants without fields.
    fn bad_map_key(ty) = error "`{ty}` cannot be the key of a map";

    /// The bound of a list, set or map lies outside 0 .. 10,000,000.
    ///
    /// A bound is a promise about memory and time: the boundary refuses longer values, and the price of a loop is counted
    /// with it. Where none is written it is 1024.
    fn bad_bound(n, most) = error "the bound {n} is not one of 0 .. {most}";

    /// `in a .. b` was written behind a type that has no range.
    fn bad_range_base(ty) = error "`{ty}` cannot be narrowed to a range";

    /// No value lies in a range: its ends are the wrong way round, or it excludes its only value.
    ///
    /// ```text
    /// type Priority = Int in 100 .. 0     error
    /// type Priority = Int in 0 .. 100     right
    /// ```
    fn empty_range() = error "the range is empty";

    /// A range reaches beyond the values that its type has.
    ///
    /// An `Int` is what JSON carries exactly: ±(2^53 − 1). Durations count microseconds and money counts minor units in
    /// the same range; a percentage is at most 100,000,000%.
    fn range_too_wide(least, most) = error "the type goes from {least} to {most}";

    /// A bound of a type must be known when the program is compiled: a literal of the right kind, or the name of a
    /// constant that has one.
    ///
    /// ```text
    /// type Wait = Duration in 0 .. 60        error: 60 what?
    /// type Wait = Duration in 0s .. 60s      right
    /// ```
    fn bad_number(kind) = error "the bound of a type must be a constant of type `{kind}`";

    /// `String matching re"…"` was written in the middle of another type.
    ///
    /// A text type with a pattern has a constructor, `CartId(s)`, which gives a `CartId?`, and its name is in every message
    /// about a refused value. So it is declared once, with a name, and used by it.
    fn unnamed_refinement() = error "a text type with a pattern needs a name";
}
