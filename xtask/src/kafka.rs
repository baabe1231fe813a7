//! What librdkafka is built with, for streams of a Kafka, where apt is at hand, and the broker with a disk that their tests run against.
//! librdkafka comes with its crate, and so does zlib where the machine has none.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;
use std::{env, fs};

use crate::apt::{self, Needed};

/// What must be there: its `configure` asks for the first three, and is a script for bash, which Debian always has. The rest is how TLS is found.
const NEEDED: &[Needed] = &[
    ("cc", "gcc", "streams of a Kafka"),
    ("c++", "g++", "streams of a Kafka"),
    ("make", "make", "streams of a Kafka"),
    ("pkg-config", "pkg-config", "streams of a Kafka"),
    ("/usr/include/openssl", "libssl-dev", "streams of a Kafka"),
];

/// The broker's package; what it is made of.
const PACKAGE: &str = "tests/kafka";
const MADE_OF: &[&str] = &["Cargo.toml", "Cargo.lock", "src/main.rs"];
/// Where it is built, since its crates are nobody else's, and where the tests look for it.
const TARGET: &str = "target/kafka";
const BUILT: &str = "target/kafka/debug/tollgate-kafka";
const THERE: &str = "target/kafka/tollgate-kafka";

/// Installs what is missing, builds the broker, and says what became of that.
pub(crate) fn run() -> ExitCode {
    match install() && build() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Whether all of it is there in the end. Says everything it does.
pub(crate) fn install() -> bool {
    apt::install_all(NEEDED)
}

/// Whether there is the broker in the end. It takes minutes to build and is then kept for other clones on this machine.
pub(crate) fn build() -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let there = root.join(THERE);
    let kept = kept(&root);
    if fs::create_dir_all(root.join(TARGET)).is_err() {
        println!("{TARGET} cannot be made.");
        return false;
    }
    if let Some(kept) = kept.as_ref().filter(|kept| kept.is_file())
        && fs::copy(kept, &there).is_ok()
    {
        println!(
            "the broker of the tests is there, as it was built before: {}",
            kept.display()
        );
        return true;
    }
    let manifest = format!("{PACKAGE}/Cargo.toml");
    println!("  cargo build --locked --manifest-path {manifest} --target-dir {TARGET}");
    let began = Instant::now();
    let status = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["build", "--locked", "--quiet", "--manifest-path", &manifest])
        .args(["--target-dir", TARGET])
        .current_dir(&root)
        .status();
    let is_built = status.is_ok_and(|status| status.success());
    if !is_built || fs::copy(root.join(BUILT), &there).is_err() {
        println!(
            "The broker of the tests could not be built.\nLeft out: streams of a Kafka with a disk."
        );
        return false;
    }
    println!(
        "the broker of the tests is built, in {:.0?}",
        began.elapsed()
    );
    if let Some(kept) = kept
        && let Some(folder) = kept.parent()
        && fs::create_dir_all(folder).is_ok()
    {
        // Where it cannot be kept, it is built again. What is there under its name is whole.
        let new = folder.join(format!("new-{}", std::process::id()));
        let _ = fs::copy(&there, &new).and_then(|_| fs::rename(&new, kept));
    }
    true
}

/// Where the broker is kept that is made of what is in this clone.
fn kept(root: &Path) -> Option<PathBuf> {
    let mut hasher = DefaultHasher::new();
    for part in MADE_OF {
        hasher.write(&fs::read(root.join(PACKAGE).join(part)).ok()?);
    }
    let cache = match env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => Path::new(&env::var_os("HOME")?).join(".cache"),
    };
    let name = format!("kafka-{:016x}", hasher.finish());
    Some(cache.join("tollgate").join(name))
}
