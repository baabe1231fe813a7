//! # What this is
//!
//! The standard library of the language: modules written in the language, and the natives they stand on.
//! A domain is a folder with its rules, its natives and its README.
//!
//! # What goes in and comes out
//!
//! Nothing goes in. [`library`] comes out: plain data, which the frontend is handed as a value.
//!
//! # Invariants
//!
//! - No native fails or panics, whatever its words; none reads a clock, a file or the network.
//! - A native allocates in the arena of the decision only; its result depends on its arguments (and, for `jitter_at`, on the decision's id) only.
//! - Every native has documentation and an example, and the names of natives are unique.
//! - No module needs another one than the prelude. A native belongs to a module, and is imported with the module's other names.
//!
//! # Where to start reading
//!
//! `core/natives/text.rs` for what a native looks like, `gateway/http.rules` for a module in the language.
//!
//! # What it must not know
//!
//! The compiler: this is sources and natives.

use std::sync::LazyLock;

use tollgate_runtime::Native;

#[path = "gateway/natives.rs"]
pub mod gateway;
#[path = "core/natives/mod.rs"]
pub mod natives;
#[path = "overload/natives.rs"]
pub mod overload;

/// A module of the library, in the language.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Its name, such as `std.http`.
    pub name: &'static str,
    /// The file name shown in diagnostics, below this folder.
    pub file: &'static str,
    /// Its source.
    pub source: &'static str,
    /// Whether its names are in scope everywhere; the others are imported by `use`.
    pub prelude: bool,
}

/// The whole library.
#[derive(Clone, Copy, Debug)]
pub struct Library {
    /// The modules, those of the prelude first.
    pub modules: &'static [Module],
    /// The natives, by module in the order of their files; in scope where the names of their module are.
    pub natives: &'static [&'static Native],
}

/// One row a module: its name, whether it belongs to the prelude, its file.
macro_rules! modules {
    ($($name:literal, prelude: $prelude:literal, $file:literal;)*) => {
        static MODULES: &[Module] = &[$(Module {
            name: $name,
            file: concat!("std/", $file),
            source: include_str!($file),
            prelude: $prelude,
        }),*];
    };
}

modules! {
    "std.core", prelude: true, "core/core.rules";
    "std.text", prelude: true, "core/text.rules";
    "std.time", prelude: true, "core/time.rules";
    "std.net", prelude: true, "core/net.rules";
    "std.http", prelude: false, "gateway/http.rules";
    "std.gateway", prelude: false, "gateway/gateway.rules";
    "std.overload", prelude: false, "overload/overload.rules";
    "std.campaign", prelude: false, "campaign/campaign.rules";
}

/// The library.
///
/// ```
/// let library = tollgate_stdlib::library();
/// assert!(library.modules.iter().any(|m| m.name == "std.http"));
/// assert!(library.natives.iter().any(|n| n.name == "starts_with"));
/// ```
pub fn library() -> Library {
    static NATIVES: LazyLock<Vec<&'static Native>> = LazyLock::new(|| {
        [
            natives::core::NATIVES,
            natives::text::NATIVES,
            natives::time::NATIVES,
            natives::net::NATIVES,
            gateway::NATIVES,
            overload::NATIVES,
        ]
        .concat()
    });
    Library {
        modules: MODULES,
        natives: &NATIVES,
    }
}

#[cfg(test)]
mod tests;
