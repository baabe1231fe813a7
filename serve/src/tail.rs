//! What is done at the end of a request.
#![expect(
    clippy::disallowed_methods,
    reason = "when a request was answered is written to the log"
)]

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::decide::Slots;
use crate::log::{Line, seconds};
use crate::proxy::Proxy;
use crate::upstream::InProgress;
use tollgate_load::Load;

/// What is done at the end of a request, which is when this is dropped.
pub(crate) struct Tail {
    proxy: Arc<Proxy>,
    began: Instant,
    /// What the rules are told.
    pub(crate) load: Load,
    pub(crate) line: Line,
    pub(crate) bytes: u64,
    /// Whether the response was sent to its end.
    pub(crate) whole: bool,
    /// Whether its end is the end of its head.
    pub(crate) no_body: bool,
    pub(crate) at_upstream: Option<InProgress>,
    /// What the request holds of states.
    pub(crate) slots: Option<Arc<Slots>>,
}

impl Tail {
    pub(crate) fn new(proxy: &Arc<Proxy>) -> Tail {
        let load = proxy.meter.load();
        proxy.meter.began();
        let line = Line {
            time: seconds(SystemTime::now()),
            busy: load.busy as f64 / 1e9,
            ..Line::default()
        };
        Tail {
            proxy: proxy.clone(),
            began: Instant::now(),
            load,
            line,
            bytes: 0,
            whole: false,
            no_body: false,
            at_upstream: None,
            slots: None,
        }
    }

    /// The upstream broke off within the response.
    pub(crate) fn broken(&mut self) {
        self.line.error = "the upstream broke off within the response".into();
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let Tail { proxy, line, .. } = self;
        proxy.meter.ended();
        let took = self.began.elapsed();
        if !self.whole && line.error.is_empty() {
            // 499 is what nginx calls a request that nobody waited for.
            if line.status == 0 {
                line.status = 499;
            }
            line.error = "the client left".into();
        }
        proxy.metrics.answered(line.status, took);
        let Some(log) = &proxy.log else {
            return;
        };
        line.seconds = took.as_secs_f64();
        line.bytes = self.bytes;
        if !log.take(line) {
            proxy.metrics.lines_lost.inc();
        }
    }
}
