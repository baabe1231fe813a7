//! The engine: how programs are made, of rules (`engine/compile.rs`) or of artifacts (`artifact.rs`).

use tollgate_ir::Level;

use crate::backends::{BackendRow, backend, backends};
use crate::error::Error;

#[cfg(feature = "compiler")]
mod compile;

/// How programs are compiled: which backend, how much optimised. Cheap to make and to copy.
///
/// ```
/// use tollgate::{Engine, Level};
/// let engine = Engine::new().backend("vm")?.level(Level::O1);
/// let report = engine.check_source("x.rules", "edition 2026\nmodule x\nfn f(a: Int) -> Int = b");
/// assert_eq!(report.slugs(), ["unknown-name"]);
/// # Ok::<(), tollgate::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Engine {
    pub(crate) backend: &'static BackendRow,
    /// Takes over as soon as it has compiled the program.
    pub(crate) then: Option<&'static BackendRow>,
    pub(crate) level: Level,
    #[cfg(feature = "compiler")]
    verbose: bool,
}

impl Default for Engine {
    fn default() -> Self {
        Engine::new()
    }
}

impl Engine {
    /// The default backend, fully optimised.
    pub fn new() -> Engine {
        Engine {
            backend: &backends()[0],
            then: None,
            level: Level::O2,
            #[cfg(feature = "compiler")]
            verbose: false,
        }
    }

    /// By a row of the table of backends.
    #[cfg(feature = "compiler")]
    pub(crate) fn of(backend: &'static BackendRow, level: Level) -> Engine {
        Engine {
            backend,
            level,
            ..Engine::new()
        }
    }

    /// With another backend.
    ///
    /// # Errors
    /// When this build has no backend of that name; the error names those it has.
    pub fn backend(self, name: &str) -> Result<Engine, Error> {
        Ok(Engine {
            backend: backend(name)?,
            then: None,
            ..self
        })
    }

    /// With the default backend at once, and native code as soon as that is made: a program can decide as early as ever, is compiled
    /// once more in the background, and goes on with native code from one decision to the next. [`Program::backend`](crate::Program::backend) says which decides.
    ///
    /// ```
    /// use tollgate::{Call, Engine};
    /// let program = Engine::new().tiered()?.compile_source("x.rules", r#"
    ///     ruleset small(n: Int) -> Bool hit first {
    ///       rule yes when n < 10 then true
    ///       otherwise false
    ///     }
    /// "#)?;
    /// let mut session = program.session();
    /// let decision = session.decide_json("small", b"7", &Call { id: "1", time: 0 })?;
    /// assert_eq!(decision.value_json(), "true");
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    ///
    /// # Errors
    /// When this build has no backend that makes native code.
    pub fn tiered(self) -> Result<Engine, Error> {
        let Some(native) = backends().iter().find(|b| b.native) else {
            return Err(Error::other(
                "this build makes no native code: build it with the feature `cranelift`",
            ));
        };
        Ok(Engine {
            backend: &backends()[0],
            then: Some(native),
            ..self
        })
    }

    /// With another level of optimisation.
    #[must_use]
    pub fn level(self, level: Level) -> Engine {
        Engine { level, ..self }
    }
}
