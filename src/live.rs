//! Rules that change while they decide: the last good program, replaced as a whole.
//!
//! A reload compiles beside the program that decides, and swaps when everything has worked out: reading, checking, compiling, giving
//! data, and binding what the host needs of the program. If anything fails nothing changes. A decision is made by one program from
//! beginning to end, whatever is swapped meanwhile.

use std::cell::Cell;
use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwap;
use tollgate_state::Store;

use crate::engine::Engine;
use crate::error::Error;
use crate::loader::read_any;
use crate::program::Program;
use crate::session::{Memory, Session};
use crate::states::States;

/// Rules that can be replaced while they decide, together with what a host has bound of them (`B`, see [`Live::open`]).
///
/// Shared between threads as it is: deciding takes no lock.
///
/// Of the states that are kept in this process, those that the old rules declared alike, with the same name and settings
/// ([`Declaration::identity`](crate::state::Declaration::identity)), hold what they held, also for decisions that end with the old
/// rules; others begin with nothing. Other stores are made for each program by what [`Live::open_with`] was given.
///
/// ```
/// use tollgate::{Bound, Call, Engine, Error, Live, Program};
///
/// struct Rules { route: Bound<str> }
///
/// let bind = |program: &Program| Ok(Rules { route: program.bind("route")? });
/// let engine = Engine::new();
/// let first = engine.compile_source("x.rules", r#"
///     ruleset route(path: Path) -> String hit first { otherwise "old" }
/// "#)?;
/// let live = Live::new(first, bind)?;
/// let ask = || live.with(|session, rules| {
///     let decision = session.decide_bound(&rules.route, "/", &Call { id: "1", time: 0 })?;
///     Ok::<_, Error>(decision.value_json())
/// });
/// assert_eq!(ask()?, r#""old""#);
///
/// let second = engine.compile_source("x.rules", r#"
///     ruleset route(path: Path) -> String hit first { otherwise "new" }
/// "#)?;
/// live.replace(second)?;
/// assert_eq!(ask()?, r#""new""#);
///
/// // What lacks the entry is no replacement, and changes nothing.
/// let third = engine.compile_source("x.rules", r#"
///     ruleset path(path: Path) -> String hit first { otherwise "odd" }
/// "#)?;
/// assert!(live.replace(third).is_err());
/// assert_eq!((ask()?, live.version()), (r#""new""#.to_owned(), 2));
/// # Ok::<(), tollgate::Error>(())
/// ```
pub struct Live<B = ()> {
    current: ArcSwap<Version<B>>,
    bind: Bind<B>,
    stores: MakeStores,
    /// Where the rules come from, if from a file.
    file: Option<File>,
    /// One reload at a time; holds what the file was when it was last looked at.
    seen: Mutex<u64>,
}

/// What a host needs of each program.
type Bind<B> = Box<dyn Fn(&Program) -> Result<B, Error> + Send + Sync>;

/// The stores that a host makes for a program, by the names that the rules use: see [`Live::open_with`].
pub type HostStores = Vec<(String, Arc<dyn Store>)>;

type MakeStores = Box<dyn Fn(&Program) -> Result<HostStores, Error> + Send + Sync>;

/// A program that decides or decided, its states, and what was bound of it. Whoever holds it goes on deciding by the same program,
/// whatever is swapped meanwhile. Made by [`Live::now`].
pub struct Version<B = ()> {
    number: u64,
    program: Program,
    states: States,
    bound: B,
}

struct File {
    engine: Engine,
    path: PathBuf,
    /// The keys of which one has to have signed what is in the file, if that is asked for.
    trusted: Option<Box<[[u8; 32]]>>,
}

/// What a reload found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reloaded {
    /// The files are what they were; nothing was compiled.
    Unchanged,
    /// The new rules decide from now on.
    Replaced,
}

/// Looks at the files again and again, until it is dropped. Made by [`Live::watch`].
#[must_use = "watching ends when this is dropped"]
pub struct Watching {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl<B> Live<B> {
    /// Rules that decide until [`Live::replace`] brings others. `bind` is called for each program before it decides: what it makes is handed to
    /// those who ask, and where it fails the program is refused.
    ///
    /// # Errors
    /// Those of `bind`, and where a state is not kept in this process.
    pub fn new(
        program: Program,
        bind: impl Fn(&Program) -> Result<B, Error> + Send + Sync + 'static,
    ) -> Result<Live<B>, Error> {
        Live::make(program, Box::new(bind), Box::new(none), None, 0)
    }

    /// Rules in a file, which [`Live::reload`] reads again: that file and the modules that it uses, beside it; or an artifact.
    ///
    /// Rules that expect data, or whose states are kept in other stores, are opened by [`Live::open_with`], signed artifacts by
    /// [`Live::open_signed`].
    ///
    /// # Errors
    /// When the file cannot be read, its rules do not compile, or `bind` fails.
    ///
    /// ```no_run
    /// use tollgate::{Engine, Live};
    /// use std::time::Duration;
    /// use std::sync::Arc;
    /// let live = Arc::new(Live::open(Engine::new(), "gateway.rules", |_| Ok(()))?);
    /// let watching = live.watch(Duration::from_secs(1), |result| {
    ///     if let Err(error) = result {
    ///         eprintln!("the rules stay as they were: {error}");
    ///     }
    /// });
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn open(
        engine: Engine,
        path: impl AsRef<Path>,
        bind: impl Fn(&Program) -> Result<B, Error> + Send + Sync + 'static,
    ) -> Result<Live<B>, Error> {
        Live::open_with(engine, path, Ok, none, bind)
    }

    /// As [`Live::open`], of rules that expect data: `first` gives it to the first program ([`Program::with_data`]); from then on it is carried
    /// over by its name. `stores` makes the stores that each program wants besides `local`, from all of [`Program::declarations`].
    ///
    /// # Errors
    /// As [`Live::open`], and those of `first` and `stores`.
    ///
    /// ```no_run
    /// use tollgate::{Engine, Live, Program};
    /// let tenants = std::fs::read("tenants.json").unwrap_or_default();
    /// let first = |program: Program| program.with_data("tenants", &tenants);
    /// let stores = |_: &Program| Ok(Vec::new());
    /// let live = Live::open_with(Engine::new(), "gateway.rules", first, stores, |_| Ok(()))?;
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn open_with(
        engine: Engine,
        path: impl AsRef<Path>,
        first: impl FnOnce(Program) -> Result<Program, Error>,
        stores: impl Fn(&Program) -> Result<HostStores, Error> + Send + Sync + 'static,
        bind: impl Fn(&Program) -> Result<B, Error> + Send + Sync + 'static,
    ) -> Result<Live<B>, Error> {
        let file = File::new(engine, path.as_ref(), None);
        Live::begin(file, first, Box::new(stores), Box::new(bind))
    }

    /// As [`Live::open_with`], of an artifact that one of these Ed25519 public keys has signed: the first one, and each that is read later.
    /// One that is not, or that is changed after it was signed, is refused, and the last good program goes on.
    ///
    /// # Errors
    /// As [`Live::open_with`] and [`Engine::open_signed`].
    ///
    /// ```
    /// use tollgate::{Call, Engine, Live, sign_artifact};
    /// # let folder = std::env::temp_dir().join(format!("tollgate-live-signed-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// let file = folder.join("route.tgb");
    /// let artifact = |answer: &str| {
    ///     let rules = format!("ruleset route(path: Path) -> String hit first {{ otherwise \"{answer}\" }}");
    ///     Engine::new().compile_source("route.rules", &rules)?.artifact()
    /// };
    /// let (ours, theirs) = ([7; 32], [8; 32]);
    /// std::fs::write(&file, sign_artifact(&artifact("old")?, &ours)?).unwrap();
    /// # let trusted = tollgate::ArtifactInfo::read(&std::fs::read(&file).unwrap())?.signer.unwrap();
    /// let live = Live::open_signed(Engine::new(), &file, &[trusted], Ok, |_| Ok(Vec::new()), |_| Ok(()))?;
    ///
    /// std::fs::write(&file, sign_artifact(&artifact("theirs")?, &theirs)?).unwrap();
    /// assert!(live.reload().is_err());
    /// let call = Call { id: "1", time: 0 };
    /// let route = || live.with(|session, ()| session.decide_json("route", br#""/""#, &call).map(|d| d.value_json()));
    /// assert_eq!(route()?, r#""old""#);
    ///
    /// std::fs::write(&file, sign_artifact(&artifact("new")?, &ours)?).unwrap();
    /// live.reload()?;
    /// assert_eq!(route()?, r#""new""#);
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn open_signed(
        engine: Engine,
        path: impl AsRef<Path>,
        trusted: &[[u8; 32]],
        first: impl FnOnce(Program) -> Result<Program, Error>,
        stores: impl Fn(&Program) -> Result<HostStores, Error> + Send + Sync + 'static,
        bind: impl Fn(&Program) -> Result<B, Error> + Send + Sync + 'static,
    ) -> Result<Live<B>, Error> {
        let file = File::new(engine, path.as_ref(), Some(trusted));
        Live::begin(file, first, Box::new(stores), Box::new(bind))
    }

    fn begin(
        file: File,
        first: impl FnOnce(Program) -> Result<Program, Error>,
        stores: MakeStores,
        bind: Bind<B>,
    ) -> Result<Live<B>, Error> {
        let seen = fingerprint(&file.path);
        let program = first(file.open()?)?;
        Live::make(program, bind, stores, Some(file), seen)
    }

    fn make(
        program: Program,
        bind: Bind<B>,
        stores: MakeStores,
        file: Option<File>,
        seen: u64,
    ) -> Result<Live<B>, Error> {
        let states = program.states(&by_name(&stores(&program)?))?;
        let bound = bind(&program)?;
        Ok(Live {
            current: ArcSwap::from_pointee(Version {
                number: 1,
                program,
                states,
                bound,
            }),
            bind,
            stores,
            file,
            seen: Mutex::new(seen),
        })
    }

    /// Calls `decide` with a session of the program that decides now, and with what was bound of it. The program stays the same
    /// until `decide` returns. The session's memory is the thread's, so that asking again allocates nothing.
    pub fn with<R>(&self, decide: impl FnOnce(&mut Session<'_>, &B) -> R) -> R {
        self.current.load().with(decide)
    }

    /// What decides now, for a host that decides several times about one thing, or waits in between: all of that by one program.
    ///
    /// ```
    /// use tollgate::{Call, Engine, Live};
    /// let rules = |answer: &str| format!("ruleset route(path: Path) -> String hit first {{ otherwise \"{answer}\" }}");
    /// let engine = Engine::new();
    /// let live = Live::new(engine.compile_source("x.rules", &rules("old"))?, |_| Ok(()))?;
    /// let held = live.now();
    /// live.replace(engine.compile_source("x.rules", &rules("new"))?)?;
    /// let call = Call { id: "1", time: 0 };
    /// let old = held.with(|session, ()| session.decide_json("route", br#""/""#, &call).map(|d| d.value_json()))?;
    /// assert_eq!((&*old, held.number(), live.version()), (r#""old""#, 1, 2));
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn now(&self) -> Arc<Version<B>> {
        self.current.load_full()
    }

    /// The states that the program that decides now asks: to give back slots, see [`States::finish`].
    pub fn states(&self) -> States {
        self.current.load().states.clone()
    }

    /// The program that decides now.
    pub fn program(&self) -> Program {
        self.current.load().program.clone()
    }

    /// Which program decides: 1 is the first, and each replacement counts one more.
    pub fn version(&self) -> u64 {
        self.current.load().number
    }

    /// Lets another program decide from now on, with the data that the last one was given, where it expects data of the same name and does
    /// not bring its own.
    ///
    /// # Errors
    /// When `bind` fails for it, or data does not fit any more; then nothing has changed.
    pub fn replace(&self, program: Program) -> Result<(), Error> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = self.swap(program);
        drop(seen);
        replaced
    }

    /// Reads the files again and lets what they say decide from now on, if they have changed. Waits for a reload that is going on.
    ///
    /// # Errors
    /// When a file cannot be read, the rules do not compile, or `bind` fails; then nothing has changed, and the same files are not tried again
    /// until they change. Also where the rules did not come from a file.
    pub fn reload(&self) -> Result<Reloaded, Error> {
        let Some(file) = &self.file else {
            return Err(Error::other(
                "these rules did not come from a file: bring others with `replace`",
            ));
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = fingerprint(&file.path);
        if *seen == now {
            return Ok(Reloaded::Unchanged);
        }
        *seen = now;
        self.swap(file.open()?)?;
        Ok(Reloaded::Replaced)
    }

    fn swap(&self, program: Program) -> Result<(), Error> {
        let before = self.current.load();
        let program = program.with_data_by_name(&before.program)?;
        let bound = (self.bind)(&program)?;
        // Last, because both programs share what is carried over: nothing may fail behind it.
        let stores = (self.stores)(&program)?;
        let states = program.states_after(&before.states, &by_name(&stores))?;
        self.current.store(Arc::new(Version {
            number: before.number + 1,
            program,
            states,
            bound,
        }));
        Ok(())
    }
}

impl File {
    fn new(engine: Engine, path: &Path, trusted: Option<&[[u8; 32]]>) -> File {
        File {
            engine,
            path: path.to_owned(),
            trusted: trusted.map(Into::into),
        }
    }

    fn open(&self) -> Result<Program, Error> {
        match &self.trusted {
            None => self.engine.open(&self.path),
            Some(keys) => self.engine.open_signed(&self.path, keys),
        }
    }
}

impl<B> Version<B> {
    /// As [`Live::with`], by this program.
    pub fn with<R>(&self, decide: impl FnOnce(&mut Session<'_>, &B) -> R) -> R {
        thread_local! {
            static MEMORY: Cell<Option<Memory>> = const { Cell::new(None) };
        }
        // Whoever asks within `decide` finds no memory and takes new.
        let memory = MEMORY.take().unwrap_or_default();
        let mut session = self.program.session_of(&self.states, memory);
        let result = decide(&mut session, &self.bound);
        MEMORY.set(Some(session.into_memory()));
        result
    }

    /// Which program it is: 1 is the first that decided, and each replacement counts one more.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The states that its decisions ask: to perform what is pending ([`States::perform`]), and to give back slots ([`States::finish`]).
    pub fn states(&self) -> &States {
        &self.states
    }

    /// What was bound of it.
    pub fn bound(&self) -> &B {
        &self.bound
    }
}

impl<B: Send + Sync + 'static> Live<B> {
    /// Reloads whenever the files have changed, looking `every` so often from a thread of its own, which reads the rule files of the folder each
    /// time. `tell` hears of every reload and of every
    /// failure, once.
    pub fn watch(
        self: &Arc<Self>,
        every: Duration,
        tell: impl Fn(Result<(), Error>) + Send + 'static,
    ) -> Watching {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let (live, stopped) = (Arc::downgrade(self), stop.clone());
        let look = move || {
            loop {
                let (stop, signal) = &*stopped;
                let stop = stop.lock().unwrap_or_else(PoisonError::into_inner);
                let waited = signal.wait_timeout_while(stop, every, |stop| !*stop);
                let (stop, _) = waited.unwrap_or_else(PoisonError::into_inner);
                if *stop {
                    return;
                }
                drop(stop);
                let Some(live) = live.upgrade() else {
                    return;
                };
                match live.reload() {
                    Ok(Reloaded::Unchanged) => {}
                    Ok(Reloaded::Replaced) => tell(Ok(())),
                    Err(error) => tell(Err(error)),
                }
            }
        };
        let thread = thread::Builder::new()
            .name("tollgate-watch".into())
            .spawn(look);
        Watching {
            stop,
            thread: thread.ok(),
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let (stop, signal) = &*self.stop;
        *stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        signal.notify_all();
        // `tell` may be what drops this, on the thread itself.
        match self.thread.take() {
            Some(thread) if thread.thread().id() != thread::current().id() => {
                let _ = thread.join();
            }
            _ => {}
        }
    }
}

/// No stores but the one that is always there.
fn none(_: &Program) -> Result<HostStores, Error> {
    Ok(Vec::new())
}

fn by_name(stores: &HostStores) -> Vec<(&str, Arc<dyn Store>)> {
    let stores = stores.iter();
    stores
        .map(|(name, store)| (&**name, Arc::clone(store)))
        .collect()
}

/// A hash of the rule files of a file's folder: their names and what they say. Times of change would be cheaper to look at, and miss what is
/// written twice within a tick of the clock. What cannot be read, is no file, or is longer than any rules may be counts as not there, and is
/// noticed when it is compiled.
fn fingerprint(path: &Path) -> u64 {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "rules"));
    files.push(path.to_owned());
    files.sort();
    files.dedup();
    let mut hasher = DefaultHasher::new();
    for file in files {
        (&file, read_any(&file)).hash(&mut hasher);
    }
    hasher.finish()
}

impl<B> fmt::Debug for Live<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("program", &self.current.load().program)
            .field("version", &self.version())
            .finish()
    }
}

impl<B> fmt::Debug for Version<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Version")
            .field("program", &self.program)
            .field("number", &self.number)
            .finish()
    }
}

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watching")
    }
}

#[cfg(all(test, feature = "compiler", feature = "derive"))]
mod tests;
