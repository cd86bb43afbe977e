//! Authorities: compared lower-case, without the default port of the service's scheme.

/// The scheme of a service's audience: it decides which port goes without saying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Port 80.
    Http,
    /// Port 443.
    Https,
}

impl Scheme {
    /// The scheme of an absolute URL; `https` where it has another.
    pub fn of(url: &str) -> Self {
        if url.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("http://")) { Self::Http } else { Self::Https }
    }
}

/// The one form of an authority, or `None` where it has bytes that no host and port are made of.
// spec: RQ-15
pub(crate) fn normalise(authority: &str, scheme: Scheme) -> Option<String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':' | b'[' | b']');
    if authority.is_empty() || !authority.bytes().all(allowed) {
        return None;
    }
    let mut authority = authority.to_ascii_lowercase();
    let port = match scheme {
        Scheme::Http => ":80",
        Scheme::Https => ":443",
    };
    if let Some(len) = authority.strip_suffix(port).map(str::len) {
        authority.truncate(len);
    }
    if authority.is_empty() { None } else { Some(authority) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_the_default_port_of_its_own_scheme_alone() {
        assert_eq!(normalise("Calendar.Example.com:443", Scheme::Https).as_deref(), Some("calendar.example.com"));
        assert_eq!(normalise("a:80", Scheme::Http).as_deref(), Some("a"));
        assert_eq!(normalise("a:80", Scheme::Https).as_deref(), Some("a:80"));
        assert_eq!(normalise("[::1]:8443", Scheme::Https).as_deref(), Some("[::1]:8443"));
        for bad in ["", ":443", "a@b", "a b", "a,b", "a_b", "a%41", "\u{e4}", "a/b"] {
            assert_eq!(normalise(bad, Scheme::Https), None, "{bad:?}");
        }
    }
}
