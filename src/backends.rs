//! § The engines a program can run on. A backend is a crate and one row here.

use tollgate_backend_api::Backend;

/// A row of the table.
#[derive(Clone, Copy)]
pub struct BackendRow {
    /// The name used with `--backend`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub doc: &'static str,
    /// Makes it.
    pub(crate) make: fn() -> Box<dyn Backend>,
}

/// Every backend of this build. The first is the default.
const BACKENDS: &[BackendRow] = &[
    BackendRow {
        name: "vm",
        doc: "bytecode, run by a virtual machine",
        make: || Box::new(tollgate_backend_vm::Vm),
    },
    BackendRow {
        name: "interp",
        doc: "the reference interpreter: slow, obvious",
        make: || Box::new(crate::interp::Reference),
    },
];

/// Every backend of this build, the default first.
///
/// ```
/// assert_eq!(tollgate::backends()[0].name, "vm");
/// ```
pub fn backends() -> &'static [BackendRow] {
    BACKENDS
}

impl std::fmt::Debug for BackendRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
