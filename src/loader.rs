//! Files: artifacts, and rules with the modules beside them (`loader/folder.rs`). This is the only place below the command line that reads some.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::artifact::{ARTIFACT_MAX, ArtifactInfo};
use crate::error::Error;

#[cfg(feature = "compiler")]
mod folder;

#[cfg(feature = "compiler")]
pub(crate) use folder::{Folder, module_of, read_main};

/// Most bytes of a file that is read at all; the parser has its own, smaller limit and says so in its own words.
const FILE_MAX: u64 = 256 * 1024 * 1024;
/// Reads an artifact.
pub(crate) fn read_artifact(path: &Path) -> Result<Vec<u8>, Error> {
    read_bytes(path, ARTIFACT_MAX as u64).map_err(|reason| Error::file(path, reason))
}

/// Whether a file is an artifact, by what it begins with.
pub(crate) fn is_artifact(path: &Path) -> bool {
    let mut begin = [0; 8];
    let file = File::open(path).and_then(|mut file| file.read_exact(&mut begin));
    file.is_ok() && ArtifactInfo::begins(&begin)
}

/// What a file says, rules or an artifact; nothing where it cannot be read as either. What is no file, such as a pipe, is not waited for.
pub(crate) fn read_any(path: &Path) -> Option<Vec<u8>> {
    let is_file = fs::metadata(path).ok()?.is_file();
    let max = FILE_MAX.max(ARTIFACT_MAX as u64);
    is_file.then(|| read_bytes(path, max).ok()).flatten()
}

fn read_bytes(path: &Path, max: u64) -> Result<Vec<u8>, String> {
    let metadata = fs::metadata(path).map_err(|e| e.to_string())?;
    if metadata.is_dir() {
        return Err("it is a folder; name a .rules file in it".into());
    }
    if metadata.len() > max {
        return Err(format!(
            "it has {} bytes; the limit is {max}",
            metadata.len()
        ));
    }
    // Read through a limit all the same: a device or a growing file has no honest length.
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| e.to_string())?;
    file.take(max + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| e.to_string())?;
    if bytes.len() as u64 > max {
        return Err(format!("it has more than {max} bytes, which is the limit"));
    }
    Ok(bytes)
}
