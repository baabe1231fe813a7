//! What `--input`, `--output` and `--dead-letter` name: a file, or a stream of a broker.

use std::fmt;
use std::path::{Path, PathBuf};

use tollgate::Address;

use super::Result;
#[cfg(feature = "redis")]
use super::redis::{OF_INPUT, OF_OUTPUT};

/// Without a broker there is nothing to set.
#[cfg(not(feature = "redis"))]
const OF_INPUT: &[&str] = &[];
#[cfg(not(feature = "redis"))]
const OF_OUTPUT: &[&str] = &[];

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
        Endpoint::of(named, OF_INPUT)
    }

    pub(super) fn output(named: &Path) -> Result<Endpoint> {
        Endpoint::of(named, OF_OUTPUT)
    }

    #[cfg_attr(not(feature = "redis"), allow(unused_variables))]
    fn of(named: &Path, settings: &[&str]) -> Result<Endpoint> {
        let text = named.to_str();
        let Some((text, scheme)) = text.and_then(|text| Some((text, Address::scheme_of(text)?)))
        else {
            return Ok(Endpoint::Lines(named.to_owned()));
        };
        match scheme {
            #[cfg(feature = "redis")]
            "redis" | "redis+unix" => Ok(Endpoint::Redis(Address::parse(text, settings)?)),
            _ => {
                let broker = match cfg!(feature = "redis") {
                    true => "redis://",
                    false => "no broker",
                };
                Err(format!(
                    "this tollgate streams from files and {broker}, and does not know `{scheme}://`"
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
