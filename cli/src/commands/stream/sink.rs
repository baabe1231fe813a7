//! Where a stream writes: a file, whose length the journal knows, or standard output.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::journal::cannot;
use crate::commands::Result;

/// Somewhere to write.
pub(crate) enum Sink {
    File { file: File, mark: Mark },
    Output,
    Nowhere,
}

/// How long a file was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    path: PathBuf,
    length: u64,
}

impl Sink {
    /// A file, if one is named, to be written behind what it has; else what `instead` says.
    pub(crate) fn open(path: Option<&Path>, instead: Sink) -> Result<Sink> {
        let Some(path) = path else {
            return Ok(instead);
        };
        let mut options = OpenOptions::new();
        let file = options.create(true).write(true).truncate(false).open(path);
        let mut file = file.map_err(cannot("write", path))?;
        let length = file.seek(SeekFrom::End(0));
        let mark = Mark {
            path: path.to_owned(),
            length: length.map_err(cannot("write", path))?,
        };
        Ok(Sink::File { file, mark })
    }

    /// How long the file is, where it is one.
    pub(crate) fn mark(&self) -> Option<Mark> {
        match self {
            Sink::File { mark, .. } => Some(mark.clone()),
            Sink::Output | Sink::Nowhere => None,
        }
    }

    /// Puts into order what batches wrote that are in the journal, given the mark of its snapshot. A file has each of them once; of
    /// standard output only the last may be missing, which is written again.
    pub(crate) fn resume(&mut self, before: Option<&Mark>, batches: &[&str]) -> Result<()> {
        let written = batches.iter().any(|text| !text.is_empty());
        match (self, before) {
            (Sink::File { file, mark }, Some(before)) if before.path == mark.path => {
                if mark.length < before.length {
                    return Err(format!(
                        "{} has {} bytes, and the journal knows that it had {}: it is not the file that the stream wrote",
                        mark.path.display(),
                        mark.length,
                        before.length
                    )
                    .into());
                }
                let mut write = || {
                    file.set_len(before.length)?;
                    file.seek(SeekFrom::Start(before.length))?;
                    batches.iter().try_for_each(|text| file.write_all(text.as_bytes()))
                };
                write().map_err(cannot("write", &mark.path))?;
                let more: usize = batches.iter().map(|text| text.len()).sum();
                mark.length = before.length + more as u64;
                Ok(())
            }
            (_, Some(before)) if written => Err(format!(
                "the stream was stopped in the middle and has still to write to {}: give that file once more",
                before.path.display()
            )
            .into()),
            (sink, _) => match batches.last() {
                Some(last) => sink.write(last),
                None => Ok(()),
            },
        }
    }

    /// Writes behind what is there.
    pub(crate) fn write(&mut self, text: &str) -> Result<()> {
        match self {
            Sink::Nowhere => Ok(()),
            Sink::Output => {
                let mut out = io::stdout().lock();
                out.write_all(text.as_bytes())?;
                out.flush()?;
                Ok(())
            }
            Sink::File { file, mark } => {
                let written = file.write_all(text.as_bytes());
                written.map_err(cannot("write", &mark.path))?;
                mark.length += text.len() as u64;
                Ok(())
            }
        }
    }

    /// Comes back when what was written would survive a loss of power.
    pub(crate) fn sync(&self) -> Result<()> {
        match self {
            Sink::File { file, mark } => file.sync_all().map_err(cannot("write", &mark.path)),
            Sink::Output | Sink::Nowhere => Ok(()),
        }
    }
}
