//! The examples in C and C++ (`examples/c-api`): compiled with every warning an error, linked with both libraries, run under sanitizers and
//! valgrind. What they must print is written here by hand. Where there is no compiler, or no valgrind, that is said and left out.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tollgate::{Engine, sign_artifact, signing_key};

mod library;

use library::redis::Redis;
use library::{built, command, folder, has, root};

const SANITIZED: &[&str] = &[
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
];
const WARNINGS: &[&str] = &["-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic"];

const GATEWAY: &str = "\
POST /pay/7?now=1: to payments within 800 ms, by payments
GET //catalog/%62ooks: to catalog within 5000 ms, by catalog
GET /anything: to partners within 2000 ms, by partners
GET /beta/x: 503, by closed
GET /internal/keys: 403 Only the office network sees what is internal
GET /internal/keys: 404, by otherwise
GET /catalog/../internal/keys: 400 path = \"/catalog/../internal/keys\": a dot segment in the path (at byte 9)
";

const VALUES: &str = r#"status 1: unknown-name
status 3: there is no backend `abacus`; this build has vm, interp
status 3: `admit`: Load has no field `cpus`; it has cpu, queue, tags
{"value":{"shed":{"wait":"250ms"}},"by":"busy"}
shed: wait 250000 us
take by vip: order share weight urgent
second item milk
notes {"door":"blue"}
urgent 1, weight 1.5
what is not there: 0
status 2: load.queue = -1: it must lie in 0 .. 1000000
{"value":{"take":{"order":{"amount":"1.00 SGD","items":[],"notes":{}},"share":"12.5%","weight":1.0,"urgent":false}},"by":"otherwise"}
"#;

const LIMITS: &str = r#"calls is kept in local
visits is kept in local
slots is kept in local
1000 of 4000 are admitted at once
ann: {"value":"welcome","by":"otherwise"}
{"value":"too many","by":"limited","operations":[{"rule":"admit.limited","operation":"take","states":[{"name":"calls","key":"ann"}],"answer":{"granted":false,"wait":"1h","left":0}}]}
ann: {"value":"come back later","by":"limited"}
bob: {"value":"welcome","by":"otherwise"}
eve: {"value":"come back later","by":"limited"}, for calls could not be asked: there is no room for another key
ann: {"value":true,"by":"seldom"}
bob: {"value":true,"by":"seldom"}, for visits could not be asked: there is no room for another key
door: {"value":true,"by":"room"}
door: {"value":false,"by":"otherwise"}
door: {"value":true,"by":"room"}
500 of 4000 are admitted by two programs
status 3: state `calls` is kept in the store `redis.limits`, and where that is was not said: give the program this store
"#;

const LOADED: &str = r#"{"value":"small","by":"little"}
{"value":"large","by":"otherwise"}
{"value":"small","by":"little"}
{"value":"large","by":"otherwise"}
status 3: the artifact is signed by a key that is not among those that are trusted
status 3: the artifact is damaged: its checksum is another
"#;

const RELOAD: &str = "40 programs, no decision went wrong\n";

const GATEWAY_CPP: &str = "\
payments
partners
404
refused: method = \"BREW\": it must be one of GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH, ACL, BIND, CHECKIN, \u{2026}
";

#[test]
fn gateway() {
    check("gateway.c", &[RULES], GATEWAY);
}

#[test]
fn limits() {
    check("limits.c", &[], LIMITS);
}

/// Two processes admit together what one would, and each by itself what `on_failure` says when the server is gone.
#[test]
fn shared() {
    let Some(sanitized) = compile("shared.cpp", "sanitized", SANITIZED, folder(), SHARED) else {
        return;
    };
    let Some(redis) = Redis::start("shared.cpp") else {
        return;
    };
    let address = redis.address();
    let run = || {
        let mut command = command(&sanitized);
        command
            .arg(&address)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs")
    };
    let said = |process: Child| {
        let output = process.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let together = [run(), run()].map(said);
    let admitted = together.iter().map(|said| {
        let (admitted, rest) = said.split_once(' ').expect("a number comes first");
        assert_eq!(rest, "of 400 admitted, 0 answered by on_failure\n");
        admitted.parse::<u32>().expect("it is a number")
    });
    assert_eq!(admitted.sum::<u32>(), 150, "{together:?}");
    drop(redis);
    assert_eq!(
        said(run()),
        "5 of 400 admitted, 400 answered by on_failure\n"
    );
}

/// What was compiled elsewhere, by the whole library and by one that has no compiler.
#[test]
fn artifact() {
    let rules = "ruleset size(n: Int) -> String hit first { rule little when n < 6 then \"small\" otherwise \"large\" }";
    let program = Engine::new().compile_source("size.rules", rules);
    let artifact = program.and_then(|program| program.artifact());
    let signed = signing_key(PRIVATE).and_then(|key| sign_artifact(&artifact?, &key));
    let file = |name: &str| Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let (artifact, key) = (file("size.tgb"), file("key.pem"));
    fs::write(&artifact, signed.expect("it is signed")).expect("it can be written");
    fs::write(&key, PUBLIC).expect("it can be written");
    let arguments = [&artifact, &key].map(|path| path.to_str().expect("the name is UTF-8"));
    check("artifact.c", &arguments, &format!("{LOADED}compiled\n"));
    let without = built("without-compiler", &["--no-default-features"]);
    let said = "status 3: cannot compile size.rules: this library has no compiler; \
                make an artifact of the rules with `tollgate build RULES -o NAME.tgb`, and load that\n";
    check_with(
        "artifact.c",
        &arguments,
        &format!("{LOADED}{said}"),
        &without,
    );
    // The other programs are linked with it all the same, and are told at run time.
    let Some(gateway) = compile("gateway.c", "without-compiler", &[], &without, SHARED) else {
        return;
    };
    let output = command(gateway).arg(root().join(RULES)).output();
    let output = output.expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success()
            && told.contains("it is no artifact, and this build has no compiler"),
        "{told}"
    );
}

#[test]
fn values() {
    check("values.c", &[], VALUES);
}

#[test]
fn reload() {
    check("reload.c", &[], RELOAD);
}

#[test]
fn gateway_cpp() {
    check("gateway.cpp", &[RULES], GATEWAY_CPP);
}

/// The program in `docs/book/c.md` prints what the page says.
#[test]
fn page() {
    let page = fs::read_to_string(root().join("docs/book/c.md")).expect("the page is there");
    let block = |language: &str| {
        let fence = format!("```{language}\n");
        let (_, rest) = page.split_once(&fence).expect("the page has such a block");
        rest.split_once("```").expect("the block ends").0
    };
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page.c");
    fs::write(&source, block("c")).expect("the program can be written");
    check(
        source.to_str().expect("the folder's name is UTF-8"),
        &[],
        block("text"),
    );
}

/// A pair of keys for nothing else: `openssl genpkey -algorithm ed25519`.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";

/// The rules that the gateways are given.
const RULES: &str = "examples/c-api/gateway.rules";

/// How a program is linked with the shared library.
const SHARED: &[&str] = &["-ltollgate"];

/// Compiles an example, or the file with this whole path, in every way there is, runs it and compares what it prints.
fn check(example: &str, arguments: &[&str], expected: &str) {
    check_with(example, arguments, expected, folder());
}

/// As [`check`], with the library of a folder.
fn check_with(example: &str, arguments: &[&str], expected: &str, library: &Path) {
    let run = |command: &mut Command| {
        let output = command.current_dir(root()).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{command:?}: {}\n{said}",
            output.status
        );
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            expected,
            "{command:?}\n{said}"
        );
    };

    let Some(sanitized) = compile(example, "sanitized", SANITIZED, library, SHARED) else {
        return;
    };
    run(command(&sanitized).args(arguments));
    let archive = library.join("libtollgate.a");
    let archive = archive.to_str().expect("the folder's name is UTF-8");
    let Some(alone) = compile(example, "static", &[], library, &[archive, "-lgcc_s"]) else {
        return;
    };
    run(command(&alone).args(arguments));
    // Valgrind lets one thread run at a time; that many threads are for the sanitizers.
    let threads = ["reload.c", "limits.c"].contains(&example);
    if threads || !has("valgrind", "running it under valgrind") {
        return;
    }
    // The hash tables of the standard library point into the middle of their memory, which valgrind takes for "possibly" lost.
    let valgrind = [
        "--quiet",
        "--leak-check=full",
        "--show-leak-kinds=definite",
        "--errors-for-leak-kinds=definite",
        "--error-exitcode=99",
    ];
    run(Command::new("valgrind")
        .args(valgrind)
        .arg(&alone)
        .args(arguments));
}

/// Compiles an example, or the file with this whole path, with the library of a folder. Nothing, and a word, where there is no compiler.
fn compile(
    example: &str,
    kind: &str,
    flags: &[&str],
    library: &Path,
    link: &[&str],
) -> Option<PathBuf> {
    let (compiler, standard) = match example.ends_with(".cpp") {
        true => ("c++", "-std=c++17"),
        false => ("cc", "-std=c11"),
    };
    if !has(compiler, example) {
        return None;
    }
    let name = |path: &Path| {
        let name = path.file_name().expect("it has a name").to_string_lossy();
        name.replace('.', "-")
    };
    let program = format!("{}-{kind}-{}", name(Path::new(example)), name(library));
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(program);
    let mut command = Command::new(compiler);
    command.args(WARNINGS).arg(standard).args(flags);
    command.arg("-I").arg(root().join("bindings/c/include"));
    command.arg(root().join("examples/c-api").join(example));
    command.arg("-o").arg(&program);
    command.arg("-L").arg(library).args(link);
    command.arg(format!("-Wl,-rpath,{}", library.display()));
    command.args(["-lpthread", "-lm", "-ldl"]);
    let output = command.output().expect("the compiler runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}");
    Some(program)
}
