//! How a Kafka is talked to: in the clear or over TLS, and as whom.
//!
//! The address says whether it is TLS. The rest stands in a file of properties, by the names that kcat and other clients of Kafka have for it, so
//! that no password is on a command line. What would change a promise of a stream is none of these.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::sync::{Arc, Mutex, PoisonError};
use std::{env, fmt};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientConfig, ClientContext};
use tollgate::Address;

use super::Result;

/// What an address begins with that is talked to over TLS.
pub(super) const TLS: &str = "kafka+tls";
/// The settings of an address that are about this.
pub(super) const CA: &str = "ca";
pub(super) const CONFIG: &str = "config";

const PROTOCOL: &str = "security.protocol";
const MECHANISM: &str = "sasl.mechanism";
/// As librdkafka has it.
const MECHANISMS: &str = "sasl.mechanisms";
const USERNAME: &str = "sasl.username";
const PASSWORD: &str = "sasl.password";
const CA_FILE: &str = "ssl.ca.location";
const CERTIFICATE: &str = "ssl.certificate.location";
const KEY: &str = "ssl.key.location";
const KEY_PASSWORD: &str = "ssl.key.password";
const NAMES: &str = "ssl.endpoint.identification.algorithm";

/// The properties that a file may say.
const KNOWN: &[&str] = &[
    PROTOCOL,
    MECHANISM,
    MECHANISMS,
    USERNAME,
    PASSWORD,
    CA_FILE,
    CERTIFICATE,
    KEY,
    KEY_PASSWORD,
    NAMES,
];

/// What else such files have, by how it begins, and what to do about it.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "bootstrap.servers",
        "where brokers are is said by the address",
    ),
    (
        "metadata.broker.list",
        "where brokers are is said by the address",
    ),
    ("group.id", "the address says it, ?group=…"),
    (
        "sasl.jaas.config",
        "write sasl.username and sasl.password instead",
    ),
    ("ssl.truststore.", "ssl.ca.location names a file in PEM"),
    (
        "ssl.keystore.",
        "ssl.certificate.location and ssl.key.location name files in PEM",
    ),
];

/// How librdkafka says that a broker went away when it was asked which requests there are, as one does that expects TLS, and the level of its log
/// that has this.
const OF_TLS: &str = "in state APIVERSION_QUERY";
pub(super) const LOG: RDKafkaLogLevel = RDKafkaLogLevel::Info;

/// The mechanisms of SASL that librdkafka has without Kerberos and without fetching tokens.
const OF_SASL: &[&str] = &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

/// What an address and its file say, by property.
type Properties = BTreeMap<&'static str, String>;

/// Tells librdkafka what an address and its file say.
pub(super) fn apply(address: &Address, config: &mut ClientConfig) -> Result<()> {
    let mut said = match address.text(CONFIG) {
        Some(path) => read(address, path)?,
        None => Properties::new(),
    };
    if let Some(path) = address.text(CA)
        && said.insert(CA_FILE, path.to_owned()).is_some()
    {
        return Err(format!(
            "{address}: `{CA}` and {CA_FILE} in `{CONFIG}` are the same; leave one out"
        )
        .into());
    }
    let protocol = protocol(address, said.remove(PROTOCOL).as_deref(), &said)?;
    for property in [CA_FILE, CERTIFICATE, KEY] {
        if let Some(path) = said.get(property)
            && let Err(error) = File::open(path)
        {
            return Err(format!("{address}: {property} {path}: {error}").into());
        }
    }
    config.set(PROTOCOL, protocol);
    for (property, value) in said {
        config.set(property, value);
    }
    Ok(())
}

/// What a file says.
fn read(address: &Address, path: &str) -> Result<Properties> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("{address}: `{CONFIG}` {path}: {error}"))?;
    let mut said = Properties::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // Values may be secret, and a line that is none of a property may be one as well: neither is ever shown.
        let wrong = |what: &dyn fmt::Display| format!("{path}:{number}: {what}");
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| wrong(&"this is no property, which is NAME=VALUE"))?;
        let (name, value) = (name.trim(), value.trim());
        let Some(property) = KNOWN.iter().find(|known| **known == name) else {
            return Err(wrong(&format_args!("`{name}` {}", instead(name))).into());
        };
        let property = match *property {
            MECHANISM => MECHANISMS,
            property => property,
        };
        let value = match value.strip_prefix("${").and_then(|v| v.strip_suffix('}')) {
            Some(name) => env::var(name)
                .map_err(|_| wrong(&format_args!("the environment has no text `{name}`")))?,
            None => value.to_owned(),
        };
        if value.is_empty() {
            return Err(wrong(&format_args!("`{name}` is empty")).into());
        }
        if said.insert(property, value).is_some() {
            return Err(wrong(&format_args!("`{name}` is there twice")).into());
        }
    }
    Ok(said)
}

/// What to do about a property that is not said in a file.
fn instead(name: &str) -> String {
    let found = ELSEWHERE.iter().find(|(begin, _)| name.starts_with(begin));
    match found {
        Some((_, how)) => format!("is not said here: {how}"),
        None => format!("is not said here; there is {}", KNOWN.join(", ")),
    }
}

/// How Kafka calls it. What is said must be of use: who says a certificate or a password means that it is.
fn protocol(address: &Address, said: Option<&str>, rest: &Properties) -> Result<&'static str> {
    let has = |begin: &str| rest.keys().find(|property| property.starts_with(begin));
    let wrong = |what: String| Err(format!("{address}: {what}").into());
    let over_tls = address.scheme() == TLS;
    let (tls, sasl) = match said.map(str::to_ascii_uppercase).as_deref() {
        None => (over_tls, has("sasl.").is_some()),
        Some("PLAINTEXT") => (false, false),
        Some("SSL") => (true, false),
        Some("SASL_PLAINTEXT") => (false, true),
        Some("SASL_SSL") => (true, true),
        Some(_) => {
            return wrong(format!(
                "{PROTOCOL} is one of PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL"
            ));
        }
    };
    if over_tls && !tls {
        return wrong(format!(
            "{TLS}:// is TLS, and {PROTOCOL} says that it is not"
        ));
    }
    if let Some(property) = has("ssl.").filter(|_| !tls) {
        let name = match address.text(CA) {
            Some(_) if *property == CA_FILE => CA,
            _ => property,
        };
        return wrong(format!("`{name}` is for TLS, {TLS}://…"));
    }
    if rest.contains_key(CERTIFICATE) != rest.contains_key(KEY) {
        return wrong(format!("{CERTIFICATE} and {KEY} go together"));
    }
    match (has("sasl."), sasl) {
        (Some(property), false) => {
            return wrong(format!(
                "{property} is of no use where {PROTOCOL} is without SASL_"
            ));
        }
        (_, true) => {
            if let Err(what) = check_sasl(rest) {
                return wrong(what);
            }
        }
        _ => {}
    }
    Ok(match (tls, sasl) {
        (false, false) => "plaintext",
        (true, false) => "ssl",
        (false, true) => "sasl_plaintext",
        (true, true) => "sasl_ssl",
    })
}

/// Whether SASL is said as this build has it.
fn check_sasl(rest: &Properties) -> std::result::Result<(), String> {
    let known = || OF_SASL.join(", ");
    match rest.get(MECHANISMS) {
        None => return Err(format!("say {MECHANISM}: {}", known())),
        Some(mechanism) if !OF_SASL.contains(&&**mechanism) => {
            return Err(format!(
                "{MECHANISM} is one of {}; tokens (OAUTHBEARER) and Kerberos (GSSAPI) are not in this build",
                known()
            ));
        }
        Some(_) => {}
    }
    match [USERNAME, PASSWORD]
        .iter()
        .find(|it| !rest.contains_key(**it))
    {
        Some(missing) => Err(format!("say {missing}, in the file of `{CONFIG}`")),
        None => Ok(()),
    }
}

/// Why there was no connection, the last time. Those who share it are clients of one topic.
#[derive(Clone, Default)]
pub(super) struct Ear(Arc<Mutex<Option<Trouble>>>);

/// Why there was none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Trouble {
    pub(super) why: String,
    /// Whether somebody was there, and trust was what failed: that may last.
    pub(super) is_distrust: bool,
}

impl Ear {
    /// What was heard since it was forgotten.
    pub(super) fn heard(&self) -> Option<Trouble> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// There is a connection.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Hears of a connection.
    pub(super) fn hear(&self, error: &KafkaError, reason: &str) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(trouble) = trouble(error.rdkafka_error_code(), reason) {
            *heard = Some(trouble);
        }
    }

    /// Hears of one in librdkafka's log, where that somebody went away is all that is said.
    pub(super) fn read(&self, kind: &str, message: &str) {
        if kind == "FAIL" && message.contains(OF_TLS) {
            let error = KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure);
            // Which of its threads says it comes first.
            let said = message.split_once("]: ");
            self.hear(&error, said.map_or(message, |(_, said)| said));
        }
    }
}

impl ClientContext for Ear {
    fn error(&self, error: KafkaError, reason: &str) {
        self.hear(&error, reason);
    }

    fn log(&self, _: RDKafkaLogLevel, kind: &str, message: &str) {
        self.read(kind, message);
    }
}

impl ConsumerContext for Ear {}

/// What is said of a connection, with what to do about it. That all brokers are down says nothing of why.
fn trouble(code: Option<RDKafkaErrorCode>, reason: &str) -> Option<Trouble> {
    use RDKafkaErrorCode::{Authentication, BadMessage, BrokerTransportFailure, Resolve, SSL};
    // It comes by more than one way.
    let is_unknown = reason.contains("certificate verify failed");
    let advice = match code? {
        SSL | BrokerTransportFailure if is_unknown => {
            format!(
                "; who is trusted is said by ?{CA}=FILE, or by {CA_FILE} in the file of ?{CONFIG}=FILE"
            )
        }
        SSL | BrokerTransportFailure if reason.contains("in state SSL_HANDSHAKE") => {
            "; kafka:// speaks without TLS".to_owned()
        }
        SSL => String::new(),
        Authentication => {
            format!(
                "; {MECHANISM}, {USERNAME} and {PASSWORD} are said in the file of ?{CONFIG}=FILE"
            )
        }
        // Who speaks TLS answers who does not by going away, or by what would be the length of a message.
        BrokerTransportFailure if reason.contains(OF_TLS) => format!("; {TLS}:// speaks TLS"),
        BadMessage if reason.contains("response size") => format!("; {TLS}:// speaks TLS"),
        BrokerTransportFailure | Resolve => String::new(),
        _ => return None,
    };
    Some(Trouble {
        why: format!("{reason}{advice}"),
        is_distrust: is_unknown || matches!(code, Some(SSL | Authentication)),
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::OF_INPUT;
    use super::*;

    /// A file of a test's own.
    struct Temporary(PathBuf);

    impl Temporary {
        fn new(name: &str, text: &str) -> Temporary {
            let name = format!("tollgate-kafka-{}-{name}", std::process::id());
            let path = env::temp_dir().join(name);
            fs::write(&path, text).expect("it is written");
            Temporary(path)
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            fs::remove_file(&self.0).expect("it was there");
        }
    }

    /// What librdkafka is told for an address, `FILE` being one that has this text.
    fn told(name: &str, address: &str, text: &str) -> std::result::Result<ClientConfig, String> {
        let file = Temporary::new(name, text);
        let address = address.replace("FILE", &file.0.to_string_lossy());
        let address = Address::parse(&address, OF_INPUT).expect("an address");
        let mut config = ClientConfig::new();
        let applied = apply(&address, &mut config);
        applied.map_err(|error| error.to_string()).map(|()| config)
    }

    #[test]
    fn the_address_says_whether_it_is_tls_and_a_file_says_who_it_is() {
        let sasl =
            "# who\nsasl.mechanism = SCRAM-SHA-256\n\nsasl.username=me\nsasl.password=a=b # c\n";
        for (n, (address, text, protocol)) in [
            ("kafka://h/t", "", "plaintext"),
            ("kafka+tls://h/t", "", "ssl"),
            ("kafka+tls://h/t?ca=FILE", "", "ssl"),
            ("kafka://h/t?config=FILE", "", "plaintext"),
            ("kafka://h/t?config=FILE", sasl, "sasl_plaintext"),
            ("kafka+tls://h/t?config=FILE", sasl, "sasl_ssl"),
            ("kafka://h/t?config=FILE", "security.protocol=SSL", "ssl"),
            (
                "kafka+tls://h/t?config=FILE",
                "security.protocol=ssl",
                "ssl",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let config = told(&format!("said-{n}"), address, text).expect(address);
            assert_eq!(config.get("security.protocol"), Some(protocol), "{address}");
        }
        let config = told("password", "kafka://h/t?config=FILE", sasl).expect("it is right");
        assert_eq!(config.get("sasl.mechanisms"), Some("SCRAM-SHA-256"));
        assert_eq!(config.get("sasl.password"), Some("a=b # c"));
        let from_there = "sasl.mechanism=PLAIN\nsasl.username=me\nsasl.password=${PATH}";
        let config = told("environment", "kafka://h/t?config=FILE", from_there);
        let config = config.expect("the environment has it");
        let path = env::var("PATH").expect("there is one");
        assert_eq!(config.get("sasl.password"), Some(&*path));
    }

    #[test]
    fn what_is_wrong_is_said_and_no_password() {
        for (n, (address, text, said)) in [
            (
                "kafka://h/t?config=FILE",
                "enable.auto.commit=secret",
                ":1: `enable.auto.commit` is not said here; there is security.protocol, sasl.mechanism",
            ),
            (
                "kafka://h/t?config=FILE",
                "\nsasl.jaas.config=secret",
                ":2: `sasl.jaas.config` is not said here: write sasl.username and sasl.password instead",
            ),
            (
                "kafka://h/t?config=FILE",
                "ssl.truststore.location=secret",
                "ssl.ca.location names a file in PEM",
            ),
            (
                "kafka://h/t?config=FILE",
                "secret",
                ":1: this is no property, which is NAME=VALUE",
            ),
            (
                "kafka://h/t?config=FILE",
                "sasl.password=secret\nsasl.password=secret",
                ":2: `sasl.password` is there twice",
            ),
            (
                "kafka://h/t?config=FILE",
                "sasl.password=",
                ":1: `sasl.password` is empty",
            ),
            (
                "kafka://h/t?config=FILE",
                "sasl.password=${TOLLGATE_TEST_NOT_THERE}",
                "the environment has no text `TOLLGATE_TEST_NOT_THERE`",
            ),
            (
                "kafka://h/t?config=FILE",
                "sasl.username=me\nsasl.password=secret",
                "kafka://h/t: say sasl.mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512",
            ),
            (
                "kafka://h/t?config=FILE",
                "sasl.mechanism=GSSAPI",
                "tokens (OAUTHBEARER) and Kerberos (GSSAPI) are not in this build",
            ),
            (
                "kafka://h/t?config=FILE",
                "sasl.mechanism=PLAIN\nsasl.username=me",
                "say sasl.password, in the file of `config`",
            ),
            (
                "kafka+tls://h/t?config=FILE",
                "security.protocol=SASL_PLAINTEXT",
                "kafka+tls:// is TLS, and security.protocol says that it is not",
            ),
            (
                "kafka://h/t?config=FILE",
                "security.protocol=SSL\nsasl.password=secret",
                "sasl.password is of no use where security.protocol is without SASL_",
            ),
            (
                "kafka://h/t?config=FILE",
                "security.protocol=TLS",
                "security.protocol is one of PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL",
            ),
            ("kafka://h/t?ca=FILE", "", "`ca` is for TLS, kafka+tls://…"),
            (
                "kafka://h/t?config=FILE",
                "ssl.key.password=secret",
                "`ssl.key.password` is for TLS, kafka+tls://…",
            ),
            (
                "kafka+tls://h/t?config=FILE",
                "ssl.key.location=secret",
                "ssl.certificate.location and ssl.key.location go together",
            ),
            (
                "kafka+tls://h/t?ca=FILE&config=FILE",
                "ssl.ca.location=secret",
                "`ca` and ssl.ca.location in `config` are the same; leave one out",
            ),
            (
                "kafka+tls://h/t?ca=not-there.pem",
                "",
                "kafka+tls://h/t: ssl.ca.location not-there.pem: No such file",
            ),
            (
                "kafka://h/t?config=not-there",
                "",
                "kafka://h/t: `config` not-there: No such file",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let error = told(&format!("wrong-{n}"), address, text).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
            assert!(!error.contains("secret"), "{text}: {error}");
        }
    }

    #[test]
    fn trouble_with_a_connection_says_what_to_do() {
        use RDKafkaErrorCode::*;
        let why = |code, reason| trouble(Some(code), reason).map(|trouble| trouble.why);
        let refused = why(SSL, "certificate verify failed").expect("it is trouble");
        assert!(
            refused.ends_with("by ?ca=FILE, or by ssl.ca.location in the file of ?config=FILE")
        );
        let refused = why(Authentication, "no").expect("it is trouble");
        assert!(refused.starts_with("no; sasl.mechanism, sasl.username and sasl.password"));
        let plain = why(
            BrokerTransportFailure,
            "Disconnected (after 0ms in state APIVERSION_QUERY)",
        );
        assert!(
            plain
                .expect("it is trouble")
                .ends_with("kafka+tls:// speaks TLS")
        );
        assert_eq!(
            why(Resolve, "no such host"),
            Some("no such host".to_owned())
        );
        assert_eq!(why(AllBrokersDown, "1/1 brokers are down"), None);
    }
}
