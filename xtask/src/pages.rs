//! What the pages of the project say of its files: links lead somewhere, files that are named are there, and a constant that is said to stand in a file does.

use std::fs;
use std::path::{Path, PathBuf};

/// Endings of what looks like a file of the project.
const ENDINGS: [&str; 8] = [
    ".rs", ".md", ".rules", ".h", ".toml", ".sh", ".py", ".lalrpop",
];

/// Links in Markdown that lead to no file, and links of the book's table of contents.
pub(crate) fn links(root: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    for page in pages(root) {
        let text = prose(&fs::read_to_string(&page).unwrap_or_default());
        let folder = page.parent().expect("a file has a folder");
        for part in text.split("](").skip(1) {
            let Some((target, _)) = part.split_once(')') else {
                continue;
            };
            let file = target.split('#').next().unwrap_or_default();
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            if !elsewhere && !file.is_empty() && !folder.join(file).exists() {
                findings.push(format!("{} links to {target}", show(root, &page)));
            }
        }
    }
    findings
}

/// Files that the book names between backticks and that are not there, and `NAME` of `FILE` where the file has no such name.
pub(crate) fn names(root: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    for page in pages(root) {
        if !show(root, &page).starts_with("docs/book/") {
            continue;
        }
        let text = prose(&fs::read_to_string(&page).unwrap_or_default());
        let quoted: Vec<&str> = text.split('`').collect();
        for (i, name) in quoted.iter().enumerate().skip(1).step_by(2) {
            let is_path = ENDINGS.iter().any(|ending| name.ends_with(ending))
                && name.contains('/')
                && !name.contains([' ', '*', '{', '<'])
                && name
                    .split('/')
                    .next()
                    .is_some_and(|first| root.join(first).is_dir() && !first.is_empty());
            if !is_path {
                continue;
            }
            let text = fs::read_to_string(root.join(name));
            let of = quoted[i - 1].trim() == "of" && i >= 2;
            match text {
                Err(_) => findings.push(format!("{} names `{name}`", show(root, &page))),
                Ok(text) if of && !text.contains(quoted[i - 2]) => findings.push(format!(
                    "{} says that `{}` is in `{name}`",
                    show(root, &page),
                    quoted[i - 2]
                )),
                Ok(_) => {}
            }
        }
    }
    findings
}

/// A page without its blocks of code.
fn prose(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn pages(root: &Path) -> Vec<PathBuf> {
    super::house::files(root, &["md"])
}

fn show(root: &Path, page: &Path) -> String {
    let page = page.strip_prefix(root).unwrap_or(page);
    page.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_code_are_no_prose() {
        assert_eq!(prose("a\n```rust\n[b](c)\n```\nd"), "a\nd");
    }
}
