//! Which addresses a fetch may go to: without it, whoever controls a name, or the DNS answer for it, would have the service
//! ask inside its own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// Those of the public Internet.
    Public,
    /// All but those that are no single host's.
    Any,
    /// Those of this computer.
    Loopback,
}

impl Guard {
    pub(super) fn permits(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Self::Public => is_public(address),
            Self::Any => !address.is_unspecified() && !address.is_multicast() && address != Ipv4Addr::BROADCAST,
            Self::Loopback => address.is_loopback(),
        }
    }
}

/// Whether an address is one of the public Internet, by the IANA registries of special-purpose addresses and a little more
/// cautious than they are.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = matches!(
        address.octets(),
        // This network; private; shared (RFC 6598); loopback; link-local, with the metadata services of clouds.
        [0 | 10 | 127, ..] | [100, 64..=127, ..] | [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..]
            // Protocol assignments; documentation; relays of 6to4; benchmarks.
            | [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] | [198, 18 | 19, ..]
            // Multicast, reserved, broadcast.
            | [224..=255, ..]
            // What machines in Azure reach their host by.
            | [168, 63, 129, 16]
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let ([h0, h1], [l0, l1]) = (high.to_be_bytes(), low.to_be_bytes());
    let embedded = Ipv4Addr::new(h0, h1, l0, l1);
    match [a, b, c, d, e, f] {
        // IPv4-mapped; NAT64 with the well-known prefix.
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => is_public_v4(embedded),
        // Protocol assignments with Teredo; documentation; 6to4, which has an IPv4 address in it; documentation.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        // Of the rest, only what is assigned for unicast: neither loopback nor local nor multicast nor another NAT64 prefix.
        [first, ..] => matches!(first, 0x2000..=0x3fff),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    const PUBLIC: [&str; 18] = [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "::ffff:1.1.1.1",
        "64:ff9b::1.1.1.1",
    ];

    const SPECIAL: [&str; 62] = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.0.0",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:100.64.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b::192.168.1.1",
        "64:ff9b:1::1.1.1.1",
        "64:ff9b:1:2::1",
        "100::1",
        "2001::1",
        "2001:10::1",
        "2001:20::1",
        "2001:1ff:ffff::1",
        "2001:db8::1",
        "2001:db8:ffff::1",
        "2002:7f00:1::1",
        "2002:a00:1::1",
        "2002:c0a8:101::1",
        "2002:101:101::1",
        "3fff::1",
        "3fff:fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ];

    #[test]
    fn tells_public_addresses_from_special_ones() {
        for address in PUBLIC {
            assert!(Guard::Public.permits(ip(address)), "{address}");
        }
        for address in SPECIAL {
            assert!(!Guard::Public.permits(ip(address)), "{address}");
        }
        // The neighbours of what is refused are not.
        for address in ["2001:200::1", "2001:db7::1", "2001:db9::1", "2003::1", "3fff:1000::1", "2000::1", "2a00::1"] {
            assert!(Guard::Public.permits(ip(address)), "{address}");
        }
    }

    #[test]
    fn permits_private_addresses_and_loopback_by_name_only() {
        for address in ["10.0.0.1", "127.0.0.1", "::1", "fd00::1", "1.1.1.1"] {
            assert!(Guard::Any.permits(ip(address)), "{address}");
        }
        for address in ["0.0.0.0", "::", "::ffff:0.0.0.0", "224.0.0.1", "ff02::1", "255.255.255.255"] {
            assert!(!Guard::Any.permits(ip(address)), "{address}");
        }
        for (address, loopback) in [("127.0.0.1", true), ("::1", true), ("10.0.0.1", false), ("1.1.1.1", false)] {
            assert_eq!(Guard::Loopback.permits(ip(address)), loopback, "{address}");
        }
    }
}
