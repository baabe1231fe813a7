//! What can be said to `tollgate serve`.

use std::path::PathBuf;

use clap::Args;

use super::EngineArgs;

#[derive(Debug, Args)]
#[command(
    after_help = "A reverse proxy for HTTP/1.1 and HTTP/2: each request is put to an entry of the rules, which
forwards it to a cluster of the settings, redirects it, or answers. docs/book/serve.md describes
the settings and what rules may answer.

Rules and certificates are read again when they change (or on SIGHUP); what does not compile or
fit changes nothing. SIGTERM and SIGINT end the proxy once the requests in progress have ended;
the exit code is 1 if some took too long and were broken.

Examples:
  tollgate serve gateway.rules            settings in gateway.toml
  tollgate serve --check gateway.rules    whether settings and rules fit, without listening
  tollgate serve gateway.tgb --trust public.pem   only what has this signature, at the start and whenever the file changes
  curl -s localhost:9900/metrics          where `admin = \"127.0.0.1:9900\"`"
)]
pub(crate) struct Serve {
    /// The settings, or a rule file or artifact with settings of the same name beside it
    pub(crate) file: PathBuf,
    /// Only say whether the settings can be read and the rules fit
    #[arg(long)]
    pub(crate) check: bool,
    /// The public key (PEM) that an artifact has to be signed by; several are several that may have signed it, and so are those of the settings
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}
