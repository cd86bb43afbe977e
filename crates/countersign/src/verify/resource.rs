//! The resource grammar, and what a location covers (`spec/verify.md`, Resource grammar, Right).

/// Whether `location` covers `resource`: itself and all beneath it, by whole segments.
// spec: VF-29
pub fn covers(location: &str, resource: &str) -> bool {
    let Some(rest) = resource.strip_prefix(location) else { return false };
    !location.is_empty() && (location.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}

/// Whether a resource, or a request path, is in the one form that everybody reads alike.
// spec: VF-25
pub fn is_valid_resource(resource: &str) -> bool {
    let segments = resource.strip_prefix('/').unwrap_or(resource);
    if segments.is_empty() {
        return resource == "/";
    }
    let segments = segments.strip_suffix('/').unwrap_or(segments);
    segments.split('/').all(is_valid_segment)
}

fn is_valid_segment(segment: &str) -> bool {
    // spec: VF-26
    if segment.is_empty() || segment == "." || segment == ".." {
        return false;
    }
    if segment.bytes().all(is_plain) {
        return true;
    }
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if is_plain(byte) {
            decoded.push(byte);
            continue;
        }
        let (b'%', Some(high), Some(low)) = (byte, bytes.next().and_then(upper_hex), bytes.next().and_then(upper_hex))
        else {
            return false;
        };
        let byte = high << 4 | low;
        // spec: VF-27
        if is_plain(byte) {
            return false;
        }
        decoded.push(byte);
    }
    // spec: VF-28
    let refused = |c: char| c.is_control() || matches!(c, '%' | '/' | '\\' | ';');
    core::str::from_utf8(&decoded).is_ok_and(|text| !text.contains(refused))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte)
}

fn upper_hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'A'..=b'F' => Some(byte.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_by_whole_segments() {
        for (location, resource, expected) in [
            ("/project/docs", "/project/docs", true),
            ("/project/docs", "/project/docs/", true),
            ("/project/docs", "/project/docs/a.md", true),
            ("/project/docs", "/project/docs-old", false),
            ("/project/docs", "/project", false),
            ("/project/docs/", "/project/docs", false),
            ("/project/docs/", "/project/docs/a.md", true),
            ("/", "/anything", true),
            ("", "/anything", false),
            ("name", "name/below", true),
        ] {
            assert_eq!(covers(location, resource), expected, "{location} {resource}");
        }
    }

    #[test]
    fn knows_the_grammar() {
        for good in ["/", "/a", "/a/", "a/b", "/a%20b", "/%C3%BC", "/a-._~!$&'()*+,=:@", "/..a", "/...", "/%22"] {
            assert!(is_valid_resource(good), "{good}");
        }
        for bad in [
            "", "//", "/a//b", "a//", "/.", "/..", "/a/../b", "/a/./b", "/a%2Fb", "/%2e", "/%2E", "/%73", "/%40",
            "/a%2fb", "/%", "/%2", "/%zz", "/a;b", "/%3B", "/a\\b", "/%5C", "/%25", "/%00", "/%1F", "/%7F", "/%C2%80",
            "/%FF", "/a b", "/\u{fc}", "/a?b", "/a#b", "/a[b", "/a|b", "/a\"b",
        ] {
            assert!(!is_valid_resource(bad), "{bad}");
        }
    }
}
