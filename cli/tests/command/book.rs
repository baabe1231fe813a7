//! Pages of the book that are sessions: the files they show are written, the commands they show are run in that order, and what these
//! print must be what stands below them.
//!
//! A block is marked behind its language: `rules shop.rules` is a file, `rules append shop.rules` is written to its end, `diff shop.rules` is
//! applied to it, and `console` has commands behind `$`, each with what it prints on standard output and then on standard error. A
//! line `exit 1` says how the command before ended, where that is not 0; `…` in a line stands for what differs from run to run. Other
//! blocks are only read.

use std::env;
use std::fs;
use std::path::Path;

use super::Folder;

#[test]
fn the_page_of_tests_goes_as_it_says() {
    assert!(replay("tests") >= 6);
}

#[test]
fn the_page_of_streams_goes_as_it_says() {
    assert!(replay("stream") >= 3);
}

#[test]
fn the_page_of_gateways_goes_as_it_says() {
    assert!(replay("gateway") >= 6);
}

#[test]
fn the_page_of_campaigns_goes_as_it_says() {
    assert!(replay("campaign") >= 3);
}

#[test]
fn the_page_of_operations_goes_as_it_says() {
    assert!(replay("operations") >= 10);
}

#[test]
fn the_tutorial_goes_as_it_says() {
    assert!(replay("tutorial") >= 10);
}

#[test]
fn one_rule_goes_through_the_stages_as_the_page_shows() {
    assert!(replay("one-rule") >= 6);
}

/// The picture beside the page is the one that its command draws.
#[test]
fn the_page_of_overload_goes_as_it_says() {
    let folder = Folder::new("book-overload");
    assert!(replay_in(&folder, "overload") >= 3);
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/book/overload.svg");
    let drawn = folder.read("overload.svg");
    if env::var_os("TOLLGATE_BLESS").is_some() {
        fs::write(&book, &drawn).expect("the picture is writable");
    }
    let kept = fs::read_to_string(book).expect("the picture is there");
    assert!(
        drawn == kept,
        "docs/book/overload.svg is not what the command draws; TOLLGATE_BLESS=1 writes it"
    );
}

/// The table of contents that mdBook reads names every page, once.
#[test]
fn the_book_has_all_of_its_pages() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let folder = root
        .expect("the command stands in the project")
        .join("docs/book");
    let summary = fs::read_to_string(folder.join("SUMMARY.md")).expect("a table of contents");
    let mut named: Vec<&str> = summary
        .lines()
        .filter_map(|line| line.split_once("](")?.1.strip_suffix(')'))
        .collect();
    for page in &named {
        assert!(
            folder.join(page).is_file(),
            "SUMMARY.md names {page}, which is not there"
        );
    }
    named.sort_unstable();
    let before = named.len();
    named.dedup();
    assert_eq!(named.len(), before, "SUMMARY.md names a page twice");
    let mut pages: Vec<String> = fs::read_dir(&folder)
        .expect("the book is there")
        .map(|file| {
            file.expect("a file")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .filter(|name| name.ends_with(".md") && name != "SUMMARY.md")
        .collect();
    pages.sort_unstable();
    let named: Vec<&str> = named
        .into_iter()
        .filter(|page| !page.contains('/'))
        .collect();
    assert_eq!(pages, named);
}

/// The pages of the reference are those that the suite executes, each taken in whole.
#[test]
fn the_book_has_all_of_the_reference() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let root = root.expect("the command stands in the project");
    let names = |folder: &str| {
        let files = fs::read_dir(root.join(folder)).expect("a folder");
        let mut names: Vec<_> = files
            .map(|file| file.expect("a file").file_name())
            .collect();
        names.sort_unstable();
        names
    };
    let pages = names("docs/book/reference");
    assert_eq!(pages, names("tests/conformance"));
    let summary = fs::read_to_string(root.join("docs/book/SUMMARY.md")).expect("a table");
    for page in pages {
        let page = page.to_str().expect("a name");
        let text = fs::read_to_string(root.join("docs/book/reference").join(page));
        let include = format!("{{{{#include ../../../tests/conformance/{page}}}}}\n");
        assert_eq!(text.expect("a page"), include);
        assert!(summary.contains(&format!("(reference/{page})")), "{page}");
    }
}

/// Replays a page in a folder of its own; how many commands it has.
fn replay(page: &str) -> usize {
    replay_in(&Folder::new(&format!("book-{page}")), page)
}

fn replay_in(folder: &Folder, page: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let path = root
        .expect("the command stands in the project")
        .join(format!("docs/book/{page}.md"));
    let text = fs::read_to_string(&path).expect("the page is there");
    let mut lines = text.lines();
    let mut commands = 0;
    while let Some(line) = lines.next() {
        let Some(mark) = line.strip_prefix("```").filter(|mark| !mark.is_empty()) else {
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let words: Vec<&str> = mark.split_whitespace().collect();
        match &words[..] {
            ["console"] => commands += console(folder, &block),
            ["diff", file] => change(folder, file, &block),
            [_, "append", file] => {
                let before = folder.read(file);
                write(folder, file, &format!("{before}\n{}\n", block.join("\n")));
            }
            [_, file] if file.contains('.') => write(folder, file, &(block.join("\n") + "\n")),
            _ => {}
        }
    }
    commands
}

fn write(folder: &Folder, file: &str, text: &str) {
    let path = folder.path().join(file);
    let parent = path.parent().expect("it stands in a folder");
    fs::create_dir_all(parent).expect("a folder");
    fs::write(path, text).expect("a file");
}

/// Replaces the lines without a mark and those with `-` by those without a mark and those with `+`.
fn change(folder: &Folder, file: &str, block: &[&str]) {
    let side = |mark: char| -> String {
        let lines = block.iter().filter_map(|line| match line.chars().next() {
            Some(first) if first == mark || first == ' ' => Some(format!("{}\n", &line[1..])),
            None => Some("\n".to_owned()),
            _ => None,
        });
        lines.collect()
    };
    let (before, text) = (side('-'), folder.read(file));
    assert_eq!(
        text.matches(&before).count(),
        1,
        "{file} has once:\n{before}\nin\n{text}"
    );
    write(folder, file, &text.replacen(&before, &side('+'), 1));
}

/// Runs the commands of a block.
fn console(folder: &Folder, block: &[&str]) -> usize {
    let starts: Vec<usize> = (0..block.len())
        .filter(|i| block[*i].starts_with("$ "))
        .collect();
    for (i, start) in starts.iter().enumerate() {
        let end = starts.get(i + 1).copied().unwrap_or(block.len());
        let words = words(&block[*start][2..]);
        let (program, args) = words.split_first().expect("a command");
        assert_eq!(program, "tollgate", "only this is run");
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let ended = folder.tollgate(&args);
        let printed = format!("{}{}", ended.out, ended.err);
        let mut found: Vec<String> = printed.lines().map(|l| l.trim_end().to_owned()).collect();
        if ended.code != Some(0) {
            found.push(format!("exit {}", ended.code.expect("it ended by itself")));
        }
        let trimmed = block[start + 1..end]
            .iter()
            .map(|line| line.trim_end().to_owned());
        let mut wanted: Vec<String> = trimmed.collect();
        while wanted.last().is_some_and(String::is_empty) {
            wanted.pop();
        }
        let same = found.len() == wanted.len()
            && found
                .iter()
                .zip(&wanted)
                .all(|(found, wanted)| is_like(found, wanted));
        assert!(same, "{}\n{}", block[*start], found.join("\n"));
    }
    starts.len()
}

fn is_like(found: &str, wanted: &str) -> bool {
    match wanted.split_once('…') {
        Some((begin, end)) => found.starts_with(begin) && found.ends_with(end),
        None => found == wanted,
    }
}

/// The words of a command; quotes hold one together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.push(c),
            ('\'' | '"', None) => quote = Some(c),
            (' ', None) => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            (c, None) => word.push(c),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}
