//! Where: locations, origins and resources (`spec/rar.md`, Locations, Resource).

use core::net::{Ipv4Addr, Ipv6Addr};

use super::MAX_STRING;
use super::error::{ErrorKind, RarError};
use crate::verify::{covers, is_valid_resource};

/// One of a detail's `locations`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Location {
    text: String,
    /// Where the path of a URL begins; 0 for a location that is none.
    path: usize,
}

impl Location {
    // spec: RA-14, RA-15, RA-16
    pub(super) fn parse(text: &str) -> Option<Self> {
        let path = split(text).map_or(0, |(origin, _)| origin.len());
        let location = Self { text: text.to_owned(), path };
        let right = location.right();
        (right.len() <= MAX_STRING && is_valid_resource(right)).then_some(location)
    }

    /// A right's location, at the service where it holds: a URL where that is said without loss.
    // spec: RA-26, RA-27
    pub(super) fn of_right(right: &str, origin: Option<&str>) -> Option<Self> {
        // What looks like a URL is no resource, so no right is taken for one.
        if is_valid_resource(right) { Self::parse(&[origin.unwrap_or_default(), right].concat()) } else { None }
    }

    /// What a right says: the path of a URL, all of anything else.
    pub(super) fn right(&self) -> &str {
        self.text.get(self.path..).unwrap_or_default()
    }

    /// The origin of a URL.
    pub(super) fn origin(&self) -> Option<&str> {
        self.text.get(..self.path).filter(|origin| !origin.is_empty())
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// The one service that is asked for: an RFC 8707 resource identifier in its one form, an absolute `https` or `http` URL
/// in lower case up to its path, without user, default port, query and fragment.
///
/// ```
/// use countersign::rar::Resource;
///
/// assert_eq!(Resource::parse("https://calendar.example.com")?.as_str(), "https://calendar.example.com");
/// assert!(Resource::parse("https://calendar.example.com:443").is_err());
/// # Ok::<(), countersign::rar::RarError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    text: String,
    path: usize,
}

impl Resource {
    /// Holds a text to the form.
    // spec: RA-17
    pub fn parse(text: &str) -> Result<Self, RarError> {
        let (origin, path) = split(text).ok_or(RarError::of(ErrorKind::Resource))?;
        let fits = text.len() <= MAX_STRING && (path.is_empty() || is_valid_resource(path));
        if fits {
            Ok(Self { text: text.to_owned(), path: origin.len() })
        } else {
            Err(RarError::of(ErrorKind::Resource))
        }
    }

    /// The resource as it was written: the audience of its tokens.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a URL is at this resource: at its origin, and covered by its path.
    // spec: RA-18
    pub(super) fn has(&self, location: &Location) -> bool {
        let Some((origin, path)) = self.text.split_at_checked(self.path) else { return false };
        let path = if path.is_empty() { "/" } else { path };
        location.origin().is_none_or(|at| at == origin && covers(path, location.right()))
    }
}

/// The text, where it is an origin and nothing else.
pub(super) fn as_origin(text: &str) -> Option<&str> {
    split(text).filter(|(_, path)| path.is_empty()).map(|(origin, _)| origin)
}

/// Splits an absolute URL behind its origin, which has to be in its one form; what follows is empty or begins with `/`.
// spec: RA-14
fn split(text: &str) -> Option<(&str, &str)> {
    let (authority, default) = match text.strip_prefix("https://") {
        Some(rest) => (rest, 443),
        None => (text.strip_prefix("http://")?, 80),
    };
    let end = authority.find('/').unwrap_or(authority.len());
    let (authority, path) = authority.split_at_checked(end)?;
    // Behind the bracket of an IPv6 address, or the first colon of all else, stands a port or nothing.
    let host_end = match authority.find(']') {
        Some(bracket) => bracket.checked_add(1)?,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(host_end)?;
    if !port.is_empty() && !is_port(port.strip_prefix(':')?, default) {
        return None;
    }
    if !is_host(host) {
        return None;
    }
    let (origin, _) = text.split_at_checked(text.len().checked_sub(path.len())?)?;
    Some((origin, path))
}

fn is_port(text: &str, default: u16) -> bool {
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    digits && text.parse::<u16>().is_ok_and(|port| port != default)
}

/// A name in lower case, or an address in the one form of its kind: others are read as another host by some.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address);
    }
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if host.len() > 253 || !host.split('.').all(label) {
        return false;
    }
    // Browsers read a name that ends in a number as an IPv4 address, in any of the forms of inet_aton.
    let last = host.rsplit('.').next().unwrap_or_default();
    let number = |digits: &str, hex: bool| digits.bytes().all(|b| b.is_ascii_digit() || (hex && b.is_ascii_hexdigit()));
    let numeric = number(last, false) || last.strip_prefix("0x").is_some_and(|digits| number(digits, true));
    !numeric || host.parse::<Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: RA-14
    #[test]
    fn an_origin_has_one_form() {
        for good in [
            "https://calendar.example.com",
            "https://a",
            "http://127.0.0.1:8600",
            "https://a.example:8443",
            "https://a.example:80",
            "http://a.example:443",
            "http://[::1]:8600",
            "https://[2001:db8::1]",
            "https://xn--bcher-kva.example",
            "https://1.example",
        ] {
            assert_eq!(as_origin(good), Some(good));
            assert_eq!(Location::parse(&format!("{good}/a")).unwrap().origin(), Some(good));
            assert!(Location::parse(good).is_none(), "{good}: no location is assumed");
        }
        for bad in [
            "https://",
            "https:///",
            "HTTPS://a",
            "Https://a",
            "https://A",
            "https://a.Example",
            "https://a:443",
            "http://a:80",
            "https://a:",
            "https://a:0",
            "https://a:080",
            "https://a:65536",
            "https://a:+1",
            "https://a:1:1",
            "https://u@a",
            "https://u:p@a",
            "https://a@b",
            "https://a.",
            "https://.a",
            "https://a..b",
            "https://a_b",
            "https://a b",
            "https://a%41",
            "https://ü",
            "https://[::1",
            "https://::1",
            "https://[::1]a",
            "https://[::1]:443",
            "https://[0:0::1]",
            "https://[::A]",
            "https://[fe80::1%25eth0]",
            "https://1",
            "https://127.1",
            "https://0x7f.1",
            "https://127.0.0.01",
            "https://a.0x1",
            "https://1.2.3.4.5",
            "ftp://a",
            "//a",
            "a",
            "https:/a",
            "https://a\\b",
            "https://a?b",
            "https://a#b",
        ] {
            assert_eq!(as_origin(bad), None, "{bad}");
            assert!(Location::parse(&format!("{bad}/b")).is_none_or(|at| at.origin().is_none()), "{bad}");
            assert!(Resource::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_url_is_a_path_or_a_name() {
        for (text, right) in [
            ("/calendars", "/calendars"),
            ("/", "/"),
            ("/a/", "/a/"),
            ("server/tool", "server/tool"),
            ("mailto:alice@example.com", "mailto:alice@example.com"),
            ("https://a.example/", "/"),
            ("https://a.example/b/%20/", "/b/%20/"),
        ] {
            assert_eq!(Location::parse(text).unwrap().right(), right);
        }
        for bad in
            ["", "//a", "/a//b", "/a?b", "/a#b", "https://a/b?c", "https://a/b#c", "https://a/b//c", "/%2e", "/a b"]
        {
            assert!(Location::parse(bad).is_none(), "{bad}");
        }
        let long = |len| format!("https://a.example/{}", "a".repeat(len));
        assert!(Location::parse(&long(1_023)).is_some() && Location::parse(&long(1_024)).is_none());
    }
}
