//! Stores of the states of a program by their addresses, as a command line or a file of settings has them.

use std::collections::BTreeSet;
use std::sync::Arc;

use tollgate_ask::LOCAL;
use tollgate_state::{Declaration, Store};

use crate::address::Address;
use crate::error::Error;

/// The settings of an address of a Redis, as the documentation of [`Stores`] lists them.
const OF_REDIS: &[&str] = &[
    "timeout",
    "patience",
    "prefix",
    "linger",
    "keep_budgets",
    "idle",
];

/// Where states are kept that are not kept in this process: names that rules use (`store: redis.limits`) with addresses.
///
/// An address is that of a Redis 7 or later, `redis://[user:password@]host[:port][/database]`, with settings behind a `?`
/// (see `tollgate::state::Settings` for what they mean; features `redis`):
///
/// | setting | | where it is not said |
/// |---|---|---|
/// | `timeout` | how long an operation waits for an answer | `100ms` |
/// | `patience` | for how long one that had none is tried again before `on_failure` decides | `0s` |
/// | `prefix` | what all keys begin with | `tollgate` |
/// | `linger` | how long what no longer matters stays, by the server's clock | `1h` |
/// | `keep_budgets` | how long a budget stays that nobody charges | `400d` |
/// | `idle` | how many connections stay open | `64` |
///
/// A server that does not answer is no error: `on_failure` of a state says what holds then.
///
/// ```
/// # #[cfg(feature = "redis")] {
/// use tollgate::{Engine, Stores};
/// let program = Engine::new().compile_source("x.rules", r#"
///     state calls: TokenBucket by String {
///       rate: 1 per 1s, burst: 1, max_keys: 100, store: redis.limits, on_failure: allow
///     }
///     ruleset admit(user: String) -> Bool hit first {
///       rule no when not calls[user].take().granted then false
///       otherwise true
///     }
/// "#)?;
/// let mut stores = Stores::new();
/// assert_eq!(stores.missing(program.declarations()).unwrap().store, "redis.limits");
/// stores.add("redis.limits", "redis://127.0.0.1:6379/0?timeout=20ms")?;
/// assert!(stores.missing(program.declarations()).is_none());
/// assert!(stores.all_used(program.declarations()).is_ok());
/// let states = program.states(&stores.open(program.declarations())?)?;
/// # }
/// # Ok::<(), tollgate::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stores {
    named: Vec<(Box<str>, Address)>,
}

/// Stores that are open, by the names that rules use, as [`Program::states`](crate::Program::states) takes them.
pub type OpenStores<'n> = Vec<(&'n str, Arc<dyn Store>)>;

impl Stores {
    /// None but that of this process.
    pub fn new() -> Stores {
        Stores::default()
    }

    /// Adds a store: the name that rules use, and its address.
    ///
    /// # Errors
    /// When the name is `local` or there already, or the address is none that this build knows. Errors do not show passwords.
    pub fn add(&mut self, name: &str, address: &str) -> Result<(), Error> {
        if name == LOCAL {
            let sentence = "the store `local` is in this process, and has no address";
            return Err(Error::other(sentence));
        }
        if self.names().any(|known| known == name) {
            return Err(Error::other(format!("the store `{name}` is there twice")));
        }
        let wrong = |why: Error| Error::other(format!("store `{name}`: {why}"));
        let address = Address::parse(address, OF_REDIS).map_err(wrong)?;
        // With no declarations: whether it is an address at all.
        open(&address, &[]).map_err(wrong)?;
        self.named.push((name.into(), address));
        Ok(())
    }

    /// The names, in the order in which they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|(name, _)| &**name)
    }

    /// Whether there is none but that of this process.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// The first state whose store is neither here nor in this process.
    pub fn missing<'d>(&self, declarations: &'d [Declaration]) -> Option<&'d Declaration> {
        let mut declarations = declarations.iter();
        declarations.find(|d| d.store != LOCAL && !self.names().any(|name| name == d.store))
    }

    /// Whether some state is kept in every one of them. One that no state names is most often a name that was mistyped.
    ///
    /// # Errors
    /// When none is kept in one of them; the error says where states are kept.
    pub fn all_used(&self, declarations: &[Declaration]) -> Result<(), Error> {
        let used = |name: &&str| declarations.iter().any(|d| d.store == *name);
        let Some(unused) = self.names().find(|name| !used(name)) else {
            return Ok(());
        };
        let stores: BTreeSet<&str> = declarations.iter().map(|d| &*d.store).collect();
        let stores: Vec<String> = stores.iter().map(|name| format!("`{name}`")).collect();
        let kept = match &stores[..] {
            [] => "the rules keep no states".into(),
            all => format!("the rules keep their states in {}", all.join(", ")),
        };
        Err(Error::other(format!(
            "no state is kept in the store `{unused}`: {kept}"
        )))
    }

    /// Opens the stores that some of the states name, for all of the states; nothing is sent to a server yet.
    ///
    /// # Errors
    /// When a state asks more of a store than it can keep.
    pub fn open(&self, declarations: &[Declaration]) -> Result<OpenStores<'_>, Error> {
        let named = self.named.iter();
        let wanted = named.filter(|(name, _)| declarations.iter().any(|d| *d.store == **name));
        let opened = wanted.map(|(name, address)| {
            let store = open(address, declarations);
            let wrong = |why: Error| Error::other(format!("store `{name}`: {why}"));
            Ok((&**name, store.map_err(wrong)?))
        });
        opened.collect()
    }
}

#[cfg(feature = "redis")]
fn open(address: &Address, declarations: &[Declaration]) -> Result<Arc<dyn Store>, Error> {
    use tollgate_state::{Redis, Settings};
    let mut settings = Settings::default();
    let idle = address.number("idle", 1, 10_000)?;
    for (name, duration) in [
        ("timeout", &mut settings.timeout),
        ("patience", &mut settings.patience),
        ("linger", &mut settings.linger),
        ("keep_budgets", &mut settings.keep_budgets),
    ] {
        *duration = address.duration(name)?.unwrap_or(*duration);
    }
    if let Some(prefix) = address.text("prefix") {
        settings.prefix = prefix.into();
    }
    if let Some(idle) = idle {
        settings.idle = idle as usize;
    }
    match Redis::new(address.base(), declarations, settings) {
        Ok(store) => Ok(Arc::new(store)),
        Err(refused) => Err(Error::other(refused.to_string())),
    }
}

#[cfg(not(feature = "redis"))]
fn open(address: &Address, _: &[Declaration]) -> Result<Arc<dyn Store>, Error> {
    Err(Error::other(format!(
        "{address} is not in this process, and this build knows no other stores: it was made without the feature `redis`"
    )))
}

#[cfg(all(test, feature = "redis", feature = "compiler"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_store_is_said_without_its_password() {
        let mut stores = Stores::new();
        stores.add("a", "redis://me:secret@127.0.0.1/").unwrap();
        for (name, address, said) in [
            (
                "local",
                "redis://127.0.0.1/",
                "the store `local` is in this process",
            ),
            ("a", "redis://127.0.0.1/", "the store `a` is there twice"),
            ("b", "127.0.0.1:6379", "store `b`: not an address such as"),
            (
                "b",
                "http://me:secret@h/",
                "store `b`: not an address of a Redis",
            ),
            (
                "b",
                "redis://me:secret@h/?slow=1",
                "store `b`: redis://h/ has no setting `slow`",
            ),
            (
                "b",
                "redis://h/?timeout=1",
                "`timeout` is a duration such as 100ms",
            ),
            (
                "b",
                "redis://h/?idle=0",
                "`idle` is a number from 1 to 10000",
            ),
            ("b", "redis://h/?prefix={}", "the prefix `{}` is not"),
        ] {
            let error = stores.add(name, address).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("secret"), "{error}");
        }
        assert!(!format!("{stores:?}").contains("secret"));
        assert_eq!(stores.names().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn a_store_that_no_state_names_is_said() {
        use crate::Engine;
        let program = Engine::new().compile_source(
            "x.rules",
            "state a: TokenBucket { rate: 1 per 1s, burst: 1, store: redis.b, on_failure: allow }
             state b: TokenBucket { rate: 1 per 1s, burst: 1, store: redis.a, on_failure: allow }
             state c: TokenBucket { rate: 1 per 1s, burst: 1, on_failure: allow }
             ruleset f(n: Int) -> Int hit first { otherwise n }",
        );
        let program = program.unwrap();
        let mut stores = Stores::new();
        stores.add("redis.a", "redis://h/").unwrap();
        assert!(stores.all_used(program.declarations()).is_ok());
        stores.add("redis.c", "redis://h/").unwrap();
        let error = |of| stores.all_used(of).unwrap_err().to_string();
        assert_eq!(
            error(program.declarations()),
            "no state is kept in the store `redis.c`: the rules keep their states in `local`, `redis.a`, `redis.b`"
        );
        assert_eq!(
            error(&[]),
            "no state is kept in the store `redis.a`: the rules keep no states"
        );
    }
}
