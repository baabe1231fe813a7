//! JSON lines on their way in: read in blocks of whole lines, in constant memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::Result;

/// Bytes of the longest line that is read; a longer one is refused.
pub(crate) const LINE_MAX: usize = 16 * 1024 * 1024;
/// Bytes that are asked for at once. A block is what one reading gave, cut at the last end of a line, so that what comes slowly
/// through a pipe is not kept waiting for more.
const BLOCK: usize = 256 * 1024;

/// Whole lines of the input.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// Which block it is, counted from 0.
    pub(crate) index: u64,
    /// The number of its first line, counted from 1.
    pub(crate) first: u64,
    /// The lines, each but perhaps the last of the input with its end; the beginning of the line if it is too long.
    pub(crate) bytes: Vec<u8>,
    /// Whether this is one line, which is too long.
    pub(crate) too_long: bool,
    /// Bytes of the input that it accounts for.
    pub(crate) read: u64,
}

/// Cuts an input into blocks.
pub(crate) struct Blocks<R> {
    input: R,
    /// The beginning of a line whose end has not been read.
    rest: Vec<u8>,
    index: u64,
    line: u64,
    ended: bool,
}

/// Opens a file, or standard input for `-`.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    if path.is_dir() {
        return Err(format!(
            "{} is a folder; name a file of lines, or - for standard input",
            path.display()
        )
        .into());
    }
    let file = File::open(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    Ok(Box::new(file))
}

impl<R: Read> Blocks<R> {
    pub(crate) fn new(input: R) -> Blocks<R> {
        Blocks {
            input,
            rest: Vec::new(),
            index: 0,
            line: 1,
            ended: false,
        }
    }

    /// Reads the next block into `block`, whose memory is used again; false when there is none. Behind an error there is none.
    pub(crate) fn next(&mut self, block: &mut Block) -> io::Result<bool> {
        let read = self.read(block);
        if read.is_err() {
            block.bytes.clear();
            self.rest.clear();
            self.ended = true;
            self.number(block, 0, 0);
        }
        read
    }

    fn read(&mut self, block: &mut Block) -> io::Result<bool> {
        let bytes = &mut block.bytes;
        bytes.clear();
        bytes.append(&mut self.rest);
        block.too_long = false;
        let mut searched = 0;
        let end = loop {
            if let Some(at) = memchr::memrchr(b'\n', &bytes[searched..]) {
                break searched + at + 1;
            }
            if bytes.len() >= LINE_MAX {
                return self.too_long(block).map(|()| true);
            }
            searched = bytes.len();
            if self.ended || self.fill(bytes)? == 0 {
                break bytes.len();
            }
        };
        // A line that is too long may have ended in the same reading.
        if end > LINE_MAX && memchr::memchr(b'\n', &bytes[..LINE_MAX]).is_none() {
            return self.too_long(block).map(|()| true);
        }
        self.rest.extend_from_slice(&bytes[end..]);
        bytes.truncate(end);
        if end == 0 {
            return Ok(false);
        }
        let lines = memchr::memchr_iter(b'\n', bytes).count() as u64;
        self.number(block, lines, end as u64);
        Ok(true)
    }

    /// Cuts off the line at the beginning of the block. One whose beginning is blank counts as blank.
    fn too_long(&mut self, block: &mut Block) -> io::Result<()> {
        let bytes = &mut block.bytes;
        let mut read = LINE_MAX as u64;
        self.rest.extend_from_slice(&bytes[LINE_MAX..]);
        bytes.truncate(LINE_MAX);
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.rest) {
                read += at as u64 + 1;
                self.rest.drain(..=at);
                break;
            }
            read += self.rest.len() as u64;
            let mut more = std::mem::take(&mut self.rest);
            more.clear();
            let got = if self.ended { 0 } else { self.fill(&mut more)? };
            self.rest = more;
            if got == 0 {
                break;
            }
        }
        if block.bytes.trim_ascii().is_empty() {
            block.bytes.clear();
        } else {
            block.too_long = true;
        }
        self.number(block, 1, read);
        Ok(())
    }

    fn number(&mut self, block: &mut Block, lines: u64, read: u64) {
        block.index = self.index;
        block.first = self.line;
        block.read = read;
        self.index += 1;
        self.line += lines;
    }

    /// Reads once, behind what is there.
    fn fill(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        let old = bytes.len();
        bytes.resize(old + BLOCK, 0);
        loop {
            match self.input.read(&mut bytes[old..]) {
                Ok(got) => {
                    bytes.truncate(old + got);
                    self.ended |= got == 0;
                    return Ok(got);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    bytes.truncate(old);
                    return Err(error);
                }
            }
        }
    }
}

impl Block {
    /// The lines that are not blank, with their numbers, without the blanks around them.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mut rest = &self.bytes[..];
        let mut number = self.first;
        std::iter::from_fn(move || {
            loop {
                if rest.is_empty() {
                    return None;
                }
                let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                let line = rest[..end].trim_ascii();
                rest = rest.get(end + 1..).unwrap_or(&[]);
                number += 1;
                if !line.is_empty() {
                    return Some((number - 1, line));
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives at most so many bytes at once.
    struct Slow<'b>(&'b [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(to.len());
            let (now, later) = self.0.split_at(n);
            to[..n].copy_from_slice(now);
            self.0 = later;
            Ok(n)
        }
    }

    fn read(input: &[u8], step: usize) -> (Vec<(u64, Vec<u8>)>, u64) {
        let mut blocks = Blocks::new(Slow(input, step));
        let (mut block, mut lines, mut read, mut index) = (Block::default(), vec![], 0, 0);
        while blocks.next(&mut block).unwrap() {
            assert_eq!(block.index, index);
            index += 1;
            read += block.read;
            if block.too_long {
                lines.push((block.first, b"too long".to_vec()));
            } else {
                lines.extend(block.lines().map(|(n, line)| (n, line.to_vec())));
            }
        }
        (lines, read)
    }

    #[test]
    fn lines_are_whole_whatever_a_reading_gives() {
        let input = b"\n one \n\ntwo\r\n   \nthree and more";
        let expected: Vec<(u64, Vec<u8>)> = vec![
            (2, b"one".to_vec()),
            (4, b"two".to_vec()),
            (6, b"three and more".to_vec()),
        ];
        for step in 1..=input.len() {
            assert_eq!(read(input, step), (expected.clone(), input.len() as u64));
        }
        assert_eq!(read(b"", 8), (vec![], 0));
        assert_eq!(read(b"\n\n", 8), (vec![], 2));
    }

    #[test]
    fn a_line_is_too_long_at_one_size_wherever_it_stands() {
        for (len, long) in [
            (LINE_MAX - 1, false),
            (LINE_MAX, true),
            (LINE_MAX + 1, true),
        ] {
            for end in ["", "\nnext\n"] {
                let mut input = b"first\n".to_vec();
                input.resize(input.len() + len, b'x');
                input.extend_from_slice(end.as_bytes());
                for step in [100_000, usize::MAX] {
                    let (lines, bytes) = read(&input, step);
                    assert_eq!(bytes, input.len() as u64);
                    assert_eq!(lines[1].1 == b"too long", long, "{len}");
                    assert_eq!(lines.len(), if end.is_empty() { 2 } else { 3 });
                    assert_eq!(lines.last().unwrap().0, lines.len() as u64);
                }
            }
        }
    }
}
