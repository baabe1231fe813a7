//! The library, handed in as a value: the frontend knows no module and no native by itself.

use tollgate_runtime::Native;

/// A module of the library.
#[derive(Clone, Copy, Debug)]
pub struct LibraryModule {
    /// Its name, such as `std.http`.
    pub name: &'static str,
    /// The file name shown in diagnostics.
    pub file: &'static str,
    /// Its source.
    pub source: &'static str,
    /// Whether its names are in scope everywhere without `use`.
    pub prelude: bool,
}

/// Everything a program can use besides its own modules.
#[derive(Clone, Copy, Debug, Default)]
pub struct Library {
    /// Modules in the language.
    pub modules: &'static [LibraryModule],
    /// Natives. Those of a module that is not of the prelude are imported from it, the others are in scope everywhere.
    pub natives: &'static [&'static Native],
}

/// Where the modules of a program come from. The frontend itself reads no file.
pub trait Loader {
    /// The file that declares `module name`, looked for beside the main file.
    fn load(&mut self, name: &str) -> Loaded;
}

/// What a loader found.
#[derive(Clone, Debug)]
pub enum Loaded {
    /// The file's name, as it is to be shown, and its text.
    Source {
        /// The name.
        file: String,
        /// The text.
        text: String,
    },
    /// No file declares this module; these modules are there.
    Missing {
        /// For "did you mean".
        known: Vec<String>,
    },
    /// There is a file, but it cannot be read.
    Unreadable {
        /// The file.
        file: String,
        /// Why, such as "is not valid UTF-8 (byte 17)".
        reason: String,
    },
}

/// A loader for programs of one file.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoModules;

impl Loader for NoModules {
    fn load(&mut self, _: &str) -> Loaded {
        Loaded::Missing { known: Vec::new() }
    }
}
