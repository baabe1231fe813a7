//! Diagnostics: states, streams, and the rules that ask them.

diagnostics! {
    /// A state is of a kind that there is not.
    ///
    /// Limits are `TokenBucket`, `FixedWindow` and `SlidingLog`; slots `Concurrency` and `Reserve`; load `Ladder`; counters of a
    /// stream `Count`, `Sum` and `Distinct`; what happens once `Seen`; and money `Budget<SGD>`.
    fn unknown_kind(name) = error "there is no kind of state `{name}`";

    /// A state or stream lacks a setting that has no default.
    ///
    /// How many there may be, for how long, and what holds when the store does not answer (`on_failure`) are for the author to say:
    /// a default would be right for nobody.
    fn missing_setting(of, list) = error "`{of}` needs {list}";

    /// A state has keys where its kind has none, or keys of a type that cannot be one.
    ///
    /// A key is a text, a number, a time, an address, a host, a path, or an enum without fields; `Key` joins several. A `Ladder`
    /// looks at one load and has no keys.
    fn state_key(of) = error "`{of}` cannot have these keys";

    /// `on_failure` says something that the kind cannot do.
    ///
    /// | kind | may say |
    /// |---|---|
    /// | `TokenBucket`, `FixedWindow`, `SlidingLog` | `allow`, `deny`, `skip`, `local(20 per 1s)` |
    /// | `Concurrency`, `Reserve` | `allow`, `deny`, `skip`, `local(5)` |
    /// | `Ladder`, `Seen`, `Budget` | `allow`, `deny`, `skip` |
    /// | `Count`, `Sum`, `Distinct` | `skip`: nobody knows what to count as |
    fn failure_not_for_kind(kind, expected) = error "on failure, a `{kind}` can only {expected}";

    /// `order` does not list each variant of one enum once.
    ///
    /// It says which class is shed first. A class that is left out would never be shed, or always.
    ///
    /// ```text
    /// enum Class { Critical, Write, Read, Test }
    /// order: [Test, Read, Write, Critical]
    /// ```
    fn order_of_classes() = error "`order` lists every variant of an enum without fields, once";

    /// A setting of a stream is no field of its event, or one of another type.
    ///
    /// ```text
    /// stream rides: RideCompleted {
    ///   id:     event.trip_id          # a text
    ///   time:   event.completed_at     # an `Instant`
    ///   dedupe: 7d
    /// }
    /// ```
    fn event_field(name, expected) = error "`{name}` is a field of the event, {expected}";

    /// A stream is of events that are no record.
    ///
    /// Its id and its time are fields of the event.
    fn event_not_record(name) = error "the events of `{name}` are no record";

    /// The first parameter of a rule set on a stream is not the stream's event.
    fn not_the_event(ruleset, event) = error "`{ruleset}` decides about `{event}`";

    /// A state stands where a value is expected.
    ///
    /// A state is asked by an operation: `per_key[key].take()`, `fleet.enter()`, `visits[user].value()`. `once` and `within` name one.
    fn state_as_value(name) = error "`{name}` is a state, not a value";

    /// A state is asked something that its kind does not know.
    ///
    /// | kind | operation |
    /// |---|---|
    /// | `TokenBucket`, `FixedWindow`, `SlidingLog` | `take(n = 1)`: `granted`, `wait`, `left` |
    /// | `Concurrency`, `Reserve` | `enter()`, `enter(critical: b)`: whether there was a slot |
    /// | `Ladder` | `sheds(class, load)`: whether the class is shed |
    /// | `Count`, `Sum`, `Distinct` | `value()` |
    /// | `Seen` | `once name[key]` |
    /// | `Budget` | `within name[key]` |
    fn unknown_operation(kind, name) = error "a `{kind}` has no operation `{name}`";

    /// A state with keys is asked without one, or one without keys with one.
    fn key_of_state(name, problem) = error "`{name}` {problem}";

    /// A state is asked outside the spine of a rule.
    ///
    /// What asks a state changes it, so the source says exactly when that happens: in the condition of a rule or group of a `ruleset`,
    /// in an operand of the outermost `and`, after those to its left held. Under `or`, `if`, `match` or a quantifier, in a guard, a
    /// function or an outcome it would be unclear.
    ///
    /// ```text
    /// rule a when vip or slots.enter() then admit               # wrong
    /// rule a when not vip and not slots.enter() then reject     # right
    /// ```
    fn state_off_the_spine(name, why) = error "`{name}` cannot be asked {why}";

    /// A rule set that asks states is called from a condition, an outcome or a function.
    ///
    /// Asking changes states, so such a rule set is an entry of the program, or the value of one stage of a pipeline. An entry may be
    /// called by the host, and by a test in `expect`.
    fn asks_in_value(name) = error "`{name}` asks states, so it can only be an entry or a stage";

    /// Two stages of a pipeline are the same rule set, which asks states.
    ///
    /// Each place is asked at most once in a decision, and its answer is known by the place.
    fn asks_twice(name) = error "`{name}` asks states, so it is one stage of a pipeline, not two";

    /// `once` or `within` names a state of another kind.
    fn wrong_kind_of_state(word, kind) = error "`{word}` needs a `{kind}`";

    /// `within` does not know how much to charge.
    ///
    /// It charges the one `Money` field of the rule's outcomes, which is written there as the argument of a variant.
    ///
    /// ```text
    /// rule voucher when e.fare > 4.00 SGD within rewards[e.user]
    ///   then reward(e.user, 2.00 SGD)      # charges 2.00 SGD
    ///   then notify(e.user, "voucher")
    /// ```
    fn amount_of_within(problem) = error "`within` charges the one amount of a rule's outcomes; {problem}";

    /// `once` and `within` of a rule are in different stores.
    ///
    /// They are reserved together, both or neither. Two stores cannot do that.
    fn different_stores(once, within) = error "`{once}` and `{within}` are in different stores";

    /// A rule set in shadow mode has no `otherwise`.
    ///
    /// Its value is that of `otherwise` until the mode ends, whatever its rules decide.
    fn shadow_without_otherwise(name) = error "`{name}` is in shadow mode, and has no `otherwise`";

    /// A state of a rule set in shadow mode is asked by another, too.
    ///
    /// What a shadow does must not be felt: it would take from limits that count. Give the shadow states of its own.
    fn shadow_shares_state(name, ruleset) = error "`{name}` belongs to `{ruleset}`, which is in shadow mode";

    /// A test sends to, or asks about, something that cannot be.
    ///
    /// `send(rides, e)` gives what the one rule set `on rides` decides, which lists its outcomes (`hit all`): an event that was there
    /// before gives `[]`. `spent(rewards)`, `spent(rewards[key])` is what a budget has been charged.
    fn wrong_test_call(name, expected) = error "`{name}` takes {expected}";
}
