//! Addresses and networks.
//!
//! Both families live in one 128-bit space: an IPv4 address *is* its IPv4-mapped IPv6 address
//! (RFC 4291 §2.5.5.2), so that a rule about `10.0.0.0/8` cannot be walked around with `::ffff:10.0.0.1`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// An address of either family, in network order; IPv4 is kept as `::ffff:a.b.c.d` and written as `a.b.c.d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(transparent)]
pub struct Ip(pub [u8; 16]);

/// A network: an address whose host bits are zero, and how many leading bits count (0 ..= 128).
///
/// Native code reads the address first and then the bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(Ip, u8)", into = "(Ip, u8)")]
#[repr(C)]
pub struct Cidr {
    base: Ip,
    bits: u8,
}

impl Ip {
    /// `::`
    pub const UNSPECIFIED: Ip = Ip([0; 16]);

    /// The address as a number, for comparisons of ranges.
    #[inline]
    pub fn bits(self) -> u128 {
        u128::from_be_bytes(self.0)
    }

    /// The address in the standard library's type, IPv4 unfolded.
    pub fn addr(self) -> IpAddr {
        let v6 = Ipv6Addr::from(self.0);
        v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4)
    }
}

impl Cidr {
    /// The network of every address.
    pub const ALL: Cidr = Cidr {
        base: Ip::UNSPECIFIED,
        bits: 0,
    };

    /// A network of the `bits` leading bits of `ip` (at most 128, counted in the 128-bit space).
    pub fn new(ip: Ip, bits: u8) -> Cidr {
        let bits = bits.min(128);
        let mask = if bits == 0 {
            0
        } else {
            u128::MAX << (128 - u32::from(bits))
        };
        Cidr {
            base: Ip((ip.bits() & mask).to_be_bytes()),
            bits,
        }
    }

    /// The first address.
    pub fn base(self) -> Ip {
        self.base
    }

    /// How many leading bits count, in the 128-bit space.
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// Whether the address lies in the network.
    #[inline]
    pub fn has(self, ip: Ip) -> bool {
        self.bits == 0 || (self.base.bits() ^ ip.bits()) >> (128 - u32::from(self.bits)) == 0
    }
}

impl From<IpAddr> for Ip {
    #[inline]
    fn from(addr: IpAddr) -> Ip {
        // As one number: byte by byte it takes ten times as long.
        let bits = match addr {
            IpAddr::V4(v4) => 0xffff_0000_0000 | u128::from(v4.to_bits()),
            IpAddr::V6(v6) => v6.to_bits(),
        };
        Ip(bits.to_be_bytes())
    }
}

/// What is wrong with the text of an address or network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetError(String);

/// As [`Cidr::new`], so that a network that was read is one.
impl From<(Ip, u8)> for Cidr {
    fn from((ip, bits): (Ip, u8)) -> Cidr {
        Cidr::new(ip, bits)
    }
}

impl From<Cidr> for (Ip, u8) {
    fn from(cidr: Cidr) -> (Ip, u8) {
        (cidr.base, cidr.bits)
    }
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NetError {}

impl FromStr for Ip {
    type Err = NetError;

    fn from_str(text: &str) -> Result<Ip, NetError> {
        match IpAddr::from_str(text) {
            Ok(addr) => Ok(addr.into()),
            Err(_) => Err(NetError("not an IPv4 or IPv6 address".into())),
        }
    }
}

impl FromStr for Cidr {
    type Err = NetError;

    /// `10.0.0.0/8`, `2001:db8::/32`. Host bits must be zero: `10.0.0.1/8` is more likely a mistake than a wish.
    fn from_str(text: &str) -> Result<Cidr, NetError> {
        let net = IpNet::from_str(text)
            .map_err(|_| NetError("not a network such as 10.0.0.0/8".into()))?;
        if net.addr() != net.network() {
            return Err(NetError(format!(
                "host bits are set; the network is {}",
                net.trunc()
            )));
        }
        let bits = match net {
            IpNet::V4(v4) => v4.prefix_len() + 96,
            IpNet::V6(v6) => v6.prefix_len(),
        };
        Ok(Cidr::new(net.addr().into(), bits))
    }
}

impl fmt::Display for Ip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.addr())
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.base.addr() {
            IpAddr::V4(v4) if self.bits >= 96 => write!(f, "{v4}/{}", self.bits - 96),
            _ => write!(f, "{}/{}", Ipv6Addr::from(self.base.0), self.bits),
        }
    }
}

impl fmt::Debug for Ip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_its_ipv4_address() {
        let net: Cidr = "10.0.0.0/8".parse().unwrap();
        assert!(net.has("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!net.has("11.0.0.0".parse().unwrap()));
        assert_eq!(
            "::ffff:10.1.2.3".parse::<Ip>().unwrap().to_string(),
            "10.1.2.3"
        );
        assert_eq!(net.to_string(), "10.0.0.0/8");
    }

    #[test]
    fn host_bits_are_refused_with_the_network_meant() {
        let error = "10.20.0.1/16".parse::<Cidr>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "host bits are set; the network is 10.20.0.0/16"
        );
    }
}
