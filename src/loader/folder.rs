//! Modules from the file system.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use tollgate_frontend::library::{Loaded, Loader};

use super::{FILE_MAX, read_bytes};
use crate::error::Error;

/// Most `.rules` files looked at in one folder.
const FILES_MAX: usize = 10_000;
/// Bytes at the start of a file in which its `module` line is looked for.
const HEAD: u64 = 64 * 1024;

/// Finds modules in the folder of the main file, by their `module` lines.
pub(crate) struct Folder {
    folder: PathBuf,
    /// Module names and files, found at the first question.
    known: Option<Vec<(String, PathBuf)>>,
}

impl Folder {
    /// The folder that the main file stands in.
    pub(crate) fn of(main: &Path) -> Folder {
        let folder = main
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        Folder {
            folder: folder.to_owned(),
            known: None,
        }
    }
}

impl Loader for Folder {
    fn load(&mut self, name: &str) -> Loaded {
        let folder = &self.folder;
        let known = self.known.get_or_insert_with(|| modules_of(folder));
        let Some((_, path)) = known.iter().find(|(module, _)| module == name) else {
            return Loaded::Missing {
                known: known.iter().map(|(module, _)| module.clone()).collect(),
            };
        };
        let file = path.display().to_string();
        match read(path) {
            Ok(text) => Loaded::Source { file, text },
            Err(reason) => Loaded::Unreadable { file, reason },
        }
    }
}

/// Reads the main file of a program.
pub(crate) fn read_main(path: &Path) -> Result<String, Error> {
    read(path).map_err(|reason| Error::file(path, reason))
}

fn read(path: &Path) -> Result<String, String> {
    String::from_utf8(read_bytes(path, FILE_MAX)?).map_err(|e| {
        format!(
            "it is not valid UTF-8 at byte {}",
            e.utf8_error().valid_up_to()
        )
    })
}

fn modules_of(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let rules = |path: &PathBuf| path.extension().is_some_and(|e| e == "rules");
    let mut files: Vec<PathBuf> = entries
        .map(|e| e.path())
        .filter(rules)
        .take(FILES_MAX)
        .collect();
    files.sort();
    files
        .into_iter()
        .filter_map(|path| Some((module_line(&path)?, path)))
        .collect()
}

/// The name in a file's `module` line, which stands before every item and needs no parser to be found.
fn module_line(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    File::open(path)
        .ok()?
        .take(HEAD)
        .read_to_end(&mut head)
        .ok()?;
    module_of(&String::from_utf8_lossy(&head))
}

/// The name in the `module` line of a text.
pub(crate) fn module_of(text: &str) -> Option<String> {
    for line in text.trim_start_matches('\u{feff}').lines() {
        let code = line.split('#').next().unwrap_or_default();
        let mut words = code
            .split_whitespace()
            .skip_while(|w| *w == "edition" || w.bytes().all(|b| b.is_ascii_digit()));
        match words.next() {
            None => {}
            Some("module") => return words.next().map(str::to_owned),
            Some(_) => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_line_is_found_behind_comments_and_the_edition() {
        let folder = std::env::temp_dir().join(format!("tollgate-loader-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        write("a.rules", "# about\n\nedition 2026   module shop.a\n");
        write("b.rules", "edition 2026\r\nmodule shop.b # here\r\n");
        write("c.rules", "fn f() -> Int = 1\n");
        write("d.txt", "module shop.d");
        let names: Vec<String> = modules_of(&folder)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(names, ["shop.a", "shop.b"]);
    }
}
