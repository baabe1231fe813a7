//! What tests of the library share: building it, and asking what the machine has.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::{env, fs};

pub(crate) mod redis;

/// The folder with `libtollgate.so` and `libtollgate.a`, built by cargo as users build them. (Cargo builds a library that only C can
/// link for no test.)
pub(crate) fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| built("whole", &[]))
}

/// Builds the library with these arguments of cargo, and puts it away under a name: cargo has one place for all of its builds.
pub(crate) fn built(name: &str, arguments: &[&str]) -> PathBuf {
    static BUILDING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new(env::var("CARGO").unwrap_or("cargo".into()));
    command.args(["build", "--package", "tollgate-c", "--lib", "--quiet"]);
    command.args(arguments).args(["--message-format", "json"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{command:?}");
    let messages = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    let library = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let files = message["filenames"].as_array()?;
        let files = files.iter().filter_map(|file| file.as_str());
        files
            .filter(|file| file.ends_with("/libtollgate.so"))
            .map(PathBuf::from)
            .next()
    });
    let library = library.expect("cargo says where it put the library");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("library")
        .join(name);
    fs::create_dir_all(&folder).expect("the folder can be made");
    for file in ["libtollgate.so", "libtollgate.a"] {
        // Not written over: a program that still runs may have it in its memory.
        let _ = fs::remove_file(folder.join(file));
        fs::copy(library.with_file_name(file), folder.join(file)).expect("the library is there");
    }
    folder
}

/// What runs a program that is linked with one of the libraries. Cargo's folders, which it puts before all others, have whichever was built last.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_remove("LD_LIBRARY_PATH");
    command
}

/// The folder of the repository.
pub(crate) fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository is there")
}

/// Whether a program is there; says what is left out where it is not.
pub(crate) fn has(program: &str, left_out: &str) -> bool {
    let has = find(program).is_some();
    if !has {
        println!("left out: {left_out}, for there is no {program}");
    }
    has
}

/// Where a program is. Those for administrators (nginx is one) are not on everybody's path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    let mut places = folders.map(|folder| folder.join(program));
    places.find(|place| place.is_file())
}
