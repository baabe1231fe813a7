//! What tests of the library share: building it, and asking what the machine has.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The folder with `libtollgate.so` and `libtollgate.a`, built by cargo as users build them. (Cargo builds a library that only C can
/// link for no test.)
pub(crate) fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut command = Command::new(env::var("CARGO").unwrap_or("cargo".into()));
        command.args(["build", "--package", "tollgate-c", "--lib", "--quiet"]);
        command
            .args(["--message-format", "json"])
            .current_dir(root());
        if !cfg!(debug_assertions) {
            command.arg("--release");
        }
        let output = command
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
        library.parent().expect("it lies in a folder").to_owned()
    })
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
