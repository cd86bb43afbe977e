//! What an argument that is a URL or a path tells (`spec/checks.md`, CK-38, CK-39).

/// The host of an absolute http or https URL, in lower case. `None` where two parsers could find two hosts.
// spec: CK-38
pub(super) fn url_host(url: &str) -> Option<String> {
    if !url.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && byte != b'\\') {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = match authority.strip_prefix('[') {
        Some(literal) => {
            let (inner, behind) = literal.split_once(']')?;
            let plain = inner.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
            if inner.is_empty() || !plain {
                return None;
            }
            (["[", inner, "]"].concat(), if behind.is_empty() { "" } else { behind.strip_prefix(':')? })
        }
        None => {
            let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
            if !is_name(host) {
                return None;
            }
            (host.to_owned(), port)
        }
    };
    let in_range = port.is_empty() || port.parse::<u16>().is_ok();
    if port.len() > 5 || !port.bytes().all(|byte| byte.is_ascii_digit()) || !in_range {
        return None;
    }
    Some(host.to_ascii_lowercase())
}

/// Labels, or four numbers.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if host.len() > 253 || !host.split('.').all(label) {
        return false;
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.to_ascii_lowercase().starts_with("0x");
    if !number {
        return true;
    }
    let part = |part: &str| {
        (part == "0" || !part.starts_with('0'))
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse::<u8>().is_ok()
    };
    host.split('.').count() == 4 && host.split('.').all(part)
}

/// A path that means the same to everybody, as it is.
// spec: CK-39
pub(super) fn path_of(path: &str) -> Option<&str> {
    let lower = path.to_ascii_lowercase();
    let hidden = ["%2f", "%5c", "%00"].iter().any(|escape| lower.contains(escape));
    if path.is_empty() || hidden || path.bytes().any(|byte| byte < 0x20 || byte == 0x7f || byte == b'\\') {
        return None;
    }
    let last = lower.split('/').count().saturating_sub(1);
    for (index, segment) in lower.split('/').enumerate() {
        let dots = segment.replace("%2e", ".");
        if dots == "." || dots == ".." || segment.is_empty() && index != 0 && index != last {
            return None;
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: CK-38
    #[test]
    fn finds_the_one_host_of_a_url() {
        let long = ["https://", &["a"; 127].join("."), "/"].concat();
        for (url, host) in [
            ("https://Example.com", "example.com"),
            ("HTTP://example.com:8080/a?b#c", "example.com"),
            ("https://example.com:", "example.com"),
            ("https://example.com?x=@y", "example.com"),
            ("https://example.com#@evil.example", "example.com"),
            ("https://example.com/@evil.example", "example.com"),
            ("https://127.0.0.1/", "127.0.0.1"),
            ("https://[::1]:443/", "[::1]"),
            ("https://a_b.example", "a_b.example"),
            ("https://1.example", "1.example"),
            (&long, long[8..261].into()),
        ] {
            assert_eq!(url_host(url).as_deref(), Some(host), "{url}");
        }
    }

    // spec: CK-38
    #[test]
    fn finds_no_host_where_parsers_differ() {
        for url in [
            "",
            "example.com",
            "//example.com",
            "https:example.com",
            "https:/example.com",
            "https://",
            "https:///x",
            "ftp://example.com",
            " https://example.com",
            "https://example.com ",
            "https://example.com\\@evil.example",
            "https://user@example.com",
            "https://example.com:80@evil.example",
            "https://example.com.",
            "https://.example.com",
            "https://a..b",
            "https://exa%6dple.com",
            "https://example.com:99999",
            "https://example.com:000080",
            "https://example.com:8a",
            "https://exämple.com",
            "https://[::1",
            "https://[]/",
            "https://[::1]x",
            "https://[fe80::1%25eth0]/",
            "https://2130706433",
            "https://0x7f000001",
            "https://127.1",
            "https://0177.0.0.1",
            "https://127.0.0.256",
            "https://1.2.3.4.5",
            "https://a.0x1",
            "https://a.1",
            "https://a b",
            "https://a\tb",
        ] {
            assert_eq!(url_host(url), None, "{url}");
        }
        assert_eq!(url_host(&["https://", &["a"; 128].join(".")].concat()), None);
        assert_eq!(url_host(&["https://", &"a".repeat(64), ".example"].concat()), None);
    }

    // spec: CK-39
    #[test]
    fn takes_paths_that_mean_one_thing() {
        for path in ["/", "/a", "/a/", "a", "a/b/", "/a%20b", "/...", "/a.b", "/.a", "/ä", "/%2e%2e%2e", "/%252e"] {
            assert_eq!(path_of(path), Some(path), "{path}");
        }
        for path in [
            "", "//", "/a//b", "//a", "a//", "/.", "/..", "/a/../b", ".", "./a", "/%2e", "/%2E./a", "/.%2e/a", "/a\\b",
            "/a%5cb", "/a%2fb", "/a%2Fb", "/a%00", "/a\u{1}", "/a\u{7f}", "/a\n",
        ] {
            assert_eq!(path_of(path), None, "{path}");
        }
    }
}
