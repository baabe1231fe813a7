//! What `tollgate emit --stage dag` draws.
//!
//! `tests/dag/*.rules` and the shop have their drawing as text beside them, in a `.snap`, without the bytes, which depend on the
//! machine. Every example, program of `tests/run` and block of the reference is drawn in every format: what is drawn for
//! Graphviz is read back by a small parser of its language, and what is a picture is well-formed XML.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use tollgate::{DagFormat, DagOptions, Engine, Error};

use super::{conformance, files};

/// How one program is drawn.
type Draw = dyn Fn(&DagOptions) -> Result<String, Error> + Send + Sync;

/// The trials.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    let folder = root.join("tests/dag");
    let mut drawn = files(&folder, "rules");
    drawn.push(root.join("examples/shop/gateway.rules"));
    let snapshots = drawn.into_iter().map(|path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let (name, folder) = (name.into_owned(), folder.clone());
        Trial::test(format!("dag/{name}"), move || {
            as_recorded(&path, &name, &folder)
        })
    });
    let book = root.join("docs/book");
    let pictures = files(&book, "rules").into_iter().map(|path| {
        let title = path.strip_prefix(root).unwrap_or(&path).display();
        let title = format!("dag/{title}: picture");
        Trial::test(title, move || as_pictured(&path))
    });
    let pictures: Vec<Trial> = pictures.collect();
    let folders = ["tests/dag", "tests/run", "examples", "docs/book"].map(|f| root.join(f));
    let all: Vec<PathBuf> = folders.iter().flat_map(|f| files(f, "rules")).collect();
    let programs = all.into_iter().map(|path| {
        let title = path.strip_prefix(root).unwrap_or(&path).display();
        let title = format!("dag/{title}");
        let draw: Arc<Draw> = Arc::new(move |options| Engine::new().draw_file(&path, options));
        Trial::test(title, move || well_formed(&*draw))
    });
    let blocks = conformance::programs(root).map(|(name, text)| {
        let draw: Arc<Draw> =
            Arc::new(move |options| Engine::new().draw_source("block.rules", &text, options));
        Trial::test(format!("dag/{name}"), move || well_formed(&*draw))
    });
    let github = root.join("examples/github/github.rules");
    let large = Trial::test("dag/large", move || shortened(&github));
    let mut trials: Vec<Trial> = snapshots.collect();
    trials.extend(programs.chain(blocks).chain(pictures).chain([large]));
    trials
}

fn as_recorded(path: &Path, name: &str, folder: &Path) -> Result<(), Failed> {
    let drawn = Engine::new().draw_file(path, &DagOptions::default())?;
    let bytes = |line: &str| line.trim_start().starts_with("bytes ");
    let lines = drawn.lines().filter(|line| !bytes(line));
    let lines: Vec<&str> = lines.map(str::trim_end).collect();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, lines.join("\n")));
    Ok(())
}

/// The picture in the book is what is drawn of the rules beside it. `INSTA_UPDATE=always` draws it anew.
fn as_pictured(path: &Path) -> Result<(), Failed> {
    let options = DagOptions {
        format: DagFormat::Svg,
        ruleset: None,
        all: true,
    };
    let (drawn, picture) = (
        Engine::new().draw_file(path, &options)?,
        path.with_extension("svg"),
    );
    let known = std::fs::read_to_string(&picture)?;
    // How many bytes an index takes depends on the machine.
    let figures = |line: &str| line.contains(" bytes ");
    let mut lines = drawn.lines().zip(known.lines());
    let same = lines.all(|(a, b)| a == b || figures(a) && figures(b));
    if same && drawn.lines().count() == known.lines().count() {
        return Ok(());
    }
    if std::env::var_os("INSTA_UPDATE").is_some_and(|v| v == "always") {
        return Ok(std::fs::write(&picture, drawn)?);
    }
    Err(format!("{} shows something else", picture.display()).into())
}

/// Every format of a program, shortened and in full.
fn well_formed(draw: &Draw) -> Result<(), Failed> {
    for all in [false, true] {
        let drawn = |format| {
            draw(&DagOptions {
                format,
                ruleset: None,
                all,
            })
        };
        let text = drawn(DagFormat::Text)?;
        if text.trim().is_empty() || text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(format!("not a text for a terminal:\n{text}").into());
        }
        let dot = drawn(DagFormat::Dot)?;
        if !dot.starts_with(';') {
            Dot::read(&dot).map_err(|e| format!("{e}\n{dot}"))?;
        }
        let svg = drawn(DagFormat::Svg)?;
        if !svg.starts_with(';') {
            xml(&svg).map_err(|e| format!("{e}\n{svg}"))?;
        }
    }
    Ok(())
}

/// A large rule set is a picture of few boxes; in full it has every rule.
fn shortened(path: &Path) -> Result<(), Failed> {
    let draw = |format, all| {
        let ruleset = Some("route".to_owned());
        Engine::new().draw_file(
            path,
            &DagOptions {
                format,
                ruleset,
                all,
            },
        )
    };
    let boxes = |svg: &str| svg.matches("<rect ").count() - 1;
    let (few, all) = (draw(DagFormat::Svg, false)?, draw(DagFormat::Svg, true)?);
    if !(2..=60).contains(&boxes(&few)) || boxes(&all) < 500 {
        return Err(format!("{} boxes, {} in full", boxes(&few), boxes(&all)).into());
    }
    let text = draw(DagFormat::Text, true)?;
    for rule in std::fs::read_to_string(path)?.lines() {
        if let Some(rule) = rule.trim().strip_prefix("rule ") {
            let name = rule.split(' ').next().unwrap_or_default();
            if !text.contains(name) {
                return Err(format!("`{name}` is not drawn").into());
            }
        }
    }
    Ok(())
}

/// What is read of a graph: declared nodes, and those that edges name. The grammar is that of
/// <https://graphviz.org/doc/info/lang.html>, as far as it is used.
struct Dot<'t> {
    rest: &'t str,
    nodes: BTreeSet<&'t str>,
    ends: BTreeSet<&'t str>,
}

impl<'t> Dot<'t> {
    fn read(text: &'t str) -> Result<(), String> {
        let mut dot = Dot {
            rest: text,
            nodes: BTreeSet::new(),
            ends: BTreeSet::new(),
        };
        dot.expect("digraph")?;
        dot.id()?;
        dot.statements()?;
        if !dot.rest.trim().is_empty() {
            return Err(format!("behind the graph: {}", dot.rest));
        }
        match dot.ends.difference(&dot.nodes).next() {
            Some(node) => Err(format!("an edge to `{node}`, which is not there")),
            None if dot.nodes.is_empty() => Err("no node".into()),
            None => Ok(()),
        }
    }

    fn statements(&mut self) -> Result<(), String> {
        self.expect("{")?;
        while !self.eat("}") {
            if self.eat("subgraph") {
                self.id()?;
                self.statements()?;
                continue;
            }
            let id = self.id()?;
            if self.eat("=") {
                self.id()?;
            } else if self.eat("->") {
                let to = self.id()?;
                self.ends.extend([id, to]);
                self.attributes()?;
            } else {
                self.attributes()?;
                if !matches!(id, "node" | "edge") && !self.nodes.insert(id) {
                    return Err(format!("`{id}` twice"));
                }
            }
            self.expect(";")?;
        }
        Ok(())
    }

    fn attributes(&mut self) -> Result<(), String> {
        self.expect("[")?;
        loop {
            self.id()?;
            self.expect("=")?;
            self.id()?;
            if self.eat("]") {
                return Ok(());
            }
            self.expect(",")?;
        }
    }

    /// A word, a number, or a quoted text without a bare quote or line end in it.
    fn id(&mut self) -> Result<&'t str, String> {
        self.rest = self.rest.trim_start();
        let len = match self.rest.strip_prefix('"') {
            Some(text) => {
                let mut escaped = false;
                let end = text.find(|c: char| {
                    let ends = c == '"' && !escaped || c == '\n';
                    escaped = c == '\\' && !escaped;
                    ends
                });
                end.filter(|end| text[*end..].starts_with('"'))
                    .map_or(0, |end| end + 2)
            }
            None => {
                let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                self.rest.find(|c| !word(c)).unwrap_or(self.rest.len())
            }
        };
        if len == 0 {
            return Err(format!("no name: {:.40}", self.rest));
        }
        let (id, rest) = self.rest.split_at(len);
        self.rest = rest;
        Ok(id)
    }

    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        match self.eat(token) {
            true => Ok(()),
            false => Err(format!("no `{token}`: {:.40}", self.rest)),
        }
    }
}

/// Whether elements end as they begin, attributes are quoted, and nothing else has `<` or a bare `&`.
pub(crate) fn xml(text: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let end = rest[at..].find('>').ok_or("a tag does not end")? + at;
        let tag = &rest[at + 1..end];
        entities(&rest[..at])?;
        entities(tag)?;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("`{name}` ends and has not begun"));
            }
        } else if !tag.matches('"').count().is_multiple_of(2) {
            return Err(format!("an attribute does not end: {tag}"));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap_or_default());
        }
        rest = &rest[end + 1..];
    }
    match open.pop() {
        Some(name) => Err(format!("`{name}` does not end")),
        None if rest.trim().is_empty() => Ok(()),
        None => Err("text behind the picture".into()),
    }
}

fn entities(text: &str) -> Result<(), String> {
    let known = ["amp;", "lt;", "gt;", "quot;"];
    let bare = text
        .split('&')
        .skip(1)
        .find(|t| known.iter().all(|k| !t.starts_with(k)));
    match bare {
        Some(bare) => Err(format!("a bare `&`: &{bare:.20}")),
        None if text.chars().any(|c| c.is_control() && c != '\n') => {
            Err("a control character".into())
        }
        None => Ok(()),
    }
}
