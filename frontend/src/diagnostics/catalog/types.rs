//! Diagnostics: a value of one type where another is wanted, and calls that do not fit.

diagnostics! {
    /// A value of one type stands where another is wanted.
    ///
    /// Nothing is converted silently: a number is no text, a text is no path, a duration is no number. Convert it where
    /// there is a way (`to_float(n)`, `round(p)`, `text_of_int(n)`), or write a literal of the type that is wanted.
    ///
    /// ```text
    /// fn timeout(n: Int) -> Duration = n            # wrong: how many of what?
    /// fn timeout(n: Int in 0 .. 60) -> Duration = n * 1s
    /// ```
    fn type_mismatch(expected, found) = error "expected `{expected}`, found `{found}`";

    /// The branches of an `if`, the arms of a `match`, the elements of a collection or the two sides of `??` have nothing in common.
    ///
    /// Whatever way is taken, the value must be of one type.
    ///
    /// ```text
    /// if (vip) then 5s else 3        # wrong: a duration or a number
    /// if (vip) then 5s else 3s
    /// ```
    fn different_types(what) = error "the {what} are of different types";

    /// A condition is true or false; there is no truthiness.
    ///
    /// An empty text, zero or an empty list do not count as false. Say what is asked.
    ///
    /// ```text
    /// when req.header("x-debug")             # wrong
    /// when req.header("x-debug").present
    /// ```
    fn not_a_condition(found) = error "a condition is a `Bool`, this is `{found}`";

    /// A text stands where a text of a `matching` type is wanted.
    ///
    /// Only a literal is checked by the compiler. Any other text is converted: `CartId(s)` is a `CartId?`, which is
    /// `none` when the text does not match.
    ///
    /// ```text
    /// fn cart(s: String) -> CartId = s                                  # wrong: it may not match
    /// fn cart(s: String) -> CartId = CartId(s) ?? "c_000000000000"
    /// ```
    fn unchecked_text(ty) = error "this text is not known to be a `{ty}`";

    /// A text may be longer than what it is for can hold.
    ///
    /// Lengths are carried like intervals: a declared `String` has at most 64 KiB, a text in between at most 1 MiB.
    /// Cut it with `truncate`, which keeps whole characters.
    ///
    /// ```text
    /// fn both(a: String, b: String) -> String = concat(a, b)                          # wrong: up to 128 KiB
    /// fn both(a: String, b: String) -> String = truncate(concat(a, b), 65_536)
    /// ```
    fn text_too_long(most) = error "a text of at most {most} bytes is wanted";

    /// A list, set or map may have more elements than what it is for can hold.
    ///
    /// Every collection has a bound, so that the worst case of a rule set is known.
    ///
    /// ```text
    /// fn first(xs: [Int ..100]) -> [Int ..10] = xs       # wrong
    /// fn first(xs: [Int ..10]) -> [Int ..10] = xs
    /// ```
    fn too_many_elements(most) = error "a collection of at most {most} elements is wanted";

    /// A literal is no value of the type that is wanted.
    ///
    /// Literals are checked when the program is compiled, with the same code that checks inputs: `"10.0.0.256"` is no
    /// address, `"C_1"` no `CartId`, `tz"Asia/Atlantis"` no zone.
    ///
    /// ```text
    /// const home = tz"Asia/Singapur"        # wrong
    /// const home = tz"Asia/Singapore"
    /// ```
    fn literal_refused(ty) = error "this is no `{ty}`";

    /// A function or a type is used as if it were a value.
    ///
    /// Functions are not values here: they are called, never passed around, which is why every program ends.
    ///
    /// ```text
    /// when overload > 50%            # wrong: of what?
    /// when overload(s) > 50%
    /// ```
    fn not_a_value(name, what) = error "`{name}` is {what}, not a value";

    /// Something is called that is no function.
    ///
    /// Functions, rule sets, pipelines, variants, records and `matching` types can be called.
    ///
    /// ```text
    /// const limit = 5
    /// fn f() -> Int = limit()       # wrong
    /// fn f() -> Int = limit
    /// ```
    fn not_callable(name, what) = error "`{name}` is {what} and cannot be called";

    /// An argument is missing.
    ///
    /// Parameters have no defaults; fields may. In a `test`, an omitted field is the simplest value of its type.
    ///
    /// ```text
    /// then reject(429)                       # wrong
    /// then reject(429, retry_after: 1s)
    /// ```
    fn missing_argument(what, list) = error "`{what}` needs {list}";

    /// An argument has a name that nothing there has.
    ///
    /// Arguments are given by place or by name; the names are those of the parameters or fields.
    ///
    /// ```text
    /// then forward(payments, timeuot: 2s)       # wrong
    /// then forward(payments, timeout: 2s)
    /// ```
    fn unknown_argument(what, name) = error "`{what}` has no `{name}`";

    /// There are more arguments than parameters or fields.
    ///
    /// ```text
    /// clamp(x, 0, 10, 5)       # wrong
    /// clamp(x, 0, 10)
    /// ```
    fn too_many_arguments(what, most) = error "`{what}` takes at most {most}";

    /// One parameter or field is given twice.
    ///
    /// The i-th argument without a name is for the i-th parameter, also behind named ones.
    ///
    /// ```text
    /// reject(429, status: 503, retry_after: 1s)       # wrong: the status twice
    /// reject(429, retry_after: 1s)
    /// ```
    fn duplicate_argument(name) = error "`{name}` is given twice";

    /// An argument of a function that is for several types is of none of them.
    ///
    /// ```text
    /// abs(req.path)         # wrong
    /// abs(a - b)
    /// ```
    fn wrong_argument(what, wanted) = error "`{what}` takes {wanted}";

    /// A record has no such field.
    ///
    /// ```text
    /// when req.mehtod == GET       # wrong
    /// when req.method == GET
    /// ```
    fn unknown_field(ty, name) = error "`{ty}` has no field `{name}`";

    /// An enum has no such variant.
    ///
    /// ```text
    /// enum Payment { Wallet, Card }
    /// when e.payment == Walet       # wrong
    /// when e.payment == Wallet
    /// ```
    fn unknown_variant(ty, name) = error "`{ty}` has no variant `{name}`";

    /// A binding has the name of one that is visible already.
    ///
    /// Within a rule a name means one thing. In a pattern, a name that is no variant and no constant *binds*: it never
    /// compares.
    ///
    /// ```text
    /// when e.fare is limit                 # wrong, when `limit` is a parameter: it would bind, and always match
    /// when e.fare == limit
    /// ```
    fn name_taken(name) = error "`{name}` is bound already";

    /// `let` stands where its binding could not be seen.
    ///
    /// `let x = e` is an operand of `and`; what it binds is visible to its right.
    ///
    /// ```text
    /// then f(let x = 5)                              # wrong
    /// when let x = req.api_key ?? skip and x == "k"
    /// ```
    fn let_placement(name) = error "`let {name}` is not an operand of `and`";

    /// Two values are compared that are never of one type.
    ///
    /// Only like is compared with like: durations with durations, amounts with amounts of the same currency.
    ///
    /// ```text
    /// when s.p99 > 400             # wrong: 400 what?
    /// when s.p99 > 400ms
    /// ```
    fn cannot_compare(a, b) = error "`{a}` and `{b}` cannot be compared";

    /// Values of a type without an order are compared by `<`, `<=`, `>` or `>=`.
    ///
    /// Variants have no order: which is the greater is for a `match` to say.
    ///
    /// ```text
    /// when e.tier > Silver                  # wrong
    /// when e.tier in {Gold, Platinum}
    /// ```
    fn no_order(ty) = error "`{ty}` has no order";

    /// A header or query parameter is compared as if it had exactly one value.
    ///
    /// `Values` is zero or more values, because requests are. A comparison must say which are meant, or a second header
    /// could be smuggled past it.
    ///
    /// ```text
    /// when req.header("x-role") == "admin"                                    # wrong
    /// when only(role in req.header("x-role") where role == "admin")           # at least one, and all
    /// when any(role in req.header("x-role") where role == "admin")
    /// when (req.header("x-role").single ?? "") == "admin"                     # exactly one
    /// ```
    fn values_compared() = error "`Values` is not one value";

    /// An operator is not defined for these types.
    ///
    /// Units are kept apart: amounts are multiplied by numbers and percentages, never by amounts; two instants have a
    /// difference, but no sum.
    ///
    /// ```text
    /// e.fare + 1                   # wrong
    /// e.fare + 1.00 SGD
    /// ```
    fn no_such_operation(op, a, b) = error "`{a} {op} {b}` is not defined";

    /// Something is negated that has no negative.
    ///
    /// ```text
    /// -req.time          # wrong
    /// -(a - b)
    /// ```
    fn cannot_negate(ty) = error "`{ty}` has no negative";

    /// Something is indexed that has no elements by number or key.
    ///
    /// `xs[i]` is for lists, `m[k]` for maps; both are optional.
    ///
    /// ```text
    /// req.header("x-id")[0]             # wrong
    /// req.header("x-id").single
    /// ```
    fn not_indexable(ty) = error "`{ty}` cannot be indexed";

    /// `in` looks into something that does not hold such values.
    ///
    /// ```text
    /// when key in tenants                  # wrong: a map
    /// when tenants[key].present
    /// ```
    fn cannot_look_in(over, item) = error "`{item}` cannot be in `{over}`";

    /// A quantifier goes over something that is no collection.
    ///
    /// ```text
    /// any(c in req.id where c == "x")        # wrong: a text
    /// contains(req.id, "x")
    /// ```
    fn not_a_collection(ty) = error "`{ty}` has no elements to look at";

    /// A constant is wanted: something known before any decision is made.
    ///
    /// Constants, defaults and the bounds of patterns are literals, names of constants, and what is calculated from them.
    ///
    /// ```text
    /// const limit = req.time        # wrong
    /// const limit = 5m
    /// ```
    fn not_constant() = error "this is not constant";

    /// An element of a set, or a key of a map, is written twice.
    ///
    /// ```text
    /// req.method in {GET, HEAD, GET}      # perhaps another was meant
    /// req.method in {GET, HEAD}
    /// ```
    fn duplicate_element(what) = warning "this {what} stands there already";
}
