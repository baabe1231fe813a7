//! Lines of files and pipes: events on the way in, actions on the way out.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::journal::cannot;
use super::sink::{Mark, Sink};
use super::source::{BATCH_BYTES, Batch, Next, Source};
use crate::commands::Result;
use crate::commands::lines::{Block, Blocks, LINE_MAX, open};

/// Events, one JSON object a line.
pub(super) struct Lines {
    name: String,
    blocks: Blocks<Box<dyn Read + Send>>,
    block: Block,
    /// How much of the block was handed out.
    at: usize,
    /// How many lines a batch has at most.
    most: u32,
    /// Where the last batch began, where it got to with each of its events, and where it ended, blanks included.
    places: Vec<Place>,
    end: Place,
}

/// How far an input was read. Of standard input nothing is known when it is opened again.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Place {
    bytes: u64,
    lines: u64,
}

/// A file that is appended to.
pub(super) struct Appended {
    file: File,
    mark: Mark,
}

/// Standard output.
pub(super) struct Output;

impl Lines {
    pub(super) fn open(path: &Path, known: Option<&Value>, most: u32) -> Result<Lines> {
        let end = match known {
            Some(known) => Place::deserialize(known)?,
            None => Place::default(),
        };
        Ok(Lines {
            name: path.display().to_string(),
            blocks: Blocks::new(reader(path, end.bytes)?),
            block: Block::default(),
            at: 0,
            most,
            places: Vec::new(),
            end,
        })
    }

    /// The next lines of the block.
    fn cut(&mut self, batch: &mut Batch) {
        let lines = next_lines(&self.block.bytes, self.at, self.most);
        self.at = lines.end;
        for line in self.block.bytes[lines].split_inclusive(|byte| *byte == b'\n') {
            self.end.bytes += line.len() as u64;
            self.end.lines += 1;
            let event = line.trim_ascii();
            if !event.is_empty() {
                batch.push(event, self.end.lines.into(), None);
                self.places.push(self.end);
            }
        }
    }

    /// A line that nobody can want to read, or blanks that are longer than any line.
    fn skip(&mut self, batch: &mut Batch) {
        self.at = self.block.bytes.len();
        self.end.bytes += self.block.read;
        self.end.lines += 1;
        if self.block.too_long {
            let reason = format!("the line is longer than {} MiB", LINE_MAX >> 20);
            batch.push(&self.block.bytes, self.end.lines.into(), Some(reason));
            self.places.push(self.end);
        }
    }
}

impl Source for Lines {
    fn name(&self) -> &str {
        &self.name
    }

    fn unit(&self) -> &'static str {
        "line"
    }

    fn next(&mut self, batch: &mut Batch) -> Result<Next> {
        batch.clear();
        self.places.clear();
        self.places.push(self.end);
        let fresh = self.at == self.block.bytes.len();
        if fresh {
            self.at = 0;
            let more = self.blocks.next(&mut self.block);
            if !more.map_err(|error| format!("cannot read the input: {error}"))? {
                return Ok(Next::End);
            }
            batch.read = self.block.read;
        }
        match fresh && (self.block.too_long || self.block.bytes.is_empty()) {
            true => self.skip(batch),
            false => self.cut(batch),
        }
        Ok(Next::Batch)
    }

    fn position(&self, read: usize) -> Value {
        let place = match self.places.get(read) {
            Some(place) if read + 1 < self.places.len() => place,
            _ => &self.end,
        };
        serde_json::json!(place)
    }

    fn committed(&mut self, _: usize) -> Result<()> {
        Ok(())
    }
}

impl Appended {
    /// A file to be written behind what it has.
    pub(super) fn open(path: &Path) -> Result<Appended> {
        let mut options = OpenOptions::new();
        let file = options.create(true).write(true).truncate(false).open(path);
        let mut file = file.map_err(cannot("write", path))?;
        let length = file.seek(SeekFrom::End(0));
        let mark = Mark {
            path: path.to_owned(),
            length: length.map_err(cannot("write", path))?,
            ends: Vec::new(),
        };
        Ok(Appended { file, mark })
    }
}

impl Sink for Appended {
    fn mark(&self) -> Option<Mark> {
        Some(self.mark.clone())
    }

    /// Brings the file to the length that the journal knows and writes what came since: it has each of them once.
    fn resume(&mut self, before: &Mark, batches: &[&str]) -> Result<()> {
        let Appended { file, mark } = self;
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
            batches
                .iter()
                .try_for_each(|text| file.write_all(text.as_bytes()))
        };
        write().map_err(cannot("write", &mark.path))?;
        let more: usize = batches.iter().map(|text| text.len()).sum();
        mark.length = before.length + more as u64;
        Ok(())
    }

    fn write(&mut self, lines: &str) -> Result<()> {
        let written = self.file.write_all(lines.as_bytes());
        written.map_err(cannot("write", &self.mark.path))?;
        self.mark.length += lines.len() as u64;
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.file
            .sync_all()
            .map_err(cannot("write", &self.mark.path))
    }
}

impl Sink for Output {
    fn mark(&self) -> Option<Mark> {
        None
    }

    fn resume(&mut self, _: &Mark, _: &[&str]) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, lines: &str) -> Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(lines.as_bytes())?;
        out.flush()?;
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }
}

/// The input, from where it was read to.
fn reader(path: &Path, from: u64) -> Result<Box<dyn Read + Send>> {
    if from == 0 || path == Path::new("-") {
        return open(path);
    }
    let mut file = File::open(path).map_err(cannot("read", path))?;
    let mut last = [0];
    let mut seek = || {
        let length = file.seek(SeekFrom::End(0))?;
        if length >= from {
            file.seek(SeekFrom::Start(from - 1))?;
            file.read_exact(&mut last)?;
        }
        io::Result::Ok(length)
    };
    let length = seek().map_err(cannot("read", path))?;
    if length < from || (length > from && last != *b"\n") {
        return Err(format!(
            "{} was read up to byte {from}, where no line ends now: it is not the file that the journal knows, or it was continued in the middle of a line",
            path.display()
        )
        .into());
    }
    Ok(Box::new(file))
}

/// The next whole lines: so many, or so many bytes of them, or all that there are.
fn next_lines(bytes: &[u8], from: usize, most: u32) -> Range<usize> {
    let (mut at, mut left) = (from, most);
    while at < bytes.len() && left > 0 && at - from < BATCH_BYTES {
        let end = memchr::memchr(b'\n', &bytes[at..]);
        at = end.map_or(bytes.len(), |end| at + end + 1);
        left -= 1;
    }
    from..at
}

#[cfg(test)]
mod tests {
    use super::next_lines;

    #[test]
    fn a_batch_has_whole_lines() {
        let cut = |text: &'static str, lines| -> Vec<&str> {
            let mut at = 0;
            let next = || {
                let range = next_lines(text.as_bytes(), at, lines);
                at = range.end;
                (!range.is_empty()).then(|| &text[range])
            };
            std::iter::from_fn(next).collect()
        };
        assert_eq!(cut("", 2), [""; 0]);
        assert_eq!(cut("a\nb\nc", 2), ["a\nb\n", "c"]);
        assert_eq!(cut("\n\n\n", 1), ["\n", "\n", "\n"]);
        assert_eq!(cut("a", 9), ["a"]);
    }
}
