//! FNV-1a with 64 bits (Fowler, Noll, Vo; <http://www.isthe.com/chongo/tech/comp/fnv/>): the same on every machine, in every version, and while
//! compiling. It tells what differs by accident, and keeps no secret.

/// A hash under way.
///
/// ```
/// use tollgate_runtime::fnv::Fnv;
/// const HASH: u64 = Fnv::new().bytes(b"foo").bytes(b"bar").get();
/// assert_eq!(HASH, 0x8594_4171_f739_67e8);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Fnv(u64);

impl Fnv {
    /// The hash of nothing.
    #[allow(
        clippy::new_without_default,
        reason = "it is made while compiling, too"
    )]
    pub const fn new() -> Fnv {
        Fnv::seeded(0)
    }

    /// The hash of nothing that begins elsewhere for each seed.
    pub const fn seeded(seed: u64) -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325 ^ seed)
    }

    /// With a byte more.
    pub const fn byte(self, byte: u8) -> Fnv {
        Fnv((self.0 ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3))
    }

    /// With bytes more: as if each was given by itself.
    pub const fn bytes(mut self, mut bytes: &[u8]) -> Fnv {
        while let [byte, rest @ ..] = bytes {
            self = self.byte(*byte);
            bytes = rest;
        }
        self
    }

    /// The hash of what was given.
    pub const fn get(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors that its authors publish.
    #[test]
    fn hashes_are_those_of_its_authors() {
        let published: [(&[u8], u64); 4] = [
            (b"", 0xcbf2_9ce4_8422_2325),
            (b"a", 0xaf63_dc4c_8601_ec8c),
            (b"foobar", 0x8594_4171_f739_67e8),
            (b"chongo was here!\n", 0x4681_0940_eff5_f915),
        ];
        for (bytes, hash) in published {
            assert_eq!(Fnv::new().bytes(bytes).get(), hash, "{bytes:?}");
        }
    }
}
