//! Natives of `std.net`: addresses, networks, hosts and paths.

use std::net::IpAddr;

use tollgate_runtime::kinds::net;
use tollgate_runtime::natives;

natives! {
    module "std.net";

    /// Whether the address is one of IPv4; an IPv4-mapped IPv6 address is.
    #[example(r#"is_ipv4(ip"::ffff:10.0.0.1")"# => "true")]
    fn is_ipv4(address: Ip) -> Bool, cost 1, class Opaque {
        address.addr().is_ipv4()
    }

    /// Whether the address is one of IPv6.
    #[example(r#"is_ipv6(ip"2001:db8::1")"# => "true")]
    fn is_ipv6(address: Ip) -> Bool, cost 1, class Opaque {
        address.addr().is_ipv6()
    }

    /// The network an address lies in, as wide as asked for its family: what to count by when single addresses are cheap to change.
    #[example(r#"network_of(ip"10.1.2.3", 24, 56) == ip"10.1.2.0/24""# => "true")]
    #[example(r#"network_of(ip"2001:db8::1", 24, 32) == ip"2001:db8::/32""# => "true")]
    fn network_of(address: Ip, v4_bits: Int<0, 32>, v6_bits: Int<0, 128>) -> Cidr, cost 2, class Opaque {
        let bits = match address.addr() {
            IpAddr::V4(_) => v4_bits.clamp(0, 32) + 96,
            IpAddr::V6(_) => v6_bits.clamp(0, 128),
        };
        net::Cidr::new(address, u8::try_from(bits).unwrap_or(128))
    }

    /// The first address of a network.
    #[example(r#"first_address(ip"10.0.0.0/8") == ip"10.0.0.0""# => "true")]
    fn first_address(network: Cidr) -> Ip, cost 1, class Opaque {
        network.base()
    }

    /// The text of an address.
    #[example(r#"text_of_ip(ip"2001:DB8:0::1")"# => r#""2001:db8::1""#)]
    fn [cx] text_of_ip(address: Ip) -> Str<45>, cost 4, class Opaque {
        cx.arena.text(format_args!("{address}"))
    }

    /// The text of a network; a key counts by it.
    #[example(r#"text_of_cidr(ip"10.0.0.0/8")"# => r#""10.0.0.0/8""#)]
    fn [cx] text_of_cidr(network: Cidr) -> Str<49>, cost 4, class Opaque {
        cx.arena.text(format_args!("{network}"))
    }

    /// The address a text holds; `none` when it is none.
    #[example(r#"to_ip("10.0.0.1") is none"# => "false")]
    fn to_ip(s: Text) -> Opt<Ip>, cost 4, class Opaque {
        s.parse().ok()
    }

    /// The text of a path: decoded, as rules see it, not as it is forwarded.
    #[example(r#"text_of_path(p"/a/b")"# => r#""/a/b""#)]
    fn text_of_path(path: Path) -> Str<8192>, cost 1, class Opaque {
        path
    }

    /// The path percent-encoded, as it is forwarded.
    #[example(r#"encoded_path(p"/a/b")"# => r#""/a/b""#)]
    fn [cx] encoded_path(path: Path) -> Str<24_576>, cost 64, class Opaque {
        cx.arena.text_with(|out| tollgate_runtime::kinds::path::encode(out, path))
    }

    /// Segment `i` of a path, the first being 0; `none` past the end. The empty text behind a final slash is a segment.
    #[example(r#"segment(p"/v2/carts/7", 1) ?? """# => r#""carts""#)]
    #[example(r#"segment(p"/v2", 1) is none"# => "true")]
    fn segment(path: Path, i: Int<0, 8192>) -> Opt<Str<8192>>, cost 16, class Opaque {
        path.strip_prefix('/')?.split('/').nth(usize::try_from(i).ok()?)
    }

    /// How many segments a path has; `/` has one, which is empty.
    #[example(r#"segment_count(p"/v2/carts/7")"# => "3")]
    fn segment_count(path: Path) -> Int<1, 8192>, cost 16, class Opaque {
        path.bytes().filter(|b| *b == b'/').count() as i64
    }

    /// The text of a host.
    #[example(r#"text_of_host(to_host("Shop.Example:80") ?? "none.invalid")"# => r#""shop.example""#)]
    fn text_of_host(host: Host) -> Str<253>, cost 1, class Opaque {
        host
    }

    /// The host a text holds, made canonical; `none` when it is none.
    #[example(r#"to_host("a b") is none"# => "true")]
    fn [cx] to_host(s: Text) -> Opt<Host>, cost 16, class Opaque {
        let policy = tollgate_runtime::schema::HostPolicy { idna: true };
        tollgate_runtime::kinds::host::canonical(s, &policy, cx.arena).ok()
    }
}
