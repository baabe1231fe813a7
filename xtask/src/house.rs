//! The house rules: what ARCHITECTURE.md and CONTRIBUTING.md promise about the code, checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// A rule: its name, and what finds the places that break it.
type Rule = (&'static str, fn(&Path) -> Vec<String>);

/// Every house rule.
pub(crate) const RULES: &[Rule] = &[
    (
        "crates depend only on what ARCHITECTURE.md allows",
        dependencies,
    ),
    ("no source file is longer than 600 lines", file_lengths),
    (
        "every library says what it is under five headings",
        crate_docs,
    ),
    ("unsafe stands only where ARCHITECTURE.md says", unsafe_code),
    (
        "without the feature `compiler` there is no compiler",
        runtime_only,
    ),
    ("links in pages lead to files", crate::pages::links),
    (
        "links in the rendered book lead to its pages",
        crate::rendered::links,
    ),
    (
        "files and names that the book speaks of are there",
        crate::pages::names,
    ),
];

/// Files that may be longer than 600 lines, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[
    ("ir/src/instructions.rs", "a table"),
    (
        "bindings/c/include/tollgate.h",
        "cbindgen makes it of many files",
    ),
];

/// Files that may hold `unsafe`.
const UNSAFE_FILES: &[&str] = &[
    "runtime/src/frozen.rs",
    // Where compiled code and the runtime meet: memory that is read and written by machine code.
    "backends/cranelift/src/jit.rs",
    "backends/llvm/src/emit.rs",
    "backends/llvm/src/jit.rs",
    "backends/native/src/context.rs",
    "backends/native/src/functions.rs",
    "backends/native/src/functions/bodies.rs",
    "backends/native/src/layout.rs",
    "backends/native/src/object.rs",
    "backends/native/src/program.rs",
    "backends/native/src/search.rs",
    // Where C lays values down, and calls.
    "backends/embed/src/program.rs",
    "backends/embed/src/read.rs",
    "backends/embed/src/write.rs",
    "backends/rt/src/lib.rs",
    // An object file is loaded.
    "backends/suite/src/objects.rs",
    // Where C calls: each function dereferences what it is handed, under the contract of the header.
    "bindings/c/src/border.rs",
    "bindings/c/src/decision.rs",
    "bindings/c/src/entry.rs",
    "bindings/c/src/error.rs",
    "bindings/c/src/program.rs",
    "bindings/c/src/session.rs",
    "bindings/c/src/states.rs",
    "bindings/c/src/value.rs",
    "bindings/c/src/tests/hostile.rs",
    // The allocator that counts: `GlobalAlloc` is an unsafe trait.
    "backends/suite/src/counting.rs",
    // A variable of the environment is set.
    "backends/cranelift/tests/perf.rs",
];

/// Crates that are free to see everything.
const FREE: &[&str] = &["tollgate-tests", "xtask"];

/// What only a build with the feature `compiler` has, or one with a code generator.
const COMPILER: &[&str] = &[
    "tollgate-grammar",
    "tollgate-frontend",
    "tollgate-optimizer",
    "tollgate-backend-cranelift",
    "tollgate-backend-llvm",
    "lalrpop-util",
    "logos",
    "ariadne",
    "cranelift-codegen",
    "inkwell",
];

const HEADINGS: &[&str] = &[
    "# What this is",
    "# What goes in and comes out",
    "# Invariants",
    "# Where to start reading",
    "# What it must not know",
];

/// Everything that breaks a rule.
pub(crate) fn findings() -> Vec<String> {
    let root = root();
    RULES
        .iter()
        .flat_map(|(name, rule)| rule(&root).into_iter().map(move |f| format!("{name}: {f}")))
        .collect()
}

/// The folder of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .parent()
        .expect("xtask has a parent")
        .into()
}

fn dependencies(root: &Path) -> Vec<String> {
    let page = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let allowed = allowed_dependencies(&page);
    let mut findings = Vec::new();
    for (name, dependencies) in actual_dependencies(root) {
        if FREE.contains(&name.as_str()) {
            continue;
        }
        let Some(allowed) = allowed.get(&name) else {
            findings.push(format!("{name} has no row in ARCHITECTURE.md"));
            continue;
        };
        for dependency in dependencies.difference(allowed) {
            findings.push(format!("{name} depends on {dependency}"));
        }
    }
    findings
}

/// The table between the two markers: crate → crates it may depend on.
fn allowed_dependencies(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let table = page
        .split("<!-- dependencies -->")
        .nth(1)
        .and_then(|rest| rest.split("<!-- /dependencies -->").next());
    let quoted = |cell: &str| {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut allowed = BTreeMap::new();
    for row in table.expect("the markers are there").lines() {
        let cells: Vec<&str> = row.split('|').collect();
        if let [_, name, dependencies, ..] = cells[..]
            && let [name] = &quoted(name)[..]
        {
            allowed.insert(name.clone(), quoted(dependencies).into_iter().collect());
        }
    }
    allowed
}

/// What the manifests say, development dependencies left out: tests may look around.
fn actual_dependencies(root: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env::var("CARGO").unwrap_or("cargo".into()))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let ours: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let dependencies = |package: &serde_json::Value| {
        let all = package["dependencies"].as_array().into_iter().flatten();
        all.filter(|d| d["kind"] != "dev")
            .filter_map(|d| d["name"].as_str())
            .filter(|name| ours.contains(name))
            .map(str::to_owned)
            .collect()
    };
    packages
        .iter()
        .map(|p| {
            (
                p["name"].as_str().unwrap_or_default().to_owned(),
                dependencies(p),
            )
        })
        .collect()
}

/// What a host that loads artifacts is made of.
fn runtime_only(root: &Path) -> Vec<String> {
    let output = Command::new(env::var("CARGO").unwrap_or("cargo".into()))
        .args(["tree", "--package", "tollgate", "--no-default-features"])
        .args(["--edges", "normal", "--prefix", "none", "--offline"])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8_lossy(&output.stdout).into_owned();
    let crates: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    if !crates.contains("tollgate-backend-vm") {
        let said = String::from_utf8_lossy(&output.stderr);
        return vec![format!("cargo tree does not say what is in it: {said}")];
    }
    let found = COMPILER.iter().filter(|name| crates.contains(*name));
    found.map(|name| format!("`{name}` is in it")).collect()
}

fn file_lengths(root: &Path) -> Vec<String> {
    let long = |file: &PathBuf| LONG_FILES.iter().any(|(name, _)| root.join(name) == *file);
    files(root, &["rs", "c", "cpp", "h", "py"])
        .into_iter()
        .filter(|file| !long(file))
        .filter_map(|file| {
            let lines = fs::read_to_string(&file).ok()?.lines().count();
            (lines > 600).then(|| format!("{} has {lines} lines", show(root, &file)))
        })
        .collect()
}

fn crate_docs(root: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files(root, &["rs"]) {
        if file.file_name().is_none_or(|name| name != "lib.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap_or_default();
        for heading in HEADINGS {
            if !text.contains(&format!("//! {heading}")) {
                findings.push(format!("{} lacks `{heading}`", show(root, &file)));
            }
        }
    }
    findings
}

fn unsafe_code(root: &Path) -> Vec<String> {
    let allowed = |file: &PathBuf| UNSAFE_FILES.iter().any(|name| root.join(name) == *file);
    let unsafe_line = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        ["unsafe {", "unsafe impl", "unsafe fn"]
            .iter()
            .any(|form| code.contains(form))
            && !code.contains('"')
    };
    files(root, &["rs"])
        .into_iter()
        .filter(|file| !allowed(file))
        .filter(|file| {
            fs::read_to_string(file)
                .unwrap_or_default()
                .lines()
                .any(unsafe_line)
        })
        .map(|file| show(root, &file))
        .collect()
}

fn show(root: &Path, file: &Path) -> String {
    file.strip_prefix(root)
        .unwrap_or(file)
        .display()
        .to_string()
}

/// Every file of the repository with one of these extensions, sorted.
pub(crate) fn files(root: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|e| extensions.iter().any(|of| e == *of))
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_stands() {
        let findings = findings();
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }

    #[test]
    fn the_table_is_read() {
        let allowed = allowed_dependencies(
            "<!-- dependencies -->\n| crate | may |\n|---|---|\n| `a` | `b` `c` | – |\n<!-- /dependencies -->",
        );
        assert_eq!(
            allowed["a"],
            BTreeSet::from(["b".to_owned(), "c".to_owned()])
        );
    }
}
