//! Where a token may be sent: scheme, host and port (RFC 6454), nothing less.

use http::Uri;
use http::uri::Scheme;

/// An origin. Two are equal where a browser would call them the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    https: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// Of an absolute `http` or `https` URL without user information.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let port = match authority.port_u16() {
            Some(port) => port,
            // A port that is no number is none of ours to guess.
            None if authority.port().is_some() || authority.as_str().ends_with(':') => return None,
            None => {
                if https {
                    443
                } else {
                    80
                }
            }
        };
        let host = authority.host().to_ascii_lowercase();
        (!host.is_empty()).then_some(Self { https, host, port })
    }

    /// Of a URL's text.
    pub(crate) fn of_text(url: &str) -> Option<Self> {
        url.parse().ok().as_ref().and_then(Self::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_host_and_port_make_an_origin() {
        let calendar = Origin::of_text("https://calendar.example.com");
        assert!(calendar.is_some());
        for same in ["https://Calendar.Example.com/a?b", "HTTPS://calendar.example.com:443/"] {
            assert_eq!(Origin::of_text(same), calendar, "{same}");
        }
        for other in [
            "http://calendar.example.com",
            "http://calendar.example.com:443",
            "https://calendar.example.com:8443",
            "https://calendar.example.com.evil.example",
            "https://example.com",
            "https://[::1]",
        ] {
            let other = Origin::of_text(other);
            assert!(other.is_some() && other != calendar);
        }
    }

    #[test]
    fn what_is_no_plain_origin_is_none() {
        for bad in [
            "",
            "/path",
            "calendar.example.com",
            "ftp://calendar.example.com",
            "https://user@calendar.example.com",
            "https://calendar.example.com@evil.example",
            "https://calendar.example.com:",
            "urn:x:y",
        ] {
            assert_eq!(Origin::of_text(bad), None, "{bad:?}");
        }
    }
}
