//! The memory that code lies in: written first, executed then, never both.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use inkwell::memory_manager::McjitMemoryManager;
use memmap2::{Mmap, MmapMut};
use tollgate_backend_api::CompileError;

/// Memory is had in pieces of so many bytes, on most machines.
const PAGE: usize = 4096;

/// Sections of code and of what it reads, while LLVM writes them. LLVM's engine and we hold it together until the engine is gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writable(Rc<RefCell<Sections>>);

#[derive(Debug, Default)]
struct Sections {
    code: Vec<MmapMut>,
    data: Vec<MmapMut>,
}

/// Sections that can be run and read, and not written.
#[derive(Debug)]
pub(crate) struct Executable {
    code: Vec<Mmap>,
    data: Vec<Mmap>,
}

impl Writable {
    /// Makes code executable and takes away that it can be written. LLVM must be done with it.
    pub(crate) fn finish(self) -> Result<Executable, CompileError> {
        let failed = |why: io::Error| {
            CompileError::new(format!("memory for native code cannot be had: {why}"))
        };
        let sections = self.0.take();
        let all = |sections: Vec<MmapMut>, finish: fn(MmapMut) -> io::Result<Mmap>| {
            let finished = sections.into_iter().map(finish);
            finished.collect::<Result<Vec<Mmap>, _>>()
        };
        Ok(Executable {
            code: all(sections.code, MmapMut::make_exec).map_err(failed)?,
            data: all(sections.data, MmapMut::make_read_only).map_err(failed)?,
        })
    }
}

impl Executable {
    /// Bytes of memory held.
    pub(crate) fn bytes(&self) -> usize {
        self.code
            .iter()
            .chain(&self.data)
            .map(|map| map.len())
            .sum()
    }

    /// Where the code that an address lies in ends, unless the address lies in none.
    pub(crate) fn end_of(&self, address: usize) -> Option<usize> {
        let ranges = self.code.iter().map(|map| map.as_ptr_range());
        let mut ranges = ranges.map(|range| range.start.addr()..range.end.addr());
        ranges
            .find(|range| range.contains(&address))
            .map(|range| range.end)
    }
}

impl Sections {
    /// Memory of its own for a section: pages, so aligned for everything.
    fn allocate(&mut self, bytes: usize, is_code: bool) -> *mut u8 {
        let bytes = bytes.max(1).next_multiple_of(PAGE);
        let Ok(mut map) = MmapMut::map_anon(bytes) else {
            // LLVM stops the process when it is given nothing, as Rust does when there is no memory left.
            return std::ptr::null_mut();
        };
        let at = map.as_mut_ptr();
        match is_code {
            true => self.code.push(map),
            false => self.data.push(map),
        }
        at
    }
}

impl McjitMemoryManager for Writable {
    fn allocate_code_section(&mut self, size: usize, _: u32, _: u32, _: &str) -> *mut u8 {
        self.0.borrow_mut().allocate(size, true)
    }

    fn allocate_data_section(&mut self, size: usize, _: u32, _: u32, _: &str, _: bool) -> *mut u8 {
        self.0.borrow_mut().allocate(size, false)
    }

    /// Nothing yet: [`Writable::finish`] protects the memory once the engine is gone.
    fn finalize_memory(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn destroy(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel says of the pages at an address.
    #[cfg(target_os = "linux")]
    fn rights(address: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| {
            let (range, _) = line.split_once(' ').unwrap();
            let (from, to) = range.split_once('-').unwrap();
            let number = |text| usize::from_str_radix(text, 16).unwrap();
            (number(from)..number(to)).contains(&address)
        });
        let line = line.unwrap_or_else(|| panic!("nothing at {address:x}"));
        line.split(' ').nth(1).unwrap().to_owned()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn nothing_is_writable_and_executable() {
        let mut writable = Writable::default();
        let code = writable.allocate_code_section(5000, 16, 0, ".text").addr();
        let data = writable
            .allocate_data_section(10, 8, 1, ".rodata", true)
            .addr();
        assert_eq!((&*rights(code), &*rights(data)), ("rw-p", "rw-p"));
        let executable = writable.finish().unwrap();
        assert_eq!((&*rights(code), &*rights(data)), ("r-xp", "r--p"));
        assert_eq!(executable.bytes(), 3 * PAGE);
        assert_eq!(executable.end_of(code + 4999), Some(code + 2 * PAGE));
        assert_eq!(executable.end_of(data), None);
    }
}
