//! A Redis of a test's own. Where there is no `redis-server` on the path, what needs one is left out; `cargo xtask redis` installs it.

use std::env;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::has;

/// How long a server may take to start. Only waited for when it does not.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that keeps nothing on disk, until it is dropped.
pub(crate) struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    /// A server at work, or nothing and a word where there is none to start.
    pub(crate) fn start(left_out: &str) -> Option<Redis> {
        if !has("redis-server", left_out) {
            return None;
        }
        let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = free.local_addr().expect("it has an address").port();
        drop(free);
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(env::temp_dir())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        let redis = Redis { child, port };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "redis-server did not start");
            thread::sleep(Duration::from_millis(10));
        }
        Some(redis)
    }

    /// Where it is. Patient, for machines on which much else runs.
    pub(crate) fn address(&self) -> String {
        format!("redis://127.0.0.1:{}/?timeout=30s", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
