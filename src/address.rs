//! Where something outside is: a URL whose settings stand behind a `?`.

use std::fmt;
use std::time::Duration;

use tollgate_runtime::kinds::time::parse_duration;

use crate::error::Error;

/// Where something outside is and how it is talked to, as people write it on a command line or in a file of settings:
/// `redis://127.0.0.1:6379/0?timeout=100ms&prefix=shop`. A user and a password in it are never shown.
///
/// ```
/// use std::time::Duration;
/// let at = tollgate::Address::parse("redis://me:secret@127.0.0.1:6379/0?timeout=2s", &["timeout", "prefix"])?;
/// assert_eq!(at.base(), "redis://me:secret@127.0.0.1:6379/0");
/// assert_eq!(at.to_string(), "redis://127.0.0.1:6379/0");
/// assert_eq!(at.duration("timeout")?, Some(Duration::from_secs(2)));
/// assert_eq!(at.text("prefix"), None);
/// # Ok::<(), tollgate::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    scheme: Box<str>,
    base: Box<str>,
    settings: Vec<(Box<str>, Box<str>)>,
}

impl Address {
    /// Takes a URL apart; only settings that are `known` may stand in it, each once. What a setting is may not hold `&`; nothing is percent-decoded.
    ///
    /// # Errors
    /// When it is no URL, or has a setting that is not known, is there twice, or has no value.
    pub fn parse(text: &str, known: &[&str]) -> Result<Address, Error> {
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let scheme = Address::scheme_of(base).ok_or_else(|| {
            Error::other("not an address such as redis://127.0.0.1:6379/0".to_owned())
        })?;
        let mut address = Address {
            scheme: scheme.into(),
            base: base.into(),
            settings: Vec::new(),
        };
        for setting in query.split('&').filter(|setting| !setting.is_empty()) {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            if !known.contains(&name) {
                return Err(Error::other(format!(
                    "{address} has no setting `{name}`; there is {}",
                    known.join(", ")
                )));
            }
            if value.is_empty() || address.text(name).is_some() {
                let wrong = if value.is_empty() {
                    "empty"
                } else {
                    "there twice"
                };
                return Err(Error::other(format!("{address}: `{name}` is {wrong}")));
            }
            address.settings.push((name.into(), value.into()));
        }
        Ok(address)
    }

    /// What stands before `://`, where the text is an address at all.
    pub fn scheme_of(text: &str) -> Option<&str> {
        let (scheme, _) = text.split_once("://")?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+';
        (!scheme.is_empty() && scheme.bytes().all(fits)).then_some(scheme)
    }

    /// What stands before `://`.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The address without its settings. It may hold a password.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What a setting is, where it is there.
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.settings.iter().find(|(known, _)| **known == *name);
        found.map(|(_, value)| &**value)
    }

    /// The same of a duration as rules write it, `100ms`; `0s` is one.
    ///
    /// # Errors
    /// When it is none, or less than nothing.
    pub fn duration(&self, name: &str) -> Result<Option<Duration>, Error> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match parse_duration(text).map(u64::try_from) {
            Ok(Ok(us)) => Ok(Some(Duration::from_micros(us))),
            _ => Err(Error::other(format!(
                "{self}: `{name}` is a duration such as 100ms or 1h, and not `{text}`"
            ))),
        }
    }

    /// The same of a whole number from `least` to `most`.
    ///
    /// # Errors
    /// When it is none.
    pub fn number(&self, name: &str, least: u64, most: u64) -> Result<Option<u64>, Error> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match text.replace('_', "").parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(Error::other(format!(
                "{self}: `{name}` is a number from {least} to {most}, and not `{text}`"
            ))),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = &self.base[self.scheme.len() + "://".len()..];
        // A password may hold anything but this.
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        write!(f, "{}://{rest}", self.scheme)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let address = Address::parse(text, &["wait", "most"]);
        let address = address.and_then(|a| {
            a.duration("wait")?;
            a.number("most", 1, 10)
        });
        address.expect_err("it is refused").to_string()
    }

    #[test]
    fn an_address_says_what_is_wrong_with_it_and_no_password() {
        for text in ["", "x", "://", "a b://c", "a/b://c"] {
            assert!(refused(text).starts_with("not an address"), "{text}");
        }
        let begin = "redis://u:p@ss@h:1/2?";
        for (setting, reason) in [
            ("slow=1", "has no setting `slow`; there is wait, most"),
            ("wait", ": `wait` is empty"),
            ("wait=1s&wait=2s", ": `wait` is there twice"),
            (
                "wait=1",
                ": `wait` is a duration such as 100ms or 1h, and not `1`",
            ),
            ("wait=-1s", "and not `-1s`"),
            ("most=11", ": `most` is a number from 1 to 10, and not `11`"),
        ] {
            let said = refused(&format!("{begin}{setting}"));
            assert!(said.contains(reason), "{setting}: {said}");
            assert!(said.starts_with("redis://h:1/2"), "{setting}: {said}");
        }
    }
}
