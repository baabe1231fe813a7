//! The command as a user runs it: the real binary, its exit code, its output.

mod artifact;
mod bench;
mod book;
#[cfg(feature = "cranelift")]
mod build;
mod check;
mod compile;
mod cost;
mod cover;
mod emit;
mod explain;
mod fmt;
mod hostile;
mod parallel;
#[cfg(feature = "redis")]
mod redis;
mod repl;
mod run;
#[cfg(feature = "serve")]
mod serve;
mod stream;
mod test;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longest that a command may take, in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of its own for a test, gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    /// `name` is the test's.
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("tollgate-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder for the test");
        Folder(path)
    }

    /// With a file.
    fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Folder {
        fs::write(self.0.join(name), bytes).expect("a file for the test");
        self
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).expect("the file is there")
    }

    /// Runs `tollgate` here.
    fn tollgate(&self, args: &[&str]) -> Ended {
        self.tollgate_with(args, b"")
    }

    /// Runs `tollgate` here with standard input.
    fn tollgate_with(&self, args: &[&str], input: &[u8]) -> Ended {
        let mut child = self.start(args, &[]);
        let mut stdin = child.stdin.take().expect("it is piped");
        let input = input.to_owned();
        // A command that does not read its input closes the pipe, which is its right.
        thread::spawn(move || drop(stdin.write_all(&input)));
        ended(args, child)
    }

    fn start(&self, args: &[&str], env: &[(&str, &str)]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .args(args)
            .current_dir(&self.0)
            .env_remove("NO_COLOR")
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts")
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    /// Asserts the exit code. Never is it that of a bug, nor a panic told.
    #[track_caller]
    fn exits(self, code: i32) -> Ended {
        assert!(!self.err.contains("panicked"), "{self:#?}");
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Asserts that standard error says something.
    #[track_caller]
    fn says(self, text: &str) -> Ended {
        assert!(self.err.contains(text), "`{text}` is not said: {self:#?}");
        self
    }

    /// Asserts that standard output has something.
    #[track_caller]
    fn prints(self, text: &str) -> Ended {
        assert!(self.out.contains(text), "`{text}` is not there: {self:#?}");
        self
    }

    /// Asserts that standard output is this.
    #[track_caller]
    fn prints_lines(self, lines: &[&str]) -> Ended {
        let found: Vec<&str> = self.out.lines().collect();
        assert_eq!(found, lines, "{}", self.err);
        self
    }

    /// The lines of standard output, each of which must be JSON.
    #[track_caller]
    fn json(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| match serde_json::from_str(line) {
            Ok(value) => value,
            Err(error) => panic!("{line} is not JSON: {error}"),
        };
        self.out.lines().map(parse).collect()
    }
}

/// Waits, but not for ever.
fn ended(args: &[&str], mut child: Child) -> Ended {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let out = thread::spawn(move || read(out));
    let err = thread::spawn(move || read(err));
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("its state is known") {
            break status;
        }
        if began.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("{args:?} has not ended after {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(5));
    };
    Ended {
        code: status.code(),
        out: out.join().expect("its output is read"),
        err: err.join().expect("its errors are read"),
    }
}

fn read(pipe: Option<impl std::io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut bytes).expect("a pipe is readable");
    }
    String::from_utf8(bytes).expect("the output is UTF-8")
}
