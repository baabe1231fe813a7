//! The admin endpoint: what the proxy does, and a few things it can be told to do.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde_json::{Map, Value, json};
use tokio::task::{JoinHandle, spawn_blocking};
use tollgate::{Call, Which};
use tollgate_load::{Load, NO_SHEDDING};

use crate::kept::Unexplained;
use crate::metrics::Now;
use crate::proxy::Proxy;
use crate::server::Control;

/// The most bytes of facts that are explained.
const MAX_BODY: usize = 1 << 20;

/// What can be asked, for who asks for something else.
const HELP: &str = "\
GET  /health                     200, or 503 once the proxy is told to end
GET  /metrics                    for Prometheus
GET  /rules                      which program decides, and how often each rule did
GET  /load                       what the rules are told of the load
GET  /clusters                   endpoints, what is in progress there, whether they are left alone
GET  /explain/ID[?rule=NAME]     why a request that was kept was decided so
POST /explain[?rule=NAME]        the same of facts, as JSON
POST /reload                     read the rules again
POST /shed?from=PRIORITY         tell the rules to shed from this priority; without it, no more
POST /drain                      end, once the requests in progress have ended
";

type Reply = Response<Full<Bytes>>;

/// Answers a request for the admin endpoint.
pub(crate) async fn handle(
    proxy: Arc<Proxy>,
    control: Control,
    request: Request<Incoming>,
) -> Reply {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or("").to_owned();
    let asked = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value.to_owned())
    };
    // A page that a browser has open could ask as well, but then says where it comes from.
    if parts.headers.contains_key(header::ORIGIN) {
        return text(403, "this is not for web pages\n".into());
    }
    let path = parts.uri.path();
    let get = parts.method == Method::GET;
    let post = parts.method == Method::POST;
    match path {
        "/health" if get => match control.is_draining() {
            true => text(503, "ending\n".into()),
            false => text(200, "ok\n".into()),
        },
        "/metrics" if get => {
            let now = Now {
                load: proxy.meter.load(),
                version: proxy.live.version(),
                rules: counted(&proxy),
            };
            let mut reply = text(200, proxy.metrics.text(now));
            let format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            reply
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(format));
            reply
        }
        "/rules" if get => {
            let program = proxy.live.program();
            let counts = counted(&proxy)
                .into_iter()
                .map(|(name, count)| (name, count.into()));
            let counts: Map<String, Value> = counts.collect();
            json(&json!({
                "file": proxy.settings.rules.display().to_string(),
                "version": proxy.live.version(),
                "backend": program.backend(),
                "entries": program.entries().collect::<Vec<_>>(),
                "decisions": counts,
            }))
        }
        "/load" if get => json(&load(proxy.meter.load())),
        "/clusters" if get => {
            let clusters = proxy
                .clusters
                .iter()
                .map(|(name, c)| (name.clone(), c.state()));
            json(&Value::Object(clusters.collect()))
        }
        "/explain" if post => {
            let facts = match Limited::new(body, MAX_BODY).collect().await {
                Ok(facts) => facts.to_bytes(),
                Err(error) => return text(400, format!("{error}\n")),
            };
            let rule = asked("rule");
            explained(spawn_blocking(move || {
                let call = Call { id: "", time: 0 };
                let entry = &*proxy.settings.entry;
                let why = proxy
                    .live
                    .program()
                    .explain_json(entry, &facts, &call, which(&rule));
                why.map(|why| why.to_json())
                    .map_err(|e| (400, e.to_string()))
            }))
            .await
        }
        "/reload" if post => {
            let reloaded = spawn_blocking(move || control.reload()).await;
            match reloaded {
                Ok(Ok(reloaded)) => json(&json!({ "reloaded": format!("{reloaded:?}") })),
                Ok(Err(error)) => text(422, format!("{error}\n")),
                Err(error) => text(500, format!("{error}\n")),
            }
        }
        "/shed" if post => match asked("from").map(|from| from.parse::<u32>()) {
            None => {
                proxy.meter.shed_from(NO_SHEDDING);
                json(&load(proxy.meter.load()))
            }
            Some(Ok(from)) if i64::from(from) < NO_SHEDDING => {
                proxy.meter.shed_from(i64::from(from));
                json(&load(proxy.meter.load()))
            }
            Some(_) => text(
                400,
                format!("`from` is a whole number below {NO_SHEDDING}\n"),
            ),
        },
        "/drain" if post => {
            control.drain();
            text(202, "ending\n".into())
        }
        _ => match path.strip_prefix("/explain/").filter(|_| get) {
            Some(id) => {
                let Some(kept) = proxy.kept.find(id) else {
                    let keep = proxy.settings.keep;
                    return text(
                        404,
                        format!(
                            "no such request among the last {keep} that this program or the one before it decided (`keep`)\n"
                        ),
                    );
                };
                let rule = asked("rule");
                explained(spawn_blocking(move || {
                    let why = kept.explain(&proxy.settings, which(&rule));
                    why.map(|why| why.to_json())
                }))
                .await
            }
            None => text(404, HELP.into()),
        },
    }
}

/// How often each rule decided.
fn counted(proxy: &Proxy) -> Vec<(String, u64)> {
    let counts = proxy.live.with(|_, rules| rules.counts());
    counts.map_or(Vec::new(), |counts| counts.rules_counted().collect())
}

fn which(rule: &Option<String>) -> Which<'_> {
    rule.as_deref().map_or(Which::Deciding, Which::Named)
}

async fn explained(task: JoinHandle<Result<String, Unexplained>>) -> Reply {
    match task.await {
        Ok(Ok(text)) => reply(200, "application/json", text),
        Ok(Err((status, why))) => text(status, format!("{why}\n")),
        Err(error) => text(500, format!("{error}\n")),
    }
}

fn load(load: Load) -> Value {
    let share = |billionths: i64| billionths as f64 / 1e9;
    json!({
        "in_flight": load.in_flight,
        "busy": share(load.busy),
        "workers": share(load.workers),
        "errors": share(load.errors),
        "p50_seconds": load.p50.as_secs_f64(),
        "p99_seconds": load.p99.as_secs_f64(),
        "shed_from": (load.shed_from < NO_SHEDDING).then_some(load.shed_from),
    })
}

fn json(value: &Value) -> Reply {
    reply(200, "application/json", format!("{value:#}\n"))
}

fn text(status: u16, text: String) -> Reply {
    reply(status, "text/plain; charset=utf-8", text)
}

fn reply(status: u16, kind: &'static str, text: String) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(text)));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    reply
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}
