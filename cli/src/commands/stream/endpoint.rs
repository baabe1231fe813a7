//! What `--input`, `--output` and `--dead-letter` name: a file, or a stream or topic of a broker.

use std::fmt;
use std::path::{Path, PathBuf};

use tollgate::Address;

use super::Result;
#[cfg(feature = "kafka")]
use super::kafka;
#[cfg(feature = "redis")]
use super::redis;

/// Where something comes from or goes to.
#[derive(Clone, Debug)]
pub(super) enum Endpoint {
    /// A file, or `-`.
    Lines(PathBuf),
    #[cfg(feature = "redis")]
    Redis(Address),
    #[cfg(feature = "kafka")]
    Kafka(Address),
}

/// Whether events come from there or actions go there: its settings are others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// A kind of broker.
struct Kind {
    scheme: &'static str,
    /// Whether this build has it.
    is_there: bool,
    /// How to have it.
    how: &'static str,
}

const KINDS: &[Kind] = &[
    Kind {
        scheme: "redis",
        is_there: cfg!(feature = "redis"),
        how: "build with `--features redis`",
    },
    Kind {
        scheme: "kafka",
        is_there: cfg!(feature = "kafka"),
        how: "install compilers of C and C++, make, pkg-config and OpenSSL's headers, which `cargo xtask kafka` does on Debian and Ubuntu, and build with `--features kafka`",
    },
];

impl Endpoint {
    pub(super) fn input(named: &Path) -> Result<Endpoint> {
        Endpoint::of(named, Way::In)
    }

    pub(super) fn output(named: &Path) -> Result<Endpoint> {
        Endpoint::of(named, Way::Out)
    }

    #[cfg_attr(
        not(any(feature = "redis", feature = "kafka")),
        allow(unused_variables)
    )]
    fn of(named: &Path, way: Way) -> Result<Endpoint> {
        let text = named.to_str();
        let Some((text, scheme)) = text.and_then(|text| Some((text, Address::scheme_of(text)?)))
        else {
            return Ok(Endpoint::Lines(named.to_owned()));
        };
        match scheme {
            #[cfg(feature = "redis")]
            "redis" | "redis+unix" => {
                let settings = way.settings(redis::OF_INPUT, redis::OF_OUTPUT);
                Ok(Endpoint::Redis(Address::parse(text, settings)?))
            }
            #[cfg(feature = "kafka")]
            "kafka" | "kafka+tls" => {
                let settings = way.settings(kafka::OF_INPUT, kafka::OF_OUTPUT);
                Ok(Endpoint::Kafka(Address::parse(text, settings)?))
            }
            _ => Err(unknown(scheme, KINDS).into()),
        }
    }
}

impl Way {
    #[cfg(any(feature = "redis", feature = "kafka"))]
    fn settings(
        self,
        of_input: &'static [&'static str],
        of_output: &'static [&'static str],
    ) -> &'static [&'static str] {
        match self {
            Way::In => of_input,
            Way::Out => of_output,
        }
    }
}

/// Why there is no streaming from or to such an address.
fn unknown(scheme: &str, kinds: &[Kind]) -> String {
    let first = scheme.split('+').next().unwrap_or(scheme);
    if let Some(kind) = kinds
        .iter()
        .find(|kind| kind.scheme == first && !kind.is_there)
    {
        return format!("this tollgate was built without {first}://: {}", kind.how);
    }
    let there = kinds.iter().filter(|kind| kind.is_there);
    let known: Vec<String> = there
        .map(|kind| format!(" and {}://", kind.scheme))
        .collect();
    format!(
        "this tollgate streams from files{}, and does not know `{scheme}://`",
        known.concat()
    )
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
            #[cfg(feature = "kafka")]
            Endpoint::Kafka(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_was_left_out_is_said_and_how_to_have_it() {
        let kinds = |redis, kafka| {
            [("redis", redis, "redis in"), ("kafka", kafka, "kafka in")].map(
                |(scheme, is_there, how)| Kind {
                    scheme,
                    is_there,
                    how,
                },
            )
        };
        for (scheme, redis, kafka, said) in [
            (
                "kafka",
                true,
                false,
                "this tollgate was built without kafka://: kafka in",
            ),
            (
                "redis+unix",
                false,
                true,
                "this tollgate was built without redis://: redis in",
            ),
            (
                "amqp",
                true,
                false,
                "this tollgate streams from files and redis://, and does not know `amqp://`",
            ),
            (
                "amqp",
                true,
                true,
                "this tollgate streams from files and redis:// and kafka://, and does not know `amqp://`",
            ),
            (
                "amqp",
                false,
                false,
                "this tollgate streams from files, and does not know `amqp://`",
            ),
        ] {
            assert_eq!(unknown(scheme, &kinds(redis, kafka)), said);
        }
        let kafka = KINDS
            .iter()
            .find(|kind| kind.scheme == "kafka")
            .expect("it is one");
        assert!(kafka.how.contains("cargo xtask kafka") && kafka.how.contains("--features kafka"));
    }
}
