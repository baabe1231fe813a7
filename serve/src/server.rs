//! Listening, connections, reloading and ending.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tollgate::{Engine, Live, Program, Reloaded, public_keys};
use tollgate_load::{Meter, WINDOW};

use crate::Error;
use crate::accept::{Listening, OUT_OF_FILES, accept};
use crate::admin;
use crate::contract::Rules;
use crate::decide::{self, Turns};
use crate::kept::Kept;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::proxy::Proxy;
use crate::settings::Settings;
use crate::tls::{Certificates, Shown};
use crate::upstream::Cluster;
use crate::workers::Workers;

/// A proxy that listens, and answers once it [runs](Server::run).
///
/// ```no_run
/// use tollgate::Engine;
/// use tollgate_serve::{Server, Settings};
/// # async fn serve() -> Result<(), tollgate_serve::Error> {
/// let settings = Settings::open("gateway.toml".as_ref())?;
/// let server = Server::bind(settings, Engine::new(), |event| eprintln!("{event}")).await?;
/// server.end_on_signals()?;
/// server.run().await;
/// # Ok(())
/// # }
/// ```
pub struct Server {
    proxy: Arc<Proxy>,
    listeners: Vec<Listening>,
    admin: Option<TcpListener>,
    control: Control,
}

/// What a running proxy can be told. Clones tell the same one.
#[derive(Clone)]
pub struct Control {
    proxy: Arc<Proxy>,
    phase: watch::Sender<Phase>,
    tell: Tell,
}

/// How far the proxy has come to its end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Phase {
    Running,
    /// Requests in progress end.
    Draining,
    /// What is left is broken.
    Ended,
}

/// What is told of reloads, a sentence each.
type Tell = Arc<dyn Fn(&str) + Send + Sync>;

impl Server {
    /// Compiles the rules, binds them to what the proxy knows, and listens. `tell` hears of reloads and of failures to reload.
    ///
    /// # Errors
    /// When the rules cannot be read or compiled, do not fit the contract, or an address or a file cannot be opened.
    pub async fn bind(
        settings: Settings,
        engine: Engine,
        tell: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Server, Error> {
        let of = settings.clone();
        let opened = spawn_blocking(move || open(engine, of)).await;
        let (live, warnings) = opened.map_err(|e| Error::new(e.to_string()))??;
        let live = Arc::new(live);
        let metrics = Metrics::new();
        let mut clusters = BTreeMap::new();
        for (name, of) in &settings.clusters {
            clusters.insert(name.clone(), Arc::new(Cluster::new(name, of, &metrics)?));
        }
        let mut listeners = Vec::new();
        let addresses = settings.addresses();
        for (address, tls) in addresses {
            let listener = listen(address).await?;
            listeners.push(Listening { listener, tls });
        }
        let tell: Tell = Arc::new(tell);
        for warning in warnings {
            tell(&warning);
        }
        let tls = match &settings.tls {
            Some(of) => {
                let (certificates, shown) = Certificates::open(&of.certificates)?;
                show(&metrics, &tell, &shown);
                Some(certificates)
            }
            None => None,
        };
        let admin = match settings.admin {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let log = settings.access_log.as_deref().map(Log::open).transpose()?;
        let proxy = Arc::new(Proxy {
            meter: Meter::new(settings.capacity),
            metrics,
            live,
            turns: Arc::new(Turns::new(&settings.redis)),
            clusters,
            log,
            tls,
            kept: Kept::default(),
            run: fastrand::u32(..),
            requests: AtomicU64::new(0),
            settings,
        });
        let control = Control {
            proxy: proxy.clone(),
            phase: watch::Sender::new(Phase::Running),
            tell,
        };
        Ok(Server {
            proxy,
            listeners,
            admin,
            control,
        })
    }

    /// Where requests come in, with the ports that were free: those of `listen`.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listening(false)
    }

    /// Where they come in over TLS: those of `tls.listen`.
    pub fn tls_addresses(&self) -> Vec<SocketAddr> {
        self.listening(true)
    }

    fn listening(&self, tls: bool) -> Vec<SocketAddr> {
        let listeners = self.listeners.iter().filter(|of| of.tls == tls);
        let addresses = listeners.map(|of| of.listener.local_addr());
        addresses.filter_map(io::Result::ok).collect()
    }

    /// Where the admin endpoint listens.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref()?.local_addr().ok()
    }

    /// What tells the proxy what to do while it runs.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Lets SIGTERM and SIGINT end the proxy, and SIGHUP read the rules again.
    ///
    /// # Errors
    /// When the system does not let signals be caught.
    pub fn end_on_signals(&self) -> Result<(), Error> {
        let catch = |kind| signal(kind).map_err(|e| Error::new(format!("no signals: {e}")));
        let (mut term, mut int) = (
            catch(SignalKind::terminate())?,
            catch(SignalKind::interrupt())?,
        );
        let mut hup = catch(SignalKind::hangup())?;
        let control = self.control();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = term.recv() => control.drain(),
                    _ = int.recv() => control.drain(),
                    _ = hup.recv() => {
                        let control = control.clone();
                        // What came of it is told.
                        drop(spawn_blocking(move || control.reload()));
                    }
                }
            }
        });
        Ok(())
    }

    /// Answers requests until it is told to end; then takes no more connections, lets requests in progress end for as long as the settings say,
    /// and returns how many connections it had to break.
    pub async fn run(self) -> usize {
        let Server {
            proxy,
            listeners,
            admin,
            control,
        } = self;
        let room = Arc::new(Semaphore::new(proxy.settings.limits.connections));
        let measuring = tokio::spawn(measure(proxy.clone()));
        let looking = tokio::spawn(look(control.clone(), proxy.settings.watch));
        let helping =
            admin.map(|listener| tokio::spawn(help(proxy.clone(), control.clone(), listener)));
        let mut accepting = JoinSet::new();
        for listener in listeners {
            let (proxy, room) = (proxy.clone(), room.clone());
            let mut ends = control.phase.subscribe();
            accepting.spawn(async move {
                let graceful = GracefulShutdown::new();
                let watched = ends.clone();
                tokio::select! {
                    () = accept(&proxy, &listener, &room, &graceful, &watched) => {}
                    _ = ends.wait_for(|phase| *phase >= Phase::Draining) => {}
                }
                drop((listener, watched));
                let open = graceful.count();
                match timeout(proxy.settings.drain, graceful.shutdown()).await {
                    Ok(()) => 0,
                    Err(_) => open,
                }
            });
        }
        let mut broken = 0;
        while let Some(ended) = accepting.join_next().await {
            broken += ended.unwrap_or(0);
        }
        control.phase.send_replace(Phase::Ended);
        measuring.abort();
        looking.abort();
        if let Some(helping) = helping {
            helping.abort();
        }
        let flush = move || proxy.log.as_ref().map(Log::flush);
        let _ = spawn_blocking(flush).await;
        broken
    }
}

impl Control {
    /// Reads the rules and the certificates again, those that have changed. Waits for the compiler: call it where waiting is allowed.
    ///
    /// # Errors
    /// When the new rules are none, or do not fit, or certificates cannot be used; the old ones go on. What went well stays.
    pub fn reload(&self) -> Result<Reloaded, Error> {
        let Proxy {
            live, metrics, tls, ..
        } = &*self.proxy;
        let rules = live.reload().map_err(Error::rules);
        match &rules {
            Ok(Reloaded::Unchanged) => {}
            Ok(Reloaded::Replaced) => {
                metrics.reloaded(true);
                (self.tell)("the rules were read again");
            }
            Err(error) => {
                metrics.reloaded(false);
                (self.tell)(&format!("the rules stay as they were: {error}"));
            }
        }
        let certificates = tls.as_ref().map_or(Ok(None), Certificates::reload);
        match &certificates {
            Ok(None) => {}
            Ok(Some(shown)) => {
                (self.tell)("the certificates were read again");
                show(metrics, &self.tell, shown);
            }
            Err(error) => (self.tell)(&format!("the certificates stay as they were: {error}")),
        }
        Ok(match (rules?, certificates?) {
            (Reloaded::Unchanged, None) => Reloaded::Unchanged,
            _ => Reloaded::Replaced,
        })
    }

    /// Ends the proxy, once the requests in progress have ended.
    pub fn drain(&self) {
        self.phase.send_if_modified(|phase| {
            let running = *phase == Phase::Running;
            if running {
                *phase = Phase::Draining;
            }
            running
        });
    }

    /// Whether it was told to end.
    pub fn is_draining(&self) -> bool {
        *self.phase.borrow() >= Phase::Draining
    }
}

/// Serves until a signal ends it: makes a runtime, and does what [`Server`] does. Returns how many connections were broken.
///
/// # Errors
/// As [`Server::bind`].
pub fn serve(
    settings: Settings,
    engine: Engine,
    tell: impl Fn(&str) + Send + Sync + 'static,
) -> Result<usize, Error> {
    let mut runtime = Builder::new_multi_thread();
    if let Some(threads) = settings.threads {
        runtime.worker_threads(usize::from(threads.get()));
    }
    let runtime = runtime.enable_all().build();
    let runtime = runtime.map_err(|e| Error::new(format!("no threads: {e}")))?;
    runtime.block_on(async {
        let tell = Arc::new(tell);
        let told = tell.clone();
        let server = Server::bind(settings, engine, move |event| told(event)).await?;
        for address in server.addresses() {
            tell(&format!("listening on http://{address}"));
        }
        for address in server.tls_addresses() {
            tell(&format!("listening on https://{address}"));
        }
        if let Some(address) = server.admin_address() {
            tell(&format!("admin on http://{address}"));
        }
        server.end_on_signals()?;
        Ok(server.run().await)
    })
}

/// Finds out whether the rules compile and fit, and whether certificates can be used, without listening. Gives what is worth saying
/// all the same: that a certificate has expired, or that no rule asks a store that the settings have.
///
/// # Errors
/// As [`Server::bind`], but for addresses and the log.
pub fn check(settings: &Settings, engine: Engine) -> Result<Vec<String>, Error> {
    let (_, mut warnings) = open(engine, settings.clone())?;
    let metrics = Metrics::new();
    for (name, of) in &settings.clusters {
        Cluster::new(name, of, &metrics)?;
    }
    if let Some(tls) = &settings.tls {
        let (_, shown) = Certificates::open(&tls.certificates)?;
        warnings.extend(shown.into_iter().filter_map(|of| of.warning));
    }
    Ok(warnings)
}

/// Opens the rules, and says what is worth saying of their settings all the same.
fn open(engine: Engine, settings: Settings) -> Result<(Live<Rules>, Vec<String>), Error> {
    let mut data = Vec::new();
    for (name, file) in &settings.data {
        let json = fs::read(file);
        let json = json.map_err(|e| Error::new(format!("cannot read {}: {e}", file.display())))?;
        data.push((name.clone(), json));
    }
    let give = |program: Program| {
        data.iter().try_fold(program, |program, (name, json)| {
            program.with_data(name, json)
        })
    };
    let (rules, trust) = (settings.rules.clone(), settings.trust.clone());
    let named = decide::stores(&settings.redis).map_err(Error::rules)?;
    let to_open = named.clone();
    let stores = move |program: &Program| decide::open(&to_open, program);
    let bind = move |program: &Program| Rules::bind(program, &settings);
    let live = match &trust[..] {
        [] => Live::open_with(engine, rules, give, stores, bind),
        trust => public_keys(trust)
            .and_then(|keys| Live::open_signed(engine, rules, &keys, give, stores, bind)),
    };
    let live = live.map_err(Error::rules)?;
    let unused = named.all_used(live.program().declarations()).err();
    Ok((live, unused.map(|e| e.to_string()).into_iter().collect()))
}

/// Says what is worth saying of certificates.
fn show(metrics: &Metrics, tell: &Tell, all: &[Shown]) {
    for shown in all {
        metrics.expires(shown);
        if let Some(warning) = &shown.warning {
            tell(warning);
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|e| Error::new(format!("cannot listen on {address}: {e}")))
}

/// Answers the admin endpoint, for ever.
async fn help(proxy: Arc<Proxy>, control: Control, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(OUT_OF_FILES).await;
            continue;
        };
        tokio::spawn(help_one(proxy.clone(), control.clone(), stream));
    }
}

async fn help_one(proxy: Arc<Proxy>, control: Control, stream: TcpStream) {
    let service = service_fn(move |request| {
        let (proxy, control) = (proxy.clone(), control.clone());
        async move { Ok::<_, Infallible>(admin::handle(proxy, control, request).await) }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10));
    let _ = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Looks every so often whether rules or certificates have changed, for ever.
async fn look(control: Control, every: Duration) {
    if every.is_zero() {
        return;
    }
    loop {
        sleep(every).await;
        let control = control.clone();
        // What came of it is told.
        let _ = spawn_blocking(move || control.reload()).await;
    }
}

/// Ends a window of measurements every half a second, for ever.
async fn measure(proxy: Arc<Proxy>) {
    let mut workers = Workers::new(Handle::current().metrics());
    let mut ticks = interval(WINDOW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        proxy.meter.turn(workers.share());
    }
}
