//! Names that nothing declares, or that something declares twice.

diagnostics! {
    /// A name was used that nothing in scope declares.
    ///
    /// Names come from this file, from its `use` lines, from the parameters and bindings around the place, and from the
    /// prelude. A variant is found by the type that is expected where it stands: write `Payment.Wallet` where none is.
    fn unknown_name(name) = error "unknown name `{name}`";
}
