//! The book as mdBook renders it: `cargo xtask mdbook` is a preprocessor that docs/book.toml names.
//!
//! Pages of the book lead to files of the project beside them (`../../examples/serve/`), which the rendered book has not. So what they lead to becomes
//! part of it: a page, a source file or a folder of the project that a page of the book leads to is a page under `project/`. What such a
//! page leads to in turn is a link if it is in the book, and named if it is not. Pages that another one takes in whole (`{{#include …}}`) are read
//! where they stand, so that their links are right as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

/// Where the book stands in the project.
const BOOK: &str = "docs/book";
/// Where pages of the project stand in the book.
const PROJECT: &str = "project";
/// Most bytes of a file that becomes a page.
const MOST: u64 = 256 << 10;

/// The pages of the book, by their paths in it.
struct Rendered {
    pages: BTreeMap<String, Page>,
}

struct Page {
    text: String,
    /// What the table of contents calls it, where it is one of the project's.
    name: String,
}

/// What the preprocessor is asked: whether it is for a renderer, or the book on standard input.
pub(crate) fn run(args: &[String]) -> ExitCode {
    if let [ask, renderer] = args
        && ask == "supports"
    {
        return match renderer.as_str() {
            "html" => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        };
    }
    let mut input = String::new();
    let read = io::stdin().read_to_string(&mut input);
    let read = read.map_err(|e| e.to_string());
    let asked = read.and_then(|_| serde_json::from_str(&input).map_err(|e| e.to_string()));
    match asked.and_then(|asked| preprocessed(&super::house::root(), asked)) {
        Ok(book) => {
            println!("{book}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("this is for mdBook, as docs/book.toml names it: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Links of the rendered book that lead to no page and no heading of it.
pub(crate) fn links(root: &Path) -> Vec<String> {
    let book = match Rendered::new(root) {
        Ok(book) => book,
        Err(why) => return vec![why],
    };
    let headings = book.pages.iter();
    let headings: BTreeMap<&str, BTreeSet<String>> = headings
        .map(|(path, page)| (&**path, headings_of(&page.text)))
        .collect();
    let mut findings = Vec::new();
    for (path, page) in &book.pages {
        relinked(&page.text, &mut |target| {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let to = match file {
                "" => Some(PathBuf::from(path)),
                _ => normal(&folder(path).join(file)),
            };
            let to = to.and_then(|to| to.to_str().map(str::to_owned));
            let known = to.as_deref().and_then(|to| headings.get(to));
            let fine = match (known, &to) {
                _ if is_elsewhere(target) => true,
                (Some(headings), _) => heading.is_empty() || headings.contains(heading),
                (None, Some(to)) => root.join(BOOK).join(to).is_file() && !to.ends_with(".md"),
                (None, None) => false,
            };
            if !fine {
                findings.push(format!("{path} of the rendered book links to {target}"));
            }
            Some(target.to_owned())
        });
    }
    findings
}

/// The book that mdBook hands over, with the pages as they are to be rendered.
fn preprocessed(root: &Path, mut asked: Value) -> Result<Value, String> {
    let rendered = Rendered::new(root)?;
    let book = asked
        .get_mut(1)
        .ok_or("it hands over a context and a book")?;
    // mdBook 0.5 has `items`, and 0.4 had `sections`.
    let key = ["items", "sections"]
        .into_iter()
        .find(|key| book[*key].is_array());
    let key = key.ok_or("the book has no `items`")?;
    let items = book[key].as_array_mut().ok_or("the book has no `items`")?;
    for item in &mut *items {
        rendered.fill(item);
    }
    let chapter = |name: &str, text: &str, path: &str, below: Vec<Value>| {
        json!({ "Chapter": {
            "name": name, "content": text, "number": null, "sub_items": below, "path": path, "source_path": null, "parent_names": [],
        } })
    };
    let of_project = rendered.pages.iter();
    let of_project = of_project.filter(|(path, _)| path.starts_with(PROJECT));
    let below: Vec<Value> = of_project
        .map(|(path, page)| chapter(&page.name, &page.text, path, Vec::new()))
        .collect();
    let text = "# Files of the project\n\nWhat the pages of this book lead to, as it stood when the book was made.\n";
    items.push(json!({ "PartTitle": "The project" }));
    items.push(chapter("Files of the project", text, "files.md", below));
    Ok(book.take())
}

impl Rendered {
    /// Reads the pages that the table of contents names, and what they lead to.
    fn new(root: &Path) -> Result<Rendered, String> {
        let read = |path: &Path| {
            let text = fs::read_to_string(root.join(path));
            text.map_err(|e| format!("{}: {e}", path.display()))
        };
        let contents = read(&Path::new(BOOK).join("SUMMARY.md"))?;
        let mut chapters = Vec::new();
        relinked(&contents, &mut |target| {
            chapters.push(target.to_owned());
            None
        });
        // Where the text of each page stands in the project, and where in the book the files of the project are.
        let mut sources = Vec::new();
        let mut places: BTreeMap<PathBuf, String> = BTreeMap::new();
        for chapter in chapters {
            let mut source = Path::new(BOOK).join(&chapter);
            let mut text = read(&source)?;
            let included = text.trim().strip_prefix("{{#include ");
            if let Some(file) = included.and_then(|rest| rest.strip_suffix("}}")) {
                source = beside(&source, file).ok_or(format!("{chapter} includes {file}"))?;
                text = read(&source)?;
            }
            places.insert(source.clone(), chapter.clone());
            sources.push((chapter, source, text));
        }
        for (_, source, text) in &sources {
            relinked(text, &mut |target| {
                let found = beside(source, target.split('#').next().unwrap_or_default());
                if let Some(file) = found.filter(|file| !is_elsewhere(target) && is_outside(file)) {
                    let place = places.get(&readme(root, &file)).cloned();
                    let place = place.unwrap_or_else(|| place_of(root, &file));
                    places.insert(readme(root, &file), place.clone());
                    places.insert(file, place);
                }
                None
            });
        }
        let mut pages = BTreeMap::new();
        for (file, place) in &places {
            if place.starts_with(PROJECT) && !pages.contains_key(place) {
                let file = readme(root, file);
                let text = text_of(root, &file)?;
                let text = linked(&text, &file, place, &places);
                let name = file.display().to_string();
                pages.insert(place.clone(), Page { text, name });
            }
        }
        for (chapter, source, text) in sources {
            let text = linked(&text, &source, &chapter, &places);
            let name = chapter.clone();
            pages.insert(chapter, Page { text, name });
        }
        Ok(Rendered { pages })
    }

    /// Puts the text of each chapter in its place.
    fn fill(&self, item: &mut Value) {
        let Some(chapter) = item.get_mut("Chapter") else {
            return;
        };
        let page = chapter["path"]
            .as_str()
            .and_then(|path| self.pages.get(path));
        if let Some(page) = page {
            chapter["content"] = page.text.clone().into();
        }
        for below in chapter["sub_items"].as_array_mut().into_iter().flatten() {
            self.fill(below);
        }
    }
}

/// A page whose text stands in `source`, with its links as they have to be in the book at `place`.
fn linked(text: &str, source: &Path, place: &str, places: &BTreeMap<PathBuf, String>) -> String {
    relinked(text, &mut |target| {
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        if is_elsewhere(target) || file.is_empty() {
            return Some(target.to_owned());
        }
        let file = beside(source, file)?;
        let to = match (file.strip_prefix(BOOK), places.get(&file)) {
            (_, Some(to)) => to.clone(),
            (Ok(in_book), None) => in_book.to_str()?.to_owned(),
            (Err(_), None) => return None,
        };
        let up = "../".repeat(folder(place).components().count());
        let mark = if heading.is_empty() { "" } else { "#" };
        Some(format!("{up}{to}{mark}{heading}"))
    })
}

/// A page with each link leading to what `to` says of its target; where it says nothing, only the text of the link is left. Blocks of code, and
/// code within a line, are no links.
fn relinked(page: &str, to: &mut dyn FnMut(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(page.len());
    let (mut in_block, mut in_code) = (false, false);
    let mut opened: Vec<usize> = Vec::new();
    for line in page.split_inclusive('\n') {
        let fence = line.trim_start().starts_with("```");
        in_block ^= fence;
        if in_block || fence {
            out.push_str(line);
            continue;
        }
        if line.trim().is_empty() {
            in_code = false;
            opened.clear();
        }
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let target = rest
                .strip_prefix("](")
                .and_then(|rest| rest.split_once(')'));
            match (c, target) {
                (']', Some((target, after))) if !in_code => {
                    let begin = opened.pop();
                    match (to(target), begin) {
                        (None, Some(begin)) => {
                            out.remove(begin);
                        }
                        (target, _) => {
                            out.push_str("](");
                            out.push_str(&target.unwrap_or_default());
                            out.push(')');
                        }
                    }
                    rest = after;
                    continue;
                }
                ('[', _) if !in_code => opened.push(out.len()),
                (']', _) if !in_code => drop(opened.pop()),
                ('`', _) => in_code = !in_code,
                _ => {}
            }
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// What headings are called in links, as mdBook makes it of their text.
fn headings_of(page: &str) -> BTreeSet<String> {
    let mut in_block = false;
    let mut headings = BTreeSet::new();
    for line in page.lines() {
        in_block ^= line.trim_start().starts_with("```");
        let text = line.trim_start_matches('#');
        if in_block || text.len() == line.len() || !text.starts_with(' ') {
            continue;
        }
        let text = relinked(text, &mut |_| None);
        let text = text.trim().to_lowercase();
        let called = text.chars().filter_map(|c| match c {
            c if c.is_alphanumeric() || "_-".contains(c) => Some(c),
            c if c.is_whitespace() => Some('-'),
            _ => None,
        });
        let called: String = called.collect();
        let again = (1..).map(|n| format!("{called}-{n}"));
        let mut names = std::iter::once(called.clone()).chain(again);
        headings.extend(names.find(|name| !headings.contains(name)));
    }
    headings
}

/// What a file of the project is as a page: Markdown as it is, source in a block, a folder as a list of what is in it.
fn text_of(root: &Path, file: &Path) -> Result<String, String> {
    let (path, name) = (root.join(file), file.display());
    let failed = |why: io::Error| format!("{name}: {why}");
    if path.is_dir() {
        let files = fs::read_dir(&path).map_err(failed)?.flatten();
        let mut files: Vec<String> = files
            .map(|file| format!("- `{}`\n", file.file_name().to_string_lossy()))
            .collect();
        files.sort();
        return Ok(format!("# {name}\n\n{}", files.concat()));
    }
    let bytes = fs::metadata(&path).map_err(failed)?.len();
    if bytes > MOST {
        return Err(format!("{name} has {bytes} bytes, too many for a page"));
    }
    let text = fs::read_to_string(&path).map_err(failed)?;
    let language = file
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    let language = match language {
        "md" => return Ok(text),
        "rs" => "rust,ignore",
        "h" => "c",
        other => other,
    };
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    Ok(format!(
        "# {name}\n\n{fence}{language}\n{}\n{fence}\n",
        text.trim_end()
    ))
}

/// A folder's page, where it has one.
fn readme(root: &Path, file: &Path) -> PathBuf {
    let readme = file.join("README.md");
    match root.join(&readme).is_file() {
        true => readme,
        false => file.to_owned(),
    }
}

/// Where in the book a file of the project is. A folder and its page are one.
fn place_of(root: &Path, file: &Path) -> String {
    let file = readme(root, file);
    let file = match file.file_name().is_some_and(|name| name == "README.md") {
        true => folder_of(&file),
        false => file.with_file_name(
            file.file_name()
                .and_then(|name| name.to_str())
                .map(|name| name.strip_suffix(".md").unwrap_or(name))
                .unwrap_or_default(),
        ),
    };
    format!("{PROJECT}/{}.md", file.display())
}

/// The file of the project that a link leads to from another one.
fn beside(source: &Path, target: &str) -> Option<PathBuf> {
    normal(&folder_of(source).join(target))
}

/// A path without `.` and `..`; nothing where it leads further out than it began.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => {
                if !normal.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}

fn is_outside(file: &Path) -> bool {
    !file.starts_with(BOOK) && file != Path::new("")
}

fn is_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

fn folder(place: &str) -> &Path {
    Path::new(place).parent().unwrap_or(Path::new(""))
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().map(Path::to_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_replaced_and_code_is_not() {
        let page =
            "a [b](c.md#d) `[e](f)` [`g`](h)\n```\n[i](j)\n```\n![k](l) [m\nn](o) [p] q](r)\n";
        let mut seen = Vec::new();
        let relinked = relinked(page, &mut |target| {
            seen.push(target.to_owned());
            (target != "h" && target != "o").then(|| format!("x/{target}"))
        });
        let expected =
            "a [b](x/c.md#d) `[e](f)` `g`\n```\n[i](j)\n```\n![k](x/l) m\nn [p] q](x/r)\n";
        assert_eq!(relinked, expected);
        assert_eq!(seen, ["c.md#d", "h", "l", "o", "r"]);
    }

    #[test]
    fn headings_are_called_as_mdbook_calls_them() {
        let page =
            "# A `b`, c\n## [In a Redis](x)\n```\n# no\n```\n### A b c\n#no\n## What's new?\n";
        let expected = ["a-b-c", "a-b-c-1", "in-a-redis", "whats-new"];
        let headings: Vec<String> = headings_of(page).into_iter().collect();
        assert_eq!(headings, expected);
    }

    /// As mdBook asks, about the book as it is.
    #[test]
    fn what_a_page_leads_to_is_in_the_book() {
        let chapter = |path: &str, below: Value| json!({ "Chapter": { "name": path, "content": "?", "path": path, "sub_items": below } });
        let reference = json!([chapter("reference/07-tests.md", json!([]))]);
        let book = json!({ "items": [chapter("serve.md", json!([])), "Separator", chapter("reference.md", reference)] });
        let book = preprocessed(&crate::house::root(), json!([{}, book])).unwrap();
        let items = book["items"].as_array().unwrap();
        let content = |chapter: &Value| chapter["Chapter"]["content"].as_str().unwrap().to_owned();
        let serve = content(&items[0]);
        assert!(serve.contains("[`examples/serve`](project/examples/serve.md)"));
        assert!(serve.contains("[remembers](reference/06-state.md)"));
        let tests = content(&items[2]["Chapter"]["sub_items"][0]);
        assert!(tests.contains("](../tests.md)") && !tests.contains("{{#include"));
        let project = items[4]["Chapter"]["sub_items"].as_array().unwrap();
        let of = |path: &str| {
            let found = project.iter().find(|page| page["Chapter"]["path"] == path);
            content(found.unwrap_or_else(|| panic!("{path} is in the book")))
        };
        assert!(of("project/examples/serve.md").contains("[the book](../../serve.md)"));
        assert!(
            of("project/src/pipeline.rs.md")
                .starts_with("# src/pipeline.rs\n\n```rust,ignore\n//! ")
        );
        assert!(preprocessed(&crate::house::root(), json!([])).is_err());
    }
}
