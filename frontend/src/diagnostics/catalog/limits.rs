//! Programs that are larger than the compiler takes, or than their author allows.

diagnostics! {
    /// Functions and rule sets call each other to a greater depth than the compiler takes.
    ///
    /// Calls cannot be recursive, so their depth is known; the limit keeps the engines' stacks small. No program that people
    /// write comes near it.
    fn calls_too_deep(name, most) = error "`{name}` calls more than {most} levels deep";

    /// The worst case of a rule set is above its `cost`.
    ///
    /// Every rule set has a worst case that is known when it is compiled: no rule loops without a bound. It is counted in
    /// steps, for the plain search through all rules; an engine never takes more. `cost 500` says that more than that must not
    /// come into this rule set unnoticed: by a new rule, or by a dearer function that a rule calls. Raise the number where that is meant,
    /// or give the lists and texts the rules look at smaller bounds.
    fn over_budget(name, cost, limit) = error "rule set `{name}` may cost {cost} steps, {limit} are allowed";

    /// A program has more modules than the compiler takes.
    ///
    /// The limit keeps a folder of generated files from taking the compiler's memory. Put declarations that belong together
    /// into one file: a file may hold a million rules.
    fn too_many_modules(most) = error "the program has more than {most} modules";

    /// Under `unique` and `any`, so many rules would have to be compared with each other that the compiler gives up.
    ///
    /// Rules that ask one place in the input for a certain value (`req.method == GET`, `e.city in {a, b}`) or a range are
    /// told apart without comparing every two of them, and tens of thousands are no matter. Where most rules have no such
    /// condition in common, every pair has to be looked at.
    fn too_many_pairs(name, count) = error "the {count} rules of `{name}` are too many to compare every two of them";

    /// Records and enums nest deeper than the compiler takes.
    ///
    /// Types cannot contain themselves, so their depth is known; the limit keeps the engines' stacks small. Lists, sets and maps
    /// between them count as well. No data that people write comes near it.
    fn type_too_deep(name, most) = error "{name} nests more than {most} levels deep";

    /// A value of this type has more parts than the compiler takes.
    ///
    /// Each record counts its fields with everything in them, a list as if it had four elements, and an enum its largest variant. A type that has
    /// another one twice, which has another one twice, grows to billions of parts in thirty lines, and comparing two such values, or
    /// writing one, would take as long. Put what is repeated into a list, or name it by an id.
    fn type_too_large(name, most) = error "values of {name} have more than {most} parts";
}
