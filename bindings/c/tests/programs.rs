//! The examples in C and C++ (`examples/c-api`): compiled with every warning an error, linked with both libraries, run under sanitizers and
//! valgrind. What they must print is written here by hand. Where there is no compiler, or no valgrind, that is said and left out.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;

mod library;

use library::{folder, has, root};

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

/// The rules that the gateways are given.
const RULES: &str = "examples/c-api/gateway.rules";

/// Compiles an example, or the file with this whole path, in every way there is, runs it and compares what it prints.
fn check(example: &str, arguments: &[&str], expected: &str) {
    let (compiler, standard) = match example.ends_with(".cpp") {
        true => ("c++", "-std=c++17"),
        false => ("cc", "-std=c11"),
    };
    if !has(compiler, example) {
        return;
    }
    let program = |kind: &str| {
        let name = Path::new(example)
            .file_name()
            .expect("it is a file")
            .to_string_lossy();
        let name = format!("{}-{kind}", name.replace('.', "-"));
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
    };
    let source = root().join("examples/c-api").join(example);
    let compile = |kind: &str, flags: &[&str], link: &[&str]| {
        let (program, folder) = (program(kind), folder());
        let mut command = Command::new(compiler);
        command.args(WARNINGS).arg(standard).args(flags);
        command.arg("-I").arg(root().join("bindings/c/include"));
        command.arg(&source).arg("-o").arg(&program);
        command.arg("-L").arg(folder).args(link);
        command.arg(format!("-Wl,-rpath,{}", folder.display()));
        command.args(["-lpthread", "-lm", "-ldl"]);
        let output = command.output().expect("the compiler runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}\n{said}");
        program
    };
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

    let sanitized = compile("sanitized", SANITIZED, &["-ltollgate"]);
    run(Command::new(&sanitized).args(arguments));
    let archive = folder().join("libtollgate.a");
    let archive = archive.to_str().expect("the folder's name is UTF-8");
    let alone = compile("static", &[], &[archive, "-lgcc_s"]);
    run(Command::new(&alone).args(arguments));
    // Valgrind lets one thread run at a time; that many threads are for the sanitizers.
    if example == "reload.c" || !has("valgrind", "running it under valgrind") {
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
