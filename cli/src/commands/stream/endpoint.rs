//! What `--input`, `--output` and `--dead-letter` name: a file, or a stream of a broker.

use std::fmt;
use std::path::{Path, PathBuf};

use tollgate::Address;

use super::Result;
#[cfg(feature = "redis")]
use super::redis;

/// Where something comes from or goes to.
#[derive(Clone, Debug)]
pub(super) enum Endpoint {
    /// A file, or `-`.
    Lines(PathBuf),
    #[cfg(feature = "redis")]
    Redis(Address),
}

impl Endpoint {
    pub(super) fn input(named: &Path) -> Result<Endpoint> {
        #[cfg(feature = "redis")]
        const SETTINGS: &[&str] = redis::OF_INPUT;
        #[cfg(not(feature = "redis"))]
        const SETTINGS: &[&str] = &[];
        Endpoint::of(named, SETTINGS)
    }

    pub(super) fn output(named: &Path) -> Result<Endpoint> {
        #[cfg(feature = "redis")]
        const SETTINGS: &[&str] = redis::OF_OUTPUT;
        #[cfg(not(feature = "redis"))]
        const SETTINGS: &[&str] = &[];
        Endpoint::of(named, SETTINGS)
    }

    fn of(named: &Path, settings: &[&str]) -> Result<Endpoint> {
        let address = named
            .to_str()
            .filter(|text| Address::scheme_of(text).is_some());
        let Some(address) = address else {
            return Ok(Endpoint::Lines(named.to_owned()));
        };
        match Address::scheme_of(address) {
            #[cfg(feature = "redis")]
            Some("redis" | "redis+unix") => Ok(Endpoint::Redis(Address::parse(address, settings)?)),
            scheme => {
                let _ = settings;
                Err(format!(
                    "this tollgate streams from files and {}, and does not know `{}://`",
                    if cfg!(feature = "redis") {
                        "redis://"
                    } else {
                        "no broker"
                    },
                    scheme.unwrap_or_default()
                )
                .into())
            }
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Lines(path) => path.display().fmt(f),
            #[cfg(feature = "redis")]
            Endpoint::Redis(address) => {
                // Which stream of the server it is belongs to it; who reads it does not.
                write!(
                    f,
                    "{address}?stream={}",
                    address.text("stream").unwrap_or_default()
                )
            }
        }
    }
}
