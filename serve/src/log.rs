//! The access log: a JSON object a line, written by a thread of its own.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::Error;

/// Lines that wait to be written; more are lost, and counted: a full disk slows no request down.
const WAITING: usize = 64 * 1024;

/// What is said of a request.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Line {
    /// Seconds since 1970.
    pub(crate) time: f64,
    pub(crate) id: String,
    pub(crate) client: String,
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) target: String,
    pub(crate) status: u16,
    /// The rules that decided.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) by: String,
    /// Those that would have, in shadow mode.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) shadow: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) service: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) upstream: String,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) tries: u32,
    /// Until the response had been sent, in seconds.
    pub(crate) seconds: f64,
    /// Of the response's body.
    pub(crate) bytes: u64,
    /// The load that the rules were told, as a share.
    pub(crate) busy: f64,
    /// Which program decided.
    pub(crate) version: u64,
    /// What went wrong.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) error: String,
}

/// What the thread that writes is sent.
enum Sent {
    Line(String),
    /// Everything before is to be written, and this told then.
    Flush(Sender<()>),
}

/// Takes lines. Writing ends, with all lines written, when it is dropped.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Option<SyncSender<Sent>>,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    /// A log in a file, which lines are appended to, or on standard output, for `-`.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn open(path: &Path) -> Result<Log, Error> {
        let to: Box<dyn Write + Send> = if path.as_os_str() == "-" {
            Box::new(io::stdout())
        } else {
            let file = OpenOptions::new().create(true).append(true).open(path);
            Box::new(
                file.map_err(|e| Error::new(format!("cannot log to {}: {e}", path.display())))?,
            )
        };
        let (lines, receive) = sync_channel(WAITING);
        let write = move || write(&receive, BufWriter::new(to));
        let thread = thread::Builder::new()
            .name("tollgate-log".into())
            .spawn(write);
        Ok(Log {
            lines: Some(lines),
            thread: Some(thread.map_err(|e| Error::new(e.to_string()))?),
        })
    }

    /// Takes a line, or says that there is no room for it.
    pub(crate) fn take(&self, line: &Line) -> bool {
        let Ok(mut text) = serde_json::to_string(line) else {
            return false;
        };
        text.push('\n');
        let Some(lines) = &self.lines else {
            return false;
        };
        !matches!(lines.try_send(Sent::Line(text)), Err(TrySendError::Full(_)))
    }

    /// Waits until all lines that were taken are written.
    pub(crate) fn flush(&self) {
        let (written, wait) = channel();
        if let Some(lines) = &self.lines
            && lines.send(Sent::Flush(written)).is_ok()
        {
            let _ = wait.recv();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> f64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_secs_f64()
}

fn write(lines: &Receiver<Sent>, mut to: BufWriter<Box<dyn Write + Send>>) {
    while let Ok(sent) = lines.recv() {
        let (mut next, mut waiting) = (Some(sent), Vec::new());
        // What has gathered is written together.
        while let Some(sent) = next {
            match sent {
                Sent::Line(line) if to.write_all(line.as_bytes()).is_err() => return,
                Sent::Line(_) => {}
                Sent::Flush(written) => waiting.push(written),
            }
            next = lines.try_recv().ok();
        }
        if to.flush().is_err() {
            return;
        }
        for written in waiting {
            // Who asked may have gone.
            let _ = written.send(());
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}
