//! Kafka over TLS, and who somebody is. In front of a broker stands what ends TLS, with certificates made here: neither broker does that.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI16, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::brokers::{Kafka, PASSWORD, USER};
use super::*;

/// Who signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

/// What stands in front of a broker.
struct Front {
    servers: String,
    _runtime: Runtime,
}

/// What somebody has to show.
#[derive(Clone, Default)]
struct Wanted {
    /// A certificate of this authority.
    authority: Option<CertificateDer<'static>>,
    /// What SASL/PLAIN sends.
    token: Option<Vec<u8>>,
}

/// Requests by their numbers: which ones there are, by which mechanism somebody shows who it is, and that.
const API_VERSIONS: i16 = 18;
const HANDSHAKE: i16 = 17;
const AUTHENTICATE: i16 = 36;

impl Authority {
    /// One whose certificate is written to the file `name`.
    fn new(folder: &Folder, name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("they are right");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // What has the name of its issuer is taken to have signed itself.
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("it signs");
        fs::write(folder.path().join(name), certificate.pem()).expect("it is written");
        Authority {
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate for a name and its key, which are written to files, too.
    fn sign(
        &self,
        folder: &Folder,
        file: &str,
        name: &str,
    ) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let params = CertificateParams::new(vec![name.to_owned()]).expect("they are right");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("it signs");
        let path = |end: &str| folder.path().join(format!("{file}.{end}"));
        fs::write(path("pem"), certificate.pem()).expect("it is written");
        fs::write(path("key"), key.serialize_pem()).expect("it is written");
        let key = PrivateKeyDer::from_pem_file(path("key")).expect("it was written");
        (certificate.der().clone(), key)
    }
}

impl Front {
    /// In front of a broker, with this certificate.
    fn start(
        kafka: &Kafka,
        (certificate, key): (CertificateDer<'static>, PrivateKeyDer<'static>),
        wanted: Wanted,
    ) -> Front {
        let provider = Arc::new(default_provider());
        let config = ServerConfig::builder_with_provider(provider.clone());
        let config = config.with_safe_default_protocol_versions();
        let config = config.expect("there are some");
        let config = match wanted.authority {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority).expect("it is one");
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.build().expect("it verifies"))
            }
        };
        let config = config.with_single_cert(vec![certificate], key);
        let acceptor = TlsAcceptor::from(Arc::new(config.expect("they go together")));
        let runtime = Runtime::new().expect("it runs");
        let listening = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listening.expect("a free port");
        let port = listener.local_addr().expect("it has one").port();
        let (broker, token) = (kafka.servers.clone(), wanted.token);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("it listens");
                let (acceptor, broker) = (acceptor.clone(), broker.clone());
                let token = token.clone();
                tokio::spawn(async move {
                    // Who does not like the certificate goes away, and so does the broker.
                    if let Ok(client) = acceptor.accept(stream).await {
                        let _ = relay(client, &broker, port, token).await;
                    }
                });
            }
        });
        Front {
            servers: format!("127.0.0.1:{port}"),
            _runtime: runtime,
        }
    }
}

/// Carries messages between a client and a broker until one of them goes away. Where the broker says that it listens, it is this that listens.
async fn relay(
    client: tokio_rustls::server::TlsStream<TcpStream>,
    broker: &str,
    port: u16,
    mut token: Option<Vec<u8>>,
) -> std::io::Result<()> {
    let theirs = broker.rsplit_once(':').expect("it has a port").1;
    let place = |port: u16| [b"127.0.0.1", &i32::from(port).to_be_bytes()[..]].concat();
    let (from, to) = (place(theirs.parse().expect("a port")), place(port));
    let broker = TcpStream::connect(broker).await?;
    let (mut from_broker, mut to_broker) = broker.into_split();
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (answer, mut answers) = tokio::sync::mpsc::channel::<Vec<u8>>(1);
    // By which version it was asked last which requests there are, where that is to be told.
    let asked = AtomicI16::new(-1);
    let down = async {
        loop {
            let message = tokio::select! {
                message = message(&mut from_broker) => replaced(message?, &from, &to),
                Some(message) = answers.recv() => message,
            };
            let message = with_sasl(message, asked.swap(-1, Ordering::Relaxed));
            to_client.write_u32(message.len() as u32).await?;
            to_client.write_all(&message).await?;
            to_client.flush().await?;
        }
    };
    let up = async {
        loop {
            let message = message(&mut from_client).await?;
            let number = |at: usize| i16::from_be_bytes([message[at], message[at + 1]]);
            if let Some(wanted) = &token {
                let body = 10 + number(8).max(0) as usize;
                let said = match number(0) {
                    API_VERSIONS => {
                        asked.store(number(2), Ordering::Relaxed);
                        None
                    }
                    HANDSHAKE => Some([&[0; 2], &[0, 0, 0, 1, 0, 5][..], b"PLAIN"].concat()),
                    AUTHENTICATE if message[body + 4..] == wanted[..] => {
                        token = None;
                        Some([&[0; 2], &[0xff; 2], &[0; 4][..]].concat())
                    }
                    AUTHENTICATE => Some([&[0, 58, 0, 9], &b"not known"[..], &[0; 4]].concat()),
                    _ => return Ok::<_, std::io::Error>(()),
                };
                if let Some(said) = said {
                    let said = [&message[4..8], &said].concat();
                    let _ = answer.send(said).await;
                    continue;
                }
            }
            to_broker.write_u32(message.len() as u32).await?;
            to_broker.write_all(&message).await?;
        }
    };
    tokio::select! {
        ended = up => ended,
        ended = down => ended,
    }
}

/// What there is for a client that asked by this version, if it did, and SASL.
fn with_sasl(mut message: Vec<u8>, version: i16) -> Vec<u8> {
    // Behind the number of the request and no error stands how many there are, and each with its versions.
    if version < 0 || message[4..6] != [0; 2] {
        return message;
    }
    let entry = |request: i16, last: i16| {
        let numbers = [request, 0, last].map(i16::to_be_bytes);
        let end: &[u8] = if version >= 3 { &[0] } else { &[] };
        [&numbers.concat(), end].concat()
    };
    let at = match version >= 3 {
        true => 6,
        false => 9,
    };
    message[at] += 2;
    let entries = [entry(HANDSHAKE, 1), entry(AUTHENTICATE, 0)].concat();
    message.splice(at + 1..at + 1, entries);
    message
}

/// The next message, without its length.
async fn message(from: &mut (impl AsyncReadExt + Unpin)) -> std::io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    let mut message = vec![0; length as usize];
    from.read_exact(&mut message).await?;
    Ok(message)
}

fn replaced(mut message: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    for at in 0..message.len().saturating_sub(from.len() - 1) {
        if message[at..].starts_with(from) {
            message[at..at + to.len()].copy_from_slice(to);
        }
    }
    message
}

/// The arguments of a stream, of which all three places are behind a front, with these settings.
fn behind(front: &str, scheme: &str, settings: &str, more: &[&str]) -> Vec<String> {
    let wait = format!("timeout=3s&patience=40s{settings}");
    let url = |topic: &str, way: &str| format!("{scheme}://{front}/{topic}?{way}{wait}");
    shared::args(
        "j",
        &url("rides", "group=g&"),
        &url("actions", ""),
        &url("dead", ""),
        more,
    )
}

/// Nothing that a process wrote has the password.
fn is_kept_secret(folder: &Path, ended: &Ended) {
    assert!(!format!("{ended:?}").contains(PASSWORD), "{ended:?}");
    for file in fs::read_dir(folder.join("j")).expect("there is a journal") {
        let bytes = fs::read(file.expect("a file").path()).expect("it is read");
        assert!(
            !String::from_utf8_lossy(&bytes).contains(PASSWORD),
            "it is in the journal"
        );
    }
}

#[test]
fn a_stream_over_tls_trusts_whom_it_is_told_and_says_so_of_others() {
    let kafka = Kafka::mock(1);
    let rides = rides(11, 100);
    let (expected, _) = expected(&rides);
    kafka.send(&rides, 1);
    let folder = Folder::new("stream-kafka-tls").with("a.rules", model::RULES);
    let authority = Authority::new(&folder, "ca.pem");
    Authority::new(&folder, "other.pem");
    let here = authority.sign(&folder, "here", "127.0.0.1");
    let front = Front::start(&kafka, here, Wanted::default());
    let refused = |args: Vec<String>, said: &[&str]| {
        let ended = folder.tollgate(&strs(&args)).exits(2);
        said.iter().fold(ended, |ended, text| ended.says(text));
    };
    let trust =
        "; who is trusted is said by ?ca=FILE, or by ssl.ca.location in the file of ?config=FILE";
    let other = behind(&front.servers, "kafka+tls", "&ca=other.pem", &["--drain"]);
    refused(other, &["says: ", "certificate verify failed", trust]);
    let roots = behind(&front.servers, "kafka+tls", "", &["--drain"]);
    refused(roots, &["certificate verify failed", trust]);
    // The certificate is right, and for somebody else.
    let there = authority.sign(&folder, "there", "kafka.example");
    let elsewhere = Front::start(&kafka, there, Wanted::default());
    let named = behind(&elsewhere.servers, "kafka+tls", "&ca=ca.pem", &["--drain"]);
    refused(named, &["certificate verify failed"]);
    // One of both is TLS.
    let clear = behind(&front.servers, "kafka", "", &["--drain"]);
    refused(clear, &["kafka+tls:// speaks TLS"]);
    let both = behind(&kafka.servers, "kafka+tls", "&ca=ca.pem", &["--drain"]);
    refused(both, &["; kafka:// speaks without TLS"]);
    assert_eq!(kafka.count("actions"), 0);
    let args = behind(&front.servers, "kafka+tls", "&ca=ca.pem", &["--drain"]);
    folder.tollgate(&strs(&args));
    assert_eq!(kafka.lines("actions"), expected);
    folder.tollgate(&strs(&args)).exits(0).says("0 decided");
}

#[test]
fn a_front_that_wants_a_certificate_is_shown_one() {
    let kafka = Kafka::mock(1);
    let rides = rides(12, 100);
    let (expected, _) = expected(&rides);
    kafka.send(&rides, 1);
    let folder = Folder::new("stream-kafka-mtls").with("a.rules", model::RULES);
    let authority = Authority::new(&folder, "ca.pem");
    let here = authority.sign(&folder, "here", "127.0.0.1");
    authority.sign(&folder, "me", "me");
    let wanted = Wanted {
        authority: Some(authority.certificate.clone()),
        ..Wanted::default()
    };
    let front = Front::start(&kafka, here, wanted);
    let nobody = behind(&front.servers, "kafka+tls", "&ca=ca.pem", &["--drain"]);
    let ended = folder.tollgate(&strs(&nobody)).exits(2);
    ended.says("kafka+tls://127.0.0.1");
    let folder = folder.with(
        "client.properties",
        "security.protocol = SSL\nssl.ca.location = ca.pem\nssl.certificate.location = me.pem\nssl.key.location = me.key\n",
    );
    // The file says that it is TLS, as those of other clients do.
    let me = behind(
        &front.servers,
        "kafka",
        "&config=client.properties",
        &["--drain"],
    );
    folder.tollgate(&strs(&me));
    assert_eq!(kafka.lines("actions"), expected);
}

#[test]
fn a_password_goes_over_tls_and_nowhere_else() {
    let kafka = Kafka::mock(1);
    let rides = rides(13, 100);
    let (expected, _) = expected(&rides);
    kafka.send(&rides, 1);
    let folder = Folder::new("stream-kafka-plain")
        .with("a.rules", model::RULES)
        .with(
            "client.properties",
            "# of ours\nsasl.mechanism = PLAIN\nsasl.username = ann\nsasl.password = ${TOLLGATE_TEST_KAFKA}\nssl.ca.location = ca.pem\n",
        );
    let authority = Authority::new(&folder, "ca.pem");
    let here = authority.sign(&folder, "here", "127.0.0.1");
    let wanted = Wanted {
        token: Some(format!("\0{USER}\0{PASSWORD}").into_bytes()),
        ..Wanted::default()
    };
    let front = Front::start(&kafka, here, wanted);
    let settings = "&config=client.properties";
    let args = behind(&front.servers, "kafka+tls", settings, &["--drain"]);
    let run = |password: &str| {
        let child = folder.start(&strs(&args), &[("TOLLGATE_TEST_KAFKA", password)]);
        ended(&strs(&args), child)
    };
    let wrong = run("wrong").exits(2);
    wrong
        .says("SASL")
        .says("sasl.password are said in the file of ?config=FILE");
    let right = run(PASSWORD);
    assert!(matches!(right.code, Some(0 | 1)), "{right:?}");
    assert_eq!(kafka.lines("actions"), expected);
    is_kept_secret(folder.path(), &right);
    folder
        .tollgate(&strs(&args))
        .exits(2)
        .says("client.properties:4: the environment has no text `TOLLGATE_TEST_KAFKA`");
}

/// Tansu lets in who knows a password without being told it (SCRAM), and nobody else.
#[test]
fn who_knows_the_password_is_let_in() {
    if !Kafka::has_tansu() {
        return;
    }
    let kafka = Kafka::start_tansu(1, true);
    let rides = rides(14, 100);
    let (expected, _) = expected(&rides);
    kafka.send(&rides, 1);
    let client = |password: &str| {
        format!("sasl.mechanism=SCRAM-SHA-256\nsasl.username={USER}\nsasl.password={password}\n")
    };
    let folder = Folder::new("stream-kafka-scram")
        .with("a.rules", model::RULES)
        .with("wrong.properties", client("wrong"))
        .with("client.properties", client(PASSWORD));
    let authority = Authority::new(&folder, "ca.pem");
    let here = authority.sign(&folder, "here", "127.0.0.1");
    let front = Front::start(&kafka, here, Wanted::default());
    let wrong = "&ca=ca.pem&config=wrong.properties";
    let wrong = behind(&front.servers, "kafka+tls", wrong, &["--drain"]);
    let ended = folder.tollgate(&strs(&wrong)).exits(2);
    ended
        .says("says: ")
        .says("; sasl.mechanism, sasl.username and sasl.password are said in the file");
    let nobody = behind(&front.servers, "kafka+tls", "&ca=ca.pem", &["--drain"]);
    folder.tollgate(&strs(&nobody)).exits(2);
    assert_eq!(kafka.count("actions"), 0);
    let right = "&ca=ca.pem&config=client.properties";
    let args = behind(&front.servers, "kafka+tls", right, &["--drain"]);
    let ended = folder.tollgate(&strs(&args));
    assert_eq!(kafka.lines("actions"), expected);
    is_kept_secret(folder.path(), &ended);
    // The same without TLS.
    let clear = "&config=client.properties";
    let args = behind(&kafka.servers, "kafka", clear, &["--drain"]);
    folder.tollgate(&strs(&args));
    assert_eq!(kafka.count("actions"), expected.len(), "each once");
}
