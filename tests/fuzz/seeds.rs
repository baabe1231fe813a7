//! Writes the corpora that the targets begin with, into `corpus/TARGET`: what the project has of sources, IR and records.
//!
//! `cargo fuzz run seeds` (it is no target, and ends by itself). Files are named by their hash, so running it again adds nothing.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use tollgate::{Engine, Stage};
use tollgate_backend_vm::{Program, seal};
use tollgate_optimizer::{Level, Options};

/// Longer files teach a fuzzer nothing that shorter ones do not.
const SEED_MAX: usize = 8 << 10;

fn main() -> std::io::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.join("../..");
    let mut seeds = Seeds {
        corpus: here.join("corpus"),
    };
    for file in files(&root, "rules")? {
        seeds.source(&fs::read_to_string(file)?)?;
    }
    for file in files(&root.join("tests/conformance"), "md")? {
        let text = fs::read_to_string(file)?;
        // Every second part between fences is a block; its first line ends the fence.
        for block in text.split("```").skip(1).step_by(2) {
            seeds.source(block.split_once('\n').map_or("", |(_, source)| source))?;
        }
    }
    for file in files(&root, "tir")? {
        seeds.ir(&fs::read_to_string(file)?)?;
    }
    for line in fs::read_to_string(root.join("examples/github/requests.jsonl"))?
        .lines()
        .take(50)
    {
        seeds.add("json", line.as_bytes())?;
    }
    seeds.add("json", br#"{"id":"1","time":"2026-11-01T00:00:00Z","method":"POST","host":"Shop.Example:80","path":"/v1/a%20b","client":{"ip":"10.0.0.1"},"query":{"a":["1","2"]},"headers":{"X-A":["b"]},"token":{"subject":"u"}}"#)?;
    for text in [
        "/",
        "/a/b/",
        "/%7ea/%E2%82%AC",
        "/a/../b/./c//d",
        "/%2F",
        "/a;b=c/%00",
        "Shop.Example:8080",
        "[::1]:80",
        "xn--bcher-kva.example",
        "b\u{fc}cher.example.",
    ] {
        seeds.add("canonical", text.as_bytes())?;
    }
    for request in [
        "GET /v2/carts/7?page=2&tag=a&tag=b\nHost: shop.example\nX-Forwarded-For: 10.9.9.9, 192.0.2.7\nCookie: a=b; c=d",
        "POST http://a.example:80/x%20y\nhost: a.example",
        "OPTIONS *\nHost: [::1]:8080\nx-forwarded-for: [2001:db8::1]:80",
    ] {
        seeds.add("http", request.as_bytes())?;
    }
    for facts in [
        "Api.Example:443\n/v1/7\ngold_1\nPOST\nabcdefgh\nx\ny",
        "a\n/a/../b\ngold_\nGET\n\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\n",
        "[::1]\n/%61//b\n\n\nzz",
    ] {
        seeds.add("facts", facts.as_bytes())?;
    }
    // Choices: any bytes are some.
    let mut choices: Vec<u8> = Vec::new();
    for n in 0..4_096_u32 {
        choices.push((n.wrapping_mul(2_654_435_761) >> 24) as u8);
    }
    for len in [40, 400, 2_000] {
        for start in (0..choices.len() - len).step_by(173) {
            seeds.add("state", &choices[start..start + len])?;
            seeds.add("c_api", &choices[start..start + len])?;
        }
    }
    Ok(())
}

/// Where they go.
struct Seeds {
    corpus: PathBuf,
}

impl Seeds {
    fn source(&mut self, text: &str) -> std::io::Result<()> {
        self.add("parse", text.as_bytes())?;
        self.add("check", text.as_bytes())?;
        self.add("rules", text.as_bytes())?;
        self.patterns(text)?;
        if let Ok(program) = Engine::new().compile_source("seed.rules", text)
            && let Ok(artifact) = program.artifact()
        {
            self.add("artifact", &artifact)?;
        }
        match Engine::new().emit_source("seed.rules", text, Stage::Ir) {
            Ok(ir) => self.ir(&ir),
            Err(_) => Ok(()),
        }
    }

    /// The patterns of a source, each with the texts of it below.
    fn patterns(&mut self, source: &str) -> std::io::Result<()> {
        let literals: Vec<&str> = source.split('"').collect();
        let texts: Vec<&str> = literals
            .iter()
            .skip(1)
            .step_by(2)
            .copied()
            .take(8)
            .collect();
        for pair in literals.windows(2) {
            if ["p", "glob", "re", "ip"]
                .iter()
                .any(|tag| pair[0].ends_with(tag))
            {
                self.add(
                    "patterns",
                    format!("{}\n{}", pair[1], texts.join("\n")).as_bytes(),
                )?;
            }
        }
        Ok(())
    }

    fn ir(&mut self, text: &str) -> std::io::Result<()> {
        self.add("ir_text", text.as_bytes())?;
        let natives = tollgate_stdlib::library().natives;
        let Ok(parsed) = tollgate_ir::text::parse(text, natives) else {
            return Ok(());
        };
        for level in [Level::O0, Level::O2] {
            if tollgate_ir::verify::verify(&parsed.module).is_ok()
                && let Ok(legal) = tollgate_optimizer::run(
                    parsed.module.clone(),
                    &Options::new(level),
                    &mut |_| {},
                )
                && let Ok(program) = Program::compile(&legal)
            {
                self.add("bytecode", &program.bytes()[seal(&[]).len()..])?;
            }
        }
        Ok(())
    }

    fn add(&mut self, target: &str, seed: &[u8]) -> std::io::Result<()> {
        // An artifact has the schema of all that its program uses.
        let most = if target == "artifact" {
            8 * SEED_MAX
        } else {
            SEED_MAX
        };
        if seed.is_empty() || seed.len() > most {
            return Ok(());
        }
        let mut hash = DefaultHasher::new();
        seed.hash(&mut hash);
        let folder = self.corpus.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{:016x}", hash.finish())), seed)
    }
}

/// The files with an ending below a folder of the project.
fn files(folder: &Path, ending: &str) -> std::io::Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() {
                if name != "target" && name != "corpus" && name != ".git" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == ending) {
                found.push(path);
            }
        }
    }
    Ok(found)
}
