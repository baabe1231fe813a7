//! Artifacts: a compiled program as bytes, to be loaded where there are no rule files.
//!
//! ```text
//! magic 8 · format 4 · length of the head 4 · head (JSON) · length of the states 4 · states (JSON) · contents · SHA-256 of all before 32
//! [ "TGBSIGN1" 8 · Ed25519 public key 32 · signature of all before the key 64 ]
//! ```
//!
//! Numbers are little-endian. The head says what a loader has to know before it reads on; the contents are the program's IR as text with its schema, from
//! which the loader's own backend makes code; the states say how what the program asks is kept, each with the identity under which another program
//! finds it. So an artifact holds nothing that is run unseen: it is parsed, verified as any IR is, and compiled.
//!
//! The checksum finds damage (FIPS 180-4); a signature says who made it (Ed25519, RFC 8032). Whoever can write the file can write the
//! checksum too, so where that matters a loader asks for a signature: [`Engine::load_signed`].

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tollgate_ask::Plan;
use tollgate_embed::{Contents, kept};
use tollgate_runtime::kinds::zone;

use crate::engine::Engine;
use crate::entry::EntryInfo;
use crate::error::Error;
use crate::loader::{is_artifact, read_artifact};
use crate::program::{Origin, Program, Shared};
use crate::tiers::Tiers;

/// What an artifact begins with. As with PNG, bytes that are no text and both kinds of line end show what a transfer as text has done.
const MAGIC: [u8; 8] = *b"\x89TGB\r\n\x1a\n";
/// The format that is written, and the only one that is read.
const FORMAT: u32 = 2;
/// Most bytes of an artifact.
pub(crate) const ARTIFACT_MAX: usize = 256 << 20;
/// Most bytes of its head.
const HEAD_MAX: usize = 64 << 10;
const FRONT: usize = MAGIC.len() + 8;
const SUM: usize = 32;
const SIGN: [u8; 8] = *b"TGBSIGN1";
const SIGNED: usize = SIGN.len() + 32 + 64;

/// What an artifact says of itself, read without loading it: see [`ArtifactInfo::read`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactInfo {
    /// What the program is called.
    pub name: String,
    /// The version of the compiler that made it.
    pub compiler: String,
    /// A number for everything that a host sees of the program: types, entries, the names of data. Programs of one schema can take each other's
    /// place.
    pub schema: String,
    /// The release of the time-zone database that its constants were worked out with.
    pub tzdb: String,
    /// The names of what can be called.
    pub entries: Vec<String>,
    /// The Ed25519 public key of who signed it, if somebody did. That the signature is right has been checked; whose key it is has not.
    #[serde(skip)]
    pub signer: Option<[u8; 32]>,
}

/// An artifact taken apart: what it says, how its states are kept, and the contents.
struct Parts<'b> {
    info: ArtifactInfo,
    states: &'b [u8],
    contents: &'b [u8],
}

impl Program {
    /// The program as an artifact, which [`Engine::load`] makes a program of again. States and streams are in it as they are declared; what states
    /// hold is not, nor is data that was given, nor the source.
    ///
    /// # Errors
    /// Where it could not be read again: values that nest deeper than the reader goes, or more than 256 MiB.
    ///
    /// ```
    /// use tollgate::{Call, Engine};
    /// let program = Engine::new().compile_source("size.rules", r#"
    ///     ruleset small(n: Int) -> Bool hit first {
    ///       rule yes when n < 10 then true
    ///       otherwise false
    ///     }
    /// "#)?;
    /// let artifact = program.artifact()?;
    /// let loaded = Engine::new().load(&artifact)?;
    /// let decision = loaded.session().decide_json("small", b"7", &Call { id: "1", time: 0 })?.to_json();
    /// assert_eq!(decision, r#"{"value":true,"by":"yes"}"#);
    /// // One bit of it changed: refused, and why.
    /// let mut damaged = artifact.clone();
    /// damaged[100] ^= 1;
    /// let error = Engine::new().load(&damaged).unwrap_err().to_string();
    /// assert_eq!(error, "the artifact is damaged: its checksum is another");
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn artifact(&self) -> Result<Vec<u8>, Error> {
        let shapes: Vec<_> = self.infos().iter().map(|entry| entry.shape).collect();
        let name = Path::new(self.main_file()).file_stem();
        let name = name.unwrap_or_default().to_string_lossy();
        let contents = Contents::new(&name, self.legalized(), &shapes);
        let info = ArtifactInfo {
            name: name.into_owned(),
            compiler: env!("CARGO_PKG_VERSION").into(),
            schema: format!("{:016x}", contents.schema_hash()),
            tzdb: zone::database_version().into(),
            entries: self.entries().map(str::to_owned).collect(),
            signer: None,
        };
        let head = serde_json::to_vec(&info).map_err(|e| Error::other(e.to_string()))?;
        let none = Plan::default();
        let program = kept::join(self.plan().unwrap_or(&none), &contents);
        let program = program.map_err(Error::other)?;
        let len = FRONT + head.len() + program.len() + SUM;
        if head.len() > HEAD_MAX || len + SIGNED > ARTIFACT_MAX {
            return Err(Error::other(format!(
                "the program is too large for an artifact: {len} bytes, of which {} name its entries; at most {ARTIFACT_MAX} and {HEAD_MAX} are read",
                head.len()
            )));
        }
        let mut out = Vec::with_capacity(len);
        out.extend(MAGIC);
        out.extend(FORMAT.to_le_bytes());
        out.extend((head.len() as u32).to_le_bytes());
        out.extend(head);
        out.extend(program);
        let sum = Sha256::digest(&out);
        out.extend(sum);
        Ok(out)
    }
}

/// Signs an artifact with an Ed25519 key, of which these are the 32 secret bytes. A signature that it had is replaced.
///
/// # Errors
/// When it is no whole artifact.
///
/// ```
/// use tollgate::{ArtifactInfo, Engine, sign_artifact};
/// let rules = "ruleset yes(n: Int) -> Bool hit first { otherwise true }";
/// let artifact = Engine::new().compile_source("x.rules", rules)?.artifact()?;
/// assert!(ArtifactInfo::read(&artifact)?.signer.is_none());
/// let signed = sign_artifact(&artifact, &[7; 32])?;
/// let signer = ArtifactInfo::read(&signed)?.signer.unwrap();
/// assert!(Engine::new().load_signed(&signed, &[signer]).is_ok());
/// assert!(Engine::new().load_signed(&signed, &[[1; 32]]).is_err());
/// assert!(Engine::new().load_signed(&artifact, &[signer]).is_err());
/// # Ok::<(), tollgate::Error>(())
/// ```
pub fn sign_artifact(artifact: &[u8], secret: &[u8; 32]) -> Result<Vec<u8>, Error> {
    Parts::of(artifact)?;
    let key = SigningKey::from_bytes(secret);
    let (body, _) = split_signature(artifact);
    let signature = key.sign(body);
    let mut out = body.to_vec();
    out.extend(SIGN);
    out.extend(key.verifying_key().to_bytes());
    out.extend(signature.to_bytes());
    Ok(out)
}

/// The 32 secret bytes of an Ed25519 key in PEM (PKCS #8, RFC 8410), as `openssl genpkey -algorithm ed25519` writes it.
///
/// # Errors
/// When it is no such key.
pub fn signing_key(pem: &str) -> Result<[u8; 32], Error> {
    match SigningKey::from_pkcs8_pem(pem) {
        Ok(key) => Ok(key.to_bytes()),
        Err(_) => Err(Error::other(
            "it is no private key of Ed25519 in PEM: `openssl genpkey -algorithm ed25519 -out key.pem` makes one",
        )),
    }
}

/// The 32 bytes of an Ed25519 public key in PEM (RFC 8410), as `openssl pkey -in key.pem -pubout` writes it.
///
/// # Errors
/// When it is no such key.
///
/// ```
/// use tollgate::{public_key, signing_key};
/// let secret = signing_key("-----BEGIN PRIVATE KEY-----
/// MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
/// -----END PRIVATE KEY-----
/// ")?;
/// let public = public_key("-----BEGIN PUBLIC KEY-----
/// MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
/// -----END PUBLIC KEY-----
/// ")?;
/// assert_ne!(secret, public);
/// assert!(public_key("-----BEGIN PUBLIC KEY-----").is_err());
/// # Ok::<(), tollgate::Error>(())
/// ```
pub fn public_key(pem: &str) -> Result<[u8; 32], Error> {
    match VerifyingKey::from_public_key_pem(pem) {
        Ok(key) => Ok(key.to_bytes()),
        Err(_) => Err(Error::other(
            "it is no public key of Ed25519 in PEM: `openssl pkey -in key.pem -pubout` writes that of a private one",
        )),
    }
}

/// The public keys in files, as [`public_key`] reads each.
///
/// # Errors
/// When one cannot be read or is no such key; the error names it.
pub fn public_keys(files: &[impl AsRef<Path>]) -> Result<Vec<[u8; 32]>, Error> {
    let key = |file: &Path| {
        let pem = fs::read_to_string(file).map_err(|e| Error::file(file, e.to_string()))?;
        public_key(&pem).map_err(|e| Error::file(file, e.to_string()))
    };
    files.iter().map(|file| key(file.as_ref())).collect()
}

impl ArtifactInfo {
    /// What an artifact says of itself. The whole artifact is looked at, so what is read is not damaged; it is not verified as a program.
    ///
    /// # Errors
    /// When it is no artifact, one of another format, or damaged.
    pub fn read(artifact: &[u8]) -> Result<ArtifactInfo, Error> {
        Parts::of(artifact).map(|parts| parts.info)
    }

    /// Whether bytes begin as an artifact does.
    pub fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC)
    }
}

impl Engine {
    /// Makes a program of an artifact: reads, verifies and compiles it with this engine's backend. Rules, reports, tests and explanations need the
    /// source, which an artifact has not. Linear in its size.
    ///
    /// # Errors
    /// When it is no artifact, one of another format, damaged, made with another release of the time-zone database, or no legal program. The
    /// error says which.
    pub fn load(&self, artifact: &[u8]) -> Result<Program, Error> {
        self.load_parts(Parts::of(artifact)?)
    }

    /// As [`Engine::load`], of an artifact that one of these Ed25519 public keys has signed.
    ///
    /// # Errors
    /// Also when it is not signed, or by another key.
    pub fn load_signed(&self, artifact: &[u8], keys: &[[u8; 32]]) -> Result<Program, Error> {
        let parts = Parts::of(artifact)?;
        match parts.info.signer {
            Some(signer) if keys.contains(&signer) => self.load_parts(parts),
            Some(_) => Err(Error::other(
                "the artifact is signed by a key that is not among those that are trusted",
            )),
            None => Err(Error::other("the artifact is not signed")),
        }
    }

    /// Makes a program of a file: an artifact, which is loaded, or rules, which are compiled.
    ///
    /// # Errors
    /// As [`Engine::load`] or `Engine::compile_file`; where it is no artifact, and this build has no compiler (the feature `compiler`).
    pub fn open(&self, path: &Path) -> Result<Program, Error> {
        match is_artifact(path) {
            true => self.load(&read_artifact(path)?),
            #[cfg(feature = "compiler")]
            false => self.compile_file(path),
            #[cfg(not(feature = "compiler"))]
            false => Err(Error::file(
                path,
                "it is no artifact, and this build has no compiler: make one of the rules with `tollgate build RULES -o NAME.tgb`",
            )),
        }
    }

    /// As [`Engine::open`], of an artifact that one of these Ed25519 public keys has signed.
    ///
    /// # Errors
    /// As [`Engine::load_signed`]; also when it is no artifact.
    pub fn open_signed(&self, path: &Path, keys: &[[u8; 32]]) -> Result<Program, Error> {
        self.load_signed(&read_artifact(path)?, keys)
    }

    fn load_parts(&self, parts: Parts<'_>) -> Result<Program, Error> {
        let Parts {
            info,
            states,
            contents,
        } = parts;
        if info.tzdb != zone::database_version() {
            return Err(Error::other(format!(
                "the artifact was made with the time zones of {}, this is {}: compile the rules again",
                info.tzdb,
                zone::database_version()
            )));
        }
        let contents = Contents::read(contents).map_err(Error::other)?;
        if info.schema != format!("{:016x}", contents.schema_hash()) {
            return Err(Error::other(
                "the artifact is damaged: its head and its contents do not belong together",
            ));
        }
        let natives = tollgate_stdlib::library().natives;
        let module = Arc::new(contents.module(natives).map_err(Error::other)?);
        let damaged = |why| Error::other(format!("the artifact is damaged: {why}"));
        let plan = kept::plan(states, &module).map_err(damaged)?;
        let plan = (!plan.is_empty()).then_some(plan);
        let shapes = contents.entries.iter().map(|entry| entry.shape);
        let mut entries = EntryInfo::all(&module);
        for (entry, shape) in entries.iter_mut().zip(shapes) {
            entry.shape = shape;
        }
        let executable = self.backend.compile(&module, self.level)?;
        let mut tiers = Tiers::only(self.backend, executable);
        if let Some(backend) = self.then {
            tiers = tiers.then(backend, &module, self.level);
        }
        let origin = Origin::new(&info.name);
        Ok(Program::new(Shared::new(
            module, tiers, entries, origin, plan,
        )))
    }
}

impl<'b> Parts<'b> {
    /// Takes an artifact apart, and sees that nothing of it has changed.
    fn of(artifact: &'b [u8]) -> Result<Parts<'b>, Error> {
        let no_artifact = || Error::other("this is no artifact of tollgate: it begins otherwise");
        if artifact.len() > ARTIFACT_MAX {
            return Err(Error::other(format!(
                "the artifact has {} bytes; at most {ARTIFACT_MAX} are read",
                artifact.len()
            )));
        }
        let rest = artifact.strip_prefix(&MAGIC).ok_or_else(no_artifact)?;
        let cut = || Error::other("the artifact is damaged: it ends before its end");
        let (front, _) = rest.split_first_chunk::<8>().ok_or_else(cut)?;
        let [a, b, c, d, len @ ..] = *front;
        let format = u32::from_le_bytes([a, b, c, d]);
        if format != FORMAT {
            return Err(Error::other(format!(
                "the artifact has format {format}, this reads format {FORMAT}: compile the rules again"
            )));
        }
        let (body, signed) = split_signature(artifact);
        let (summed, sum) = body.split_last_chunk::<SUM>().ok_or_else(cut)?;
        if Sha256::digest(summed)[..] != sum[..] {
            return Err(Error::other(
                "the artifact is damaged: its checksum is another",
            ));
        }
        let signer = signed.map(|signed| signer(body, signed)).transpose()?;
        let inner = summed.get(FRONT..).ok_or_else(cut)?;
        let head = u32::from_le_bytes(len) as usize;
        let (head, rest) = match inner.split_at_checked(head) {
            Some(parts) if head <= HEAD_MAX => parts,
            _ => return Err(cut()),
        };
        let info: ArtifactInfo = serde_json::from_slice(head)
            .map_err(|e| Error::other(format!("the artifact is damaged: its head: {e}")))?;
        let (states, contents) = kept::part(rest).ok_or_else(cut)?;
        Ok(Parts {
            info: ArtifactInfo { signer, ..info },
            states,
            contents,
        })
    }
}

/// What is signed, and the key and the signature, where there are some.
fn split_signature(artifact: &[u8]) -> (&[u8], Option<&[u8]>) {
    let at = artifact.len().saturating_sub(SIGNED);
    let (body, signed) = artifact.split_at(at);
    match signed.strip_prefix(&SIGN) {
        Some(signed) => (body, Some(signed)),
        None => (artifact, None),
    }
}

/// The key that has signed, if the signature is right.
fn signer(body: &[u8], signed: &[u8]) -> Result<[u8; 32], Error> {
    let wrong = || Error::other("the artifact is damaged or forged: its signature is wrong");
    let (key, signature) = signed.split_first_chunk::<32>().ok_or_else(wrong)?;
    let signature = Signature::from_slice(signature).map_err(|_| wrong())?;
    let verifying = VerifyingKey::from_bytes(key).map_err(|_| wrong())?;
    // Strict: keys and signatures of which there are several forms for one value are refused.
    verifying
        .verify_strict(body, &signature)
        .map_err(|_| wrong())?;
    Ok(*key)
}

#[cfg(all(test, feature = "compiler"))]
mod tests;
