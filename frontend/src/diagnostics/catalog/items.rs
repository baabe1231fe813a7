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
    fn bad_type_number(kind) = error "the bound of a type must be a constant of type `{kind}`";

    /// `String matching re"…"` was written in the middle of another type.
    ///
    /// A text type with a pattern has a constructor, `CartId(s)`, which gives a `CartId?`, and its name is in every message
    /// about a refused value. So it is declared once, with a name, and used by it.
    fn unnamed_refinement() = error "a text type with a pattern needs a name";

    /// A declared type has the name of a type of the language.
    ///
    /// `Int` or `Path` must mean the same in every file. Choose another name.
    fn builtin_type(name) = error "`{name}` is a type of the language already";

    /// A type contains itself, directly or through others.
    ///
    /// Values are finite, and a decision must end: a type that contained itself could describe neither. What looks like a
    /// tree at the edge is usually a list, a map, or a record with one or two levels.
    fn recursive_type(name) = error "`{name}` contains itself";

    /// A constant needs its own value, directly or through others.
    fn constant_cycle(name) = error "`{name}` needs its own value";

    /// `matching re"…"` narrows `String`, and nothing else.
    ///
    /// Numbers are narrowed by a range, `Int in 0 .. 100`. A type that is narrowed already would need two patterns at once:
    /// write one that says both.
    fn bad_refinement_base(ty) = error "`{ty}` cannot be narrowed by a pattern";

    /// Behind `matching` stands a regular expression, as a literal: `re"c_[0-9a-z]{12}"`.
    fn refinement_needs_regex() = error "`matching` needs a regular expression";

    /// A regular expression that is none, or that needs too large an automaton.
    ///
    /// The syntax is that of the `regex` crate: no look-around and no back references, because every match must take time
    /// linear in the text.
    fn bad_refinement(reason) = error "the pattern cannot be used: {reason}";

    /// A record or variant has two fields of one name.
    fn duplicate_field(name) = error "there are two fields `{name}`";

    /// An enum has two variants of one name.
    ///
    /// A value says which variant it is by that name, in the source and in JSON.
    fn duplicate_variant(name) = error "there are two variants `{name}`";

    /// Two parameters have one name.
    ///
    /// Callers may name arguments, `f(size: 5)`, so every parameter needs a name of its own.
    fn duplicate_parameter(name) = error "there are two parameters `{name}`";

    /// Two stages of a pipeline have one name, or a stage that of a parameter.
    ///
    /// Later stages see earlier ones by their names, so each needs its own.
    fn duplicate_stage(name) = error "there are two things called `{name}`";

    /// The JSON key that holds the variant's name (`tag "…"`) is also the name of a field of a variant.
    ///
    /// Both would stand in the same object.
    fn tag_is_field(name) = error "the tag `{name}` is the name of a field too";

    /// `boundary` names something that is not a record.
    fn boundary_needs_record(name, noun) = error "`{name}` is {noun}; a boundary is that of a record";

    /// A record has two `boundary` items.
    ///
    /// Requests are made canonical by one contract, before any rule runs. Join both into one.
    fn duplicate_boundary(name) = error "`{name}` has two boundaries";

    /// A setting that does not exist.
    ///
    /// The settings of a boundary stand in sections: `path`, `host`, `client`, `header` and `body`. What is not set has a
    /// default that is the stricter choice. Each kind of state has settings of its own, and so has a stream.
    fn unknown_setting(name, of) = error "`{of}` has no setting `{name}`";

    /// A setting has a value that it does not take.
    fn wrong_setting(name, expected) = error "`{name}` takes {expected}";

    /// A setting, or a tag, stands twice.
    ///
    /// Nothing says which of the two would count. Leave one of them out.
    fn duplicate_setting(name) = error "`{name}` is set twice";

    /// Functions or rule sets call each other in a circle.
    ///
    /// A decision always ends, and its price is known before it runs: the price of a call is added to that of its caller.
    /// A circle would have no price. Quantifiers (`any`, `all`, `count`, `sum`) are the loops of the language.
    fn recursion(name) = error "`{name}` calls itself, directly or through others";

    /// A part of the language that this version of the compiler does not have yet.
    ///
    /// Proofs are designed and parsed, so that the error stands here and not in the middle of something else, but a program
    /// with them cannot be compiled so far.
    fn not_yet(what) = error "`{what}` is not supported yet";

    /// `once` and `within` need a state.
    ///
    /// `once` reserves an entry of a `Seen`, `within` an amount of a `Budget`; both are declared with `state`.
    fn not_a_state(name, noun) = error "`{name}` is {noun}, not a state";

    /// `on` behind the type of a rule set needs a stream.
    fn not_a_stream(name, noun) = error "`{name}` is {noun}, not a stream";

    /// A stage's `stop` matches every value, so the pipeline always ends there.
    fn always_stops() = warning "this stage always ends the pipeline";

    /// `given x[key] = …` gives an entry of a state, and `x` is none.
    ///
    /// To give a name to a value, write `given x = …`. To give data of the host, give all of it: `given tenants = {…}`.
    fn given_needs_state(name) = error "`{name}` is not a state";

    /// `by` names the rules that must have decided, so the expectation must ask a rule set.
    ///
    /// ```text
    /// expect 1 + 1 == 2 by addition                 error: no rule set is asked
    /// expect route(req) is forward(payments) by checkout     right
    /// ```
    fn by_without_decision() = error "`by` stands behind an expectation that asks no rule set";

    /// `by`, or a trace, names a rule that the rule set does not have.
    ///
    /// The rows of a table are called `row 1`, `row 2` and so on, behind `by` only: `by voucher.row 2`. `otherwise` says that no
    /// rule decided.
    fn unknown_rule(set, name) = error "`{set}` has no rule `{name}`";

    /// A rule is named together with a rule set that the expectation does not ask.
    ///
    /// A decision is that of one rule set, or of a pipeline, whose stages ask rule sets; the rules of these can be named. What a
    /// condition asks on its way leaves nothing in the trace.
    fn set_not_asked(set, asked) = error "`{asked}` does not ask `{set}`";

    /// `trace(…)` stands left of `==` in an expectation, and right of it stand the rules that decide, in order.
    ///
    /// ```text
    /// expect trace(route(req)) == [checkout]
    /// expect trace(edge(req)) == [limits.otherwise, route.checkout]
    /// ```
    ///
    /// A trace is no value: what a decision gives is compared by an expectation of its own, or by `route(req) is … by checkout`.
    fn trace_needs_rules() = error "the trace of a decision is compared with rules";

    /// The columns, rows and steps of a test do not fit together.
    ///
    /// ```text
    /// test "who is let in" (path: Path, code: Int) {
    ///   given req = Request(path: path)
    ///   expect route(req)
    ///   | "/healthz" | 204 => respond(204) by health
    /// }
    /// ```
    ///
    /// Name and type of each column stand behind the title, rows behind the steps. The steps are taken for each row. Where rows say
    /// what is expected (`=>`), all do, and the last step is an `expect` with the value that they are about.
    fn bad_test_rows(what) = error "{what}";
}
