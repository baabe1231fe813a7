//! TLS on both sides, with certificates made here.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tollgate::Engine;
use tollgate_serve::{Settings, check};

use crate::support::{Folder, Proxy, cluster, raw, until};

/// Answers whether a request came over TLS, and by which protocol the client may have been told that it did.
const RULES: &str = "ruleset edge(req: Request) -> Route hit first {
    rule up when req.path matches p\"/up\" then forward(service: \"a\")
    rule tls when req.client.tls then respond(200, \"tls\")
    otherwise respond(200, \"plain\")
}";

/// Who signs certificates, and where they are written.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    folder: Folder,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = Folder::new();
        fs::write(folder.0.join("ca.pem"), certificate.pem()).unwrap();
        Authority {
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// Writes a certificate for a name, valid until the end of this year, to files called `file`, and gives it.
    fn write(&self, file: &str, name: &str, until: i32) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 12, 31);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(self.path(&format!("{file}.pem")), certificate.pem()).unwrap();
        fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
        certificate.der().clone()
    }

    /// Settings with these certificates.
    fn settings(&self, files: &[&str]) -> String {
        let files = files.iter().map(|file| {
            let (chain, key) = (
                self.path(&format!("{file}.pem")),
                self.path(&format!("{file}.key")),
            );
            format!("{{ chain = {chain:?}, key = {key:?} }}")
        });
        let files: Vec<String> = files.collect();
        format!(
            "[tls]\nlisten = [\"127.0.0.1:0\"]\ncertificates = [{}]\n",
            files.join(", ")
        )
    }

    /// Connects as a client that trusts only this authority.
    async fn connect(
        &self,
        address: SocketAddr,
        name: &str,
        protocol: &str,
    ) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![protocol.into()];
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap()
    }

    /// The certificate that a client is shown.
    async fn shown(&self, address: SocketAddr, name: &str) -> CertificateDer<'static> {
        let stream = self.connect(address, name, "h2").await;
        let certificates = stream.get_ref().1.peer_certificates().unwrap();
        certificates[0].clone().into_owned()
    }

    /// An upstream with a certificate of this authority, which says which protocol it is asked by.
    async fn upstream(&self, file: &str) -> SocketAddr {
        let chain = CertificateDer::from_pem_file(self.path(&format!("{file}.pem"))).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.path(&format!("{file}.key"))).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = config
            .with_no_client_auth()
            .with_single_cert(vec![chain], key);
        let mut config = config.unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let service = service_fn(async |request: Request<_>| {
                        let _: &hyper::body::Incoming = request.body();
                        let version = format!("{:?}", request.version());
                        Ok::<_, hyper::Error>(Response::new(Full::<Bytes>::from(version)))
                    });
                    let builder = Builder::new(TokioExecutor::new());
                    let _ = builder
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        address
    }
}

/// Asks by HTTP/1.1 over a connection, and goes on with it.
async fn get(stream: &mut TlsStream<TcpStream>) -> String {
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    while !(answer.ends_with(b"tls") || answer.ends_with(b"plain")) {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn clients_choose_their_protocol() {
    let authority = Authority::new();
    authority.write("a", "a.example", 2100);
    let settings = authority.settings(&["a"]);
    let proxy = Proxy::start(RULES, &settings).await;
    let mut stream = authority
        .connect(proxy.tls(), "a.example", "http/1.1")
        .await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    for _ in 0..2 {
        let answer = get(&mut stream).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("tls"),
            "{answer}"
        );
    }
    let stream = authority.connect(proxy.tls(), "a.example", "h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::get("https://a.example/")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(
        answer.into_body().collect().await.unwrap().to_bytes(),
        "tls"
    );
    assert_eq!(proxy.get("/").await.body, "plain");
    // Who does not speak TLS is not listened to.
    raw(proxy.tls(), "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let counted = "tollgate_tls_handshakes_failed_total 1\n";
    while !proxy
        .admin("GET", "/metrics", "")
        .await
        .body
        .contains(counted)
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_certificate_is_chosen_by_the_name() {
    let authority = Authority::new();
    let a = authority.write("a", "a.example", 2100);
    let b = authority.write("b", "*.b.example", 2100);
    let proxy = Proxy::start(RULES, &authority.settings(&["a", "b"])).await;
    assert!(authority.shown(proxy.tls(), "a.example").await == a);
    assert!(authority.shown(proxy.tls(), "www.B.example").await == b);
}

#[tokio::test]
async fn certificates_are_read_again() {
    let authority = Authority::new();
    let old = authority.write("a", "a.example", 2100);
    let settings = authority.settings(&["a"]);
    let proxy = Proxy::start(RULES, &settings).await;
    let mut stream = authority
        .connect(proxy.tls(), "a.example", "http/1.1")
        .await;
    assert!(authority.shown(proxy.tls(), "a.example").await == old);
    // A key without its certificate, as it is for a moment while both are replaced.
    let key = fs::read(authority.path("a.key")).unwrap();
    authority.write("b", "a.example", 2100);
    fs::copy(authority.path("b.key"), authority.path("a.key")).unwrap();
    let refused = proxy.admin("POST", "/reload", "").await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.body.contains("is not that of the certificate in"),
        "{}",
        refused.body
    );
    assert!(authority.shown(proxy.tls(), "a.example").await == old);
    fs::write(authority.path("a.key"), key).unwrap();
    let new = authority.write("a", "a.example", 2101);
    let reloaded = proxy.admin("POST", "/reload", "").await;
    assert!(reloaded.body.contains("Replaced"), "{}", reloaded.body);
    assert!(authority.shown(proxy.tls(), "a.example").await == new);
    // And who was there stays.
    assert!(get(&mut stream).await.ends_with("tls"));
    let metrics = proxy.admin("GET", "/metrics", "").await.body;
    // 2101-12-31.
    assert!(metrics.contains("a.pem\"} 4165430400\n"), "{metrics}");
}

#[tokio::test]
async fn what_is_wrong_with_certificates_is_said() {
    let authority = Authority::new();
    authority.write("a", "a.example", 2100);
    authority.write("b", "a.example", 2100);
    authority.write("old", "a.example", 2024);
    fs::copy(authority.path("b.key"), authority.path("other.key")).unwrap();
    fs::copy(authority.path("a.pem"), authority.path("other.pem")).unwrap();
    fs::write(authority.path("odd.pem"), "-----BEGIN").unwrap();
    fs::copy(authority.path("a.pem"), authority.path("half.pem")).unwrap();
    fs::write(authority.path("half.key"), "no key").unwrap();
    for (file, said) in [
        ("none", "none.pem: No such file"),
        ("other", "other.key is not that of the certificate in"),
        ("odd", "odd.pem: no certificates in PEM"),
        ("half", "half.key: no private key in PEM"),
    ] {
        let error = match Proxy::try_start(RULES, &authority.settings(&[file])).await {
            Ok(_) => panic!("it started"),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(said), "{error}");
    }
    let proxy = Proxy::start(RULES, &authority.settings(&["old"])).await;
    let settings = Settings::open(&proxy.folder.0.join("serve.toml")).unwrap();
    let warnings = check(&settings, Engine::new()).unwrap();
    assert!(warnings[0].contains("expired on Dec 31"), "{warnings:?}");
    let told = proxy.told.lock().unwrap().join("\n");
    assert!(
        told.contains("old.pem: the certificate expired on Dec 31"),
        "{told}"
    );
}

#[tokio::test]
async fn upstreams_are_spoken_to_over_tls() {
    let authority = Authority::new();
    authority.write("up", "up.internal", 2100);
    let address = authority.upstream("up").await;
    let ca = authority.path("ca.pem");
    for (tls, http2, status, body) in [
        (
            format!("{{ ca = {ca:?}, name = \"up.internal\" }}"),
            false,
            200,
            "HTTP/1.1",
        ),
        (
            format!("{{ ca = {ca:?}, name = \"up.internal\" }}"),
            true,
            200,
            "HTTP/2.0",
        ),
        // For another name, for the address, and signed by nobody whom browsers trust.
        (
            format!("{{ ca = {ca:?}, name = \"other.internal\" }}"),
            false,
            502,
            "not trusted",
        ),
        (format!("{{ ca = {ca:?} }}"), false, 502, "not trusted"),
        (
            "{ name = \"up.internal\" }".to_owned(),
            true,
            502,
            "not trusted",
        ),
    ] {
        let settings = cluster("a", &[address], &format!("tls = {tls}\nhttp2 = {http2}"));
        let proxy = Proxy::start(RULES, &settings).await;
        let answer = proxy.get("/up").await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.body.contains(body), "{tls}: {}", answer.body);
    }
    let missing = cluster("a", &[address], "tls = { ca = \"none.pem\" }");
    let error = match Proxy::try_start(RULES, &missing).await {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    };
    assert!(error.contains("none.pem: No such file"), "{error}");
}

/// Ending does not wait for who has connected and says nothing.
#[tokio::test]
async fn a_handshake_that_never_ends_does_not_keep_the_proxy() {
    let authority = Authority::new();
    authority.write("a", "a.example", 2100);
    let settings = "drain = \"1h\"\n".to_owned() + &authority.settings(&["a"]);
    let proxy = Proxy::start(RULES, &settings).await;
    let silent = TcpStream::connect(proxy.tls()).await.unwrap();
    let shaken = authority.connect(proxy.tls(), "a.example", "h2").await;
    proxy.control.drain();
    let ended = proxy.running;
    until(|| ended.is_finished()).await;
    drop((silent, shaken));
}
