//! Names that nothing declares, or that something declares twice.

diagnostics! {
    /// A name was used that nothing in scope declares.
    ///
    /// Names come from this file, from its `use` lines, from the parameters and bindings around the place, and from the
    /// prelude. A variant is found by the type that is expected where it stands: write `Payment.Wallet` where none is.
    fn unknown_name(name) = error "unknown name `{name}`";

    /// A type was named that nothing in scope declares.
    ///
    /// Types come from the language (`Int`, `Path`, `Map<K, V>`), from this file, and from its `use` lines.
    ///
    /// ```text
    /// record Order { total: Mony<SGD> }      error: unknown type `Mony`
    /// record Order { total: Money<SGD> }     right
    /// ```
    fn unknown_type(name) = error "unknown type `{name}`";

    /// A name was declared twice in one file, or declared although a `use` line brings it already.
    ///
    /// There is one space of names for types, constants, data, functions and rule sets, so that a name means the same
    /// wherever it stands. Give one of the two another name. (A name of the prelude may be declared anew: the prelude
    /// grows, and your file must not break when it does.)
    fn duplicate_name(name) = error "`{name}` is declared twice";
}
