//! Rules in programs of C: built, compiled, linked and run, by every backend that makes object files.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use libtest_mimic::{Failed, Trial};
use tollgate::{BuildOptions, Call, Engine, backends};

use super::examples::{RECORDED, Recorded};

/// What every warning of the C compiler is asked with: headers are for people who do.
const FLAGS: &[&str] = &["-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror"];

/// What leads calls of the allocator through the program.
const COUNTED: &[&str] = &["-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=posix_memalign"];
const NOTHING: &[&str] = &[];

/// The trials; none where there is no C compiler.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    if compiler().is_none() {
        println!("left out: `embedded`, for there is no C compiler (`cc`, or what CC names)");
        return Vec::new();
    }
    let native = || backends().iter().filter(|b| b.native).map(|b| b.name);
    let mut trials = Vec::new();
    for backend in native() {
        let at = root.to_owned();
        trials.push(Trial::test(
            format!("embedded/examples/c {backend}"),
            move || prints_what_the_page_says(&at, backend),
        ));
        let at = root.to_owned();
        let trial = format!("embedded/states {backend}");
        trials.push(Trial::test(trial, move || keeps_states(&at, backend)));
        for (name, more) in [("types", NOTHING), ("allocations", COUNTED)] {
            let at = root.to_owned();
            let trial = format!("embedded/{name} {backend}");
            trials.push(Trial::test(trial, move || {
                ends_well(&at, name, more, backend)
            }));
        }
        let at = root.to_owned();
        let trial = format!("embedded/debugger {backend}");
        trials.push(Trial::test(trial, move || stops_at_a_rule(&at, backend)));
        for recorded in RECORDED {
            let at = root.to_owned();
            let rules = root.join("examples").join(recorded.rules);
            let program =
                engine().and_then(|e| Ok(e.build_file(&rules, &BuildOptions::default())?));
            if let Err(error) = program
                && keeps_elsewhere(&rules, error.message().unwrap_or_default())
            {
                continue;
            }
            let name = format!("embedded/{}/{} {backend}", recorded.rules, recorded.entry);
            trials.push(Trial::test(name, move || {
                decides_as_in_rust(&at, recorded, backend)
            }));
        }
    }
    let at = root.to_owned();
    trials.push(Trial::test("embedded/shared", move || {
        a_shared_library_is_opened(&at)
    }));
    let at = root.to_owned();
    trials.push(Trial::test("embedded/page", move || the_page_compiles(&at)));
    let at = root.to_owned();
    trials.push(Trial::test("embedded/headers", move || {
        headers_compile(&at)
    }));
    trials
}

/// Whether a program was refused because it has a stream, or keeps a state in a store, which it does: the library keeps states in its process.
fn keeps_elsewhere(rules: &Path, refused: &str) -> bool {
    let why = "` cannot be kept by the library that an object file is linked with: build an artifact (.tgb), or compile the rules where they decide";
    let kept = refused.strip_suffix(why);
    let stream = kept.and_then(|kept| kept.strip_prefix("the stream `"));
    let state = kept.and_then(|kept| kept.strip_prefix("state `"));
    let state = state.and_then(|state| state.split_once("` in the store `"));
    let declared = match (stream, state) {
        (Some(stream), _) => vec![format!("stream {stream}:")],
        (None, Some((state, store))) => vec![format!("state {state}:"), format!("store: {store}")],
        (None, None) => return false,
    };
    let declares = |declared: &String| {
        let folder = rules.parent().unwrap_or(Path::new("."));
        let files = super::files(folder, "rules");
        let mut texts = files
            .iter()
            .filter_map(|file| fs::read_to_string(file).ok());
        texts.any(|text| text.contains(declared))
    };
    declared.iter().all(declares)
}

/// States are kept by the library, as the address sanitizer looks on.
fn keeps_states(root: &Path, backend: &str) -> Result<(), Failed> {
    let tests = root.join("tests/embedded");
    let folder = folder(&format!("states-{backend}"))?;
    let object = build(&tests.join("states.rules"), backend, &folder)?;
    let next = build(&tests.join("states_next.rules"), backend, &folder)?;
    let sanitized = [
        "-g",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
    ];
    let mut more: Vec<String> = sanitized.map(str::to_owned).into();
    more.push(next.display().to_string());
    let program = folder.join("states");
    compile(&folder, &tests.join("states.c"), &object, &program, &more)?;
    run(&program, &[], None).map(drop)
}

/// The example's output is the block of its page.
fn prints_what_the_page_says(root: &Path, backend: &str) -> Result<(), Failed> {
    let example = root.join("examples/c");
    let page = fs::read_to_string(example.join("README.md"))?;
    let wanted = page
        .split("```text\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let folder = folder(&format!("example-{backend}"))?;
    let object = build(&example.join("gateway.rules"), backend, &folder)?;
    let program = folder.join("gateway");
    compile(&folder, &example.join("gateway.c"), &object, &program, &[])?;
    let printed = run(&program, &[], None)?;
    match Some(&*printed) == wanted {
        true => Ok(()),
        false => Err(format!(
            "printed:\n{printed}\nthe page says:\n{}",
            wanted.unwrap_or_default()
        )
        .into()),
    }
}

/// A program of `tests/embedded/`, of the rules there, looks at everything itself.
fn ends_well(root: &Path, name: &str, more: &[&str], backend: &str) -> Result<(), Failed> {
    let tests = root.join("tests/embedded");
    let folder = folder(&format!("{name}-{backend}"))?;
    let object = build(&tests.join("types.rules"), backend, &folder)?;
    let (source, program) = (tests.join(name).with_extension("c"), folder.join(name));
    let more: Vec<String> = more.iter().map(|flag| (*flag).to_owned()).collect();
    compile(&folder, &source, &object, &program, &more)?;
    run(&program, &[], None).map(drop)
}

/// A debugger stops where a rule has decided, and knows the way there from the program of C.
fn stops_at_a_rule(root: &Path, backend: &str) -> Result<(), Failed> {
    if Command::new("gdb").arg("--version").output().is_err() {
        println!("left out: there is no `gdb`");
        return Ok(());
    }
    let example = root.join("examples/c");
    let rules = example.join("gateway.rules");
    let source = fs::read_to_string(&rules)?;
    let line = source
        .lines()
        .position(|line| line.contains("rule own_shard"));
    let line = line.ok_or("the example has the rule")? + 1;
    let folder = folder(&format!("debugger-{backend}"))?;
    let object = build(&rules, backend, &folder)?;
    let program = folder.join("gateway");
    compile(&folder, &example.join("gateway.c"), &object, &program, &[])?;
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch", "-ex"])
        .arg(format!("break gateway.rules:{line}"));
    let told = finish(gdb.args(["-ex", "run", "-ex", "bt"]).arg(&program))?;
    let stopped = format!("gateway.rules:{line}");
    let frames = ["#0", "route", " in main ("].map(|frame| told.contains(frame));
    match told.contains(&stopped) && frames == [true; 3] {
        true => Ok(()),
        false => Err(told.into()),
    }
}

/// What the page shows in C is C.
fn the_page_compiles(root: &Path) -> Result<(), Failed> {
    let page = fs::read_to_string(root.join("docs/book/embedding.md"))?;
    let shown = page.split("```c\n").skip(1);
    let shown = shown.filter_map(|rest| rest.split("```").next());
    let (head, body): (Vec<&str>, Vec<&str>) = shown
        .flat_map(str::lines)
        .partition(|line| line.starts_with('#'));
    if body.is_empty() {
        return Err("the page shows no C".into());
    }
    let source = format!(
        "{}\n#include <stdio.h>\nint main(void)\n{{\n{}\n    return 0;\n}}\n",
        head.join("\n"),
        body.join("\n")
    );
    let folder = folder("page")?;
    let path = folder.join("page.c");
    fs::write(&path, source)?;
    let rules = root.join("examples/c/gateway.rules");
    let built = engine()?.build_file(&rules, &BuildOptions::default())?;
    fs::write(folder.join("gateway.h"), built.header)?;
    let mut check = Command::new(compiler().ok_or("there was one")?);
    finish(check.args(FLAGS).arg("-fsyntax-only").arg(path)).map(drop)
}

/// A program of C decides the facts of an example as the virtual machine does: values, rules, refusals.
fn decides_as_in_rust(root: &Path, recorded: &Recorded, backend: &str) -> Result<(), Failed> {
    let examples = root.join("examples");
    let rules = examples.join(recorded.rules);
    let facts = fs::read_to_string(examples.join(recorded.facts))?;
    let mut program = Engine::new().compile_file(&rules)?;
    let mut args = Vec::new();
    for (data, file) in recorded.data {
        program = program.with_data(data, &fs::read(examples.join(file))?)?;
        args.extend([(*data).into(), examples.join(file).display().to_string()]);
    }
    let states = program.states(&[])?;
    let mut session = program.session_with(&states)?;
    let call = Call {
        id: "test",
        time: 0,
    };
    let mut wanted = String::new();
    for fact in facts.lines() {
        match session.decide_json(recorded.entry, fact.as_bytes(), &call) {
            Ok(decision) => wanted += &decision.to_json(),
            Err(refused) => wanted += &format!("refused: {refused}"),
        }
        wanted.push('\n');
    }
    let stem = rules
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let folder = folder(&format!("{stem}-{}-{backend}", recorded.entry))?;
    let object = build(&rules, backend, &folder)?;
    let made = folder.join("decide");
    let upper = stem.to_uppercase();
    let defines = [
        format!("-DHEADER=\"{stem}.h\""),
        format!("-DLOAD={stem}_program_load"),
        format!("-DENTRY={upper}_ENTRY_{}", recorded.entry.to_uppercase()),
    ];
    compile(
        &folder,
        &root.join("tests/embedded/decide.c"),
        &object,
        &made,
        &defines,
    )?;
    let decided = run(&made, &args, Some(&examples.join(recorded.facts)))?;
    match decided == wanted {
        true => Ok(()),
        false => Err(format!("decided:\n{decided}\nwanted:\n{wanted}").into()),
    }
}

/// Rules in a shared library are opened while a program runs, and again when they have changed.
fn a_shared_library_is_opened(root: &Path) -> Result<(), Failed> {
    let folder = folder("shared")?;
    let rules = "ruleset limit(n: Int) -> Int hit first {\n  rule small when n < 10 then 1\n  otherwise 2\n}\n";
    let (engine, options) = (engine()?, BuildOptions::default());
    for (name, rules) in [("old", rules), ("new", &rules.replace("10", "5"))] {
        let built = engine.build_source("limit.rules", rules, &options)?;
        let object = folder.join(name).with_extension("o");
        fs::write(&object, built.object)?;
        fs::write(folder.join("limit.h"), built.header)?;
        let mut link = Command::new(compiler().ok_or("there was one")?);
        link.arg("-shared")
            .arg("-o")
            .arg(folder.join(name).with_extension("so"));
        finish(link.arg(&object))?;
    }
    let program = folder.join("open");
    let mut compile = Command::new(compiler().ok_or("there was one")?);
    compile
        .args(FLAGS)
        .arg("-I")
        .arg(&folder)
        .arg(root.join("tests/embedded/open.c"));
    // What the program itself does not call stays in it for the library's sake: nothing, for rules need no symbol.
    compile
        .arg(library()?)
        .args(["-lm", "-lpthread", "-ldl", "-o"])
        .arg(&program);
    finish(&mut compile)?;
    let libraries = ["old.so", "new.so"].map(|name| folder.join(name).display().to_string());
    match &*run(&program, &libraries, None)? {
        "1\n2\n" => Ok(()),
        printed => Err(format!("printed {printed}").into()),
    }
}

/// An engine that makes objects, and makes them soon.
fn engine() -> Result<Engine, Failed> {
    let mut native = backends().iter().filter(|b| b.native);
    let first = native.next().ok_or("there is a native backend")?;
    Ok(Engine::new().backend(first.name)?)
}

/// The header of every example and run file is one that C compiles without a warning, and C++ where there is a compiler of it.
fn headers_compile(root: &Path) -> Result<(), Failed> {
    let folder = folder("headers")?;
    let mut all = String::new();
    let engine = engine()?;
    let files =
        ["examples", "tests/run", "tests/embedded"].map(|f| super::files(&root.join(f), "rules"));
    for (i, file) in files.concat().iter().enumerate() {
        let options = BuildOptions {
            name: Some(format!("n{i}")),
            ..BuildOptions::default()
        };
        // Some are wrong on purpose.
        if engine.check_file(file)?.errors() == 0 {
            let built = match engine.build_file(file, &options) {
                Err(error) if keeps_elsewhere(file, &error.to_string()) => continue,
                built => built?,
            };
            fs::write(folder.join(format!("n{i}.h")), built.header)?;
            all += &format!("#include \"n{i}.h\"\n");
        }
    }
    if all.is_empty() {
        return Err("no header was made".into());
    }
    let check = |compiler: &str, flags: &[&str], file: &str| -> Result<(), Failed> {
        let path = folder.join(file);
        fs::write(&path, &all)?;
        let mut command = Command::new(compiler);
        finish(
            command
                .args(flags)
                .arg("-fsyntax-only")
                .arg("-Wno-unused-function")
                .arg(path),
        )
        .map(drop)
    };
    check(compiler().ok_or("there was one")?, FLAGS, "all.c")?;
    match Command::new("c++").arg("--version").output() {
        Ok(_) => check(
            "c++",
            &["-std=c++11", "-Wall", "-Wextra", "-Werror"],
            "all.cpp",
        ),
        Err(_) => {
            println!("left out: headers in C++, for there is no `c++`");
            Ok(())
        }
    }
}

/// Makes the object file of rules, and its header beside it.
fn build(rules: &Path, backend: &str, folder: &Path) -> Result<PathBuf, Failed> {
    let engine = Engine::new().backend(backend)?;
    let built = engine.build_file(rules, &BuildOptions::default())?;
    let object = folder
        .join(rules.file_name().unwrap_or_default())
        .with_extension("o");
    fs::write(object.with_extension("h"), built.header)?;
    fs::write(&object, built.object)?;
    Ok(object)
}

/// Compiles a program of C with an object file, against the runtime library.
fn compile(
    headers: &Path,
    source: &Path,
    object: &Path,
    program: &Path,
    more: &[String],
) -> Result<(), Failed> {
    let mut command = Command::new(compiler().ok_or("there is no C compiler")?);
    command
        .args(FLAGS)
        .args(more)
        .arg("-I")
        .arg(headers)
        .args([source, object]);
    command
        .arg(library()?)
        .args(["-lm", "-lpthread", "-ldl"])
        .arg("-o")
        .arg(program);
    finish(&mut command).map(drop)
}

fn run(program: &Path, args: &[String], input: Option<&Path>) -> Result<String, Failed> {
    let mut command = Command::new(program);
    command.args(args).stdin(match input {
        Some(file) => Stdio::from(File::open(file)?),
        None => Stdio::null(),
    });
    finish(&mut command)
}

/// Runs something that has to end well; gives what it prints.
fn finish(command: &mut Command) -> Result<String, Failed> {
    let output = command.output()?;
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    match output.status.success() {
        true => Ok(out.into_owned()),
        false => Err(format!("{command:?}: {}\n{out}{err}", output.status).into()),
    }
}

/// The runtime library, built once as this suite was.
fn library() -> Result<&'static Path, Failed> {
    static LIBRARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let suite = env::current_exe().map_err(|e| e.to_string())?;
        // target/debug/deps/suite
        let profile = suite
            .ancestors()
            .nth(2)
            .ok_or("the suite stands in no target folder")?;
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.args(["build", "--quiet", "--package", "tollgate-rt"]);
        cargo
            .arg("--manifest-path")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
        cargo
            .arg("--target-dir")
            .arg(profile.ancestors().nth(1).unwrap_or(profile));
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        finish(&mut cargo).map_err(|e| e.message().unwrap_or_default().to_owned())?;
        Ok(profile.join("libtollgate_rt.a"))
    });
    match library {
        Ok(path) => Ok(path),
        Err(why) => Err(why.as_str().into()),
    }
}

/// The C compiler of this machine.
fn compiler() -> Option<&'static str> {
    static COMPILER: OnceLock<Option<String>> = OnceLock::new();
    let found = COMPILER.get_or_init(|| {
        let name = env::var("CC").unwrap_or("cc".into());
        Command::new(&name)
            .arg("--version")
            .output()
            .ok()
            .map(|_| name)
    });
    found.as_deref()
}

/// An empty folder for what a trial makes.
fn folder(name: &str) -> Result<PathBuf, Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("embedded")
        .join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
