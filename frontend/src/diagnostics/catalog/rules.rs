//! Rule sets, guards and tables.

diagnostics! {
    /// Under `hit all` a decision is the list of all outcomes, so the rule set gives a list.
    ///
    /// ```text
    /// ruleset f(e: Event) -> Action hit all { … }      error
    /// ruleset f(e: Event) -> [Action] hit all { … }    right: the bound is counted
    /// ```
    fn all_needs_list(ty) = error "`hit all` gives a list, not `{ty}`";

    /// Under `hit all` every outcome is an element of the list, so an outcome cannot be missing.
    ///
    /// A rule without anything to say does not match: put the question into its condition, or say what stands for nothing.
    /// (Under `first`, `unique`, `any` and `best by` the decision is the outcome itself, and may be optional.)
    ///
    /// ```text
    /// ruleset f(e: Event) -> [Text?] hit all { rule a when e.x then e.note }                               error
    /// ruleset f(e: Event) -> [Text] hit all { rule a when e.x and let note = e.note ?? skip then note }    right
    /// ```
    fn missing_outcome() = error "under `hit all` an outcome cannot be missing";

    /// Under `hit all` every rule may match at once, and there are more outcomes than the declared list holds.
    ///
    /// Without a bound, `[T]`, the compiler counts the outcomes itself.
    fn too_many_outcomes(most, bound) = error "{most} outcomes do not fit a list of at most {bound}";

    /// `hit sum` adds the outcomes up, so they must be numbers: `Int`, `Float`, `Duration`, `Percent` or `Money<C>`.
    fn sum_needs_number(ty) = error "`hit sum` cannot add values of type `{ty}`";

    /// The sum of all outcomes, should all rules match, is not a value of the declared type.
    ///
    /// No operation can fail at run time, so the compiler adds up the largest value of each outcome. Declare a type the sum
    /// fits, or narrower outcomes.
    ///
    /// ```text
    /// ruleset score(e: Event) -> Int in 0 .. 10 hit sum {
    ///   rule a when e.x then 8
    ///   rule b when e.y then 8        error: the total may be 16
    /// }
    /// ```
    fn sum_does_not_fit(ty) = error "the sum of the outcomes may not fit `{ty}`";

    /// `best by (e)` compares whole numbers: `Int`, `Duration`, `Instant`, `Date`, `Percent` or `Money<C>`.
    ///
    /// Of equals the first in the source wins, so the key must be a type in which equality means something; floats do not.
    fn best_needs_number(ty) = error "`best by` cannot rank values of type `{ty}`";

    /// A rule has a second `then`.
    ///
    /// Only under `hit all` is a decision a list, in which one rule may put several outcomes.
    fn several_then(policy) = error "under `hit {policy}` a rule has one outcome";

    /// A `deny` of a guard has a `then`.
    ///
    /// A guard can only refuse. Its reason is the text behind the name of the `deny`.
    fn deny_has_then() = error "a `deny` has no outcome";

    /// A guard without a `deny` lets every request pass.
    fn empty_guard(name) = warning "the guard `{name}` refuses nothing";

    /// Two rules of a rule set have one name.
    ///
    /// The name is what tests, traces and `explain` know a rule by.
    fn duplicate_rule(name) = error "there are two rules `{name}`";

    /// The clauses of a rule stand in one order: `tags`, `on`, `active`, `when`, `once`, `within`, `then`.
    ///
    /// It is the order in which they are evaluated, and the same in every rule, so that ten thousand of them can be read.
    fn clause_order(what) = error "`{what}` stands behind a clause it belongs before";

    /// A clause stands twice in one rule or rule set.
    fn duplicate_clause(what) = error "`{what}` stands twice";

    /// `mode` stands in a rule; it belongs to a whole rule set.
    fn mode_of_rule() = error "a rule has no mode of its own";

    /// `cost` is the most steps a decision may take, and at least 1.
    fn bad_cost() = error "the cost of a decision is at least 1";

    /// `on` is a condition on the first parameter, and there is none.
    fn on_needs_parameter() = error "`on` is about the first parameter, and there is none";

    /// A period that ends before it begins, or holds no instant.
    fn empty_period() = error "the period is empty";

    /// An end of `active` is written without an offset, and no zone says where it is meant.
    ///
    /// ```text
    /// active t"2026-11-01T00:00" ..< t"2026-12-01T00:00"                            error
    /// active t"2026-11-01T00:00" ..< t"2026-12-01T00:00" in tz"Asia/Singapore"      right
    /// ```
    fn local_period() = error "this time needs a zone";

    /// Some input matches no rule, and then the rule set has no value.
    ///
    /// Under `first`, `unique`, `any` and `best by`, `otherwise` is required unless the compiler can prove that the rules
    /// cover every input: because one has no condition, or because what they compare with constants leaves no gap. The
    /// message shows an input that no rule matches.
    fn missing_otherwise(name) = error "`{name}` does not decide every input";

    /// `otherwise` stands behind rules that cover every input already.
    ///
    /// It does no harm, but whoever reads it will think of inputs that do not exist.
    fn needless_otherwise() = warning "`otherwise` is never used";

    /// `otherwise` stands under a policy that has a value for "no rule matched" of its own: the empty list, or zero.
    fn otherwise_not_allowed(policy) = error "`hit {policy}` has no `otherwise`";

    /// A rule stands behind rules that take every input it could take.
    ///
    /// Under `hit first` the uppermost rule that matches decides. A rule without a condition ends the list; and what several
    /// rules take together may be all that a rule below them asks for. The message shows an input that the rule would take, and
    /// which rule decides it. Move the rule up, or leave it out. Where all rules of a group are taken by rules above the group, this
    /// is said once, of the group.
    ///
    /// ```text
    /// rule catalog when req.path matches p"/v2/catalog/**" then …
    /// rule canary  when req.path matches p"/v2/catalog/x" then …      warning: `catalog` takes all of it
    /// ```
    fn unreachable_rule(what) = warning "{what}";

    /// No input satisfies the condition of a rule.
    ///
    /// What a rule asks must hold together: `n < 3 and n > 7` never does, and neither does a condition that its group rules
    /// out. The message names parts that contradict each other. Where it is the condition of a group that nothing satisfies, this is
    /// said once, of the group.
    fn contradictory_condition(what) = warning "no input satisfies {what}";

    /// Under `hit first` a rule whose condition every input satisfies stands above others, which are never reached.
    fn always_true(name) = warning "every input satisfies the condition of `{name}`";

    /// Under `hit first` two rules have one condition, so the lower one never decides.
    ///
    /// They need not be written alike: `n > 3` and `not (n <= 3)` are one condition.
    fn same_condition(second, first) = warning "`{second}` asks the same as `{first}`";

    /// Under `hit unique` two rules match the same input.
    ///
    /// `unique` is a promise that the order of rules does not matter, so it must be proved. The message shows an input that
    /// both match. Tell the rules apart by something both ask for, or write `hit first` and let the order decide.
    fn overlapping_rules(first, second) = error "`{first}` and `{second}` match the same input";

    /// Under `hit unique` it could neither be proved nor refuted that two rules never match the same input.
    ///
    /// Conditions that compare the input with constants are proved exactly: numbers, texts, sets, prefixes, paths, globs, expressions,
    /// networks, variants and absence, and a number of the input times, plus or by a constant. Of what is computed otherwise (a
    /// sum of two fields, a quantifier) inputs are tried, and nothing is proved. Tell the
    /// rules apart by something both ask for, or write `hit first` and let the order decide.
    fn unproved_overlap(first, second) = error "it could not be proved that `{first}` and `{second}` never match the same input";

    /// Under `hit any` two rules match the same input and give different outcomes.
    ///
    /// `any` allows rules to overlap as long as they agree, so that their order does not matter. The message shows an input on which
    /// they do not.
    fn rules_disagree(first, second) = error "`{first}` and `{second}` match the same input and disagree";

    /// Under `hit any` it could neither be proved nor refuted that two rules agree wherever both match.
    ///
    /// Outcomes agree for certain when they are written alike. Give both the same outcome, tell the rules apart by something both ask
    /// for, or write `hit first` and let the order decide.
    fn unproved_agreement(first, second) = error "it could not be proved that `{first}` and `{second}` agree";

    /// It could neither be proved nor refuted that the rules cover every input, and there is no `otherwise`.
    ///
    /// Conditions that compare the input with constants are proved exactly; of what is computed inputs are tried, and nothing is
    /// proved.
    fn unproved_coverage(name) = error "it could not be proved that `{name}` decides every input";

    /// The analysis of rules did not find an answer within its budget, or found an input that it could not build.
    ///
    /// Said by `tollgate check --verbose` only. Nothing is claimed of the rule: neither that it is needed nor that it is not.
    fn not_known(what) = note "it is not known {what}";

    /// A row has more or fewer cells than the table has parameters, or the test columns.
    ///
    /// A column belongs to each parameter, in order; in a table `_` is the cell that takes everything.
    fn cell_count(cells, of, columns) = error "the row has {cells}, the {of} {columns}";
}
