//! Names that nothing declares, or that something declares twice.

diagnostics! {
    /// The file declares nothing.
    ///
    /// An empty file is more often a wrong name or a failed download than a program. `tollgate new shop` makes a folder
    /// with a first rule set, its test and a request.
    fn empty_file() = error "the file declares nothing";

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

    /// A file calls itself what a module of the library is called.
    ///
    /// Names of types and rules carry their module's name, so two modules of one name cannot be told apart. Choose a name
    /// of your own, which begins with your project's.
    fn library_module(name) = error "`{name}` is a module of the library";

    /// A `use` names a module that is neither in the library nor in a file beside the main one.
    ///
    /// A module is one file, in the folder of the main file, and is found by its `module` line, not by its file name.
    ///
    /// ```text
    /// use std.htp.{Request}      error: there is no module `std.htp`
    /// use std.http.{Request}     right
    /// ```
    fn unknown_module(name) = error "there is no module `{name}`";

    /// A `use` asks a module for a name that it does not declare.
    ///
    /// Only what a module declares itself can be imported from it; what it imports is imported from where it is declared,
    /// so that one name has one origin.
    fn not_in_module(module, name) = error "`{module}` declares no `{name}`";

    /// The file that was found for a module says that it is another one.
    fn wrong_module(file, other) = error "`{file}` declares the module `{other}`";

    /// The file of a module cannot be read as text.
    ///
    /// Files are UTF-8. If the name is right, look at the permissions and the encoding of the file.
    fn unreadable_module(file, reason) = error "`{file}` cannot be read: {reason}";

    /// Modules use each other in a circle.
    ///
    /// A module is understood after those it uses, so a circle has no beginning. What the modules of a circle share
    /// belongs into a module that uses neither.
    fn module_cycle(name) = error "module `{name}` uses itself, directly or through others";

    /// A name was imported that nothing in the file uses.
    ///
    /// Variants need no import: they are found through the type that is expected where they stand. Neither do the functions
    /// that a module declares for its types, when they are called as methods.
    fn unused_use(name) = warning "`{name}` is imported and not used";

    /// The file asks for an edition that this compiler does not know.
    ///
    /// An edition fixes the meaning of a file, so that a later compiler reads an old file as it was meant. There is one
    /// edition so far, 2026, and a file that names none has it.
    fn unknown_edition(year) = error "there is no edition {year}";
}
