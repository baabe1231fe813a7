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
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tollgate::{Engine, Live, Program, Reloaded, Watching};
use tollgate_load::{Meter, WINDOW};

use crate::Error;
use crate::admin::{self, Kept};
use crate::contract::Rules;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::proxy::Proxy;
use crate::settings::Settings;
use crate::upstream::Cluster;
use crate::workers::Workers;

/// How long to wait where the system has no more files for connections.
const OUT_OF_FILES: Duration = Duration::from_millis(50);

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
    listeners: Vec<TcpListener>,
    admin: Option<TcpListener>,
    control: Control,
    _watching: Option<Watching>,
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
enum Phase {
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
        let live = spawn_blocking(move || open(engine, of)).await;
        let live = Arc::new(live.map_err(|e| Error::new(e.to_string()))??);
        let metrics = Metrics::new();
        let mut clusters = BTreeMap::new();
        for (name, of) in &settings.clusters {
            clusters.insert(name.clone(), Arc::new(Cluster::new(name, of, &metrics)?));
        }
        let mut listeners = Vec::new();
        for address in &settings.listen {
            listeners.push(listen(*address).await?);
        }
        let admin = match settings.admin {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let log = settings.access_log.as_deref().map(Log::open).transpose()?;
        let proxy = Arc::new(Proxy {
            meter: Meter::new(settings.capacity),
            metrics,
            live,
            clusters,
            log,
            kept: Kept::default(),
            run: fastrand::u32(..),
            requests: AtomicU64::new(0),
            settings,
        });
        let control = Control {
            proxy: proxy.clone(),
            phase: watch::Sender::new(Phase::Running),
            tell: Arc::new(tell),
        };
        let every = proxy.settings.watch;
        let watching = (!every.is_zero()).then(|| {
            // The watcher must not keep alive what it watches for.
            let (told, proxy) = (control.tell.clone(), Arc::downgrade(&proxy));
            let live = control.proxy.live.clone();
            live.watch(every, move |result| {
                if let Some(proxy) = proxy.upgrade() {
                    proxy.metrics.reloaded(result.is_ok());
                }
                match result {
                    Ok(()) => told("the rules were read again"),
                    Err(error) => told(&format!("the rules stay as they were: {error}")),
                }
            })
        });
        Ok(Server {
            proxy,
            listeners,
            admin,
            control,
            _watching: watching,
        })
    }

    /// Where requests come in, with the ports that were free.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let addresses = self.listeners.iter().map(TcpListener::local_addr);
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
            ..
        } = self;
        let room = Arc::new(Semaphore::new(proxy.settings.limits.connections));
        let measuring = tokio::spawn(measure(proxy.clone()));
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
        if let Some(helping) = helping {
            helping.abort();
        }
        let flush = move || proxy.log.as_ref().map(Log::flush);
        let _ = spawn_blocking(flush).await;
        broken
    }
}

impl Control {
    /// Reads the rules again, if they have changed. Waits for the compiler: call it where waiting is allowed.
    ///
    /// # Errors
    /// When the new rules are none, or do not fit; the old ones go on deciding.
    pub fn reload(&self) -> Result<Reloaded, Error> {
        let reloaded = self.proxy.live.reload().map_err(Error::rules);
        match &reloaded {
            Ok(Reloaded::Unchanged) => {}
            Ok(Reloaded::Replaced) => {
                self.proxy.metrics.reloaded(true);
                (self.tell)("the rules were read again");
            }
            Err(error) => {
                self.proxy.metrics.reloaded(false);
                (self.tell)(&format!("the rules stay as they were: {error}"));
            }
        }
        reloaded
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
        if let Some(address) = server.admin_address() {
            tell(&format!("admin on http://{address}"));
        }
        server.end_on_signals()?;
        Ok(server.run().await)
    })
}

/// Finds out whether the rules compile and fit, without listening.
///
/// # Errors
/// As [`Server::bind`], but for what it opens.
pub fn check(settings: &Settings, engine: Engine) -> Result<(), Error> {
    open(engine, settings.clone()).map(drop)
}

fn open(engine: Engine, settings: Settings) -> Result<Live<Rules>, Error> {
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
    let rules = settings.rules.clone();
    let bind = move |program: &Program| Rules::bind(program, &settings);
    Live::open_with(engine, rules, give, bind).map_err(Error::rules)
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|e| Error::new(format!("cannot listen on {address}: {e}")))
}

async fn accept(
    proxy: &Arc<Proxy>,
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    graceful: &GracefulShutdown,
    ends: &watch::Receiver<Phase>,
) {
    let limits = &proxy.settings.limits;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(limits.headers)
        .max_buf_size(limits.header_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(20));
    let builder = Arc::new(builder);
    loop {
        // Never closed, so there is always a permit in the end.
        let Ok(permit) = room.clone().acquire_owned().await else {
            return;
        };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                sleep(OUT_OF_FILES).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (proxy, builder, watcher) = (proxy.clone(), builder.clone(), graceful.watcher());
        let mut ends = ends.clone();
        tokio::spawn(async move {
            proxy.metrics.connections.inc();
            let mut ending = ends.clone();
            let answer = async {
                tokio::select! {
                    begun = begins(&stream, proxy.settings.limits.header_timeout) => if !begun {
                        return;
                    },
                    // Nothing has been asked yet.
                    _ = ending.wait_for(|phase| *phase >= Phase::Draining) => return,
                }
                let shared = proxy.clone();
                let service = service_fn(move |request| {
                    let proxy = shared.clone();
                    async move { Ok::<_, Infallible>(proxy.handle(peer, request).await) }
                });
                let connection = builder.serve_connection(TokioIo::new(stream), service);
                // What a client does wrong, or that it leaves, is its own affair.
                let _ = watcher.watch(connection).await;
            };
            tokio::select! {
                () = answer => {}
                _ = ends.wait_for(|phase| *phase >= Phase::Ended) => {}
            }
            proxy.metrics.connections.dec();
            drop(permit);
        });
    }
}

/// Waits until a connection has said which version it speaks, for as long as a head may take: hyper waits for ever.
async fn begins(stream: &TcpStream, limit: Duration) -> bool {
    const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let told = async {
        let mut begin = [0; PREFACE.len()];
        let mut pause = Duration::from_millis(5);
        loop {
            match stream.peek(&mut begin).await {
                Err(_) | Ok(0) => return false,
                Ok(n) if n == begin.len() || begin[..n] != PREFACE[..n] => return true,
                // What has been seen is seen again, so wait for more; longer each time, as thousands of connections may do this.
                Ok(_) => {
                    sleep(pause).await;
                    pause *= 2;
                }
            }
        }
    };
    timeout(limit, told).await.unwrap_or(false)
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
