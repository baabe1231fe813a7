//! TLS on both sides: the certificates that clients are shown, and how the certificates of upstreams are judged.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
use x509_parser::time::ASN1Time;

use crate::Error;
use crate::settings::{CertificateSettings, ClusterSettings};

/// The most bytes of a file of certificates or of a key.
const MAX_BYTES: u64 = 1 << 20;

/// What clients are shown. Replaced as a whole, for the connections that come then.
pub(crate) struct Certificates {
    settings: Vec<CertificateSettings>,
    config: RwLock<Arc<ServerConfig>>,
    /// What the files were when they were last looked at.
    seen: Mutex<u64>,
}

/// A certificate as its file has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Shown {
    /// The file.
    pub(crate) file: String,
    /// Until when it is valid, in seconds since 1970.
    pub(crate) expires: i64,
    /// Why clients will not like it now.
    pub(crate) warning: Option<String>,
}

/// The certificates by the names that they are for.
#[derive(Debug)]
struct ByName {
    /// In lower case, `*.example.com` among them.
    names: HashMap<String, Arc<CertifiedKey>>,
    /// For other names, and clients that say none.
    first: Arc<CertifiedKey>,
}

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, holds no certificate or no key, or a key is that of another certificate.
    pub(crate) fn open(
        settings: &[CertificateSettings],
    ) -> Result<(Certificates, Vec<Shown>), Error> {
        let seen = fingerprint(settings);
        let (config, shown) = load(settings)?;
        let certificates = Certificates {
            settings: settings.to_vec(),
            config: RwLock::new(config),
            seen: Mutex::new(seen),
        };
        Ok((certificates, shown))
    }

    /// Reads the files again, if they have changed.
    ///
    /// # Errors
    /// As [`Certificates::open`]; then nothing has changed.
    pub(crate) fn reload(&self) -> Result<Option<Vec<Shown>>, Error> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = fingerprint(&self.settings);
        if *seen == now {
            return Ok(None);
        }
        *seen = now;
        let (config, shown) = load(&self.settings)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(Some(shown))
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(config.clone())
    }
}

/// What connects to a cluster: over TLS where its settings say so.
///
/// # Errors
/// When a file with certificates to trust cannot be read, or a name is none.
pub(crate) fn connector(
    name: &str,
    settings: &ClusterSettings,
    mut http: HttpConnector,
) -> Result<HttpsConnector<HttpConnector>, Error> {
    http.enforce_http(false);
    let wrong = |why: String| Error::new(format!("`clusters.{name}.tls`: {why}"));
    let config =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let config = config.map_err(|e| wrong(e.to_string()))?;
    let tls = settings.tls.as_ref();
    let config = match tls.map(|tls| tls.ca.as_deref()) {
        None => config.with_root_certificates(RootCertStore::empty()),
        Some(None) => {
            let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
            config.with_root_certificates(RootCertStore::from_iter(roots))
        }
        Some(Some(file)) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(file)? {
                let added = roots.add(certificate);
                added.map_err(|e| wrong(format!("{}: {e}", file.display())))?;
            }
            config.with_root_certificates(roots)
        }
    };
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(config.with_no_client_auth())
        .https_or_http();
    let builder = match tls.and_then(|tls| tls.name.as_deref()) {
        Some(named) => {
            let named = ServerName::try_from(named.to_owned());
            let named = named.map_err(|e| wrong(format!("`name`: {e}")))?;
            builder.with_server_name_resolver(FixedServerNameResolver::new(named))
        }
        None => builder,
    };
    Ok(match settings.http2 {
        true => builder.enable_http2().wrap_connector(http),
        false => builder.enable_http1().wrap_connector(http),
    })
}

/// Whether a connection failed because of TLS: a certificate that is not trusted, or an upstream that speaks something else.
pub(crate) fn is_of_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut error = Some(error);
    while let Some(this) = error {
        // An `io::Error` does not give what it wraps as its source.
        let wrapped = this.downcast_ref::<std::io::Error>();
        let wrapped = wrapped.and_then(|e| e.get_ref());
        if this.is::<rustls::Error>() || wrapped.is_some_and(|e| e.is::<rustls::Error>()) {
            return true;
        }
        error = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => this.source(),
        };
    }
    false
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let key = name.and_then(|name| {
            let exact = self.names.get(&name);
            exact.or_else(|| {
                let (_, rest) = name.split_once('.')?;
                self.names.get(&format!("*.{rest}"))
            })
        });
        Some(key.unwrap_or(&self.first).clone())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn load(settings: &[CertificateSettings]) -> Result<(Arc<ServerConfig>, Vec<Shown>), Error> {
    let provider = provider();
    let (mut names, mut first, mut all) = (HashMap::new(), None, Vec::new());
    for CertificateSettings { chain, key } in settings {
        let certificates = certificates(chain)?;
        let (shown, of) = shown(chain, &certificates)?;
        let text = read(key)?;
        let private = PrivateKeyDer::from_pem_slice(&text)
            .map_err(|_| Error::new(format!("{}: no private key in PEM", key.display())))?;
        let certified = CertifiedKey::from_der(certificates, private, &provider);
        let certified = Arc::new(certified.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => Error::new(format!(
                "the key in {} is not that of the certificate in {}",
                key.display(),
                chain.display()
            )),
            error => Error::new(format!("{}: {error}", key.display())),
        })?);
        first.get_or_insert_with(|| certified.clone());
        for name in of {
            // Of two for one name it is the first.
            names.entry(name).or_insert_with(|| certified.clone());
        }
        all.push(shown);
    }
    let first = first.ok_or_else(|| Error::new("`tls.certificates` names none"))?;
    let config =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|e| Error::new(e.to_string()))?;
    let mut config = config
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByName { names, first }));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((Arc::new(config), all))
}

/// The certificates in a file, that of the server first.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let text = read(file)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(Error::new(format!(
            "{}: no certificates in PEM",
            file.display()
        ))),
    }
}

/// What is worth saying of a certificate, and the names that it is for.
fn shown(file: &Path, chain: &[CertificateDer<'_>]) -> Result<(Shown, Vec<String>), Error> {
    let path = file.display().to_string();
    let wrong = || Error::new(format!("{path}: this is no certificate"));
    let der = chain.first().ok_or_else(wrong)?;
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| wrong())?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names);
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    let (validity, now) = (certificate.validity(), ASN1Time::now());
    let warning = if now > validity.not_after {
        Some(format!(
            "{path}: the certificate expired on {}",
            validity.not_after
        ))
    } else if now < validity.not_before {
        let from = validity.not_before;
        Some(format!("{path}: the certificate is valid from {from} only"))
    } else {
        None
    };
    let expires = validity.not_after.timestamp();
    let shown = Shown {
        file: path.clone(),
        expires,
        warning,
    };
    Ok((shown, names.collect()))
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    let said = |what: String| Error::new(format!("cannot read {}: {what}", file.display()));
    let size = fs::metadata(file).map_err(|e| said(e.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(said(format!("{size} bytes, at most {MAX_BYTES} are read")));
    }
    fs::read(file).map_err(|e| said(e.to_string()))
}

/// A hash of what the files hold; one that cannot be read counts as empty, and is noticed when it is loaded.
fn fingerprint(settings: &[CertificateSettings]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for CertificateSettings { chain, key } in settings {
        for file in [chain, key] {
            (file, read(file).unwrap_or_default()).hash(&mut hasher);
        }
    }
    hasher.finish()
}
