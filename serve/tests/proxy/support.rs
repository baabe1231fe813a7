//! Upstreams, proxies and clients for tests.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, fs, process};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tollgate::Engine;
use tollgate_serve::{Control, Error, Server, Settings};

/// Longer than anything takes that ends at all.
const HANG: Duration = Duration::from_secs(120);

/// What every rule file of these tests begins with.
pub(crate) const HEAD: &str = "use std.http.{Request, Response, Route}\n";

pub(crate) type Reply = Response<Full<Bytes>>;

/// An upstream that keeps what it was asked.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Vec<(Parts, Bytes)>>>,
    task: JoinHandle<()>,
}

impl Upstream {
    /// Answers 200 with its name.
    pub(crate) async fn named(name: &'static str) -> Upstream {
        Upstream::start(move |_| async move { Response::new(Full::from(name)) }).await
    }

    /// Answers as `answer` says.
    pub(crate) async fn start<F: Future<Output = Reply> + Send + 'static>(
        answer: impl Fn(Parts) -> F + Send + Sync + 'static,
    ) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<(Parts, Bytes)>>> = Arc::default();
        let (all, answer) = (seen.clone(), Arc::new(answer));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (all, answer) = (all.clone(), answer.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (all, answer) = (all.clone(), answer.clone());
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body
                            .collect()
                            .await
                            .map(|b| b.to_bytes())
                            .unwrap_or_default();
                        all.lock().unwrap().push((parts.clone(), body));
                        Ok::<_, Infallible>(answer(parts).await)
                    }
                });
                tokio::spawn(async move {
                    let builder = Builder::new(TokioExecutor::new());
                    let _ = builder
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Upstream {
            address,
            seen,
            task,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The head of the only request that it saw.
    pub(crate) fn only(&self) -> Parts {
        let seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1);
        seen[0].0.clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// A proxy that runs.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) control: Control,
    pub(crate) folder: Folder,
    /// What it told of itself.
    pub(crate) told: Arc<Mutex<Vec<String>>>,
    tls: Option<SocketAddr>,
    pub(crate) running: JoinHandle<usize>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// A folder that is there as long as this is.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("tollgate-serve-{}-{n}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    pub(crate) fn rules(&self) -> PathBuf {
        self.0.join("gateway.rules")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Proxy {
    /// A proxy with these rules, whose entry is `edge`, and with more settings.
    pub(crate) async fn start(rules: &str, settings: &str) -> Proxy {
        Proxy::try_start(rules, settings).await.unwrap()
    }

    pub(crate) async fn try_start(rules: &str, settings: &str) -> Result<Proxy, Error> {
        let folder = Folder::new();
        fs::write(folder.rules(), format!("{HEAD}{rules}")).unwrap();
        Proxy::serve(folder, "gateway.rules", settings).await
    }

    /// A proxy with rules, or an artifact of some, that are in a folder.
    pub(crate) async fn serve(folder: Folder, rules: &str, settings: &str) -> Result<Proxy, Error> {
        let file = folder.0.join("serve.toml");
        let watch = if settings.contains("watch = ") {
            ""
        } else {
            "watch = \"0\"\n"
        };
        let text = format!(
            "rules = \"{rules}\"\nentry = \"edge\"\nlisten = [\"127.0.0.1:0\"]\nadmin = \"127.0.0.1:0\"\n\
             access_log = \"access.log\"\n{watch}{settings}"
        );
        fs::write(&file, text).unwrap();
        let engine = Engine::new().backend("vm").unwrap();
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let telling = told.clone();
        let tell = move |event: &str| telling.lock().unwrap().push(event.to_owned());
        let server = Server::bind(Settings::open(&file)?, engine, tell).await?;
        let (address, admin) = (server.addresses()[0], server.admin_address().unwrap());
        let control = server.control();
        Ok(Proxy {
            told,
            tls: server.tls_addresses().first().copied(),
            address,
            admin,
            control,
            folder,
            running: tokio::spawn(server.run()),
            client: Client::builder(TokioExecutor::new()).build_http(),
        })
    }

    /// Where it listens for TLS.
    pub(crate) fn tls(&self) -> SocketAddr {
        self.tls.unwrap()
    }

    /// Asks for a path.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        ask(&self.client, self.address, method, path, headers, body).await
    }

    /// Asks the admin endpoint.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: &str) -> Answer {
        ask(&self.client, self.admin, method, path, &[], body).await
    }

    /// Ends it, and gives the lines of its log.
    pub(crate) async fn end(self) -> Vec<serde_json::Value> {
        let Proxy {
            control,
            folder,
            running,
            client,
            ..
        } = self;
        control.drain();
        drop((control, client));
        timeout(HANG, running).await.unwrap().unwrap();
        let file = folder.0.join("access.log");
        let text = fs::read_to_string(file).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// A response as a client has it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) async fn ask(
    client: &Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::from(body.to_owned())).unwrap();
    let response = timeout(HANG, client.request(request))
        .await
        .unwrap()
        .unwrap();
    let (parts, body) = response.into_parts();
    let body = timeout(HANG, body.collect())
        .await
        .unwrap()
        .unwrap()
        .to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// Sends bytes as they are, ends the sending, and gives what comes back.
pub(crate) async fn raw(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    timeout(HANG, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap_or_default();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A cluster of these addresses, as settings have it.
pub(crate) fn cluster(name: &str, addresses: &[SocketAddr], more: &str) -> String {
    let endpoints = addresses.iter().map(|a| format!("{{ address = \"{a}\" }}"));
    let endpoints: Vec<String> = endpoints.collect();
    format!(
        "[clusters.{name}]\nendpoints = [{}]\n{more}\n",
        endpoints.join(", ")
    )
}

pub(crate) fn status(status: u16) -> Reply {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// Waits until something is so, however long that takes.
pub(crate) async fn until(mut is: impl FnMut() -> bool) {
    let so = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(HANG, so).await.unwrap();
}

/// A future of any kind, for upstreams that answer in several ways.
pub(crate) type Later = Pin<Box<dyn Future<Output = Reply> + Send>>;
